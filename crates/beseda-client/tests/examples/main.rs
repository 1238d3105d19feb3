//! Every example of this crate, run as a program against a stand-in. `cargo test` builds them; `receive` is run by hand as its page says,
//! since it waits for a sender.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::{
    path::Path,
    process::{Command, Output},
};

use beseda_stand_in::{
    StandIn,
    api::{ChatContext, ChatId, ChatsApi, FileUpload, MessageText},
};

/// A stand-in, and a chat in which the shop sent a text and a file.
async fn world() -> (StandIn, ChatId) {
    let stand_in = StandIn::start().await.unwrap();
    let (business, engine) = (stand_in.business_id(), stand_in.engine());
    let chat = engine.create_chat(business, ChatContext::Order(stand_in.orders()[5]));
    let chat = chat.await.unwrap();
    let text = MessageText::new("Ваш заказ в пути").unwrap();
    engine.send_message_to_chat(business, chat, text).await.unwrap();
    let file = FileUpload::from_bytes("label.txt", "one label".as_bytes().to_vec());
    engine.send_file_to_chat(business, chat, file).await.unwrap();
    (stand_in, chat)
}

fn run(example: &str, stand_in: &StandIn, folder: &Path, args: &[&str]) -> String {
    let test = std::env::current_exe().unwrap();
    let programs = test.parent().and_then(Path::parent).unwrap().join("examples");
    let mut program = Command::new(programs.join(example));
    program.args(args).current_dir(folder).env("BESEDA_URL", stand_in.url());
    program.env("BESEDA_API_KEY", stand_in.api_key());
    program.env("BESEDA_BUSINESS_ID", stand_in.business_id().to_string());
    let Output { status, stdout, stderr } = program.output().unwrap();
    let stderr = String::from_utf8_lossy(&stderr);
    assert!(status.success(), "{example} ended with {status}: {stderr}");
    String::from_utf8(stdout).unwrap()
}

#[tokio::test]
async fn each_does_what_it_says() {
    let (stand_in, chat) = world().await;
    let folder = tempfile::tempdir().unwrap();
    let run = |example: &str, args: &[&str]| run(example, &stand_in, folder.path(), args);
    let of_the_chat =
        |told: &str, text: &str| told.contains(&chat.to_string()) && told.contains(text);

    let told = run("lists", &[]);
    assert!(of_the_chat(&told, "Ваш заказ в пути"), "{told}");

    let told = run("answer_waiting", &[]);
    assert!(told.contains("answered"), "{told}");
    assert_eq!(run("answer_waiting", &[]), "", "nobody waits any more");

    let told = run("send_once", &[&chat.to_string(), "Один раз"]);
    assert!(told.starts_with("delivered"), "{told}");
    let told = run("export", &[]);
    assert_eq!(told.matches("Один раз").count(), 1, "{told}");
    for line in told.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(line["chat"]["chatId"].is_i64() && line["messages"].is_array(), "{line}");
    }

    let told = run("download", &[&chat.to_string()]);
    let path = told.split_once(": label.txt").unwrap().0;
    assert_eq!(std::fs::read(folder.path().join(path)).unwrap(), b"one label");

    let told = run("limits", &[]);
    assert!(told.contains("getChats: ") && told.contains("of 5000 left until"), "{told}");

    assert_eq!(run("blocking", &[]), "", "nobody waits for an answer");
}

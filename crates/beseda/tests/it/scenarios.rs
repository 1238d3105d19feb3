//! `beseda scenario`, and buyers who answer by themselves, against the stand-in in a process of its own.

use std::{fs, path::PathBuf, thread, time::Duration};

use beseda_client::{Client, StandInClient};
use serde_json::Value;
use tempfile::TempDir;

use crate::{program::beseda, service::StandIn};

fn examples() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples/scenarios")
}

fn file(text: &str) -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("talk.yaml");
    fs::write(&path, text).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (folder, path)
}

#[test]
fn every_example_is_as_it_should_be_and_no_service_is_asked() {
    let files: Vec<PathBuf> =
        fs::read_dir(examples()).unwrap().map(|entry| entry.unwrap().path()).collect();
    let mut command = vec![PathBuf::from("scenario"), PathBuf::from("check")];
    command.extend(files.iter().cloned());
    let told = beseda().run(command).ok();
    assert_eq!(told.trim(), format!("{} scenarios are valid", files.len()));
    assert!(files.len() >= 8);
}

#[test]
fn a_broken_scenario_is_told_with_file_line_and_reason_and_nothing_is_played() {
    let (_folder, path) = file("scenario: A\nsteps:\n  - buyer opens: a\n  - buyer wites: b\n");
    for command in ["check", "run"] {
        let complaint = beseda().run(["scenario", command, path.as_str()]).fails(2);
        let line = format!("{path}:4:5: unknown step `buyer wites`");
        assert!(complaint.contains(&line), "{complaint}");
    }
}

#[test]
fn a_scenario_is_played_over_http() {
    let stand_in = StandIn::start(&[]);
    let path = examples().join("closed-chat.yaml");
    let path = path.to_str().unwrap();
    let report = stand_in.beseda().run(["scenario", "run", path, "--json"]).json();
    assert_eq!(report["state"], "DONE", "{report}");
    assert_eq!(report["file"], path);
    let chat = report["chats"]["talk"].to_string();
    let history = stand_in.beseda().run(["chats", "history", &chat, "--all", "--json"]).lines();
    assert_eq!(history.len(), 2);
}

#[test]
fn a_scenario_waits_for_the_shop_and_tells_people_each_step() {
    let text = "\
scenario: Waits
within: 20s
steps:
  - buyer opens: talk
    text: Здравствуйте!
  - wait for: shop
    matching: добрый
  - buyer writes: Спасибо
";
    let (_folder, path) = file(text);
    let stand_in = StandIn::start(&[]);
    let told = thread::scope(|scope| {
        let playing =
            scope.spawn(|| stand_in.beseda().run(["scenario", "run", path.as_str()]).ok());
        let chat = loop {
            let list = ["chats", "list", "--context-type", "direct", "--all", "--json"];
            let chats = stand_in.beseda().run(list).lines();
            // The demo has one of its own.
            let ours = chats.iter().find(|chat| chat["context"].get("customer").is_none());
            if let Some(chat) = ours {
                break chat["chatId"].to_string();
            }
        };
        stand_in.beseda().run(["chats", "send", &chat, "И вам добрый день"]).ok();
        playing.join().unwrap()
    });
    for step in ["line 4: buyer opens", "line 6: wait for", "line 8: buyer writes", "done"] {
        assert!(told.contains(step), "{told}");
    }
}

#[test]
fn a_scenario_that_fails_ends_with_one_and_says_where() {
    let (_folder, path) =
        file("scenario: F\nsteps:\n  - buyer opens: a\n  - wait for: shop\n    within: 100ms\n");
    let stand_in = StandIn::start(&[]);
    let run = stand_in.beseda().run(["scenario", "run", path.as_str()]);
    assert_eq!(run.code, Some(1), "{}{}", run.out, run.err);
    assert!(run.out.contains(&format!("failed: {path}:4: wait for: no message of PARTNER")));
    assert!(run.err.contains("1 of 1 scenarios failed"), "{}", run.err);
}

/// Returns the scenarios from the stand-in's administration.
fn ask(
    stand_in: &StandIn,
    key: &str,
    resource: &str,
    text: Option<&str>,
) -> beseda_api::Result<Value> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let control = Client::builder().url(stand_in.get("url"));
    let control: StandInClient = control.build_stand_in(&key.to_owned().into()).unwrap();
    runtime.block_on(async {
        match text {
            Some(text) => {
                let answer = control.post_text(resource, text.as_bytes().to_vec()).await;
                answer.map(|mut answer| answer["result"].take())
            }
            None => control.read(resource, &[("wait", "true".to_owned())]).await,
        }
    })
}

#[test]
fn a_scenario_plays_in_the_time_of_the_stand_in() {
    let stand_in = StandIn::start(&["--clock", "manual"]);
    let key = stand_in.get("adminKey");
    let text =
        "scenario: Two weeks\nsteps:\n  - buyer opens: a\n  - wait: 14d\n  - buyer writes: b\n";
    let started = ask(&stand_in, key, "scenarios", Some(text)).unwrap();
    assert_eq!(started["state"], "RUNNING", "{started}");
    stand_in.beseda().run(["stand-in", "clock", "--advance", "1209600"]).ok();
    let ended = ask(&stand_in, key, &format!("scenarios/{}", started["id"]), None).unwrap();
    assert_eq!(ended["state"], "DONE", "{ended}");
    let broken = ask(&stand_in, key, "scenarios", Some("scenario: A\nsteps: 7\n")).unwrap_err();
    assert!(broken.to_string().contains("line 2, column 8: expected a list"), "{broken}");
    let refused = ask(&stand_in, "admin-guessed", "scenarios", Some(text)).unwrap_err();
    assert_eq!(refused.kind(), Some(beseda_api::ErrorKind::Unauthorized));
}

#[test]
fn a_chat_of_the_demo_is_recorded_and_plays_again_elsewhere() {
    let stand_in = StandIn::start(&[]);
    let chats = stand_in.beseda().run(["chats", "list", "--all", "--json"]).lines();
    let elsewhere = StandIn::start(&["--seed", "2"]);
    let mut commands = vec!["scenario".to_owned(), "check".to_owned()];
    let mut folders = Vec::new();
    for chat in &chats {
        let chat = chat["chatId"].to_string();
        let record = ["scenario", "record", &chat, "--with-shop"];
        // The pauses were minutes: nobody waits for them here.
        let text: String = stand_in.beseda().run(record).ok();
        let quick: Vec<&str> = text.lines().filter(|line| !line.contains("- wait:")).collect();
        let (folder, path) = file(&quick.join("\n"));
        folders.push(folder);
        commands.push(path);
    }
    elsewhere.beseda().run(&commands).ok();
    commands[1] = "run".to_owned();
    commands.push("--json".to_owned());
    let reports = elsewhere.beseda().run(&commands).lines();
    assert_eq!(reports.len(), chats.len());
    assert!(reports.iter().all(|report| report["state"] == "DONE"), "{reports:#?}");
}

#[test]
fn polite_buyers_thank() {
    let stand_in = StandIn::start(&["--buyers", "polite", "--clock", "manual"]);
    let chats =
        stand_in.beseda().run(["chats", "list", "--status", "waiting-for-partner", "--json"]);
    let chat = chats.json()["chats"][0]["chatId"].to_string();
    stand_in.beseda().run(["chats", "send", &chat, "Уже отправили."]).ok();
    stand_in.beseda().run(["stand-in", "clock", "--advance", "60"]).ok();
    let last = || {
        let history = ["chats", "history", &chat, "--all", "--json"];
        stand_in.beseda().run(history).lines().pop().unwrap()
    };
    for _ in 0..100 {
        if last()["sender"] == "CUSTOMER" {
            return;
        }
        // The answer is due; it is written on another thread.
        thread::sleep(Duration::from_millis(20));
    }
    panic!("no thanks: {}", last());
}

//! The gateway as a program: keys and audit beside it, killed (SIGKILL) while it sends, ended by a signal.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use beseda_api::{BusinessId, ChatId, ChatsApi, FileUpload, HistoryFrom, MessageText};
use beseda_client::{Client, RetryPolicy};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::{
    program::{Program, beseda},
    service::StandIn,
};

/// A chat of the demo in which the shop can write.
const CHAT: i64 = 10_000_001;

struct Gateway {
    child: Child,
    told: Value,
}

impl Gateway {
    fn start(stand_in: &StandIn, archive: &Path) -> Self {
        Self::start_with(stand_in, archive, &[])
    }

    fn start_with(stand_in: &StandIn, archive: &Path, flags: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_beseda"));
        command.env_clear().env("BESEDA_API_KEY", stand_in.get("apiKey"));
        command.args(["gateway", "--json", "--listen", "127.0.0.1:0", "--upstream"]);
        command.arg(stand_in.get("url")).arg("--archive").arg(archive).args(flags);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { child, told: serde_json::from_str(&line).unwrap() }
    }

    fn client(&self, key: &str) -> Client {
        let builder = Client::builder().url(self.told["url"].as_str().unwrap());
        builder.api_key(key).retry_policy(RetryPolicy::none()).build().unwrap()
    }

    fn key(&self) -> &str {
        self.told["apiKey"].as_str().unwrap()
    }

    async fn say(&self, text: &str, idempotency: &str) -> Option<u16> {
        let (url, business) = (self.told["url"].as_str().unwrap(), &self.told["businessId"]);
        let url = format!("{url}/v2/businesses/{business}/chats/message?chatId={CHAT}");
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let request = http.post(url).header("api-key", self.key());
        let request = request.header("idempotency-key", idempotency);
        let answer = request.json(&json!({ "message": text })).send().await.ok()?;
        Some(answer.status().as_u16())
    }

    fn end(mut self) -> Option<i32> {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn on(archive: &Path) -> Program {
    beseda().env("BESEDA_ARCHIVE", archive)
}

#[tokio::test]
async fn keys_and_audit_are_there_beside_a_gateway_that_ends_cleanly() {
    let (stand_in, folder) = (StandIn::start(&[]), tempfile::tempdir().unwrap());
    let missing = on(folder.path()).run(["gateway", "keys", "list"]).fails(1);
    assert!(missing.contains("start one first"), "{missing}");
    let gateway = Gateway::start(&stand_in, folder.path());
    let business = serde_json::from_value(gateway.told["businessId"].clone()).unwrap();
    assert_eq!(gateway.told["businessId"], stand_in.told["businessId"]);
    assert_eq!(gateway.told["campaignId"], stand_in.told["campaignId"]);

    let create = ["gateway", "keys", "create", "bot", "--share", "25", "--json"];
    let issued = on(folder.path()).run(create).json();
    let bot = gateway.client(issued["apiKey"].as_str().unwrap());
    let chat = ChatId::new(CHAT).unwrap();
    let text = MessageText::new("Через шлюз").unwrap();
    bot.send_message_to_chat(business, chat, text).await.unwrap();
    let sends = on(folder.path()).run(["gateway", "audit", "--key", "bot", "--json"]).lines();
    assert_eq!((sends.len(), &sends[0]["outcome"]), (1, &json!("sent")));
    assert!(on(folder.path()).run(["gateway", "audit"]).ok().contains("sendMessageToChat"));
    let keys = on(folder.path()).run(["gateway", "keys", "list", "--json"]).json();
    assert_eq!((&keys["keys"][1]["name"], &keys["keys"][1]["share"]), (&json!("bot"), &json!(25)));

    let key = gateway.key().to_owned();
    assert_eq!(gateway.end(), Some(0));
    let again = Gateway::start(&stand_in, folder.path());
    assert_eq!(again.key(), key);
}

#[tokio::test]
async fn a_gateway_killed_while_it_sends_neither_loses_nor_doubles() {
    let (stand_in, folder) = (StandIn::start(&[]), tempfile::tempdir().unwrap());
    let control = Client::builder().url(stand_in.get("url"));
    let control = control.build_stand_in(&stand_in.get("adminKey").into()).unwrap();
    let gateway = Gateway::start(&stand_in, folder.path());
    // Written at once, answered much later: the gateway dies without having been told.
    let rule =
        json!({"operation":"sendMessageToChat","kind":"delay-after","delayMs":60_000,"count":1});
    control.post("faults", &rule).await.unwrap();
    let business = serde_json::from_value(gateway.told["businessId"].clone()).unwrap();
    let direct = Client::builder().url(stand_in.get("url")).api_key(stand_in.get("apiKey"));
    let direct = direct.build().unwrap();
    let chat = ChatId::new(CHAT).unwrap();
    let times = async || {
        let history = direct.get_chat_history(business, chat, HistoryFrom::default()).await;
        let messages = history.unwrap().messages;
        messages.iter().filter(|message| message.message.as_deref() == Some("Однажды")).count()
    };
    let sent = async {
        tokio::select! {
            status = gateway.say("Однажды", "k1") => panic!("answered {status:?}"),
            () = async { while times().await == 0 { tokio::task::yield_now().await } } => {}
        }
    };
    sent.await;
    drop(gateway);
    let again = Gateway::start(&stand_in, folder.path());
    assert_eq!(again.say("Однажды", "k1").await, Some(200));
    assert_eq!(times().await, 1);
    let sends = on(folder.path()).run(["gateway", "audit", "--json"]).lines();
    assert_eq!((sends.len(), &sends[0]["outcome"]), (1, &json!("sent")));
}

#[tokio::test]
async fn attachments_open_by_links_of_the_gateway_where_that_is_wanted() {
    let (stand_in, folder) = (StandIn::start(&[]), tempfile::tempdir().unwrap());
    for (flags, begins) in [
        (&["--file-links", "auto"][..], stand_in.get("url").to_owned()),
        (&["--file-links", "proxy"][..], String::new()),
        (
            &["--file-links", "proxy", "--public-url", "https://chats.example.org"][..],
            "https://chats.example.org".to_owned(),
        ),
    ] {
        let gateway = Gateway::start_with(&stand_in, folder.path(), flags);
        let url = gateway.told["url"].as_str().unwrap();
        let begins = if begins.is_empty() { url.to_owned() } else { begins };
        let client = gateway.client(gateway.key());
        let business = BusinessId::new(gateway.told["businessId"].as_i64().unwrap()).unwrap();
        let chat = ChatId::new(CHAT).unwrap();
        let file = FileUpload::from_bytes("чек.txt", "итого");
        client.send_file_to_chat(business, chat, file).await.unwrap();
        let page = client.get_chat_history(business, chat, HistoryFrom::default()).await.unwrap();
        let link = page.messages.last().unwrap().payload.as_ref().unwrap()[0].url.clone();
        assert!(link.starts_with(&format!("{begins}/files/")), "{link}");
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let here = link.replace("https://chats.example.org", url);
        let answer = http.get(here).send().await.unwrap();
        assert_eq!(answer.text().await.unwrap(), "итого");
        assert_eq!(gateway.end(), Some(0));
    }
}

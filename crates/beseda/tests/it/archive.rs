//! The local archive by the real program: filled, kept in step, killed (SIGKILL) on the way, followed, marked as read.
//! Nothing here waits for time to pass.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    sync::Arc,
};

use beseda_api::{
    BusinessId, ChatFilter, ChatId, ChatsApi, HistoryFrom, Limit, MarketMessage, MarketSide,
    NewSubscription, PageRequest, Subscriptions,
};
use beseda_archive::Archive;
use beseda_client::{Client, MarketClient, SecretString};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha20Rng;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::service::StandIn;

/// The program at work, and the lines it prints.
struct Running {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Running {
    fn start(stand_in: &StandIn, archive: &Path, args: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_beseda"));
        command.env_clear().args(args).args(["--json", "--archive"]).arg(archive);
        command.env("BESEDA_URL", stand_in.get("url"));
        command.env("BESEDA_API_KEY", stand_in.get("apiKey"));
        command.env("BESEDA_BUSINESS_ID", stand_in.business());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    fn next(&mut self) -> Value {
        serde_json::from_str(&self.lines.next().unwrap().unwrap()).unwrap()
    }

    /// The next line that tells of this.
    fn next_of(&mut self, event: &str) -> Value {
        loop {
            let line = self.next();
            if line["event"] == event {
                return line;
            }
        }
    }

    /// Asks it to end, and gives its exit status.
    fn end(mut self) -> Option<i32> {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

struct Hands {
    client: Client,
    market: MarketClient,
    business: BusinessId,
}

impl Hands {
    fn on(stand_in: &StandIn) -> Self {
        let builder = || Client::builder().url(stand_in.get("url"));
        Self {
            client: builder().api_key(stand_in.get("apiKey")).build().unwrap(),
            market: builder().build_market(&SecretString::from(stand_in.get("marketKey"))).unwrap(),
            business: stand_in.business().parse().unwrap(),
        }
    }

    async fn buyer_says(&self, chat: ChatId, text: &str) {
        let message = json!({ "sender": "CUSTOMER", "message": text });
        let message: MarketMessage = serde_json::from_value(message).unwrap();
        self.market.write_message(self.business, chat, message).await.unwrap();
    }

    /// Holds an archive against the service, chat for chat and message for message.
    async fn assert_equal(&self, archive: &Path) {
        let archive = Archive::open(archive).unwrap();
        let page = PageRequest::first(Limit::MAX);
        let listed = self.client.get_chats(self.business, ChatFilter::default(), page).await;
        let (mut messages, listed) = (0, listed.unwrap().chats);
        for chat in &listed {
            let found = archive.chat(self.business, chat.chat_id).unwrap().unwrap();
            assert!(found.whole);
            assert_eq!(&found.chat, chat);
            let found = archive.history(self.business, chat.chat_id, None, 10_000).unwrap();
            let found: Vec<_> = found.into_iter().map(|found| found.message).collect();
            let page = PageRequest::first(Limit::MAX);
            let mut from = HistoryFrom { message_id_from: None, page };
            let mut told = Vec::new();
            loop {
                let history =
                    self.client.get_chat_history(self.business, chat.chat_id, from.clone());
                let history = history.await.unwrap();
                told.extend(history.messages);
                let Some(token) = history.paging.next_page_token else { break };
                from.page = from.page.after(token);
            }
            assert_eq!(found, told);
            messages += told.len() as u64;
        }
        let counts = archive.counts(None).unwrap();
        assert_eq!((counts.chats, counts.messages), (listed.len() as u64, messages));
    }
}

fn open_chats(stand_in: &StandIn) -> Vec<ChatId> {
    let listed = stand_in.beseda().run(["chats", "list", "--limit", "20", "--json"]).json();
    let open =
        listed["chats"].as_array().unwrap().iter().filter(|chat| chat["status"] != "FINISHED");
    open.map(|chat| ChatId::new(chat["chatId"].as_i64().unwrap()).unwrap()).collect()
}

/// The operations of the seven that the journal has since this entry, and the last entry.
fn operations(stand_in: &StandIn, after: u64) -> (Vec<String>, u64) {
    let words = ["stand-in", "journal", "--limit", "2000", "--json"];
    let entries = stand_in.beseda().run(words).lines();
    let id = |entry: &Value| entry["id"].as_u64().unwrap();
    let last = entries.iter().map(id).max().unwrap_or(after);
    let new = entries.iter().filter(|entry| id(entry) > after);
    let names = new.map(|entry| entry["operation"].as_str().unwrap().to_owned());
    (names.filter(|name| name.starts_with("getChat")).collect(), last)
}

#[tokio::test]
async fn an_idle_look_is_one_call_and_a_new_message_one_more_by_the_journal() {
    let stand_in = StandIn::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("archive");
    let hands = Hands::on(&stand_in);
    let sync = |depth: &str| {
        let business = stand_in.business();
        let words = ["sync", depth, "--json", "--business", &business, "--archive"];
        let mut words: Vec<String> = words.iter().map(ToString::to_string).collect();
        words.push(archive.display().to_string());
        stand_in.beseda().run(words).json()
    };
    let first = sync("--full");
    assert_eq!((&first["chatsNew"], &first["files"]), (&json!(8), &json!(1)));
    hands.assert_equal(&archive).await;

    let (_, mark) = operations(&stand_in, 0);
    assert_eq!(sync("--quick")["calls"]["total"], 1);
    let (calls, mark) = operations(&stand_in, mark);
    assert_eq!(calls, ["getChats"]);
    let chat = open_chats(&stand_in)[0];
    hands.buyer_says(chat, "Добрый день").await;
    let (_, mark) = operations(&stand_in, mark);
    assert_eq!(sync("--quick")["messages"], 1);
    let (mut calls, _) = operations(&stand_in, mark);
    calls.sort();
    assert_eq!(calls, ["getChatHistory", "getChats"]);
    hands.assert_equal(&archive).await;

    // What is read is each operator's own affair.
    let unread = |more: &[&str]| {
        let words = ["unread", "--json", "--operator", "anna", "--archive"];
        let mut words: Vec<String> = words.iter().map(ToString::to_string).collect();
        words.push(archive.display().to_string());
        words.extend(more.iter().map(ToString::to_string));
        stand_in.beseda().run(words).json()
    };
    assert!(unread(&[])["unread"].as_u64().unwrap() > 1);
    unread(&["--mark", "all"]);
    assert_eq!(unread(&[])["unread"], 0);
    hands.buyer_says(chat, "Вы здесь?").await;
    sync("--quick");
    let left = unread(&[]);
    assert_eq!((&left["unread"], &left["chats"][0]["chatId"]), (&json!(1), &json!(chat)));
    unread(&["--mark", &chat.to_string()]);
    assert_eq!(unread(&[])["unread"], 0);
}

#[tokio::test]
async fn kills_and_faults_leave_neither_a_hole_nor_a_double() {
    let stand_in = StandIn::start(&["--limits", "off"]);
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("archive");
    let hands = Arc::new(Hands::on(&stand_in));
    let chats = open_chats(&stand_in);
    for number in 0..250 {
        hands.buyer_says(chats[0], &format!("long {number}")).await;
    }
    for (kind, probability) in [("reset-after", 0.1), ("status", 0.1), ("truncate", 0.05)] {
        for operation in ["getChats", "getChatHistory"] {
            let rule = json!({ "kind": kind, "operation": operation, "probability": probability });
            let rule = rule.to_string();
            stand_in.beseda().run(["stand-in", "faults", "--add", &rule, "--json"]).ok();
        }
    }
    let mut random = ChaCha20Rng::seed_from_u64(4);
    for life in 0..12 {
        let mut running = Running::start(&stand_in, &archive, &["sync", "--every", "1"]);
        // So many messages later it is dead, wherever it was.
        for number in 0..random.random_range(1..30) {
            let chat = chats[random.random_range(0..chats.len())];
            hands.buyer_says(chat, &format!("{life} {number}")).await;
        }
        running.child.kill().unwrap();
    }
    stand_in.beseda().run(["stand-in", "faults", "--clear"]).ok();
    let place = archive.display().to_string();
    let business = stand_in.business();
    let words = ["sync", "--archive", &place, "--business", &business, "--json"];
    stand_in.beseda().run(words).json();
    hands.assert_equal(&archive).await;
}

#[tokio::test]
async fn a_watch_goes_on_from_its_cursor_and_tells_whose_a_message_is() {
    let stand_in = StandIn::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("archive");
    let hands = Hands::on(&stand_in);
    let chat = open_chats(&stand_in)[0];
    let mut watch = Running::start(&stand_in, &archive, &["watch", "--every", "1"]);
    assert_eq!(watch.next()["event"], "ready");
    hands.buyer_says(chat, "раз").await;
    let first = watch.next_of("message");
    assert_eq!((&first["message"], &first["own"]), (&json!("раз"), &json!(false)));

    // Beside the one that keeps in step, another one only reads.
    let cursor = first["cursor"].to_string();
    let mut beside =
        Running::start(&stand_in, &archive, &["watch", "--offline", "--after", &cursor]);
    stand_in.beseda().run(["chats", "send", &chat.to_string(), "два"]).ok();
    let second = beside.next_of("message");
    assert_eq!((&second["message"], &second["own"]), (&json!("два"), &json!(true)));
    assert_eq!(watch.next_of("message"), second);
    assert_eq!((watch.end(), beside.end()), (Some(0), Some(0)));

    let mut others =
        Running::start(&stand_in, &archive, &["watch", "--after", &cursor, "--others-only"]);
    hands.buyer_says(chat, "три").await;
    assert_eq!(others.next_of("message")["message"], "три");
}

#[tokio::test]
async fn a_notification_brings_its_message_for_one_call() {
    let stand_in = StandIn::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("archive");
    let hands = Hands::on(&stand_in);
    let chat = open_chats(&stand_in)[0];
    let args = ["watch", "--every", "3600", "--listen", "127.0.0.1:0", "--any-source"];
    let mut watch = Running::start(&stand_in, &archive, &args);
    let ready = watch.next();
    let admin = Client::builder().url(stand_in.get("url"));
    let admin = admin.build_admin(&SecretString::from(stand_in.get("adminKey"))).unwrap();
    let url = ready["listening"].as_str().unwrap().to_owned();
    let wanted = NewSubscription { url, name: "archive".to_owned() };
    admin.create_subscription(hands.business, wanted).await.unwrap();
    hands.buyer_says(chat, "раз").await;
    assert_eq!(watch.next_of("message")["message"], "раз");
    // From here on nothing but hints moves it.
    let (_, mark) = operations(&stand_in, 0);
    hands.buyer_says(chat, "два").await;
    assert_eq!(watch.next_of("message")["message"], "два");
    assert_eq!(operations(&stand_in, mark).0, ["getChatHistory"]);
    assert_eq!(watch.end(), Some(0));
}

#[test]
fn a_second_program_on_an_archive_says_who_is_first() {
    let stand_in = StandIn::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let mut first = Running::start(&stand_in, folder.path(), &["watch"]);
    first.next();
    let place = folder.path().display().to_string();
    let business = stand_in.business();
    let words = ["sync", "--archive", &place, "--business", &business, "--json"];
    let told = stand_in.beseda().run(words).fails_in_json(2);
    assert!(told["message"].as_str().unwrap().contains(&first.child.id().to_string()), "{told}");
}

#[test]
fn a_service_that_is_away_ends_with_the_class_of_the_failure() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().display().to_string();
    let words = ["sync", "--archive", &place, "--business", "1", "--wait", "0", "--url"];
    let program = crate::program::beseda().env("BESEDA_API_KEY", "ACMA:x:y");
    let away = crate::service::nobody();
    program.run(words.into_iter().chain([away.as_str()])).fails(8);
}

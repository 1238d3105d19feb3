//! Sending what must not get lost or be said twice: the commands, and the program killed (SIGKILL) at any moment of it.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha20Rng;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::{
    program::Program,
    service::{StandIn, nobody},
};

struct World {
    stand_in: StandIn,
    folder: tempfile::TempDir,
    chats: Vec<String>,
}

impl World {
    fn new() -> Self {
        let stand_in = StandIn::start(&["--limits", "off"]);
        let all = stand_in.beseda().run(["chats", "list", "--all", "--json"]).lines();
        let open = all.iter().filter(|chat| chat["status"] != "FINISHED");
        let chats = open.map(|chat| chat["chatId"].to_string()).collect();
        Self { stand_in, folder: tempfile::tempdir().unwrap(), chats }
    }

    fn archive(&self) -> &Path {
        self.folder.path()
    }

    fn beseda(&self) -> Program {
        self.stand_in.beseda().env("BESEDA_ARCHIVE", self.archive())
    }

    fn fault(&self, rule: &Value) {
        self.beseda().run(["stand-in", "faults", "--add", &rule.to_string()]).ok();
    }

    fn send_fault(&self, kind: &str, more: &Value) {
        let mut rule = json!({ "operation": "sendMessageToChat", "kind": kind });
        rule.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.fault(&rule);
    }

    /// Returns the shop's texts that begin with `#` in a chat, in order of the history.
    fn said(&self, chat: &str) -> Vec<String> {
        let all = self.beseda().run(["chats", "history", chat, "--all", "--json"]).lines();
        let texts = all.iter().filter_map(|message| message["message"].as_str());
        texts.filter(|text| text.starts_with('#')).map(str::to_owned).collect()
    }

    fn listed(&self) -> Vec<Value> {
        self.beseda().run(["outbox", "list", "--json"]).lines()
    }
}

#[test]
fn a_safe_send_survives_a_lost_answer_and_tells_the_messages_id() {
    let world = World::new();
    let chat = &world.chats[0];
    for archive in [true, false] {
        world.send_fault("reset-after", &json!({ "count": 1 }));
        let beseda = if archive { world.beseda() } else { world.stand_in.beseda() };
        let text = format!("#{archive}");
        let sent = beseda
            .run(["chats", "send", "--safe", "--settle", "0.2", "--json", chat, &text])
            .json();
        assert_eq!(sent["state"], "confirmed", "{sent}");
        let id = sent["messageId"].to_string();
        let message = world.beseda().run(["chats", "message", "--json", chat, &id]).json();
        assert_eq!(message["message"], json!(text));
    }
    assert_eq!(world.said(chat), ["#true", "#false"]);
}

#[test]
fn a_safe_file_arrives_once() {
    let world = World::new();
    let file = world.folder.path().join("накладная.txt");
    std::fs::write(&file, "раз").unwrap();
    world.fault(&json!({ "operation": "sendFileToChat", "kind": "reset-after", "count": 1 }));
    let args = ["chats", "send-file", "--safe", "--settle", "0.2", "--operator", "анна", "--json"];
    let sent = world.beseda().run(
        args.map(str::to_owned)
            .into_iter()
            .chain([world.chats[0].clone(), file.display().to_string()]),
    );
    let sent = sent.json();
    assert_eq!((&sent["state"], &sent["operator"]), (&json!("confirmed"), &json!("анна")));
    let id = sent["messageId"].to_string();
    let message = world.beseda().run(["chats", "message", "--json", &world.chats[0], &id]).json();
    assert_eq!(message["payload"][0]["name"], "накладная.txt");
}

#[test]
fn what_can_not_be_sent_now_stays_in_the_outbox_and_goes_out_later() {
    let world = World::new();
    let chat = &world.chats[0];
    let business = world.stand_in.business();
    let run = world
        .beseda()
        .env("BESEDA_URL", nobody())
        .env("BESEDA_BUSINESS_ID", &business)
        .run(["chats", "send", "--safe", "--give-up", "3", chat, "#потом"]);
    let told = run.fails(8);
    assert!(told.contains("message 1 stays in the outbox as queued"), "{told}");
    assert!(told.contains("beseda outbox run --url"), "{told}");
    assert!(world.said(chat).is_empty());
    world.beseda().run(["outbox", "run", "--until-empty"]).ok();
    assert_eq!(world.said(chat), ["#потом"]);
    assert_eq!(world.listed()[0]["state"], "confirmed");
}

#[test]
fn messages_are_added_listed_taken_back_refused_and_tried_again() {
    let world = World::new();
    let chat = &world.chats[0];
    let lines =
        format!("{{\"chat\":{chat},\"text\":\"#a\"}}\n\n{{\"chat\":999999999,\"text\":\"#b\"}}\n");
    let added = world.beseda().stdin(lines).run(["outbox", "add", "--json"]).lines();
    assert_eq!(added.len(), 2);
    let wrong = format!("{{\"chat\":{chat},\"text\":\"#c\"}}\n{{\"chat\":{chat}}}\n");
    let told = world.beseda().stdin(wrong).run(["outbox", "add"]).fails(2);
    assert!(told.contains("line 2: a message has either a text or a file"), "{told}");

    world.beseda().run(["outbox", "cancel", "3"]).ok();
    let told = world.beseda().run(["outbox", "cancel", "3"]).fails(1);
    assert!(
        told.contains("message 3 is cancelled: only queued messages can be cancelled"),
        "{told}"
    );
    world.beseda().run(["outbox", "run", "--until-empty"]).fails_saying("1 messages failed");
    let states: Vec<Value> = world.listed().into_iter().map(|item| item["state"].clone()).collect();
    assert_eq!(states, ["confirmed", "failed", "cancelled"]);
    let failed = world.beseda().run(["outbox", "list", "--state", "failed"]).ok();
    assert!(failed.contains("Can't find chat by id: 999999999"), "{failed}");
    world.beseda().run(["outbox", "retry", "--all"]).ok();
    assert_eq!(world.listed()[1]["state"], "queued");
    assert_eq!(world.said(chat), ["#a"]);
}

#[test]
fn a_bad_key_leaves_everything_queued() {
    let world = World::new();
    let line = format!("{{\"chat\":{},\"text\":\"#k\"}}\n", world.chats[0]);
    world.beseda().stdin(line).run(["outbox", "add"]).ok();
    let key = "ACMA:0000000000000000000000000000000000000000:00000000";
    let business = world.stand_in.business();
    let stranger = world.beseda().env("BESEDA_API_KEY", key).env("BESEDA_BUSINESS_ID", business);
    let run = stranger.run(["outbox", "run", "--until-empty"]);
    assert_eq!(run.code, Some(4), "{run:?}");
    assert!(run.err.contains("queued messages stay queued"), "{}", run.err);
    assert_eq!(world.listed()[0]["state"], "queued");
}

#[test]
fn the_author_of_a_message_is_told_to_the_archive() {
    let world = World::new();
    world.beseda().run(["sync", "--no-files"]).ok();
    let args = ["chats", "send", "--safe", "--operator", "анна", "--json", &world.chats[0], "#кто"];
    let sent = world.beseda().run(args).json();
    let database = rusqlite::Connection::open(world.archive().join("archive.sqlite")).unwrap();
    let sql = "SELECT operator FROM authors WHERE message = ?";
    let operator: String =
        database.query_row(sql, [sent["messageId"].as_i64()], |row| row.get(0)).unwrap();
    assert_eq!(operator, "анна");
}

/// A runner of the outbox whose lines are read.
struct Runner {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Runner {
    fn start(world: &World) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_beseda"));
        command.env_clear().env("BESEDA_URL", world.stand_in.get("url"));
        command.env("BESEDA_API_KEY", world.stand_in.get("apiKey"));
        command.args(["outbox", "run", "--json", "--settle", "0.5", "--timeout", "1", "--archive"]);
        command.arg(world.archive()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }
}

#[test]
fn a_runner_ends_well_when_asked_to() {
    let world = World::new();
    let line = format!("{{\"chat\":{},\"text\":\"#z\"}}\n", world.chats[0]);
    let mut runner = Runner::start(&world);
    world.beseda().stdin(line).run(["outbox", "add"]).ok();
    let confirmed = runner.lines.find(|line| line.as_ref().unwrap().contains("confirmed"));
    assert!(confirmed.is_some());
    kill_process(Pid::from_child(&runner.child), Signal::TERM).unwrap();
    assert!(runner.child.wait().unwrap().success());
}

#[test]
fn killed_at_any_moment_under_every_fault_each_message_is_there_once_and_in_order() {
    const TASKS: usize = 4;
    const EACH: usize = 75;
    let world = World::new();
    world.send_fault("reset-after", &json!({ "probability": 0.06 }));
    world.send_fault("delay-after", &json!({ "probability": 0.01, "delayMs": 1500 }));
    world.send_fault("garbage", &json!({ "probability": 0.03 }));
    world.send_fault("truncate", &json!({ "probability": 0.03, "bytes": 3 }));
    world.send_fault("status", &json!({ "probability": 0.05 }));
    world.send_fault("limit", &json!({ "probability": 0.05, "limit": "parallel" }));
    world.send_fault("reset-before", &json!({ "probability": 0.04 }));
    world.fault(&json!({ "operation": "getChatHistory", "kind": "status", "probability": 0.1 }));
    thread::scope(|scope| {
        for task in 0..TASKS {
            let world = &world;
            scope.spawn(move || {
                let line = |number: usize| {
                    let chat = &world.chats[(task + number) % 4];
                    // Every text is there three times: equal ones are the hard ones.
                    format!("{{\"chat\":{chat},\"text\":\"#{task}-{:03}\"}}\n", number / 12)
                };
                let lines: String = (0..EACH).map(line).collect();
                world.beseda().stdin(lines).run(["outbox", "add"]).ok();
            });
        }
        let mut random = ChaCha20Rng::seed_from_u64(4);
        for _ in 0..8 {
            let mut runner = Runner::start(&world);
            let lines = random.random_range(5..90);
            // Fewer come if everything is sent already.
            assert!(runner.lines.by_ref().take(lines).all(|line| line.is_ok()));
            runner.child.kill().unwrap();
            runner.child.wait().unwrap();
        }
    });
    let args = ["outbox", "run", "--until-empty", "--settle", "0.5", "--timeout", "1"];
    world.beseda().run(args).ok();
    let mut expected = BTreeMap::<String, Vec<String>>::new();
    for item in world.listed() {
        assert_eq!(item["state"], "confirmed", "{item}");
        let text = item["text"].as_str().unwrap().to_owned();
        expected.entry(item["chatId"].to_string()).or_default().push(text);
    }
    assert_eq!(expected.values().map(Vec::len).sum::<usize>(), TASKS * EACH);
    for (chat, texts) in expected {
        assert_eq!(world.said(&chat), texts, "in chat {chat}");
    }
}

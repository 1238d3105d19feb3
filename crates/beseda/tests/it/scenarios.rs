//! `beseda scenario`, and buyers who answer by themselves, against the stand-in in a process of its own.

use std::{fs, path::PathBuf, process::Command, thread, time::Duration};

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
    assert_eq!(told.trim(), format!("{} scenarios are as they should be", files.len()));
    assert!(files.len() >= 8);
}

#[test]
fn a_broken_scenario_is_told_with_file_line_and_reason_and_nothing_is_played() {
    let (_folder, path) = file("scenario: A\nsteps:\n  - buyer opens: a\n  - buyer wites: b\n");
    for command in ["check", "run"] {
        let complaint = beseda().run(["scenario", command, path.as_str()]).fails(2);
        let line = format!("{path}:4:5: `buyer wites` is no step");
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

#[test]
fn a_scenario_plays_in_the_time_of_the_stand_in() {
    let stand_in = StandIn::start(&["--clock", "manual"]);
    let ask = |method: &str, path: &str, body: &str| -> Value {
        let url = format!("{}/__admin/{path}", stand_in.get("url"));
        let key = format!("Authorization: Bearer {}", stand_in.get("adminKey"));
        let curl = ["-s", "-X", method, &url, "-H", &key, "-H", "Content-Type: application/json"];
        let output = Command::new("curl").args(curl).args(["-d", body]).output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let text =
        "scenario: Two weeks\nsteps:\n  - buyer opens: a\n  - wait: 14d\n  - buyer writes: b\n";
    let started = ask("POST", "scenarios", text);
    assert_eq!(started["result"]["state"], "RUNNING", "{started}");
    let id = started["result"]["id"].to_string();
    ask("POST", "clock/advance", r#"{"seconds": 1209599}"#);
    assert_eq!(ask("GET", &format!("scenarios/{id}"), "")["result"]["state"], "RUNNING");
    ask("POST", "clock/advance", r#"{"seconds": 1}"#);
    let ended = ask("GET", &format!("scenarios/{id}?wait=true"), "");
    assert_eq!(ended["result"]["state"], "DONE", "{ended}");
    let url = format!("{}/__admin/scenarios", stand_in.get("url"));
    let output = Command::new("curl").args(["-s", &url]).output().unwrap();
    let refused: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(refused["errors"][0]["code"], "UNAUTHORIZED");
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

//! Every class of failure: its exit status, its words, and what it advises.

use crate::{
    program::{Program, beseda},
    service::{StandIn, always, nobody},
};

fn at(url: &str) -> Program {
    let beseda = beseda().env("BESEDA_URL", url).env("BESEDA_API_KEY", "ACMA:x");
    beseda.env("BESEDA_BUSINESS_ID", "1")
}

const BROKEN: &str =
    "HTTP/1.1 500 Oops\r\nContent-Length: 4\r\nX-Request-Id: r-17\r\nConnection: close\r\n\r\noops";

#[test]
fn refusals_of_a_real_server_have_their_classes() {
    let stand_in = StandIn::start(&[]);
    let ask = |args: &[&str]| stand_in.beseda().run(args);
    assert!(ask(&["chats", "get", "999"]).fails(5).contains("Can't find chat by id: 999"));
    assert!(ask(&["chats", "list", "--business", "4"]).fails(4).contains("Access denied"));
    assert!(ask(&["chats", "create", "--order", "4"]).fails(5).contains("Order not found: 4"));
    assert!(ask(&["chats", "list", "--page-token", "zzz"]).fails(3).contains("Bad page token"));
    assert!(ask(&["chats", "list", "--limit", "21"]).fails(3).contains("limit"));
    assert!(ask(&["chats", "send", "5", " "]).fails(3).contains("message size"));
    let bad_key = stand_in.beseda().env("BESEDA_API_KEY", "ACMA:wrong");
    let error = bad_key.run(["chats", "list", "--json"]).fails_in_json(4);
    assert_eq!(error["status"], 401);
    assert_eq!(error["errors"][0]["code"], "UNAUTHORIZED");
    assert!(error["hint"].as_str().unwrap().contains("credential"), "{error}");
    assert!(error["requestId"].is_string(), "{error}");
}

#[test]
fn a_used_up_limit_tells_when_it_ends() {
    let stand_in = StandIn::start(&["--hourly-limit", "1"]);
    let business = stand_in.business();
    let list = ["chats", "list", "--json", "--wait", "0", "--business", &business];
    stand_in.beseda().run(list).ok();
    let error = stand_in.beseda().run(list).fails_in_json(6);
    assert_eq!(error["class"], "limit");
    assert_eq!(error["limit"]["limit"], 1);
    assert_eq!(error["limit"]["remaining"], 0);
    assert!(error["hint"].as_str().unwrap().contains("try again after"), "{error}");
}

#[test]
fn a_broken_service_has_its_class() {
    let url = always(BROKEN);
    let told = at(&url).run(["chats", "get", "5", "--wait", "0"]).fails(7);
    assert!(told.contains("500") && told.contains("r-17"), "{told}");
    let page = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\n<html>";
    let told = at(&always(page)).run(["chats", "get", "5"]).fails(7);
    assert!(told.contains("--url"), "{told}");
}

#[test]
fn a_send_that_may_have_arrived_says_so_and_is_not_repeated() {
    let url = always(BROKEN);
    for command in [vec!["chats", "send", "5", "да"], vec!["chats", "send-file", "5", "Cargo.toml"]]
    {
        let told = at(&url).run(command).fails(7);
        assert!(told.contains("may have been delivered"), "{told}");
        assert!(told.contains("beseda chats history 5"), "{told}");
    }
    let error = at(&url).run(["chats", "send", "5", "да", "--json"]).fails_in_json(7);
    assert_eq!(error["mayHaveBeenDone"], true);
}

#[test]
fn a_network_that_fails_has_its_class() {
    let told = at(&nobody()).run(["chats", "get", "5", "--wait", "0"]).fails(8);
    assert!(told.contains("can't connect"), "{told}");
    let told = at(&nobody()).run(["chats", "send", "5", "да"]).fails(8);
    assert!(!told.contains("may have been delivered"), "nothing was connected to: {told}");
    let hangs_up = always("");
    let told = at(&hangs_up).run(["chats", "send", "5", "да"]).fails(8);
    assert!(told.contains("may have been delivered"), "{told}");
}

#[test]
fn a_wrong_command_line_is_told_before_anything_is_sent() {
    for wrong in [
        vec!["chats", "get", "0"],
        vec!["chats", "list", "--status", "happy"],
        vec!["chats", "list", "--api-key", "ACMA:x"],
        vec!["chats", "create"],
        vec!["chats", "create", "--order", "1", "--return", "2"],
        vec!["chats", "list", "--all", "--limit", "5"],
        vec!["chats", "send-file", "5", "/nonexistent"],
        vec!["chats", "list", "--url", "ftp://example"],
        vec!["market", "dispute"],
        vec![],
    ] {
        let run = at(&nobody()).run(&wrong);
        assert_eq!(run.code, Some(2), "{wrong:?}: {}{}", run.out, run.err);
    }
}

#[test]
fn a_closed_output_is_no_failure() {
    let stand_in = StandIn::start(&[]);
    for args in [&["chats", "list", "--all", "--json"][..], &["completions", "bash"], &["man"]] {
        let run = stand_in.beseda().run_unread(args);
        assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{args:?}");
    }
}

#[test]
fn a_cause_is_said_once_whatever_can_not_be_opened() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "a file and no folder, and no database either").unwrap();
    let below = file.join("folder");
    let broken = folder.path().join("broken");
    std::fs::create_dir(&broken).unwrap();
    for name in ["beseda.sqlite", "archive.sqlite", "outbox.sqlite"] {
        std::fs::copy(&file, broken.join(name)).unwrap();
    }
    let serve = |data| ["serve", "--listen", "127.0.0.1:0", "--data", data];
    let outbox = |archive| ["outbox", "list", "--archive", archive];
    let search = |archive| ["search", "--archive", archive, "word"];
    let (below, broken) = (below.to_str().unwrap(), broken.to_str().unwrap());
    for (commands, cause) in [
        (vec![serve(below).to_vec(), outbox(below).to_vec()], "Not a directory (os error 20)"),
        (
            vec![serve(broken).to_vec(), outbox(broken).to_vec(), search(broken).to_vec()],
            "file is not a database",
        ),
    ] {
        for command in commands {
            let said = beseda().run(&command).fails(1);
            assert_eq!(said.matches(cause).count(), 1, "{command:?}: {said}");
        }
    }
}

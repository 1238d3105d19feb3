//! The page at `/` of the real program, and the link that opens the stand-in's page at once.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::{program::beseda, service::StandIn};

/// Returns the page at a path for a browser with this language.
fn shown(url: &str, path: &str, language: &str) -> String {
    let address = url.strip_prefix("http://").unwrap();
    let mut socket = TcpStream::connect(address).unwrap();
    let head = format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nAccept: text/html\r\n\
         Accept-Language: {language}\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    answer
}

#[test]
fn a_stand_in_links_its_page_and_a_server_for_real_use_has_none() {
    let stand_in = StandIn::start(&[]);
    let html = shown(stand_in.get("url"), "/", "en");
    assert!(html.contains("href=\"/__admin/\"") && html.contains("when it started"), "{html}");
    assert!(!html.contains(stand_in.get("adminKey")), "the key is nobody's who asks");
    let html = shown(stand_in.get("url"), "/", "ru");
    assert!(html.contains("href=\"/__admin/\"") && html.contains("стенд для тестов"), "{html}");

    let folder = tempfile::tempdir().unwrap();
    let mut serve = Command::new(env!("CARGO_BIN_EXE_beseda"));
    serve.env_clear().args(["serve", "--json", "--listen", "127.0.0.1:0", "--data"]);
    serve.arg(folder.path());
    let server = StandIn::started(serve);
    let html = shown(server.get("url"), "/", "en");
    assert!(html.contains("beseda admin keys create") && !html.contains("__admin"), "{html}");
    assert!(html.contains("href=\"/docs\"") && !html.contains("/market/v1"), "{html}");

    let mut gateway = Command::new(env!("CARGO_BIN_EXE_beseda"));
    gateway.env_clear().args(["gateway", "--json", "--listen", "127.0.0.1:0", "--archive"]);
    gateway.arg(folder.path().join("archive"));
    gateway.env("BESEDA_URL", stand_in.get("url")).env("BESEDA_API_KEY", stand_in.get("apiKey"));
    let html = shown(StandIn::started(gateway).get("url"), "/", "en");
    assert!(html.contains("beseda gateway keys create") && !html.contains("__admin"), "{html}");
}

/// A stand-in whose welcome and log are kept; killed when dropped.
struct Told(Child);

impl Drop for Told {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[test]
fn the_link_that_opens_the_page_is_told_to_people_and_programs_and_to_nobody_else() {
    let stand_in = StandIn::start(&[]);
    let (url, key) = (stand_in.get("url"), stand_in.get("adminKey"));
    assert_eq!(stand_in.get("adminUrl"), format!("{url}/__admin/#key={key}"));

    let mut command = Command::new(env!("CARGO_BIN_EXE_beseda"));
    command.env_clear().env("RUST_LOG", "trace");
    command.args(["stand-in", "--listen", "127.0.0.1:0"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = Told(command.spawn().unwrap());
    let mut out = BufReader::new(running.0.stdout.take().unwrap());
    let mut err = running.0.stderr.take().unwrap();
    let log = std::thread::spawn(move || {
        let mut log = String::new();
        err.read_to_string(&mut log).map(|_| log)
    });
    let mut welcome = String::new();
    while !welcome.contains("Ctrl-C ends it.") {
        assert_ne!(out.read_line(&mut welcome).unwrap(), 0, "{welcome}");
    }
    let line = |name| welcome.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim();
    let (url, key, page) = (line("address"), line("admin key"), line("page"));
    assert_eq!(page, format!("{url}/__admin/#key={key}"));
    shown(url, "/", "en");
    // A client that sends even what stands behind # must not find it written down.
    shown(url, &page[url.len()..], "en");
    let journal = beseda().env("BESEDA_URL", url).env("BESEDA_ADMIN_KEY", key);
    let journal: Vec<Value> = journal.run(["stand-in", "journal", "--json"]).lines();
    let journal = format!("{journal:?}");
    assert!(journal.contains("\"/\"") && !journal.contains(key), "{journal}");
    kill_process(Pid::from_child(&running.0), Signal::TERM).unwrap();
    assert_eq!(running.0.wait().unwrap().code(), Some(0));
    assert!(!log.join().unwrap().unwrap().contains(key), "the log tells the key");
}

//! Signals that end the programs: a request under way is answered first, also when the terminal is closed (SIGHUP).

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::{program::beseda, service::StandIn};

const BESEDA: &str = env!("CARGO_BIN_EXE_beseda");

/// Returns the program with an empty environment and the default action for SIGHUP, even where the tests themselves run
/// under `nohup` and every child would ignore it.
fn program() -> Command {
    let mut command = Command::new("env");
    command.env_clear().args(["--default-signal=HUP", BESEDA]);
    command
}

/// A program that serves, with what it printed when it was ready; killed when dropped.
struct Running {
    child: Child,
    told: Value,
}

impl Running {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { child, told: serde_json::from_str(&line).unwrap() }
    }

    fn address(&self) -> &str {
        let url = self.told["url"].as_str().unwrap().strip_prefix("http://").unwrap();
        url.split('/').next().unwrap()
    }

    fn send(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Comes back when the program no longer takes connections, so that it has certainly seen the signal.
    fn closes_its_door(&self) {
        let bound = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(self.address()).is_ok() {
            assert!(Instant::now() < bound, "it goes on taking connections");
            std::thread::yield_now();
        }
    }

    /// Sends a request, the signal in the middle of its body, then the rest; gives the answer and the exit status.
    fn interrupted(mut self, target: &str, header: &str, signal: Signal) -> (String, Option<i32>) {
        let body = "{\"a\":1}";
        let mut socket = TcpStream::connect(self.address()).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let head = format!(
            "POST {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: 100-continue\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n{header}\r\n{}",
            body.len(),
            &body[..3]
        );
        socket.write_all(head.as_bytes()).unwrap();
        let mut answer = BufReader::new(socket.try_clone().unwrap());
        let mut line = String::new();
        answer.read_line(&mut line).unwrap();
        assert_eq!(line, "HTTP/1.1 100 Continue\r\n", "somebody reads the body now");
        self.send(signal);
        self.closes_its_door();
        socket.write_all(&body.as_bytes()[3..]).unwrap();
        let mut rest = String::new();
        answer.read_to_string(&mut rest).unwrap();
        (rest.trim_start().to_owned(), self.child.wait().unwrap().code())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A server on a folder with a cabinet and its key.
fn serve(folder: &Path) -> (Running, String, String) {
    let admin = |args: &[&str]| {
        let on_folder = ["admin", "--json", "--data", folder.to_str().unwrap()];
        beseda().run(on_folder.iter().chain(args)).json()
    };
    let business = admin(&["cabinets", "create", "Чай"])["businessId"].to_string();
    let key = admin(&["keys", "create", &business, "bot", "--scope", "communication"]);
    let key = format!("Api-Key: {}\r\n", key["apiKey"].as_str().unwrap());
    let mut command = program();
    command.args(["serve", "--json", "--listen", "127.0.0.1:0", "--data"]).arg(folder);
    (Running::start(&mut command), business, key)
}

#[test]
fn a_server_answers_what_is_under_way_before_each_of_the_three_signals_ends_it() {
    for signal in [Signal::HUP, Signal::TERM, Signal::INT] {
        let folder = tempfile::tempdir().unwrap();
        let (server, business, key) = serve(folder.path());
        let target = format!("/v2/businesses/{business}/chats");
        let (answer, code) = server.interrupted(&target, &key, signal);
        assert!(answer.starts_with("HTTP/1.1 200"), "{signal:?}: {answer}");
        assert!(answer.contains(r#""status":"OK""#), "{signal:?}: {answer}");
        assert_eq!(code, Some(0), "{signal:?}");
    }
}

#[test]
fn a_stand_in_and_a_gateway_answer_what_is_under_way_when_the_terminal_is_closed() {
    let mut command = program();
    command.args(["stand-in", "--json", "--listen", "127.0.0.1:0"]);
    let stand_in = Running::start(&mut command);
    let folder = tempfile::tempdir().unwrap();
    let (url, business) = (&stand_in.told["url"], stand_in.told["businessId"].to_string());
    let target = format!("/v2/businesses/{business}/chats");
    let upstream = stand_in.told["apiKey"].as_str().unwrap();
    let mut command = program();
    command.env("BESEDA_API_KEY", upstream).arg("gateway").arg("--archive");
    command.arg(folder.path()).args(["--json", "--listen", "127.0.0.1:0", "--upstream"]);
    let gateway = Running::start(command.arg(url.as_str().unwrap()));
    let key = format!("Api-Key: {}\r\n", gateway.told["apiKey"].as_str().unwrap());
    let (answer, code) = gateway.interrupted(&target, &key, Signal::HUP);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(code, Some(0));

    let key = format!("Api-Key: {upstream}\r\n");
    let (answer, code) = stand_in.interrupted(&target, &key, Signal::HUP);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(code, Some(0));
}

#[test]
fn listen_answers_what_is_under_way_when_the_terminal_is_closed() {
    let mut command = program();
    command.args(["listen", "--json", "--any-source", "--listen", "127.0.0.1:0"]);
    let listening = Running::start(&mut command);
    // No notification, but it is answered: 400 in the published shape.
    let (answer, code) = listening.interrupted("/notification", "", Signal::HUP);
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    assert_eq!(code, Some(0));
}

#[test]
fn watch_ends_well_when_the_terminal_is_closed() {
    let stand_in = StandIn::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let mut command = program();
    command.args(["watch", "--json", "--archive"]).arg(folder.path());
    command.env("BESEDA_URL", stand_in.get("url")).env("BESEDA_API_KEY", stand_in.get("apiKey"));
    let mut watching = Running::start(command.env("BESEDA_BUSINESS_ID", stand_in.business()));
    assert_eq!(watching.told["event"], "ready");
    watching.send(Signal::HUP);
    assert_eq!(watching.child.wait().unwrap().code(), Some(0));
}

#[test]
fn under_nohup_a_closed_terminal_is_ignored() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' HUP; exec \"$@\"", "sh", BESEDA, "serve", "--json"]);
    command.args(["--listen", "127.0.0.1:0", "--data"]).arg(folder.path());
    let mut server = Running::start(&mut command);
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.child.id())).unwrap();
    let mask = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        u64::from_str_radix(line.trim(), 16).unwrap()
    };
    assert_eq!((mask("SigIgn:") & 1, mask("SigCgt:") & 1), (1, 0), "{status}");
    server.send(Signal::HUP);
    assert!(TcpStream::connect(server.address()).is_ok());
    server.send(Signal::TERM);
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
}

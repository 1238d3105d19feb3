//! `beseda listen` with the stand-in as the sender: what it prints, passes on and answers, and how it ends.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::{Child, ChildStdout, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU16, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::{program::beseda, service::StandIn};

/// The program at listening; killed when dropped.
struct Listening {
    child: Child,
    out: BufReader<ChildStdout>,
    url: String,
}

impl Listening {
    fn start(options: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_beseda"));
        command.env_clear().args(["listen", "--listen", "127.0.0.1:0", "--json"]).args(options);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        let told: Value = serde_json::from_str(&line).unwrap();
        Self { child, out, url: told["url"].as_str().unwrap().to_owned() }
    }

    /// The next line.
    fn next(&mut self) -> Value {
        let mut line = String::new();
        self.out.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }

    /// Asks it to end, asserts that it did so well, and gives what else it printed.
    fn end(mut self, signal: Signal) -> String {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).unwrap();
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
        rest
    }

    /// Posts a notification as somebody might by hand; gives the whole answer.
    fn post(&self, path: &str, headers: &str, body: &str) -> String {
        let address = self.url.strip_prefix("http://").unwrap().split('/').next().unwrap();
        let mut socket = TcpStream::connect(address).unwrap();
        let length = body.len();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n\
             {headers}Content-Length: {length}\r\n\r\n"
        );
        socket.write_all(format!("{head}{body}").as_bytes()).unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        answer
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn subscribe(stand_in: &StandIn, url: &str) -> crate::program::Run {
    let business = stand_in.business();
    stand_in.beseda().run(["admin", "--json", "subscriptions", "add", &business, url])
}

/// A buyer asks; gives the chat.
fn ask(stand_in: &StandIn, text: &str) -> Value {
    stand_in.beseda().run(["market", "--json", "open", text]).json()["chatId"].clone()
}

#[test]
fn a_conversation_with_the_stand_in_comes_out_as_lines() {
    let stand_in = StandIn::start(&[]);
    let mut listening = Listening::start(&["--source", "127.0.0.0/8", "--path", "/market"]);
    assert!(listening.url.ends_with("/market"), "{}", listening.url);
    assert_eq!(subscribe(&stand_in, &listening.url).json()["state"], "ACTIVE");
    let chat = ask(&stand_in, "Есть синие?");
    let created = listening.next();
    assert_eq!((&created["notificationType"], &created["chatId"]), (&"CHAT_CREATED".into(), &chat));
    assert_eq!(created["businessId"].to_string(), stand_in.business());
    let sent = listening.next();
    assert_eq!(sent["notificationType"], "CHAT_MESSAGE_SENT");
    let history = ["chats", "history", &chat.to_string(), "--json"];
    let history = stand_in.beseda().run(history).json();
    assert_eq!(sent["messageId"], history["messages"][0]["messageId"], "a number, as elsewhere");
    stand_in.beseda().run(["chats", "send", &chat.to_string(), "Есть."]).ok();
    assert_ne!(listening.next()["messageId"], sent["messageId"]);
    assert_eq!(listening.end(Signal::TERM), "");
}

#[test]
fn people_see_a_line_for_each_and_strange_types_cannot_steer_the_terminal() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_beseda"));
    command.env_clear().args(["listen", "--listen", "127.0.0.1:0", "--any-source"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut noted = String::new();
    let mut notes = BufReader::new(child.stderr.take().unwrap());
    notes.read_line(&mut noted).unwrap();
    let url = noted.split_whitespace().nth(2).unwrap().to_owned();
    assert!(noted.contains("from anywhere"), "{noted}");
    let out = BufReader::new(child.stdout.take().unwrap());
    let listening = Listening { child, out, url };
    let message = r#"{"notificationType":"CHAT_MESSAGE_SENT","chatId":14604709,"messageId":"7","businessId":2,"sentAt":"2026-06-01T00:00:00Z"}"#;
    for body in [message, r#"{"notificationType":"NEW_ONE","text":"a\u009b31mb"}"#] {
        assert!(listening.post("/", "", body).starts_with("HTTP/1.1 200"));
    }
    let lines = listening.end(Signal::INT);
    assert_eq!(
        lines,
        "2026-06-01T00:00:00Z  CHAT_MESSAGE_SENT        chat 14604709  message 7  cabinet 2\n\
         {\"notificationType\":\"NEW_ONE\",\"text\":\"a\u{fffd}31mb\"}\n"
    );
}

#[test]
fn strangers_are_refused_whatever_they_say_of_themselves() {
    let stand_in = StandIn::start(&[]);
    let listening = Listening::start(&[]);
    let refused = subscribe(&stand_in, &listening.url).fails_in_json(3);
    assert!(refused["message"].as_str().unwrap().contains("403"), "{refused}");
    let ping = r#"{"notificationType":"PING"}"#;
    let claim = "X-Forwarded-For: 5.45.207.1\r\n";
    assert!(listening.post("/", claim, ping).starts_with("HTTP/1.1 403"));
    let proxied = Listening::start(&["--trust-proxy", "127.0.0.1"]);
    assert!(proxied.post("/notification", claim, ping).starts_with("HTTP/1.1 200"));
    let further = "X-Forwarded-For: 5.45.207.1, 192.0.2.1\r\n";
    assert!(proxied.post("/", further, ping).starts_with("HTTP/1.1 403"));
    assert!(proxied.post("/", "", ping).starts_with("HTTP/1.1 403"));
}

#[test]
fn doubles_and_other_cabinets_are_answered_and_not_printed_unless_wanted() {
    let event = |business: i64, chat: i64| {
        json!({"notificationType": "CHAT_CREATED", "chatId": chat, "businessId": business,
               "createdAt": "2026-06-01T00:00:00Z"})
        .to_string()
    };
    let printed = |options: &[&str]| {
        let listening = Listening::start(options);
        for body in [event(1, 7), event(1, 7), event(2, 8), event(3, 9)] {
            assert!(listening.post("/", "", &body).starts_with("HTTP/1.1 200"));
        }
        assert!(listening.post("/", "", "{}").starts_with("HTTP/1.1 400"));
        let lines = listening.end(Signal::TERM);
        let chat = |line| serde_json::from_str::<Value>(line).unwrap()["chatId"].as_i64().unwrap();
        lines.lines().map(chat).collect::<Vec<_>>()
    };
    assert_eq!(printed(&["--any-source"]), [7, 8, 9]);
    assert_eq!(printed(&["--any-source", "--duplicates"]), [7, 7, 8, 9]);
    assert_eq!(printed(&["--any-source", "--business", "1", "--business", "3"]), [7, 9]);
}

/// A program of the shop's developer: answers with this status, and gives the bodies it got.
fn program(status: &Arc<AtomicU16>) -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let (tell, told) = mpsc::channel();
    let status = Arc::clone(status);
    thread::spawn(move || {
        for mut socket in listener.incoming().map_while(Result::ok) {
            let mut reader = BufReader::new(socket.try_clone().unwrap());
            let (mut length, mut line) = (0, String::new());
            while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
                if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                line.clear();
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let status = status.load(Ordering::SeqCst);
            let answer = r#"{"version":"9","name":"mine","time":"2026-11-21T10:00:00Z"}"#;
            let head = format!(
                "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nConnection: close\r\n"
            );
            let whole = format!("{head}Content-Length: {}\r\n\r\n{answer}", answer.len());
            socket.write_all(whole.as_bytes()).ok();
            tell.send(String::from_utf8(body).unwrap()).ok();
        }
    });
    (url, told)
}

#[test]
fn a_developers_program_gets_each_notification_and_decides_on_the_answer() {
    let stand_in = StandIn::start(&[]);
    let status = Arc::new(AtomicU16::new(200));
    let (there, got) = program(&status);
    let mut listening = Listening::start(&["--any-source", "--forward", &there]);
    let subscription = subscribe(&stand_in, &listening.url).json()["id"].to_string();
    let next = || got.recv_timeout(Duration::from_secs(60)).unwrap();
    assert!(next().contains("PING"), "the check goes through too");

    status.store(503, Ordering::SeqCst);
    let chat = ask(&stand_in, "Где посылка?").to_string();
    let failed = next();
    assert!(failed.contains("CHAT_CREATED") && failed.contains(&chat), "{failed}");
    status.store(200, Ordering::SeqCst);
    let business = stand_in.business();
    // Asks with a PING, then goes on at once and not after a minute.
    let resume = ["admin", "--json", "subscriptions", "resume", &business, &subscription];
    stand_in.beseda().run(resume).ok();
    assert!(next().contains("PING"));
    assert_eq!(next(), failed, "the same one again, byte for byte");
    assert!(next().contains("CHAT_MESSAGE_SENT"));
    assert_eq!(listening.next()["notificationType"], "CHAT_CREATED");
    assert_eq!(listening.next()["notificationType"], "CHAT_MESSAGE_SENT");

    let order = r#"{ "notificationType":"ORDER_CREATED", "orderId":7 }"#;
    let answer = listening.post("/notification", "", order);
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("mine"), "{answer}");
    assert_eq!(next(), order);
    assert_eq!(listening.next()["orderId"], 7);
    status.store(400, Ordering::SeqCst);
    let refused = listening.post("/", "", &order.replace('7', "8"));
    assert!(refused.starts_with("HTTP/1.1 400"), "{refused}");
    assert_eq!(listening.end(Signal::TERM), "", "what wasn't taken isn't printed");

    let nobody = crate::service::nobody();
    let alone = Listening::start(&["--any-source", "--forward", &nobody]);
    assert!(alone.post("/", "", order).starts_with("HTTP/1.1 500"));
    subscribe(&stand_in, &alone.url).fails(3);
}

#[test]
fn it_ends_well_when_nobody_reads_it_any_more() {
    let mut listening = Listening::start(&["--any-source"]);
    // Another pipe in place of the one read so far, which closes by that.
    let mut other = Command::new("true").stdout(Stdio::piped()).spawn().unwrap();
    listening.out = BufReader::new(other.stdout.take().unwrap());
    other.wait().unwrap();
    let event = r#"{"notificationType":"CHAT_CREATED","chatId":1,"businessId":2,"createdAt":"2026-06-01T00:00:00Z"}"#;
    let answer = listening.post("/", "", event);
    assert!(answer.starts_with("HTTP/1.1 500"), "{answer}");
    assert_eq!(listening.child.wait().unwrap().code(), Some(0));
}

#[test]
fn wrong_options_are_told_before_anything_is_taken() {
    for wrong in [
        &["--source", "everywhere"][..],
        &["--source", "10.0.0.0/33"],
        &["--any-source", "--source", "10.0.0.0/8"],
        &["--path", "market"],
        &["--path", "/{x}"],
        &["--forward", "localhost:3000"],
        &["--forward", "ftp://localhost/"],
        &["--name", ""],
        &["--business", "0"],
        &["--tls-cert", "/nowhere/cert.pem"],
        &["--tls-cert", "/nowhere/cert.pem", "--tls-key", "/nowhere/key.pem"],
    ] {
        let all = ["listen", "--listen", "127.0.0.1:0"].iter().chain(wrong);
        let said = beseda().run(all).fails(2);
        assert!(!said.contains("panicked"), "{said}");
    }
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let said = beseda().run(["listen", "--listen", &address]).fails(1);
    assert!(said.contains("choose another address"), "{said}");
}

//! Which address a command goes to when none is named, and what never leaves for another one.

use std::{
    io::Read,
    net::{TcpListener, TcpStream},
    process::Command,
    sync::mpsc,
    thread,
};

use crate::{
    program::{Program, beseda},
    service::StandIn,
};

const SCENARIO: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/scenarios/where-is-my-order.yaml");
const KEY: &str = "a-key-of-more-than-16-characters";

/// A proxy that says what it is asked for and serves nothing.
struct Proxy {
    url: String,
    asked: mpsc::Receiver<String>,
}

impl Proxy {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (tell, asked) = mpsc::channel();
        thread::spawn(move || {
            for stream in listener.incoming() {
                if tell.send(first_line(stream.unwrap())).is_err() {
                    return;
                }
            }
        });
        Self { url, asked }
    }

    /// The program with every way out leading through this proxy.
    fn before(&self) -> Program {
        let beseda = beseda().env("HTTPS_PROXY", &self.url).env("HTTP_PROXY", &self.url);
        beseda
            .env("NO_PROXY", "127.0.0.1")
            .env("BESEDA_API_KEY", "ACMA:x")
            .env("BESEDA_ADMIN_KEY", KEY)
    }
}

fn first_line(mut stream: TcpStream) -> String {
    let mut request = [0; 512];
    let read = stream.read(&mut request).unwrap_or(0);
    String::from_utf8_lossy(&request[..read]).lines().next().unwrap_or_default().to_owned()
}

#[test]
fn commands_of_our_own_servers_never_reach_for_the_published_service() {
    let proxy = Proxy::start();
    // No server needs to be there: what matters is where the command goes.
    for command in [
        &["admin", "users", "list"][..],
        &["admin", "subscriptions", "list", "1"],
        &["stand-in", "clock"],
        &["stand-in", "reset"],
        &["market", "close", "1", "--business", "1"],
        &["market", "close", "1"],
        &["scenario", "run", "--business", "1", SCENARIO],
    ] {
        let beseda = proxy.before().env("BESEDA_MARKET_KEY", KEY).env("BESEDA_URL", "");
        let run = beseda.run([command, &["--timeout", "2", "--wait", "0"]].concat());
        assert_ne!(run.code, Some(0), "{command:?}: {}", run.out);
        assert!(!run.err.contains("unexpected argument"), "{command:?}: {}", run.err);
        assert_eq!(proxy.asked.try_recv(), Err(mpsc::TryRecvError::Empty), "{command:?}");
    }
    // The proxy would have seen it: a seller's command goes to the published service.
    let run = proxy.before().run(["chats", "list", "--business", "1", "--wait", "0"]);
    assert_ne!(run.code, Some(0));
    assert_eq!(proxy.asked.recv().unwrap(), "CONNECT api.partner.market.yandex.ru:443 HTTP/1.1");
}

#[test]
fn the_published_service_is_refused_where_it_has_no_such_operation() {
    let proxy = Proxy::start();
    for url in [
        "https://api.partner.market.yandex.ru",
        "https://API.partner.market.yandex.ru:443/v2/",
        "http://someone@api.partner.market.yandex.ru.",
    ] {
        let told = proxy.before().run(["admin", "users", "list", "--url", url]).fails(2);
        assert!(told.contains("BESEDA_URL") && told.contains("http://127.0.0.1:8090"), "{told}");
    }
    assert_eq!(proxy.asked.try_recv(), Err(mpsc::TryRecvError::Empty));
}

#[test]
fn a_redirect_takes_no_key_to_another_address() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    let redirecting = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = format!("http://{}/", elsewhere.local_addr().unwrap());
    let url = format!("http://{}", redirecting.local_addr().unwrap());
    thread::spawn(move || {
        for stream in redirecting.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 2048]);
            let answer =
                format!("HTTP/1.1 307 Moved\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n");
            let _ = std::io::Write::write_all(&mut stream, answer.as_bytes());
        }
    });
    for command in [&["admin", "users", "list"][..], &["chats", "list", "--business", "1"]] {
        let beseda = beseda().env("BESEDA_URL", &url).env("BESEDA_ADMIN_KEY", KEY);
        let run = beseda.env("BESEDA_API_KEY", "ACMA:x").run(command);
        assert_ne!(run.code, Some(0), "{}", run.out);
    }
    elsewhere.set_nonblocking(true).unwrap();
    assert!(elsewhere.accept().is_err(), "a redirect was followed");
}

#[test]
fn a_gateway_stands_before_the_address_that_all_commands_go_to() {
    let stand_in = StandIn::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let mut gateway = Command::new(env!("CARGO_BIN_EXE_beseda"));
    gateway.env_clear().env("BESEDA_URL", stand_in.get("url"));
    gateway.env("BESEDA_API_KEY", stand_in.get("apiKey"));
    gateway.args(["gateway", "--json", "--listen", "127.0.0.1:0", "--archive"]).arg(folder.path());
    let gateway = StandIn::started(gateway);
    assert_eq!(gateway.business(), stand_in.business());
    let keys = beseda().env("BESEDA_URL", stand_in.get("url"));
    keys.run([
        "gateway".as_ref(),
        "keys".as_ref(),
        "list".as_ref(),
        "--archive".as_ref(),
        folder.path().as_os_str(),
    ])
    .ok();
}

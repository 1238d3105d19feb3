//! Services to talk to: the stand-in in a process of its own, and one that always gives the same raw answer.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    thread,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::program::{Program, beseda};

/// A stand-in, stopped when dropped.
pub(crate) struct StandIn {
    child: Child,
    pub(crate) told: Value,
}

impl StandIn {
    pub(crate) fn start(options: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_beseda"));
        command.env_clear().args(["stand-in", "--json", "--listen", "127.0.0.1:0"]).args(options);
        Self::started(command)
    }

    /// Starts a program that prints one line of JSON when it is ready, and ends it as a stand-in.
    pub(crate) fn started(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let told = serde_json::from_str(&line).unwrap();
        Self { child, told }
    }

    /// The number of its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it as a failure of power would (SIGKILL).
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn get(&self, name: &str) -> &str {
        self.told[name].as_str().unwrap()
    }

    pub(crate) fn business(&self) -> String {
        self.told["businessId"].to_string()
    }

    /// The program with the address and every credential of this stand-in.
    pub(crate) fn beseda(&self) -> Program {
        beseda()
            .env("BESEDA_URL", self.get("url"))
            .env("BESEDA_API_KEY", self.get("apiKey"))
            .env("BESEDA_MARKET_KEY", self.get("marketKey"))
            .env("BESEDA_ADMIN_KEY", self.get("adminKey"))
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        // Not killed: asked to end, so that it takes its temporary folder along.
        kill_process(Pid::from_child(&self.child), Signal::TERM).ok();
        self.child.wait().ok();
    }
}

/// Plain HTTP. It needs rustls's cryptography picked, which the API's client does when it is built.
pub(crate) fn http() -> reqwest::Client {
    drop(beseda_client::Client::builder().api_key("x").build().unwrap());
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// A service that answers every request with these bytes and hangs up.
pub(crate) fn always(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for socket in listener.incoming().map_while(Result::ok) {
            serve(&socket, answer).ok();
        }
    });
    url
}

fn serve(mut socket: &TcpStream, answer: &str) -> std::io::Result<()> {
    let mut reader = BufReader::new(socket);
    let (mut length, mut chunked) = (0, false);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        chunked |= line.to_lowercase().starts_with("transfer-encoding:");
        if line.trim().is_empty() {
            break;
        }
    }
    // Whoever is answered and hung up on while still sending may see a broken pipe in place of the answer.
    while chunked {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let size = u64::from_str_radix(line.trim(), 16).unwrap_or(0);
        (&mut reader).take(size + 2).read_to_end(&mut Vec::new())?;
        chunked = size > 0;
    }
    reader.take(length).read_to_end(&mut Vec::new())?;
    socket.write_all(answer.as_bytes())
}

/// An address nobody listens at.
pub(crate) fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

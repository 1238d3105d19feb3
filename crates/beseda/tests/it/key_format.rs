//! Which Api-Keys `serve` looks up at all: a setting of its configuration.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use serde_json::Value;

use crate::program::{Run, beseda};

fn configured(folder: &Path, line: &str) -> PathBuf {
    let path = folder.join("beseda.toml");
    let data = folder.join("data");
    fs::write(&path, format!("data = '{}'\n[server]\n{line}\n", data.display())).unwrap();
    path
}

fn checked(line: &str) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let config = configured(folder.path(), line);
    beseda().run([
        "serve".as_ref(),
        "--config".as_ref(),
        config.as_os_str(),
        "--check-config".as_ref(),
    ])
}

/// A server; killed when dropped.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Returns the response to a key of another than the published form, from a server with this line in its configuration.
fn told(line: &str) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_beseda"));
    command.env_clear().args(["serve", "--json", "--listen", "127.0.0.1:0", "--config"]);
    command.arg(configured(folder.path(), line)).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut server = Server(command.spawn().unwrap());
    let mut ready = String::new();
    BufReader::new(server.0.stdout.take().unwrap()).read_line(&mut ready).unwrap();
    let ready: Value = serde_json::from_str(&ready).unwrap();
    let address = ready["url"].as_str().unwrap().strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    let request = "POST /v2/auth/token HTTP/1.1\r\nHost: test\r\nConnection: close\r\nApi-Key: my-own-key\r\n\r\n";
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

#[test]
fn the_form_of_keys_is_checked_with_the_rest_of_the_configuration() {
    for line in ["", "api_key_format = 'acma'", "api_key_format = 'any'"] {
        let run = checked(line);
        assert_eq!(run.code, Some(0), "{line}: {run:?}");
    }
    let run = checked("api_key_format = 'some'");
    assert_ne!(run.code, Some(0));
    for told in ["api_key_format", "some", "acma", "any"] {
        assert!(run.err.contains(told), "{told}: {run:?}");
    }
}

#[test]
fn keys_of_another_form_are_looked_up_only_where_the_configuration_says_so() {
    for (line, text) in [
        ("", "Api-Key token prefix invalid"),
        ("api_key_format = 'acma'", "Api-Key token prefix invalid"),
        ("api_key_format = 'any'", "Api-Key token is invalid"),
    ] {
        assert_eq!(told(line)["errors"][0]["message"], text, "{line}");
    }
}

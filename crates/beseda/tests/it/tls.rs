//! TLS with an authority of one's own, as companies have one: served, listened with, and trusted only by whoever was told to.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use serde_json::Value;
use tempfile::TempDir;

use crate::program::{Program, beseda};

const ADMIN: &str = "a-key-for-this-test";

/// An authority and a certificate by it for this machine, as files.
struct Papers {
    folder: TempDir,
}

impl Papers {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let ca = authority.self_signed(&key).unwrap().pem();
        let issuer = Issuer::new(authority, key);
        let key = KeyPair::generate().unwrap();
        let names = ["127.0.0.1".to_owned(), "localhost".to_owned()];
        let cert = CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap().pem();
        for (name, text) in [("ca.pem", ca), ("cert.pem", cert), ("key.pem", key.serialize_pem())] {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// A program that tells its address; killed when dropped.
struct Running {
    child: Child,
    url: String,
}

impl Running {
    fn start(command: &mut Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let told: Value = serde_json::from_str(&line).unwrap();
        let url = told["url"].as_str().unwrap().to_owned();
        assert!(url.starts_with("https://"), "{url}");
        Self { child, url }
    }

    fn asked(&self, ca: Option<&Path>) -> Program {
        let asked = beseda().env("BESEDA_URL", &self.url).env("BESEDA_ADMIN_KEY", ADMIN);
        match ca {
            Some(ca) => asked.env("BESEDA_CA_FILE", ca),
            None => asked,
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_beseda"));
    command.env_clear();
    command
}

#[test]
fn a_server_with_ones_own_authority_is_trusted_by_whoever_names_it_and_by_nobody_else() {
    let papers = Papers::new();
    let config = papers.path("beseda.toml");
    let (cert, key) = (papers.path("cert.pem"), papers.path("key.pem"));
    let text = format!("[transport.tls]\ncert = {cert:?}\nkey = {key:?}\n");
    std::fs::write(&config, text).unwrap();
    let data = papers.path("data");
    let mut serve = program();
    serve.env("BESEDA_ADMIN_KEY", ADMIN).args(["serve", "--listen", "127.0.0.1:0", "--json"]);
    let served = Running::start(serve.arg("--config").arg(&config).arg("--data").arg(&data));

    let ca = papers.path("ca.pem");
    let list = ["admin", "cabinets", "list", "--json", "--wait", "0"];
    let found = served.asked(Some(&ca)).run(list).json();
    assert!(found["cabinets"].is_array(), "{found}");
    let refused = served.asked(None).run(list).fails_in_json(8);
    assert!(refused["message"].as_str().unwrap().contains("certificate"), "{refused}");
    let stranger = Papers::new();
    served.asked(Some(&stranger.path("ca.pem"))).run(list).fails(8);
    let missing = served.asked(None).run(["admin", "cabinets", "list", "--ca-file", "/nowhere"]);
    assert!(missing.fails(2).contains("--ca-file"));
    let key = papers.path("key.pem");
    let said = served.asked(Some(&key)).run(list).fails_in_json(2);
    assert!(said["message"].as_str().unwrap().contains("no certificate"), "{said}");
}

#[test]
fn listening_speaks_tls_with_a_certificate() {
    let papers = Papers::new();
    let mut listen = program();
    listen.args(["listen", "--any-source", "--json", "--listen", "127.0.0.1:0"]);
    listen.arg("--tls-cert").arg(papers.path("cert.pem"));
    let listening = Running::start(listen.arg("--tls-key").arg(papers.path("key.pem")));
    let chats = ["chats", "list", "--json", "--business", "1", "--wait", "0"];
    let asked = |ca: Option<&Path>| listening.asked(ca).env("BESEDA_API_KEY", "ACMA:x").run(chats);
    // The handshake is what counts: there are no chats at that address.
    asked(Some(&papers.path("ca.pem"))).fails(5);
    asked(None).fails(8);
}

//! Replays the files of `tests/wire`: requests as anyone could send them by hand, and what must come back.
//!
//! A file is a list of exchanges. `--- title` begins one; then the request line, headers, an empty line and
//! the body; then `=> STATUS`, with the text of the only error behind it (`…` at its end: any ending), headers
//! that must come back, and the JSON that must be the body. `${name}` stands for what the world has. A line
//! `settings {…}` at the top changes the server's settings, `clock +SECONDS` between exchanges moves the clock.

use std::path::{Path, PathBuf};

use beseda_api::ErrorKind;
use beseda_server::Unversioned;
use serde_json::{Value, json};

use crate::{
    documents,
    published::{self, Document},
    world::{self, Reply, World},
};

struct Exchange {
    title: String,
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: String,
    status: u16,
    text: String,
    back: Vec<(String, String)>,
    json: Option<Value>,
    clock: u64,
}

fn exchanges(text: &str, fill: &dyn Fn(&str) -> String) -> Vec<Exchange> {
    text.split("\n--- ").skip(1).map(|part| exchange(part, fill)).collect()
}

fn exchange(part: &str, fill: &dyn Fn(&str) -> String) -> Exchange {
    let (request, answer) = part.split_once("\n=> ").unwrap_or_else(|| panic!("no answer: {part}"));
    let mut lines = request.lines();
    let title = lines.next().unwrap().to_owned();
    let mut line = lines.next().unwrap();
    let mut clock = 0;
    if let Some(seconds) = line.strip_prefix("clock +") {
        clock = seconds.parse().unwrap();
        line = lines.next().unwrap();
    }
    let (method, path) = line.split_once(' ').unwrap();
    let pair = |line: &str| {
        let (name, value) = line.split_once(':').unwrap_or_else(|| panic!("no header: {line}"));
        (name.to_owned(), fill(value.trim()))
    };
    let headers: Vec<_> = lines.by_ref().take_while(|line| !line.is_empty()).map(pair).collect();
    let multipart = headers.iter().any(|(_, value)| value.to_lowercase().starts_with("multipart/"));
    let body = lines.collect::<Vec<_>>().join(if multipart { "\r\n" } else { "\n" });
    let mut lines = answer.trim_end().lines().filter(|line| !line.starts_with('#'));
    let first = lines.next().unwrap();
    let (status, text) = first.split_once(' ').unwrap_or((first, ""));
    let (json, back): (Vec<&str>, Vec<&str>) = lines
        .filter(|line| !line.is_empty())
        .partition(|line| line.starts_with(['{', '[', ' ', '}']));
    let json = (!json.is_empty()).then(|| serde_json::from_str(&fill(&json.join("\n"))).unwrap());
    Exchange {
        title,
        method: method.to_owned(),
        path: fill(path),
        headers,
        body: fill(&body),
        status: status.parse().unwrap(),
        text: fill(text),
        back: back.into_iter().map(pair).collect(),
        json,
        clock,
    }
}

fn judge(exchange: &Exchange, reply: &Reply, own: &Document, today: bool) -> Vec<String> {
    let mut wrong = Vec::new();
    if reply.status != exchange.status {
        wrong.push(format!("status {}, not {}", reply.status, exchange.status));
    }
    for name in ["limit", "until", "remaining"] {
        let name = format!("x-ratelimit-resource-{name}");
        if reply.header(&name).is_none() {
            wrong.push(format!("no {name}"));
        }
    }
    if reply.header("content-type") != Some("application/json; charset=utf-8") {
        wrong.push("no JSON".to_owned());
    }
    for (name, value) in &exchange.back {
        if reply.header(name) != Some(value) {
            wrong.push(format!("{name}: {:?}, not {value}", reply.header(name)));
        }
    }
    let body = reply.json();
    let expected = exchange.json.clone().or_else(|| {
        let refusal = ErrorKind::from_status(exchange.status)?;
        let message = match exchange.text.strip_suffix('…') {
            Some(start) if reply.message().starts_with(start) => reply.message(),
            _ => exchange.text.clone(),
        };
        let error = json!({ "code": refusal.code(), "message": message });
        Some(json!({ "status": "ERROR", "errors": [error] }))
    });
    if expected.is_some_and(|expected| expected != body) {
        wrong.push("another body".to_owned());
    }
    for document in published::documents().iter().chain([own]) {
        if !document.applies_to(&exchange.path, today) {
            continue;
        }
        let found = document.complaints(&exchange.method, &exchange.path, reply.status, &body);
        wrong.extend(found.into_iter().map(|complaint| format!("{}: {complaint}", document.name)));
    }
    wrong
}

async fn replay(file: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(file).unwrap();
    let settings = text.lines().find_map(|line| line.strip_prefix("settings ")).unwrap_or("{}");
    let world = World::open(settings).await;
    let today = world::settings(settings).unversioned == Unversioned::Today;
    let fill = |text: &str| {
        world.names.iter().fold(text.to_owned(), |text, (name, value)| {
            text.replace(&format!("${{{name}}}"), value)
        })
    };
    let own = documents::own(&world).await;
    let mut failures = Vec::new();
    let all = exchanges(&text, &fill);
    assert!(!all.is_empty(), "{} has no exchange", file.display());
    for exchange in all {
        world.clock.advance(std::time::Duration::from_secs(exchange.clock));
        let headers: Vec<_> =
            exchange.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let body = exchange.body.as_bytes();
        let reply = world.ask(&exchange.method, &exchange.path, &headers, body).await;
        let wrong = judge(&exchange, &reply, &own, today);
        if !wrong.is_empty() {
            let name = file.file_name().unwrap().to_string_lossy();
            let body = String::from_utf8_lossy(&reply.body);
            let body: String = body.chars().take(400).collect();
            failures.push(format!("{name}: {}: {}\n    {body}", exchange.title, wrong.join(", ")));
        }
    }
    failures
}

async fn replay_named(name: &str) {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/wire").join(name);
    let failures = replay(&file).await;
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

macro_rules! files {
    ($($name:ident)+) => {
        $(#[tokio::test]
        async fn $name() {
            replay_named(concat!(stringify!($name), ".txt")).await;
        })+

        #[test]
        fn every_wire_file_is_replayed() {
            let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/wire");
            for entry in std::fs::read_dir(folder).unwrap() {
                let name = entry.unwrap().file_name().into_string().unwrap();
                let replayed = [$(concat!(stringify!($name), ".txt")),+];
                assert!(replayed.contains(&name.as_str()), "{name} is replayed by no test");
            }
        }
    };
}

files! {
    admin
    bodies
    campaigns
    closed_and_missing
    credentials
    hourly_limits
    hourly_limits_2024
    market
    october_2026
    unversioned
    unversioned_today
    one_context_filter
    parameters
    paths
    samples
    uploads
}

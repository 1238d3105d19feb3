//! What the journal costs a stand-in: large bodies are kept, and not more of them than its bound lets.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
};

use crate::service::StandIn;

const REQUESTS: usize = 3_000;
const BODY: usize = 60_000;

/// The memory of a process that isn't swapped out, in KiB.
fn resident(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Reads one answer and gives its first line.
fn answer(reader: &mut impl BufRead) -> String {
    let (mut first, mut length) = (String::new(), 0);
    reader.read_line(&mut first).unwrap();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    reader.take(length).read_to_end(&mut Vec::new()).unwrap();
    first
}

#[test]
fn three_thousand_refused_bodies_of_60_kb_leave_the_memory_as_it_was_but_for_the_bound() {
    let stand_in = StandIn::start(&["--limits", "off"]);
    let address = stand_in.get("url").strip_prefix("http://").unwrap();
    let mut socket = TcpStream::connect(address).unwrap();
    let mut reader = BufReader::new(socket.try_clone().unwrap());
    let body = format!(r#"{{"message":7,"padding":"{}"}}"#, "x".repeat(BODY));
    let request = format!(
        "POST /v2/businesses/{}/chats/message?chatId=10000001 HTTP/1.1\r\nHost: x\r\n\
         Api-Key: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        stand_in.business(),
        stand_in.get("apiKey"),
        body.len()
    );
    let before = resident(stand_in.id());
    for _ in 0..REQUESTS {
        socket.write_all(request.as_bytes()).unwrap();
        assert!(answer(&mut reader).starts_with("HTTP/1.1 400"));
    }
    let after = resident(stand_in.id());
    println!("{before} KiB before, {after} KiB after");
    // The bound of 16 MB, and what the allocator keeps at hand for bodies of this size.
    assert!(after < before + 48 * 1024, "{before} KiB before, {after} KiB after");

    let journal = stand_in.beseda().run(["stand-in", "journal", "--json", "--limit", "9999"]);
    let kept = journal.lines();
    assert!(kept.len() > 100, "{}", kept.len());
    assert_eq!(kept.last().unwrap()["id"].as_u64(), Some(REQUESTS as u64));
    let body = kept[0]["request"]["body"].as_str().unwrap();
    assert!(body.len() > BODY, "bodies are kept whole");
}

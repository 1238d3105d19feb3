//! Journal: complete, without secrets, with verdicts and hints; queries and live stream.

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpStream,
    time::Duration,
};

use beseda_stand_in::api::{ChatsApi, MessageText};
use serde_json::Value;

use crate::{CHAT, World, chat};

/// Sends raw bytes and returns the whole response.
pub(crate) async fn raw(world: &World, request: String) -> String {
    let address = world.stand_in.url().strip_prefix("http://").unwrap().to_owned();
    let exchange = tokio::task::spawn_blocking(move || {
        let mut socket = TcpStream::connect(address).unwrap();
        socket.write_all(request.as_bytes()).unwrap();
        std::io::read_to_string(socket).unwrap()
    });
    exchange.await.unwrap()
}

fn post(world: &World, target: &str, headers: &str, body: &str) -> String {
    let business = world.stand_in.business_id();
    let target = target.replace("BUSINESS", &business.to_string());
    let length = body.len();
    format!(
        "POST {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    )
}

#[tokio::test]
async fn mistakes_are_explained_in_the_journal_and_in_a_header_and_the_answer_stays_as_it_is() {
    let world = World::start().await;
    let key = format!("Api-Key: {}\r\n", world.stand_in.api_key());
    let chats = "/v2/businesses/BUSINESS/chats";
    let message = "/v2/businesses/BUSINESS/chats/message";
    let campaign = world.stand_in.campaign_id();
    let shop = format!("/v2/businesses/{campaign}/chats");
    let in_key = format!("Api-Key: Bearer {}\r\n", world.stand_in.api_key());
    for (target, headers, body, status, verdict, says) in [
        (message, &key, r#"{"chatId":10000001,"message":"x"}"#, 400, "request", "query"),
        (
            &format!("{message}?chatId={CHAT}"),
            &key,
            r#"{"message":{"text":"x"}}"#,
            400,
            "request",
            "a string",
        ),
        (&format!("{chats}?limit=50"), &key, "{}", 400, "request", "20"),
        (chats, &in_key, "{}", 401, "credential", "without Bearer"),
        (shop.as_str(), &key, "{}", 403, "access", "campaign"),
        ("/V2/businesses/1/chats", &key, "{}", 404, "path", "small"),
    ] {
        let answer = raw(&world, post(&world, target, headers, body)).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
        let header = answer.lines().find_map(|line| line.strip_prefix("x-beseda-advice: "));
        assert!(header.unwrap_or_default().contains(says), "{target}: {answer}");
        assert!(answer.contains(r#""status":"ERROR""#), "{answer}");
        let entry = world.entries().await.pop().unwrap();
        assert_eq!(entry["status"], status);
        assert_eq!(entry["verdict"], verdict);
        assert_eq!(entry["advice"].as_str(), header);
    }
}

#[tokio::test]
async fn the_journal_holds_no_secrets_and_every_entry_has_a_curl_line() {
    let world = World::start().await;
    let business = world.stand_in.business_id();
    let text = MessageText::new("it's here").unwrap();
    world.client.send_message_to_chat(business, chat(), text).await.unwrap();
    let admin = format!("Authorization: Bearer {}\r\n", world.stand_in.admin_key());
    let body = r#"{"name":"bot","scopes":["communication"]}"#;
    let target = "/admin/v1/cabinets/BUSINESS/keys";
    let issued = raw(&world, post(&world, target, &admin, body)).await;
    assert!(issued.contains("ACMA:"), "{issued}");
    let entries = world.entries().await;
    let shown = serde_json::to_string(&entries).unwrap();
    for secret in [world.stand_in.api_key(), world.stand_in.admin_key()] {
        assert!(!shown.contains(secret) && !shown.contains(&secret[..20]), "{shown}");
    }
    let new_key = issued.split("\"apiKey\":\"").nth(1).unwrap().split('"').next().unwrap();
    assert!(!shown.contains(new_key));
    let curl = entries[0]["curl"].as_str().unwrap();
    assert!(curl.starts_with(&format!("curl -sS -X POST '{}", world.stand_in.url())), "{curl}");
    assert!(curl.contains("\"$BESEDA_API_KEY\"") && curl.contains(r"it'\''s here"), "{curl}");
    // Running the line repeats the request.
    let output = std::process::Command::new("sh")
        .args(["-c", curl])
        .env("BESEDA_API_KEY", world.stand_in.api_key())
        .output();
    let output = tokio::task::spawn_blocking(move || output.unwrap()).await.unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), r#"{"status":"OK"}"#);
}

#[tokio::test]
async fn entries_are_filtered_by_operation_status_cabinet_and_number() {
    let world = World::start().await;
    let business = world.stand_in.business_id();
    world.client.get_chat(business, chat()).await.unwrap();
    let nobody = beseda_stand_in::api::ChatId::new(1).unwrap();
    world.client.get_chat(business, nobody).await.unwrap_err();
    world.client.campaigns().await.unwrap();
    let count = async |name: &'static str, value: &str| {
        let found = world.control.read("journal", &[(name, value.to_owned())]).await.unwrap();
        found["entries"].as_array().unwrap().len()
    };
    assert_eq!(count("operation", "getChat").await, 2);
    assert_eq!(count("status", "4xx").await, 1);
    assert_eq!(count("status", "200").await, 2);
    assert_eq!(count("verdict", "existence").await, 1);
    assert_eq!(count("businessId", &business.to_string()).await, 2);
    assert_eq!(count("after", "2").await, 1);
    assert_eq!(count("limit", "1").await, 1);
    assert_eq!(count("since", "2999-01-01T00:00:00Z").await, 0);
    let unknown = world.control.read("journal", &[("color", "red".to_owned())]).await;
    assert!(unknown.unwrap_err().to_string().contains("color"));
    world.control.delete("journal").await.unwrap();
    assert!(world.entries().await.is_empty());
}

#[tokio::test]
async fn the_journal_streams_new_entries() {
    let world = World::start().await;
    let address = world.stand_in.url().strip_prefix("http://").unwrap().to_owned();
    let key = world.stand_in.admin_key().to_owned();
    let (begun, started) = tokio::sync::oneshot::channel();
    let follower = tokio::task::spawn_blocking(move || {
        let mut socket = TcpStream::connect(address).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let request = format!(
            "GET /__admin/journal/live HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n\r\n"
        );
        socket.write_all(request.as_bytes()).unwrap();
        let mut lines = BufReader::new(socket).lines().map_while(Result::ok);
        assert_eq!(lines.next().unwrap(), "HTTP/1.1 200 OK");
        begun.send(()).unwrap();
        let data = lines.find_map(|line| line.strip_prefix("data: ").map(str::to_owned));
        serde_json::from_str::<Value>(&data.unwrap()).unwrap()
    });
    started.await.unwrap();
    world.client.get_chat(world.stand_in.business_id(), chat()).await.unwrap();
    assert_eq!(follower.await.unwrap()["operation"], "getChat");
}

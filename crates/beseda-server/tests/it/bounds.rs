//! Requests that are too much: headers, bodies, and senders who take their time.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::world::{Reply, World};

#[tokio::test]
async fn more_headers_than_are_read_are_a_431_in_the_envelope() {
    let world = World::open("{}").await;
    let many: Vec<(String, &str)> = (0..80).map(|i| (format!("X-Header-{i}"), "x")).collect();
    let many: Vec<(&str, &str)> =
        many.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    let reply = world.ask("GET", "/healthz", &many, b"").await;
    assert_eq!((reply.status, reply.message().as_str()), (431, "The request headers are too big"));
    let long = "x".repeat(20_000);
    let reply = world.ask("GET", "/healthz", &[("X-Long", &long)], b"").await;
    assert_eq!(reply.status, 431);
}

#[tokio::test]
async fn headers_beyond_any_bound_are_a_431_too() {
    let world = World::open("{}").await;
    let many: Vec<(String, &str)> = (0..200).map(|i| (format!("X-Header-{i}"), "x")).collect();
    let many: Vec<(&str, &str)> =
        many.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    assert_eq!(world.ask("GET", "/healthz", &many, b"").await.status, 431);
}

#[tokio::test]
async fn a_body_that_stops_coming_is_a_400_and_the_connection_ends() {
    let world = World::open(r#"{"body_timeout_seconds":1}"#).await;
    let head = format!(
        "POST /v2/businesses/1/chats HTTP/1.1\r\nHost: test\r\nApi-Key: {}\r\nContent-Length: 50\r\n\r\n{{",
        world.name("key")
    );
    let reply = world.send(head.as_bytes()).await;
    let text = "The request body was not received in time";
    assert_eq!((reply.status, reply.message().as_str()), (400, text));
}

#[tokio::test]
async fn a_body_that_is_cut_off_is_a_400() {
    let world = World::open("{}").await;
    let mut stream = world.connect().await;
    let head = format!(
        "POST /v2/businesses/1/chats HTTP/1.1\r\nHost: test\r\nApi-Key: {}\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        world.name("key")
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let reply = Reply::parse(&answer);
    assert_eq!((reply.status, reply.message().as_str()), (400, "Unexpected end of content"));
}

#[tokio::test]
async fn a_sender_who_waits_for_leave_is_refused_before_sending() {
    let world = World::open("{}").await;
    let head = "POST /v2/businesses/1/chats HTTP/1.1\r\nHost: test\r\nExpect: 100-continue\r\nContent-Length: 400000\r\n\r\n";
    let reply = world.send(head.as_bytes()).await;
    assert_eq!((reply.status, reply.message().as_str()), (401, "Credentials are not specified"));
}

#[tokio::test]
async fn one_connection_serves_many_requests_even_after_refused_bodies() {
    let world = World::open("{}").await;
    let mut stream = world.connect().await;
    let body = "x".repeat(100_000);
    for _ in 0..3 {
        let head = format!(
            "POST /v2/businesses/1/chats HTTP/1.1\r\nHost: test\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(body.as_bytes()).await.unwrap();
        let mut answer = vec![0; 4096];
        let read = stream.read(&mut answer).await.unwrap();
        let reply = Reply::parse(&answer[..read]);
        assert_eq!(reply.status, 401);
        assert_eq!(reply.header("connection"), None);
    }
}

#[tokio::test]
async fn a_file_whose_sender_goes_away_leaves_no_message() {
    use beseda_api::{BusinessId, ChatsApi};
    let world = World::open("{}").await;
    let mut stream = world.connect().await;
    let head = format!(
        "POST /v2/businesses/1/chats/file/send?chatId={} HTTP/1.1\r\nHost: test\r\nApi-Key: {}\r\n\
         Content-Type: multipart/form-data; boundary=X\r\nContent-Length: 100000\r\n\r\n\
         --X\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nhalf of it",
        world.name("chat"),
        world.name("key"),
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let chat = world.name("chat").parse().unwrap();
    let business = BusinessId::new(1).unwrap();
    let history = world.engine.get_chat_history(business, chat, Default::default()).await.unwrap();
    assert_eq!(history.messages.len(), 3);
}

#[tokio::test]
async fn a_body_that_comes_drop_by_drop_is_a_400() {
    let world = World::open(r#"{"body_timeout_seconds":1}"#).await;
    let mut stream = world.connect().await;
    let head = format!(
        "POST /v2/businesses/1/chats HTTP/1.1\r\nHost: test\r\nApi-Key: {}\r\nContent-Length: 9999\r\n\r\n",
        world.name("key")
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let (mut reading, mut writing) = stream.into_split();
    let dripping = tokio::spawn(async move {
        let mut every = tokio::time::interval(std::time::Duration::from_millis(100));
        while writing.write_all(b" ").await.is_ok() {
            every.tick().await;
        }
    });
    let mut answer = vec![0; 4096];
    let read = reading.read(&mut answer).await.unwrap();
    let text = "The request body was not received in time";
    assert_eq!(Reply::parse(&answer[..read]).message(), text);
    dripping.abort();
}

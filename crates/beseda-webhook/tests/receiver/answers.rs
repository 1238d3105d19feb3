//! Responses to valid and invalid requests from allowed and other addresses.

use std::net::SocketAddr;

use axum::{Router, body::Body, extract::ConnectInfo, http::Request};
use beseda_api::{BusinessId, notification::Notification};
use beseda_webhook::receiver::{ReceiveOutcome, Receiver};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tower::ServiceExt;

use crate::wire::{Answer, PING, http, message, open, post, post_to, serve, start};

const JSON: (&str, &str) = ("content-type", "application/json");

#[tokio::test]
async fn a_ping_is_answered_on_every_path_with_a_complete_receipt_and_is_no_event() {
    let (builder, log) = open();
    let (router, mut events) = builder.name("чай").version("2.1").build().unwrap();
    let address = serve(Router::new().nest("/hooks", router.clone()).merge(router)).await;
    for path in ["/", "/notification", "/hooks", "/hooks/notification"] {
        let answer = post_to(address, path, &[JSON], PING).await;
        answer.is_receipt();
        assert_eq!(
            (&answer.json()["name"], &answer.json()["version"]),
            (&"чай".into(), &"2.1".into())
        );
    }
    post(address, r#"{"notificationType":"PING"}"#).await.is_receipt();
    assert_eq!(*log.lock().unwrap(), vec![ReceiveOutcome::Ping; 5]);
    events.close();
    assert_eq!(events.recv().await, None);
    let (below, _) = open().0.path("/market/chats/").build().unwrap();
    let below = serve(below).await;
    for path in ["/market/chats", "/market/chats/", "/market/chats/notification"] {
        post_to(below, path, &[JSON], PING).await.is_receipt();
    }
    assert_eq!(post_to(below, "/", &[JSON], PING).await.status, 404);
    let elsewhere = post_to(address, "/else", &[JSON], PING).await;
    assert_eq!(elsewhere.status, 404);
    let got = http().get(format!("http://{address}/notification")).send().await.unwrap();
    assert_eq!((got.status().as_u16(), &got.headers()["allow"]), (405, &"POST".parse().unwrap()));
}

#[tokio::test]
async fn events_are_parsed_and_keep_order_and_body_for_unknown_types_too() {
    let (address, mut events) = start(open().0).await;
    let order = r#"{ "notificationType" : "ORDER_CREATED", "campaignId": 5, "orderId":7 }"#;
    post(address, message(1_780_212_617_058_078)).await.is_receipt();
    post(address, order).await.is_receipt();
    let utf8 = ("content-type", "Application/JSON; charset=UTF-8");
    post_to(address, "/notification", &[utf8], message(2)).await.is_receipt();
    post_to(address, "/", &[], message(3)).await.is_receipt();

    let first = events.recv().await.unwrap();
    let Notification::ChatMessageSent { message_id, .. } = first.notification else {
        panic!("{first:?}");
    };
    assert_eq!(message_id.get(), 1_780_212_617_058_078);
    assert_eq!(first.source, Some("127.0.0.1".parse().unwrap()));
    assert_eq!(first.business, BusinessId::new(209_888_193).ok());
    let second = events.recv().await.unwrap();
    assert_eq!(second.notification, Notification::Other);
    assert_eq!(
        (second.notification_type.as_str(), &second.body[..]),
        ("ORDER_CREATED", order.as_bytes())
    );
    assert_eq!(second.json()["orderId"], 7);
    for number in [2, 3] {
        assert_eq!(events.recv().await.unwrap().json()["messageId"], number.to_string());
    }
}

#[tokio::test]
async fn an_invalid_notification_gets_400_with_the_reason_and_is_no_event() {
    let (address, mut events) = start(open().0.max_body(1000)).await;
    let wrong = "WRONG_EVENT_FORMAT";
    for (body, words) in [
        (&b""[..], "not JSON"),
        (b"{\"notificationType\":", "not JSON"),
        (b"\xef\xbb\xbf{\"notificationType\":\"PING\"}", "not JSON"),
        (b"{\"notificationType\":\"\xff\"}", "not UTF-8"),
        (b"null", "must be a JSON object"),
        (b"{}", "notificationType is missing"),
        (b"{\"notificationType\":\"CHAT_CREATED\",\"chatId\":1}", "businessId is missing"),
        (
            b"{\"notificationType\":\"CHAT_CREATED\",\"chatId\":1,\"businessId\":2,\"createdAt\":\"yesterday\"}",
            "createdAt is invalid",
        ),
        (&[b' '; 1001], "larger than 1000 bytes"),
    ] {
        post(address, body).await.is_rejection(400, wrong, words);
    }
    let large = vec![b' '; 3_000_000];
    post(address, large).await.is_rejection(400, wrong, "larger than 1000 bytes");
    let form = ("content-type", "application/x-www-form-urlencoded");
    let answer = post_to(address, "/", &[form], message(1)).await;
    answer.is_rejection(400, wrong, "Content-Type must be application/json");
    let packed = [JSON, ("content-encoding", "gzip")];
    post_to(address, "/", &packed, message(1)).await.is_rejection(400, wrong, "compressed");
    events.close();
    assert_eq!(events.recv().await, None);
}

#[tokio::test]
async fn an_incomplete_body_is_no_event() {
    let (builder, log) = open();
    let (address, mut events) = start(builder).await;
    let mut socket = tokio::net::TcpStream::connect(address).await.unwrap();
    let head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n";
    socket.write_all(head.as_bytes()).await.unwrap();
    socket.write_all(message(1).as_bytes()).await.unwrap();
    socket.shutdown().await.unwrap();
    let mut said = String::new();
    socket.read_to_string(&mut said).await.unwrap();
    assert!(!said.contains("200 OK"), "{said}");
    // A further request shows that the receiver still works.
    post(address, message(2)).await.is_receipt();
    assert!(!log.lock().unwrap().contains(&ReceiveOutcome::Malformed(String::new())));
    assert_eq!(events.recv().await.unwrap().json()["messageId"], "2");
}

/// Sends a request to the router as if from this address.
async fn from(router: &Router, peer: &str, headers: &[(&str, &str)]) -> Answer {
    let peer: std::net::IpAddr = peer.parse().unwrap();
    let mut request = Request::post("/notification").header(JSON.0, JSON.1);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let peer = ConnectInfo(SocketAddr::from((peer, 4711)));
    ask(router, request.extension(peer).body(Body::from(PING)).unwrap()).await
}

async fn ask(router: &Router, request: Request<Body>) -> Answer {
    let answer = router.clone().oneshot(request).await.unwrap();
    let media = answer.headers()["content-type"].to_str().unwrap().to_owned();
    let status = answer.status().as_u16();
    let body = axum::body::to_bytes(answer.into_body(), 1 << 20).await.unwrap();
    Answer { status, media, text: String::from_utf8(body.to_vec()).unwrap() }
}

#[tokio::test]
async fn only_the_published_addresses_are_allowed_by_default() {
    let (router, _events) = Receiver::builder().build().unwrap();
    for good in
        ["5.45.207.0", "5.45.207.127", "141.8.142.1", "5.255.253.64", "::ffff:5.255.253.127"]
    {
        from(&router, good, &[]).await.is_receipt();
    }
    for bad in ["5.45.207.128", "141.8.143.1", "5.255.252.255", "127.0.0.1", "::1", "2a02:6b8::1"] {
        let answer = from(&router, bad, &[("x-forwarded-for", "5.45.207.1")]).await;
        answer.is_rejection(403, "UNKNOWN", "not accepted from this address");
    }
    let own = Receiver::builder().sources(["2a02:6b8::/32".parse().unwrap()]);
    let (router, _events) = own.build().unwrap();
    from(&router, "2a02:6b8::1", &[]).await.is_receipt();
    assert_eq!(from(&router, "5.45.207.1", &[]).await.status, 403);
}

#[tokio::test]
async fn forwarding_headers_are_trusted_only_from_trusted_proxies() {
    let proxied = Receiver::builder().trusted_proxies(["10.0.0.0/8".parse().unwrap()]);
    let (router, _events) = proxied.build().unwrap();
    let told = |value| [("x-forwarded-for", value)];
    from(&router, "10.0.0.1", &told("5.45.207.1")).await.is_receipt();
    from(&router, "10.0.0.1", &told("8.8.8.8, 5.45.207.1, 10.0.0.2")).await.is_receipt();
    from(&router, "10.0.0.1", &[("forwarded", "for=\"5.45.207.1:443\"")]).await.is_receipt();
    assert_eq!(from(&router, "10.0.0.1", &told("5.45.207.1, 8.8.8.8")).await.status, 403);
    assert_eq!(from(&router, "10.0.0.1", &[]).await.status, 403);
    assert_eq!(from(&router, "192.0.2.1", &told("5.45.207.1")).await.status, 403);
}

#[tokio::test]
async fn without_connect_info_every_request_is_refused() {
    let (router, _events) = Receiver::builder().build().unwrap();
    let request = Request::post("/").body(Body::from(PING)).unwrap();
    ask(&router, request).await.is_rejection(500, "UNKNOWN", "ConnectInfo");
}

#[tokio::test]
async fn notifications_of_other_cabinets_are_acknowledged_and_ignored() {
    let (builder, log) = open();
    let mine = BusinessId::new(209_888_193).unwrap();
    let (address, mut events) = start(builder.business(mine)).await;
    let other = json!({"notificationType": "CHAT_CREATED", "chatId": 1, "businessId": 7,
                       "createdAt": "2026-06-01T00:00:00Z"});
    post(address, other.to_string()).await.is_receipt();
    post(address, r#"{"notificationType":"ORDER_CREATED","businessId":7}"#).await.is_receipt();
    post(address, r#"{"notificationType":"ORDER_CREATED","campaignId":7}"#).await.is_receipt();
    post(address, message(1)).await.is_receipt();
    use ReceiveOutcome::{Accepted, OtherBusiness};
    assert_eq!(*log.lock().unwrap(), [OtherBusiness, OtherBusiness, Accepted, Accepted]);
    assert_eq!(events.recv().await.unwrap().notification_type, "ORDER_CREATED");
    assert_eq!(events.recv().await.unwrap().json()["messageId"], "1");
}

#[test]
fn invalid_settings_are_refused() {
    let long = "я".repeat(101);
    for builder in [
        Receiver::builder().name(""),
        Receiver::builder().name(long.clone()),
        Receiver::builder().version(""),
        Receiver::builder().version(long),
        Receiver::builder().queue_capacity(0),
        Receiver::builder().queue_capacity(usize::MAX),
        Receiver::builder().path("market"),
        Receiver::builder().path("//"),
        Receiver::builder().path("/a//b"),
        Receiver::builder().path("/{a}"),
        Receiver::builder().path("/a?b"),
        Receiver::builder().path("/ж"),
    ] {
        let shown = format!("{builder:?}");
        assert!(builder.build().is_err(), "{shown}");
    }
}

//! What comes back when it isn't what was hoped for: refusals, breakages, and which of them are tried again.

use std::time::Duration;

use beseda_api::{ChatsApi, ErrorKind, MessageText};
use beseda_client::{Client, ClientError, ErrorExt, RetryPolicy};

use crate::double::{Answer, CHAT, Double, business, chat};

fn refusal(status: u16, text: &str) -> Answer {
    let body = format!(r#"{{"status":"ERROR","errors":[{{"code":"X","message":"{text}"}}]}}"#);
    Answer::new(status, &body)
}

fn limited(answer: Answer) -> Answer {
    answer
        .header("X-RateLimit-Resource-Limit", "1000")
        .header("X-RateLimit-Resource-Remaining", "0")
        .header("X-RateLimit-Resource-Until", "Sat, 21 Nov 2026 01:00:00 GMT")
}

#[tokio::test]
async fn every_refusal_comes_with_its_reasons_request_id_and_limit() {
    for expected in ErrorKind::ALL.into_iter().filter(|r| *r != ErrorKind::LimitExceeded) {
        let answer = limited(refusal(expected.status(), "No")).header("X-Request-Id", "abc");
        let double = Double::start([answer]).await;
        let error = double.client().get_chat(business(), chat()).await.unwrap_err();
        assert_eq!(error.kind(), Some(expected));
        assert_eq!(error.to_string(), "No");
        assert_eq!(error.status(), Some(expected.status()));
        let answer = error.answer().unwrap();
        assert_eq!(answer.request_id.as_deref(), Some("abc"));
        assert_eq!(answer.limit.map(|limit| limit.limit), Some(1000));
        assert!(!error.is_retryable() && !error.may_have_been_done());
        assert_eq!(double.lines().len(), 1, "{expected:?} is not tried again");
    }
}

#[tokio::test]
async fn a_refusal_is_told_by_the_status_even_when_its_body_is_not_json() {
    let double = Double::start([Answer::new(404, "<html>nothing here</html>")]).await;
    let error = double.client().get_chat(business(), chat()).await.unwrap_err();
    assert_eq!(error.kind(), Some(ErrorKind::NotFound));
    assert!(error.items().is_empty());
    assert_eq!(error.to_string(), "NOT_FOUND");
}

#[tokio::test]
async fn a_read_is_repeated_until_the_service_recovers() {
    let double = Double::start([
        Answer::new(500, "boom"),
        Answer::new(503, "<html>busy</html>"),
        Answer::ok(CHAT),
    ])
    .await;
    assert_eq!(double.client().get_chat(business(), chat()).await.unwrap().chat_id, chat());
    assert_eq!(double.lines().len(), 3);
}

#[tokio::test]
async fn a_read_is_given_up_after_the_last_repetition() {
    let double = Double::start((0..9).map(|_| Answer::new(502, "bad gateway"))).await;
    let error = double.client().get_chat(business(), chat()).await.unwrap_err();
    let Some(ClientError::Undocumented { status: 502, body, .. }) = error.client_error() else {
        panic!("{error:?}")
    };
    assert_eq!(body, "bad gateway");
    assert!(error.is_retryable());
    assert_eq!(double.lines().len(), 1 + RetryPolicy::default().max_retries);
}

#[tokio::test]
async fn a_send_that_may_have_been_done_is_never_repeated() {
    for answer in [Answer::new(500, ""), Answer::new(200, "<html>")] {
        let double = Double::start([answer]).await;
        let text = MessageText::new("да").unwrap();
        let sent = double.client().send_message_to_chat(business(), chat(), text).await;
        let error = sent.unwrap_err();
        assert!(error.may_have_been_done());
        assert_eq!(double.lines().len(), 1);
    }
}

#[tokio::test]
async fn a_send_that_a_limit_refused_was_not_done_and_goes_again() {
    let double =
        Double::start([limited(refusal(420, "slow")), Answer::new(200, r#"{"status":"OK"}"#)])
            .await;
    let text = MessageText::new("да").unwrap();
    double.client().send_message_to_chat(business(), chat(), text).await.unwrap();
    assert_eq!(double.lines().len(), 2);
}

#[tokio::test]
async fn after_a_limit_a_read_waits_for_the_window_by_the_servers_clock() {
    let end = "Sat, 21 Nov 2026 01:00:00 GMT";
    let double =
        Double::start([limited(refusal(420, "slow")).header("Date", end), Answer::ok(CHAT)]).await;
    double.client().get_chat(business(), chat()).await.unwrap();
    assert_eq!(double.lines().len(), 2);
}

#[tokio::test]
async fn a_limit_whose_window_ends_after_the_deadline_comes_back_at_once() {
    let answer =
        limited(refusal(420, "Hit rate limit")).header("Date", "Sat, 21 Nov 2026 00:10:00 GMT");
    let double = Double::start([answer]).await;
    let error = double.client().get_chat(business(), chat()).await.unwrap_err();
    assert_eq!(error.kind(), Some(ErrorKind::LimitExceeded));
    assert!(error.is_retryable());
    assert_eq!(double.lines().len(), 1);
}

#[tokio::test]
async fn a_success_that_is_not_the_contracts_is_named_with_its_beginning() {
    for body in ["<html>login</html>", "{}", r#"{"status":"ERROR","result":null}"#] {
        let double = Double::start([Answer::new(200, body).header("X-Request-Id", "r")]).await;
        let error = double.client().get_chat(business(), chat()).await.unwrap_err();
        let Some(ClientError::Undecodable { body: shown, .. }) = error.client_error() else {
            panic!("{error:?}")
        };
        assert_eq!(shown, body);
        assert_eq!(error.answer().unwrap().request_id.as_deref(), Some("r"));
        assert!(!error.is_retryable());
    }
}

#[tokio::test]
async fn a_huge_answer_is_not_taken_in() {
    let double = Double::start([Answer::new(200, &" ".repeat(17 << 20))]).await;
    let error = double.client().get_chat(business(), chat()).await.unwrap_err();
    assert!(matches!(error.client_error(), Some(ClientError::TooLarge { .. })), "{error:?}");
    let double = Double::start([Answer::new(404, &"x".repeat(1 << 20))]).await;
    let error = double.client().get_chat(business(), chat()).await.unwrap_err();
    assert_eq!(error.kind(), Some(ErrorKind::NotFound));
}

#[tokio::test]
async fn a_redirect_is_not_followed_with_the_key() {
    let other = Double::start([Answer::ok(CHAT)]).await;
    let double = Double::start([Answer::new(307, "").header("Location", other.url())]).await;
    let error = double.client().get_chat(business(), chat()).await.unwrap_err();
    assert!(matches!(error.client_error(), Some(ClientError::Undocumented { status: 307, .. })));
    assert!(other.asked().is_empty());
}

#[tokio::test]
async fn a_closed_port_is_a_failure_to_connect_and_nothing_was_done() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let client = Client::builder().url(url).retry_policy(RetryPolicy::none()).build().unwrap();
    let error = client.get_chat(business(), chat()).await.unwrap_err();
    assert!(matches!(error.client_error(), Some(ClientError::Connect(_))), "{error:?}");
    assert!(error.is_retryable() && !error.may_have_been_done());
}

#[tokio::test]
async fn silence_is_a_timeout_and_a_hang_up_an_interruption() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let client = Client::builder().url(format!("http://{}", silent.local_addr().unwrap()));
    let client = client.timeout(Duration::from_millis(30)).retry_policy(RetryPolicy::none());
    let error = client.build().unwrap().get_chat(business(), chat()).await.unwrap_err();
    assert!(matches!(error.client_error(), Some(ClientError::Timeout(_))), "{error:?}");
    assert!(error.may_have_been_done());

    let rude = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", rude.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((socket, _)) = rude.accept().await {
            socket.readable().await.unwrap();
            drop(socket);
        }
    });
    let client = Client::builder().url(url).retry_policy(RetryPolicy::none()).build().unwrap();
    let error = client.get_chat(business(), chat()).await.unwrap_err();
    assert!(matches!(error.client_error(), Some(ClientError::Interrupted(_))), "{error:?}");
    assert!(error.may_have_been_done());
}

//! The rate_limiter at its edges: no figures, no time, no answer, nobody who waits any more. Whole hours are used against a stand-in, elsewhere.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use beseda_api::{ChatsApi, ManualClock, MessageText, Timer};
use beseda_client::{Client, ClientError, ErrorExt, RateLimiter, RetryPolicy, WaitReason};
use futures::{FutureExt, future};
use jiff::Timestamp;

use crate::double::{Answer, CHAT, Double, business, chat};

/// Never rings: whoever waits for it waits for good.
struct Never;

#[async_trait::async_trait]
impl Timer for Never {
    async fn sleep_until(&self, _moment: Timestamp) {
        future::pending::<()>().await;
    }
}

fn rate_limiter() -> RateLimiter {
    let clock = ManualClock::new("2026-11-21T10:20:00Z".parse().unwrap());
    RateLimiter::new(Arc::new(clock), Arc::new(Never))
}

/// A service by the same clock as the rate_limiter's: an answer without a date would get the machine's, and the rate_limiter
/// follows the service's clock.
async fn service(answers: impl IntoIterator<Item = Answer>) -> Double {
    let dated = |answer: Answer| answer.header("Date", "Sat, 21 Nov 2026 10:20:00 GMT");
    Double::start(answers.into_iter().map(dated)).await
}

fn told(remaining: u32) -> Answer {
    Answer::ok(CHAT)
        .header("X-RateLimit-Resource-Limit", "1000")
        .header("X-RateLimit-Resource-Remaining", remaining.to_string())
        .header("X-RateLimit-Resource-Until", "Sat, 21 Nov 2026 11:00:00 GMT")
}

/// A service that takes connections and never says a word.
fn silent() -> (std::net::TcpListener, String) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

#[tokio::test]
async fn without_figures_the_published_ones_hold() {
    let info = r#"{"apiKey":{"name":"k","authScopes":["ALL_METHODS"]}}"#;
    let double = service((0..101).map(|_| Answer::ok(info))).await;
    let client = double.builder().rate_limiter(rate_limiter()).build().unwrap();
    for _ in 0..100 {
        client.token_info().await.unwrap();
    }
    let over = client.token_info().await.unwrap_err();
    let Some(ClientError::OverLimit { operation, business, reason, until }) = over.client_error()
    else {
        panic!("{over:?}")
    };
    assert_eq!(
        (*operation, *business, *reason),
        ("getAuthTokenInfo", None, WaitReason::HourlyLimit)
    );
    assert_eq!(until.unwrap().to_string(), "2026-11-21T11:00:00Z");
    assert_eq!(double.lines().len(), 100);
}

#[tokio::test]
async fn a_wait_that_would_end_after_the_deadline_does_not_begin() {
    let double = service([told(0)]).await;
    let client = double.builder().rate_limiter(rate_limiter()).build().unwrap();
    client.get_chat(business(), chat()).await.unwrap();
    let over = client.get_chat(business(), chat()).await.unwrap_err();
    assert!(matches!(over.client_error(), Some(ClientError::OverLimit { .. })), "{over:?}");
    assert!(over.is_retryable() && !over.may_have_been_done());
    assert!(over.to_string().contains("getChat of cabinet 1"), "{over}");
    assert!(over.to_string().contains("2026-11-21T11:00:00Z"), "{over}");
    assert_eq!(double.lines().len(), 1);
}

#[tokio::test]
async fn whoever_waits_for_an_hour_is_told_so_once_and_other_operations_go_on() {
    let double = service([told(0), Answer::new(200, r#"{"status":"OK"}"#)]).await;
    let waits = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&waits);
    let rate_limiter =
        rate_limiter().on_wait(move |waiting| told.lock().unwrap().push(waiting.clone()));
    let retry_policy =
        RetryPolicy { deadline: Duration::from_secs(7_200), ..RetryPolicy::default() };
    let client = double
        .builder()
        .rate_limiter(rate_limiter.clone())
        .retry_policy(retry_policy)
        .build()
        .unwrap();
    client.get_chat(business(), chat()).await.unwrap();
    let mut waiting = Box::pin(client.get_chat(business(), chat()));
    assert!((&mut waiting).now_or_never().is_none() && (&mut waiting).now_or_never().is_none());
    let text = MessageText::new("да").unwrap();
    client.send_message_to_chat(business(), chat(), text).await.unwrap();
    let state = rate_limiter.state(business()).unwrap();
    assert_eq!((state.running, state.queued), (0, 1));
    drop(waiting);
    assert_eq!(rate_limiter.state(business()).unwrap().queued, 0, "its place is given back");
    let waits = waits.lock().unwrap();
    assert_eq!(waits.len(), 1, "{waits:?}");
    assert_eq!((waits[0].operation, waits[0].reason), ("getChat", WaitReason::HourlyLimit));
    assert_eq!(waits[0].until.unwrap().to_string(), "2026-11-21T11:00:00Z");
}

#[tokio::test]
async fn a_call_that_is_dropped_gives_its_slot_back() {
    let (_listener, url) = silent();
    let double = service([told(999)]).await;
    let one = rate_limiter().parallel(1);
    let mute = Client::builder().url(url).rate_limiter(one.clone()).build().unwrap();
    let client = double.builder().rate_limiter(one.clone()).build().unwrap();
    let mut dropped = Box::pin(mute.get_chat_message(business(), chat(), 5.try_into().unwrap()));
    assert!((&mut dropped).now_or_never().is_none());
    let mut waiting = Box::pin(client.get_chat(business(), chat()));
    assert!((&mut waiting).now_or_never().is_none());
    let state = one.state(business()).unwrap();
    assert_eq!((state.slots, state.running, state.queued), (1, 1, 1));
    drop(dropped);
    waiting.await.unwrap();
    assert_eq!(one.state(business()).unwrap().running, 0);
}

#[tokio::test]
async fn background_calls_leave_a_slot_free() {
    let (_listener, url) = silent();
    let one = rate_limiter().parallel(2);
    let double = service([told(999)]).await;
    let mute = Client::builder().url(url).rate_limiter(one.clone()).build().unwrap().background();
    let mut first = Box::pin(mute.get_chat_message(business(), chat(), 5.try_into().unwrap()));
    let mut second = Box::pin(mute.get_chat_history(business(), chat(), Default::default()));
    assert!((&mut first).now_or_never().is_none() && (&mut second).now_or_never().is_none());
    let state = one.state(business()).unwrap();
    assert_eq!((state.running, state.queued), (1, 1));
    let client = double.builder().rate_limiter(one).build().unwrap();
    client.get_chat(business(), chat()).await.unwrap();
}

#[tokio::test]
async fn a_refusal_that_names_fewer_slots_is_heeded() {
    let text = r#"{"status":"ERROR","errors":[{"code":"LIMIT_EXCEEDED","message":"Hit rate limit of 2 parallel requests"}]}"#;
    let double = service([Answer::new(420, text), told(999)]).await;
    let one = rate_limiter();
    let client = double.builder().rate_limiter(one.clone()).build().unwrap();
    client.get_chat(business(), chat()).await.unwrap();
    assert_eq!(one.state(business()).unwrap().slots, 2);
    assert_eq!(double.lines().len(), 2);
}

#[tokio::test]
async fn the_clock_of_an_ungoverned_client_is_nobodys_business() {
    let double = service([told(0), told(0)]).await;
    let client = double.builder().without_rate_limit().build().unwrap();
    assert!(client.rate_limiter().is_none());
    for _ in 0..2 {
        client.get_chat(business(), chat()).await.unwrap();
    }
}

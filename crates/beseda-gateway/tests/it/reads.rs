//! Reads through the gateway: equal reads share one upstream call and its errors.

use beseda_api::{ChatFilter, ChatId, ChatsApi, HistoryFrom, PageRequest};
use beseda_stand_in::{api::ErrorKind, client::ErrorExt};
use futures::future::join_all;
use serde_json::json;

use crate::world::{World, chat, upstream};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn equal_reads_in_flight_share_one_upstream_call() {
    let world = World::start().await;
    world.fault(json!({"operation":"getChats","kind":"delay","delayMs":400,"count":1})).await;
    let client = world.running.client(&world.derived_key());
    let read = || client.get_chats(world.business(), ChatFilter::default(), PageRequest::default());
    let answers = join_all((0..20).map(|_| read())).await;
    let direct = upstream(&world.stand_in);
    let direct = direct.get_chats(world.business(), ChatFilter::default(), PageRequest::default());
    let direct = direct.await.unwrap();
    assert!(answers.into_iter().all(|answer| answer.unwrap() == direct));
    // One of the twenty, and the direct one.
    assert_eq!(world.call_count("getChats").await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_and_failures_are_shared_but_not_cached() {
    let world = World::start().await;
    let client = world.running.client(&world.derived_key());
    let unknown = ChatId::new(42).unwrap();
    world.fault(json!({"operation":"getChat","kind":"delay","delayMs":300,"count":1})).await;
    let answers = join_all((0..5).map(|_| client.get_chat(world.business(), unknown))).await;
    for answer in answers {
        let refused = answer.unwrap_err();
        assert_eq!(refused.kind(), Some(ErrorKind::NotFound));
        assert_eq!(refused.to_string(), "Can't find chat by id: 42");
    }
    assert_eq!(world.call_count("getChat").await, 1);
    world.fault(json!({"operation":"getChat","kind":"status","status":500,"count":1})).await;
    let broken = client.get_chat(world.business(), chat()).await.unwrap_err();
    assert_eq!(broken.status(), Some(500));
    client.get_chat(world.business(), chat()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disconnected_reader_does_not_cancel_the_shared_call() {
    let world = World::start().await;
    world.fault(json!({"operation":"getChat","kind":"delay","delayMs":400,"count":1})).await;
    let client = world.running.client(&world.derived_key());
    let impatient = beseda_stand_in::client::Client::builder()
        .url(&world.running.url)
        .api_key(world.derived_key())
        .timeout(std::time::Duration::from_millis(100))
        .retry_policy(beseda_stand_in::client::RetryPolicy::none())
        .without_rate_limit()
        .build()
        .unwrap();
    let (first, second) = tokio::join!(
        impatient.get_chat(world.business(), chat()),
        client.get_chat(world.business(), chat()),
    );
    assert!(first.is_err());
    second.unwrap();
    assert_eq!(world.call_count("getChat").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_after_a_write_does_not_join_an_earlier_read() {
    let world = World::start().await;
    let client = world.running.client(&world.derived_key());
    let read = || client.get_chat_history(world.business(), chat(), HistoryFrom::default());
    read().await.unwrap();
    // A slow reader is under way: its answer was made before the message.
    world
        .fault(json!({"operation":"getChatHistory","kind":"delay-after","delayMs":600,"count":1}))
        .await;
    let slow = tokio::spawn({
        let client = client.clone();
        let business = world.business();
        async move { client.get_chat_history(business, chat(), HistoryFrom::default()).await }
    });
    while world.call_count("getChatHistory").await < 1 {
        tokio::task::yield_now().await;
    }
    let text = beseda_stand_in::api::MessageText::new("Новое").unwrap();
    client.send_message_to_chat(world.business(), chat(), text).await.unwrap();
    let after = read().await.unwrap();
    assert!(after.messages.iter().any(|message| message.message.as_deref() == Some("Новое")));
    slow.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn headers_and_metrics_report_the_source_of_responses() {
    let world = World::start().await;
    let key = world.derived_key();
    let answer = world.call("chats", json!({}), &[("api-key", &key)]).await;
    assert_eq!(answer.headers()["x-beseda-gateway"], "upstream");
    assert!(answer.headers().contains_key("x-beseda-waited"));
    let metrics = world.http.get(format!("{}/metrics", world.running.url)).send().await.unwrap();
    let metrics = metrics.text().await.unwrap();
    assert!(metrics.contains("beseda_gateway_upstream_calls_total{operation=\"getChats\"} 1\n"));
    assert!(metrics.contains("beseda_gateway_queue_length{"), "{metrics}");
}

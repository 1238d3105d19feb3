//! Acknowledgement of events: full queues, failing and slow sinks, duplicates, concurrency.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use beseda_api::{MessageId, notification::Notification};
use beseda_webhook::receiver::{Ack, EventSink, ReceiveOutcome};
use futures::StreamExt;
use serde_json::json;
use tokio::{sync::Semaphore, task::JoinSet};

use crate::wire::{PING, message, open, post, serve, start};

#[tokio::test]
async fn a_duplicate_is_acknowledged_and_is_no_event() {
    let (builder, log) = open();
    let (address, mut events) = start(builder).await;
    let created = |at: &str| {
        json!({"notificationType": "CHAT_CREATED", "chatId": 1, "businessId": 2, "createdAt": at})
            .to_string()
    };
    let order = r#"{"notificationType":"ORDER_CREATED","orderId":7}"#;
    for (body, new) in [
        (message(1), true),
        (message(1), false),
        (message(2), true),
        (created("2026-06-01T00:00:00Z"), true),
        (created("2026-06-01T03:00:00+03:00"), false),
        (created("2026-06-01T00:00:01Z"), true),
        (message(1).replace("14604709", "14604710"), true),
        (message(1).replace("2026-06-01", "2026-06-02"), false),
        (order.to_owned(), true),
        (order.to_owned(), false),
        (order.replace('7', "8"), true),
        (message(2), false),
    ] {
        post(address, body.clone()).await.is_receipt();
        let outcome = log.lock().unwrap().last().cloned().unwrap();
        assert_eq!(
            outcome,
            if new { ReceiveOutcome::Accepted } else { ReceiveOutcome::Duplicate },
            "{body}"
        );
    }
    events.close();
    assert_eq!(events.collect::<Vec<_>>().await.len(), 7);
}

#[tokio::test]
async fn duplicates_are_recognized_within_the_window_only() {
    let (builder, log) = open();
    let (address, _events) = start(builder.dedup_window(3)).await;
    for number in [1, 2, 3, 1, 4, 2, 3, 4, 1] {
        post(address, message(number)).await.is_receipt();
    }
    use ReceiveOutcome::{Accepted, Duplicate};
    let (no, yes) = (Duplicate, Accepted);
    let wanted = [&yes, &yes, &yes, &no, &yes, &no, &no, &no, &yes];
    assert_eq!(log.lock().unwrap().iter().collect::<Vec<_>>(), wanted);
    let (builder, log) = open();
    let (address, _events) = start(builder.dedup_window(0)).await;
    for _ in 0..3 {
        post(address, message(1)).await.is_receipt();
    }
    assert_eq!(*log.lock().unwrap(), vec![Accepted; 3]);
}

#[tokio::test]
async fn a_full_queue_makes_market_retry_without_loss_or_duplicates() {
    let (builder, log) = open();
    let (address, mut events) = start(builder.queue_capacity(2).ack_timeout(Duration::ZERO)).await;
    let mut got = Vec::new();
    for number in 1..=12 {
        // Retries until accepted, as Market does.
        while post(address, message(number)).await.status != 200 {
            assert_eq!(post(address, PING).await.status, 200, "a PING is answered all the same");
            got.push(events.recv().await.unwrap());
        }
    }
    events.close();
    got.extend(events.collect::<Vec<_>>().await);
    let ids: Vec<_> = got.iter().map(|event| event.json()["messageId"].clone()).collect();
    assert_eq!(ids, (1..=12).map(|id| json!(id.to_string())).collect::<Vec<_>>());
    let failed = |outcome: &&ReceiveOutcome| matches!(outcome, ReceiveOutcome::Failed(_));
    assert!(log.lock().unwrap().iter().filter(failed).count() >= 10);
}

#[tokio::test]
async fn a_dropped_event_stream_makes_market_retry() {
    let (address, events) = start(open().0).await;
    drop(events);
    for _ in 0..2 {
        let answer = post(address, message(1)).await;
        answer.is_rejection(500, "UNKNOWN", "the receiver is closed");
    }
    post(address, PING).await.is_receipt();
}

#[tokio::test]
async fn a_failing_function_makes_market_retry_until_it_succeeds() {
    let (builder, log) = open();
    let tries = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&tries);
    let take = move |event: beseda_webhook::receiver::WebhookEvent| {
        let number = counted.fetch_add(1, Ordering::SeqCst);
        async move {
            assert!(event.json()["messageId"] != "13", "a bug of the program");
            if number < 2 { Err("the disk is full") } else { Ok(()) }
        }
    };
    let address = serve(builder.build_with(take).unwrap()).await;
    for _ in 0..2 {
        post(address, message(1)).await.is_rejection(500, "UNKNOWN", "the disk is full");
    }
    post(address, message(1)).await.is_receipt();
    post(address, message(1)).await.is_receipt();
    assert_eq!(tries.load(Ordering::SeqCst), 3);
    assert_eq!(log.lock().unwrap().last(), Some(&ReceiveOutcome::Duplicate));
    for _ in 0..2 {
        post(address, message(13)).await.is_rejection(500, "UNKNOWN", "panicked");
    }
    assert_eq!(tries.load(Ordering::SeqCst), 5);
}

/// Sink that accepts when permitted.
struct Slow {
    let_in: Semaphore,
    taken: AtomicUsize,
    done: Semaphore,
}

#[async_trait::async_trait]
impl EventSink for Slow {
    async fn accept(&self, _event: beseda_webhook::receiver::WebhookEvent) -> Ack {
        self.let_in.acquire().await.unwrap().forget();
        self.taken.fetch_add(1, Ordering::SeqCst);
        self.done.add_permits(1);
        Ack::Accepted
    }
}

#[tokio::test]
async fn an_event_accepted_after_the_timeout_is_a_duplicate_when_retried() {
    let (builder, log) = open();
    let slow =
        Slow { let_in: Semaphore::new(0), taken: AtomicUsize::new(0), done: Semaphore::new(0) };
    let slow = Arc::new(slow);
    let router = builder.ack_timeout(Duration::ZERO).build_with_sink(slow.clone()).unwrap();
    let address = serve(router).await;
    post(address, message(1)).await.is_rejection(500, "UNKNOWN", "timeout");
    slow.let_in.add_permits(1);
    slow.done.acquire().await.unwrap().forget();
    // The event is being marked as accepted at this moment.
    let repeated = async { while post(address, message(1)).await.status != 200 {} };
    tokio::time::timeout(Duration::from_secs(60), repeated).await.unwrap();
    assert_eq!(slow.taken.load(Ordering::SeqCst), 1);
    assert_eq!(log.lock().unwrap().last(), Some(&ReceiveOutcome::Duplicate));
}

#[tokio::test]
async fn concurrent_duplicates_are_accepted_once() {
    let (builder, log) = open();
    let slow =
        Slow { let_in: Semaphore::new(0), taken: AtomicUsize::new(0), done: Semaphore::new(0) };
    let slow = Arc::new(slow);
    let address = serve(builder.build_with_sink(slow.clone()).unwrap()).await;
    let mut posts = JoinSet::new();
    for _ in 0..10 {
        posts.spawn(async move { post(address, message(1)).await.is_receipt() });
    }
    slow.let_in.add_permits(10);
    posts.join_all().await;
    assert_eq!(slow.taken.load(Ordering::SeqCst), 1);
    let log = log.lock().unwrap();
    assert_eq!(log.iter().filter(|outcome| **outcome == ReceiveOutcome::Duplicate).count(), 9);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_concurrent_events_with_duplicates_each_arrive_once() {
    let (builder, _) = open();
    let (address, mut events) = start(builder.queue_capacity(500)).await;
    let mut posts = JoinSet::new();
    for number in 0..100 {
        for _ in 0..3 {
            posts.spawn(async move { post(address, message(1 + number)).await.is_receipt() });
        }
        posts.spawn(async move { post(address, PING).await.is_receipt() });
    }
    posts.join_all().await;
    events.close();
    let ids = events.map(|event| match event.notification {
        Notification::ChatMessageSent { message_id, .. } => MessageId::get(message_id),
        other => panic!("{other:?}"),
    });
    let ids: Vec<i64> = ids.collect().await;
    assert_eq!(ids.len(), 100);
    assert_eq!(ids.into_iter().collect::<BTreeSet<_>>(), (1..=100).collect());
}

#[tokio::test]
async fn the_notification_stream_contains_only_chat_notifications() {
    let (address, events) = start(open().0).await;
    post(address, r#"{"notificationType":"ORDER_CREATED"}"#).await.is_receipt();
    post(address, message(7)).await.is_receipt();
    let hint = events.notifications().next().await.unwrap();
    assert!(
        matches!(hint, Notification::ChatMessageSent { message_id, .. } if message_id.get() == 7)
    );
}

//! Notification queue: the events that are enqueued, pauses, retries, replays.

use beseda_api::{
    BusinessId, ChatId, ChatOpening, ChatsApi, DeliveryAttempt, DeliveryOutcome, DisputeOpening,
    MarketMessage, MarketSide, MessageText, NewSubscription, NotificationQueue, QueueAction,
    QueuedNotification, Sender, SubscriptionState, notification::Notification,
};
use beseda_engine::Engine;
use jiff::Timestamp;

use super::{open, with_chat};

async fn subscribe(engine: &Engine, business: BusinessId) -> i64 {
    let new = NewSubscription { url: "https://shop.example/".to_owned(), name: "bot".to_owned() };
    let created =
        engine.notification_queue().insert_subscription(business, new, Timestamp::UNIX_EPOCH).await;
    created.unwrap().unwrap().id
}

fn delivered(pending: &QueuedNotification) -> DeliveryAttempt {
    DeliveryAttempt {
        subscription: pending.subscription,
        position: Some(pending.position),
        notification: pending.notification.clone(),
        at: Timestamp::UNIX_EPOCH,
        took_ms: 1,
        outcome: DeliveryOutcome::Delivered,
        status: Some(200),
        failure: None,
        action: QueueAction::Acknowledge,
    }
}

/// Returns all pending notifications, and acknowledges them.
async fn drain(queue: &dyn NotificationQueue, subscription: i64) -> Vec<Notification> {
    let mut all = Vec::new();
    while let Some(pending) = queue.head(subscription).await.unwrap() {
        queue.record_attempt(delivered(&pending)).await.unwrap();
        all.push(pending.notification);
    }
    all
}

fn summary(all: &[Notification], chat: ChatId) -> Vec<String> {
    let summarize = |notification: &Notification| {
        let (name, chat_id) = match notification {
            Notification::ChatCreated { chat_id, .. } => ("created", *chat_id),
            Notification::ChatMessageSent { chat_id, .. } => ("message", *chat_id),
            Notification::ChatArbitrageStarted { chat_id, .. } => ("dispute", *chat_id),
            Notification::ChatArbitrageFinished { chat_id, .. } => ("resolved", *chat_id),
            other => panic!("{other:?}"),
        };
        if chat_id == chat { name.to_owned() } else { format!("{name} of another chat") }
    };
    all.iter().map(summarize).collect()
}

#[tokio::test]
async fn every_event_is_enqueued_once_in_order_but_stickers_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path()).await.unwrap();
    let (business, chat) = with_chat(&engine).await;
    let subscription = subscribe(&engine, business).await;
    let text = MessageText::new("Good day!").unwrap();
    engine.send_message_to_chat(business, chat, text).await.unwrap();
    let sticker =
        MarketMessage { sender: Sender::Customer, message: None, sticker: true, waiting_for: None };
    engine.write_message(business, chat, sticker).await.unwrap();
    let opening = DisputeOpening {
        chat_id: Some(chat),
        message: Some("No!".to_owned()),
        ..DisputeOpening::default()
    };
    let dispute = engine.open_dispute(business, opening).await.unwrap().chat_id;
    engine.resolve_dispute(business, dispute).await.unwrap();
    engine.resolve_dispute(business, dispute).await.unwrap();
    engine.close_chat(business, chat).await.unwrap();
    let notifications = drain(engine.notification_queue().as_ref(), subscription).await;
    assert_eq!(summary(&notifications[..1], chat), ["message"]);
    assert_eq!(
        summary(&notifications[1..], dispute),
        ["created", "dispute", "message", "resolved"]
    );
    let history = engine.get_chat_history(business, chat, Default::default()).await.unwrap();
    let Notification::ChatMessageSent { message_id, sent_at, business_id, .. } = &notifications[0]
    else {
        panic!("{notifications:?}");
    };
    let message = &history.messages[0];
    assert_eq!((*message_id, *business_id), (message.message_id, business));
    assert_eq!(sent_at.timestamp(), message.created_at.timestamp());
}

#[tokio::test]
async fn a_direct_question_causes_no_dispute_events() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path()).await.unwrap();
    let (business, _) = with_chat(&engine).await;
    let subscription = subscribe(&engine, business).await;
    let opening = ChatOpening { message: Some("Hi".to_owned()), ..ChatOpening::default() };
    let chat = engine.open_chat(business, opening).await.unwrap().chat_id;
    let dispute = DisputeOpening { chat_id: Some(chat), ..DisputeOpening::default() };
    assert!(engine.open_dispute(business, dispute).await.is_err());
    engine.close_chat(business, chat).await.unwrap();
    let notifications = drain(engine.notification_queue().as_ref(), subscription).await;
    assert_eq!(summary(&notifications, chat), ["created", "message"]);
}

#[tokio::test]
async fn nothing_is_enqueued_without_a_subscription_for_other_cabinets_and_when_disabled() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path()).await.unwrap();
    let (business, chat) = with_chat(&engine).await;
    let (other, _) = {
        let cabinet = beseda_api::NewCabinet { business_id: None, name: "Other".to_owned() };
        let created = beseda_api::Administration::create_cabinet(&engine, cabinet).await.unwrap();
        (created.business_id, ())
    };
    let (mine, theirs) = (subscribe(&engine, business).await, subscribe(&engine, other).await);
    let queue = engine.notification_queue();
    let write = || engine.write_message(business, chat, MarketMessage::customer("Hi"));
    let waiting = async || queue.subscriptions(business).await.unwrap().unwrap()[0].waiting;

    write().await.unwrap();
    queue.set_subscription_state(business, mine, SubscriptionState::Paused).await.unwrap();
    write().await.unwrap();
    assert_eq!(waiting().await, 2, "events during a pause are enqueued");
    assert!(queue.heads().await.unwrap().is_empty(), "and not sent");
    assert_eq!(queue.subscriptions(other).await.unwrap().unwrap()[0].waiting, 0);
    assert!(
        queue
            .set_subscription_state(other, mine, SubscriptionState::Active)
            .await
            .unwrap()
            .is_none()
    );

    queue.set_subscription_state(business, mine, SubscriptionState::Active).await.unwrap();
    let head = queue.head(mine).await.unwrap().unwrap();
    queue
        .record_attempt(DeliveryAttempt { action: QueueAction::Disable, ..delivered(&head) })
        .await
        .unwrap();
    write().await.unwrap();
    assert_eq!(waiting().await, 0);
    assert!(queue.delete_subscription(business, mine).await.unwrap());
    assert!(!queue.delete_subscription(business, mine).await.unwrap());
    write().await.unwrap();
    assert!(queue.heads().await.unwrap().is_empty());
    queue.record_attempt(delivered(&head)).await.unwrap();
    assert!(
        queue.attempts(mine, i64::MAX, 10).await.unwrap().is_empty(),
        "of a deleted subscription"
    );
    assert!(queue.head(theirs).await.unwrap().is_none(), "of the other cabinet");
}

#[tokio::test]
async fn the_queue_and_its_retry_times_survive_a_restart_and_deliveries_can_be_replayed() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path()).await.unwrap();
    let (business, chat) = with_chat(&engine).await;
    let subscription = subscribe(&engine, business).await;
    engine.write_message(business, chat, MarketMessage::customer("Hi")).await.unwrap();
    let head = engine.notification_queue().head(subscription).await.unwrap().unwrap();
    let due = Timestamp::from_second(60).unwrap();
    let retry = QueueAction::Retry { failing_since: Timestamp::UNIX_EPOCH, due };
    engine
        .notification_queue()
        .record_attempt(DeliveryAttempt { action: retry, ..delivered(&head) })
        .await
        .unwrap();
    drop(engine);

    let engine = open(folder.path()).await.unwrap();
    let queue = engine.notification_queue();
    let seen = queue.changed(u64::MAX).await;
    let head_after = queue.head(subscription).await.unwrap().unwrap();
    assert_eq!((head_after.due, head_after.position), (Some(due), head.position));
    engine.write_message(business, chat, MarketMessage::customer("Hi?")).await.unwrap();
    assert_ne!(queue.changed(seen).await, seen, "the sender is woken");
    assert_eq!(drain(queue.as_ref(), subscription).await.len(), 2);

    let log = queue.attempts(subscription, i64::MAX, 10).await.unwrap();
    assert_eq!(log.len(), 3);
    assert_eq!(log[1].event_id, log[2].event_id, "two attempts at one notification");
    assert!(queue.replay(subscription, log[2].id).await.unwrap());
    assert!(!queue.replay(subscription, 1000).await.unwrap());
    assert_eq!(drain(queue.as_ref(), subscription).await, [head.notification]);
}

//! What is written for subscriptions, and when nothing is. Sending is tested where it is done.

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
    let made = engine.outbox().insert_subscription(business, new, Timestamp::UNIX_EPOCH).await;
    made.unwrap().unwrap().id
}

fn done(pending: &QueuedNotification) -> DeliveryAttempt {
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

/// Takes out everything that waits.
async fn drain(outbox: &dyn NotificationQueue, subscription: i64) -> Vec<Notification> {
    let mut all = Vec::new();
    while let Some(pending) = outbox.head(subscription).await.unwrap() {
        outbox.record_attempt(done(&pending)).await.unwrap();
        all.push(pending.notification);
    }
    all
}

fn shown(all: &[Notification], chat: ChatId) -> Vec<String> {
    let kind = |one: &Notification| {
        let (name, of) = match one {
            Notification::ChatCreated { chat_id, .. } => ("created", *chat_id),
            Notification::ChatMessageSent { chat_id, .. } => ("message", *chat_id),
            Notification::ChatArbitrageStarted { chat_id, .. } => ("dispute", *chat_id),
            Notification::ChatArbitrageFinished { chat_id, .. } => ("resolved", *chat_id),
            other => panic!("{other:?}"),
        };
        if of == chat { name.to_owned() } else { format!("{name} elsewhere") }
    };
    all.iter().map(kind).collect()
}

#[tokio::test]
async fn every_event_is_told_once_in_order_and_a_sticker_is_not() {
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
    let told = drain(engine.outbox().as_ref(), subscription).await;
    assert_eq!(shown(&told[..1], chat), ["message"]);
    assert_eq!(shown(&told[1..], dispute), ["created", "dispute", "message", "resolved"]);
    let history = engine.get_chat_history(business, chat, Default::default()).await.unwrap();
    let Notification::ChatMessageSent { message_id, sent_at, business_id, .. } = &told[0] else {
        panic!("{told:?}");
    };
    let written = &history.messages[0];
    assert_eq!((*message_id, *business_id), (written.message_id, business));
    assert_eq!(sent_at.timestamp(), written.created_at.timestamp());
}

#[tokio::test]
async fn a_direct_question_is_told_of_without_disputes() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path()).await.unwrap();
    let (business, _) = with_chat(&engine).await;
    let subscription = subscribe(&engine, business).await;
    let opening = ChatOpening { message: Some("Hi".to_owned()), ..ChatOpening::default() };
    let chat = engine.open_chat(business, opening).await.unwrap().chat_id;
    let dispute = DisputeOpening { chat_id: Some(chat), ..DisputeOpening::default() };
    assert!(engine.open_dispute(business, dispute).await.is_err());
    engine.close_chat(business, chat).await.unwrap();
    let told = drain(engine.outbox().as_ref(), subscription).await;
    assert_eq!(shown(&told, chat), ["created", "message"]);
}

#[tokio::test]
async fn nothing_is_kept_for_nobody_for_others_and_for_what_is_off() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path()).await.unwrap();
    let (business, chat) = with_chat(&engine).await;
    let (other, _) = {
        let cabinet = beseda_api::NewCabinet { business_id: None, name: "Other".to_owned() };
        let made = beseda_api::Administration::create_cabinet(&engine, cabinet).await.unwrap();
        (made.business_id, ())
    };
    let (mine, theirs) = (subscribe(&engine, business).await, subscribe(&engine, other).await);
    let outbox = engine.outbox();
    let write = || engine.write_message(business, chat, MarketMessage::customer("Hi"));
    let waiting = async || outbox.subscriptions(business).await.unwrap().unwrap()[0].waiting;

    write().await.unwrap();
    outbox.set_subscription_state(business, mine, SubscriptionState::Paused).await.unwrap();
    write().await.unwrap();
    assert_eq!(waiting().await, 2, "what happens in a pause waits");
    assert!(outbox.heads().await.unwrap().is_empty(), "and doesn't go");
    assert_eq!(outbox.subscriptions(other).await.unwrap().unwrap()[0].waiting, 0);
    assert!(
        outbox
            .set_subscription_state(other, mine, SubscriptionState::Active)
            .await
            .unwrap()
            .is_none()
    );

    outbox.set_subscription_state(business, mine, SubscriptionState::Active).await.unwrap();
    let head = outbox.head(mine).await.unwrap().unwrap();
    outbox
        .record_attempt(DeliveryAttempt { action: QueueAction::Disable, ..done(&head) })
        .await
        .unwrap();
    write().await.unwrap();
    assert_eq!(waiting().await, 0);
    assert!(outbox.delete_subscription(business, mine).await.unwrap());
    assert!(!outbox.delete_subscription(business, mine).await.unwrap());
    write().await.unwrap();
    assert!(outbox.heads().await.unwrap().is_empty());
    outbox.record_attempt(done(&head)).await.unwrap();
    assert!(outbox.attempts(mine, i64::MAX, 10).await.unwrap().is_empty(), "of nobody");
    assert!(outbox.head(theirs).await.unwrap().is_none(), "the other cabinet's");
}

#[tokio::test]
async fn what_waits_and_when_it_is_due_survives_a_restart_and_can_be_replayed() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path()).await.unwrap();
    let (business, chat) = with_chat(&engine).await;
    let subscription = subscribe(&engine, business).await;
    engine.write_message(business, chat, MarketMessage::customer("Hi")).await.unwrap();
    let head = engine.outbox().head(subscription).await.unwrap().unwrap();
    let due = Timestamp::from_second(60).unwrap();
    let again = QueueAction::Retry { failing_since: Timestamp::UNIX_EPOCH, due };
    engine.outbox().record_attempt(DeliveryAttempt { action: again, ..done(&head) }).await.unwrap();
    drop(engine);

    let engine = open(folder.path()).await.unwrap();
    let outbox = engine.outbox();
    let seen = outbox.changed(u64::MAX).await;
    let kept = outbox.head(subscription).await.unwrap().unwrap();
    assert_eq!((kept.due, kept.position), (Some(due), head.position));
    engine.write_message(business, chat, MarketMessage::customer("Hi?")).await.unwrap();
    assert_ne!(outbox.changed(seen).await, seen, "whoever sends is woken");
    assert_eq!(drain(outbox.as_ref(), subscription).await.len(), 2);

    let log = outbox.attempts(subscription, i64::MAX, 10).await.unwrap();
    assert_eq!(log.len(), 3);
    assert_eq!(log[1].event_id, log[2].event_id, "two attempts at one notification");
    assert!(outbox.replay(subscription, log[2].id).await.unwrap());
    assert!(!outbox.replay(subscription, 1000).await.unwrap());
    assert_eq!(drain(outbox.as_ref(), subscription).await, [head.notification]);
}

//! Notifications forwarded from another server: delivered to every subscription, once, in order,
//! across restarts.

use beseda_api::{
    Administration, BusinessId, ChatId, MessageId, NewCabinet, SubscriptionState, Time,
    notification::Notification,
};
use serde_json::{Value, json};

use crate::{
    receiver::{Behavior, Receiver},
    world::World,
};

/// Chat unknown to the engine.
const CHAT: i64 = 14_604_709;

fn message(business: BusinessId, id: i64) -> Notification {
    Notification::ChatMessageSent {
        chat_id: ChatId::new(CHAT).unwrap(),
        message_id: MessageId::new(id).unwrap(),
        business_id: business,
        sent_at: time(),
    }
}

fn time() -> Time {
    "2026-06-01T03:00:00.123456789+03:00".parse().unwrap()
}

fn notification(business: BusinessId, id: i64) -> Value {
    json!({"notificationType": "CHAT_MESSAGE_SENT", "chatId": CHAT, "businessId": business,
           "messageId": id.to_string(), "sentAt": "2026-06-01T00:00:00.123456Z"})
}

#[tokio::test]
async fn a_forwarded_notification_reaches_every_subscription_once_and_in_order() {
    let world = World::open().await;
    let (one, two) =
        (Receiver::start(Behavior::Accept).await, Receiver::start(Behavior::Accept).await);
    world.subscribe(&one.url()).await.unwrap();
    world.subscribe(&two.url()).await.unwrap();
    let (engine, business) = (&world.engine, world.business);
    let created = Notification::ChatCreated {
        chat_id: ChatId::new(CHAT).unwrap(),
        business_id: business,
        created_at: time(),
    };
    assert!(engine.forward_notification(business, created.clone()).await.unwrap());
    for id in 1..=20 {
        assert!(engine.forward_notification(business, message(business, id)).await.unwrap());
        assert!(
            !engine.forward_notification(business, message(business, id)).await.unwrap(),
            "told before"
        );
    }
    assert!(!engine.forward_notification(business, created).await.unwrap());
    for receiver in [&one, &two] {
        receiver.wait_for(1 + 21).await;
        let events = receiver.events();
        assert_eq!(events[0]["notificationType"], "CHAT_CREATED");
        assert_eq!(events[1..], (1..=20).map(|id| notification(business, id)).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_forwarded_notification_survives_a_restart_and_is_still_deduplicated() {
    let world = World::open().await;
    let receiver = Receiver::start(Behavior::Accept).await;
    let id = world.subscribe(&receiver.url()).await.unwrap().id;
    world.subscriptions().pause(world.business, id).await.unwrap();
    let business = world.business;
    for id in 1..=3 {
        assert!(world.engine.forward_notification(business, message(business, id)).await.unwrap());
    }
    let world = world.restart().await;
    assert!(!world.engine.forward_notification(business, message(business, 2)).await.unwrap());
    assert!(world.engine.forward_notification(business, message(business, 4)).await.unwrap());
    world.subscriptions().resume(business, id).await.unwrap();
    world.logged(id, 2 + 4).await;
    assert_eq!(receiver.events(), (1..=4).map(|id| notification(business, id)).collect::<Vec<_>>());
}

#[tokio::test]
async fn notifications_without_subscription_or_chat_are_not_queued() {
    let world = World::open().await;
    let (engine, business) = (&world.engine, world.business);
    assert!(
        !engine.forward_notification(business, message(business, 1)).await.unwrap(),
        "nobody asked"
    );
    let receiver = Receiver::start(Behavior::Accept).await;
    let id = world.subscribe(&receiver.url()).await.unwrap().id;
    assert!(
        !engine.forward_notification(business, Notification::Ping { time: None }).await.unwrap()
    );
    assert!(!engine.forward_notification(business, Notification::Other).await.unwrap());
    let new = NewCabinet { business_id: None, name: "Other".to_owned() };
    let other = engine.create_cabinet(new).await.unwrap().business_id;
    let refused = engine.forward_notification(business, message(other, 1)).await.unwrap_err();
    assert!(refused.to_string().contains("businessId"), "{refused}");
    assert!(!engine.forward_notification(other, message(other, 1)).await.unwrap());
    assert_eq!(world.subscription(id).await.waiting, 0);
    assert_eq!(world.subscription(id).await.state, SubscriptionState::Active);
    assert!(engine.forward_notification(business, message(business, 1)).await.unwrap());
}

//! Order of deliveries, and restarts of receiver and server.

use beseda_api::{
    ChatOpening, ChatsApi, DeliveryOutcome, DisputeOpening, FileUpload, MarketMessage, MarketSide,
    MessageText, Sender, SubscriptionState,
};
use serde_json::json;

use crate::{
    receiver::{Behavior, Receiver},
    world::{World, new_chat},
};

fn ids(receiver: &Receiver) -> Vec<String> {
    let id = |body: serde_json::Value| body["messageId"].as_str().unwrap_or_default().to_owned();
    receiver.events().into_iter().map(id).collect()
}

#[tokio::test]
async fn a_conversation_arrives_exactly_as_published() {
    let world = World::open().await;
    let receiver = Receiver::start(Behavior::Accept).await;
    let made = world.subscribe(&receiver.url()).await.unwrap();
    assert_eq!((made.state, made.waiting), (SubscriptionState::Active, 0));
    let (engine, business) = (&world.engine, world.business);

    let chat = new_chat(engine, business, 7).await;
    world.time.advance(1);
    let customer = engine.write_message(business, chat, MarketMessage::customer("Привет")).await;
    let customer = customer.unwrap().message_id;
    let sticker =
        MarketMessage { sender: Sender::Customer, message: None, sticker: true, waiting_for: None };
    engine.write_message(business, chat, sticker).await.unwrap();
    world.time.advance(1);
    let text = MessageText::new("Здравствуйте!").unwrap();
    engine.send_message_to_chat(business, chat, text).await.unwrap();
    let photo = FileUpload::from_bytes("photo.jpg", &b"0123"[..]);
    engine.write_file(business, chat, Sender::Customer, photo).await.unwrap();
    world.time.advance(1);
    let opening = DisputeOpening { chat_id: Some(chat), ..DisputeOpening::default() };
    let dispute = engine.open_dispute(business, opening).await.unwrap().chat_id;
    world.time.advance(1);
    engine.resolve_dispute(business, dispute).await.unwrap();
    let opening = ChatOpening { message: Some("Есть?".to_owned()), ..ChatOpening::default() };
    let direct = engine.open_chat(business, opening).await.unwrap().chat_id;
    engine.close_chat(business, direct).await.unwrap();
    receiver.wait_for(1 + 9).await;

    let history = engine.get_chat_history(business, chat, Default::default()).await.unwrap();
    assert_eq!(history.messages[0].message_id, customer);
    let asked = engine.get_chat_history(business, direct, Default::default()).await.unwrap();
    let sent = |at: usize, second: &str| {
        json!({"notificationType": "CHAT_MESSAGE_SENT", "chatId": chat, "businessId": business,
               "messageId": history.messages[at].message_id.to_string(), "sentAt": second})
    };
    let created = |chat, second: &str| json!({"notificationType": "CHAT_CREATED", "chatId": chat, "businessId": business, "createdAt": second});
    assert_eq!(
        receiver.events(),
        [
            created(chat, "2026-11-21T10:00:00Z"),
            sent(0, "2026-11-21T10:00:01Z"),
            sent(2, "2026-11-21T10:00:02Z"),
            sent(3, "2026-11-21T10:00:02Z"),
            created(dispute, "2026-11-21T10:00:03Z"),
            json!({"notificationType": "CHAT_ARBITRAGE_STARTED", "chatId": dispute,
                   "businessId": business, "startedAt": "2026-11-21T10:00:03Z"}),
            json!({"notificationType": "CHAT_ARBITRAGE_FINISHED", "chatId": dispute,
                   "businessId": business, "finishedAt": "2026-11-21T10:00:04Z"}),
            created(direct, "2026-11-21T10:00:04Z"),
            json!({"notificationType": "CHAT_MESSAGE_SENT", "chatId": direct, "businessId": business,
                   "messageId": asked.messages[0].message_id.to_string(), "sentAt": "2026-11-21T10:00:04Z"}),
        ]
    );
    let ping = &receiver.requests()[0];
    assert_eq!(ping.body, json!({"notificationType": "PING", "time": "2026-11-21T10:00:00Z"}));
    assert!(ping.head.starts_with("POST /notification HTTP/1.1"), "{}", ping.head);
    let head = ping.head.to_lowercase();
    assert!(head.contains("content-type: application/json"), "{head}");
    assert!(head.contains(&format!("host: {}", receiver.address)), "{head}");
}

#[tokio::test]
async fn a_failing_delivery_delays_only_its_own_subscription() {
    let world = World::open().await;
    let (lame, sound) =
        (Receiver::start(Behavior::Accept).await, Receiver::start(Behavior::Accept).await);
    let id = world.subscribe(&lame.url()).await.unwrap().id;
    world.subscribe(&sound.url()).await.unwrap();
    lame.set(Behavior::Status(500));
    let mut written = Vec::new();
    for number in 0..5 {
        written.push(world.write(&number.to_string()).await);
    }
    sound.wait_for(1 + 5).await;
    assert_eq!(ids(&sound), written);
    world.logged(id, 2).await;
    assert_eq!(ids(&lame), written[..1], "the others wait");
    for attempts in 3..6 {
        world.time.advance(60);
        world.logged(id, attempts).await;
    }
    assert_eq!(ids(&lame), vec![written[0].clone(); 4]);
    let found = world.subscription(id).await;
    assert_eq!(found.waiting, 5);
    assert_eq!(found.failing_since.unwrap().to_string(), "2026-11-21T13:00:00+03:00");
    assert_eq!(found.next_attempt_at.unwrap().to_string(), "2026-11-21T13:04:00+03:00");
    lame.set(Behavior::Accept);
    world.time.advance(60);
    world.logged(id, 10).await;
    assert_eq!(ids(&lame)[4..], written);
    let found = world.subscription(id).await;
    assert_eq!((found.waiting, found.failing_since), (0, None));
}

#[tokio::test]
async fn an_interrupted_delivery_is_repeated_first_after_a_restart() {
    let mut world = World::open().await;
    let receiver = Receiver::start(Behavior::Accept).await;
    world.subscribe(&receiver.url()).await.unwrap();
    let mut written = Vec::new();
    for life in 0..5 {
        receiver.set(Behavior::NeverRespond);
        let before = receiver.requests().len();
        for number in 0..3 {
            written.push(world.write(&format!("{life} {number}")).await);
        }
        receiver.wait_for(before + 1).await;
        receiver.set(Behavior::Accept);
        world = world.restart().await;
        receiver.wait_for(before + 1 + 3).await;
    }
    let answered: Vec<String> = receiver
        .requests()
        .iter()
        .filter(|requests| requests.answered && requests.body["notificationType"] != "PING")
        .map(|requests| requests.body["messageId"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(answered, written);
}

#[tokio::test]
async fn pausing_holds_deliveries_resuming_pings_and_a_replay_is_queued_last() {
    let world = World::open().await;
    let receiver = Receiver::start(Behavior::Accept).await;
    let id = world.subscribe(&receiver.url()).await.unwrap().id;
    let (desk, business) = (world.subscriptions(), world.business);
    let first = world.write("one").await;
    let log = world.logged(id, 2).await;
    assert_eq!(desk.pause(business, id).await.unwrap().state, SubscriptionState::Paused);
    let second = world.write("two").await;
    receiver.set(Behavior::Status(500));
    let refused = desk.resume(business, id).await.unwrap_err().to_string();
    assert!(refused.contains("CANT_GET_RESPONSE/HTTP"), "{refused}");
    assert_eq!(world.subscription(id).await.state, SubscriptionState::Paused);
    receiver.set(Behavior::Accept);
    desk.replay(business, id, log[0].id).await.unwrap();
    assert_eq!(world.subscription(id).await.waiting, 2);
    desk.resume(business, id).await.unwrap();
    let log = world.logged(id, 6).await;
    assert_eq!(ids(&receiver), [first.clone(), second, first]);
    let outcomes: Vec<_> = log.iter().rev().map(|entry| entry.outcome.clone()).collect();
    use DeliveryOutcome::{Delivered, Failed};
    assert_eq!(outcomes, [Delivered, Delivered, Failed, Delivered, Delivered, Delivered]);
    assert_eq!(log[0].event_id, log[4].event_id, "the same event");
    let ping = desk.replay(business, id, log[5].id).await.unwrap_err();
    assert!(ping.to_string().contains("PING"), "{ping}");
    assert!(desk.replay(business, id, 1000).await.is_err());
    desk.delete(business, id).await.unwrap();
    assert!(desk.delete(business, id).await.is_err());
    assert!(desk.pause(business, id).await.is_err());
}

#[tokio::test]
async fn the_log_is_paged_newest_first() {
    let world = World::open().await;
    let receiver = Receiver::start(Behavior::Accept).await;
    let id = world.subscribe(&receiver.url()).await.unwrap().id;
    for number in 0..6 {
        world.write(&number.to_string()).await;
    }
    let whole = world.logged(id, 7).await;
    let mut page = beseda_api::PageRequest::first(beseda_api::Limit::new(3).unwrap());
    let mut paged = Vec::new();
    loop {
        let part =
            world.subscriptions().deliveries(world.business, id, page.clone()).await.unwrap();
        paged.extend(part.deliveries);
        let Some(token) = part.paging.next_page_token else { break };
        page = page.after(token);
    }
    assert_eq!(paged, whole);
}

/// Sends the first message twice and the third one later.
struct DuplicateAndReorder(std::sync::atomic::AtomicUsize);

impl beseda_webhook::sender::FaultInjector for DuplicateAndReorder {
    fn fault(
        &self,
        _: &beseda_api::notification::Notification,
    ) -> beseda_webhook::sender::PushFault {
        match self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
            0 => beseda_webhook::sender::PushFault::Duplicate,
            2 => beseda_webhook::sender::PushFault::Reorder,
            _ => beseda_webhook::sender::PushFault::None,
        }
    }
}

#[tokio::test]
async fn injected_faults_duplicate_and_reorder_deliveries() {
    let world = World::open().await;
    let injector: std::sync::Arc<dyn beseda_webhook::sender::FaultInjector> =
        std::sync::Arc::new(DuplicateAndReorder(Default::default()));
    world.sender().inject_faults(std::sync::Arc::downgrade(&injector));
    let receiver = Receiver::start(Behavior::Accept).await;
    let id = world.subscribe(&receiver.url()).await.unwrap().id;
    world.subscriptions().pause(world.business, id).await.unwrap();
    let mut written = Vec::new();
    for number in 0..4 {
        written.push(world.write(&number.to_string()).await);
    }
    world.subscriptions().resume(world.business, id).await.unwrap();
    let log = world.logged(id, 2 + 5).await;
    let [one, two, three, four] = written.try_into().unwrap();
    assert_eq!(ids(&receiver), [one.clone(), one, two, four, three]);
    assert!(log.iter().all(|entry| entry.outcome == DeliveryOutcome::Delivered));
}

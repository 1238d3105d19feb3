//! Sending over a service that resets connections, times out, fails and refuses: exactly once and
//! in order.

use std::{future, sync::Arc};

use beseda_outbox::{Error, ItemFilter, ItemState};
use beseda_stand_in::{
    api::{ChatContext, ChatsApi, MessageText},
    client::Client,
};
use serde_json::json;

use crate::world::TestOutbox;

#[tokio::test]
async fn a_message_is_confirmed_with_three_calls() {
    let world = TestOutbox::new().await;
    let id = world.enqueue(0, "едет").await;
    world.run().await.unwrap();
    let states: Vec<ItemState> =
        world.states.lock().unwrap().iter().map(|(_, state)| *state).collect();
    assert_eq!(states, [ItemState::Sending, ItemState::Sent, ItemState::Confirmed]);
    let message = world.item(id).await.message_id.unwrap();
    let (engine, business) = (world.stand_in.engine(), world.stand_in.business_id());
    let found = engine.get_chat_message(business, world.chats[0], message).await.unwrap();
    assert_eq!(found.message.as_deref(), Some("едет"));
    assert_eq!(world.calls("sendMessageToChat"), 1);
    assert_eq!(world.calls("getChatHistory"), 2);
}

#[tokio::test]
async fn many_messages_of_a_chat_take_few_more_calls_than_sends() {
    let world = TestOutbox::new().await;
    for number in 0..100 {
        world.enqueue(0, &format!("n{number}")).await;
    }
    world.run().await.unwrap();
    assert_eq!(world.calls("sendMessageToChat"), 100);
    // One before, and one per twenty messages.
    assert!(world.calls("getChatHistory") <= 1 + 5 + 1, "{}", world.calls("getChatHistory"));
    let expected: Vec<String> = (0..100).map(|number| format!("n{number}")).collect();
    assert_eq!(world.history(0, "n").await, expected);
}

#[tokio::test]
async fn under_all_faults_each_message_arrives_once_and_in_order() {
    let world = TestOutbox::new().await;
    for (kind, probability) in [
        ("reset-after", 0.2),
        ("reset-before", 0.1),
        ("status", 0.2),
        ("garbage", 0.1),
        ("limit", 0.1),
    ] {
        let mut rule = json!({
            "operation": "sendMessageToChat", "kind": kind, "probability": probability
        });
        if kind == "limit" {
            // The hourly limit would be waited for by the system clock.
            rule["limit"] = json!("parallel");
        }
        world.fault(&rule);
    }
    world.fault(&json!({ "operation": "getChatHistory", "kind": "status", "probability": 0.3 }));
    for number in 0..40 {
        for chat in 0..3 {
            // Equal texts are the hard case.
            world.enqueue(chat, &format!("m{}", number / 4)).await;
        }
    }
    world.run().await.unwrap();
    let expected: Vec<String> = (0..40).map(|number| format!("m{}", number / 4)).collect();
    for chat in 0..3 {
        assert_eq!(world.history(chat, "m").await, expected);
    }
    assert!(world.all().await.iter().all(|item| item.state == ItemState::Confirmed));
}

#[tokio::test]
async fn a_timeout_after_the_write_does_not_send_twice() {
    let world = TestOutbox::new().await;
    world.fault(&json!({
        "operation": "sendMessageToChat", "kind": "delay-after", "delayMs": 5000, "count": 1
    }));
    world.enqueue(0, "один раз").await;
    world.run().await.unwrap();
    assert_eq!(world.history(0, "один").await, ["один раз"]);
    assert_eq!(world.calls("sendMessageToChat"), 1);
}

#[tokio::test]
async fn a_message_in_flight_at_a_crash_is_decided_by_the_history() {
    let world = TestOutbox::new().await;
    let (arrived, lost) = (world.enqueue(0, "дошло").await, world.enqueue(1, "не дошло").await);
    let next = world.enqueue(0, "потом").await;
    // The program died after marking the message as sending.
    let path = world.folder.path().join("archive/outbox.sqlite");
    let tables = rusqlite::Connection::open(path).unwrap();
    let sql = "UPDATE items SET state = 'sending', attempts = 1, baseline = ? WHERE id = ?";
    let business = world.stand_in.business_id();
    for (chat, id) in [(0, arrived), (1, lost)] {
        let all = beseda_stand_in::client::ChatsExt::history_sorted(
            &**world.stand_in.engine(),
            business,
            world.chats[chat],
            None,
        );
        let last = all.await.unwrap().last().map_or(0, |message| message.message_id.get());
        tables.execute(sql, (last, id.0)).unwrap();
    }
    let text = MessageText::new("дошло").unwrap();
    world.client().send_message_to_chat(business, world.chats[0], text).await.unwrap();

    world.run().await.unwrap();
    assert_eq!(world.history(0, "").await.iter().filter(|text| *text == "дошло").count(), 1);
    assert_eq!(world.history(0, "потом").await, ["потом"]);
    assert_eq!(world.history(1, "не").await, ["не дошло"]);
    assert_eq!(world.item(arrived).await.attempts, 1);
    assert_eq!(world.item(lost).await.attempts, 2);
    assert!(world.item(next).await.message_id > world.item(arrived).await.message_id);
}

#[tokio::test]
async fn a_closed_chat_fails_only_its_message_and_a_retry_succeeds_later() {
    let world = TestOutbox::new().await;
    let market = world.stand_in.market();
    let business = world.stand_in.business_id();
    let order = world.stand_in.orders()[0];
    let chat = world.client().create_chat(business, ChatContext::Order(order)).await.unwrap();
    let index = world.chats.iter().position(|open| *open == chat).unwrap();
    let other = (index + 1) % world.chats.len();
    market.close_chat(business, chat).await.unwrap();
    let (refused, fine) =
        (world.enqueue(index, "поздно").await, world.enqueue(other, "вовремя").await);
    world.run().await.unwrap();
    let item = world.item(refused).await;
    assert_eq!((item.state, item.status), (ItemState::Failed, Some(400)));
    assert!(item.reason.unwrap().contains("closed"));
    assert_eq!(world.item(fine).await.state, ItemState::Confirmed);

    assert_eq!(world.outbox.retry(refused).await.unwrap().state, ItemState::Queued);
    world.run().await.unwrap();
    assert_eq!(world.item(refused).await.state, ItemState::Failed);
    assert_eq!(world.item(refused).await.attempts, 2);
}

#[tokio::test]
async fn a_revoked_key_loses_no_messages() {
    let world = TestOutbox::new().await;
    for number in 0..10 {
        world.enqueue(number % 3, &format!("k{number}")).await;
    }
    let business = world.stand_in.business_id();
    let key = "ACMA:0000000000000000000000000000000000000000:00000000";
    let stranger = Client::builder().url(world.stand_in.url()).api_key(key).build().unwrap();
    let ended = world.outbox.run(Arc::new(stranger), business, world.settings(), future::pending());
    let error = ended.await.unwrap_err();
    assert!(matches!(error, Error::AccessDenied(_)), "{error}");
    assert!(world.all().await.iter().all(|item| item.state == ItemState::Queued));
    world.run().await.unwrap();
    assert!(world.all().await.iter().all(|item| item.state == ItemState::Confirmed));
}

#[tokio::test]
async fn a_wrong_address_loses_no_messages() {
    let world = TestOutbox::new().await;
    let id = world.enqueue(0, "по адресу").await;
    let url = format!("{}/elsewhere", world.stand_in.url());
    let lost = Client::builder().url(url).api_key(world.stand_in.api_key()).build().unwrap();
    let business = world.stand_in.business_id();
    let ended = world.outbox.run(Arc::new(lost), business, world.settings(), future::pending());
    assert!(matches!(ended.await.unwrap_err(), Error::AccessDenied(_)));
    assert_eq!(world.item(id).await.state, ItemState::Queued);
}

#[tokio::test]
async fn only_one_process_sends_and_messages_added_meanwhile_are_sent() {
    let world = TestOutbox::new().await;
    let business = world.stand_in.business_id();
    let settings = beseda_outbox::RunSettings { until_empty: false, ..world.settings() };
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let (outbox, client) = (world.outbox.clone(), Arc::new(world.client()));
    let running = tokio::spawn(async move {
        outbox.run(client, business, settings, async { drop(stopped.await) }).await
    });
    // A second handle, as in another process.
    let other = beseda_outbox::Outbox::open(world.folder.path().join("archive")).await.unwrap();
    let id = world.enqueue(0, "добавлено").await;
    let mut version = 0;
    while other.get(id).await.unwrap().state != ItemState::Confirmed {
        version = other.changed(version).await.unwrap();
    }
    let error = world.run().await.unwrap_err();
    assert!(
        matches!(error, Error::AlreadyRunning(Some(pid)) if pid == std::process::id()),
        "{error}"
    );
    stop.send(()).unwrap();
    running.await.unwrap().unwrap();
    assert_eq!(other.list(ItemFilter::default()).await.unwrap().len(), 1);
}

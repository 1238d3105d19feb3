//! What the runner makes of a service that resets, stays silent, breaks and refuses: everything once, in order.

use std::{future, sync::Arc};

use beseda_outbox::{Error, Filter, State};
use beseda_stand_in::{
    api::{ChatContext, ChatsApi, MessageText},
    client::Client,
};
use serde_json::json;

use crate::world::World;

#[tokio::test]
async fn a_message_goes_through_its_states_and_gets_its_id_with_three_calls() {
    let world = World::new().await;
    let id = world.say(0, "едет").await;
    world.run().await.unwrap();
    let states: Vec<State> = world.told.lock().unwrap().iter().map(|(_, state)| *state).collect();
    assert_eq!(states, [State::Sending, State::Sent, State::Confirmed]);
    let message = world.item(id).await.message_id.unwrap();
    let (engine, business) = (world.stand_in.engine(), world.stand_in.business_id());
    let found = engine.get_chat_message(business, world.chats[0], message).await.unwrap();
    assert_eq!(found.message.as_deref(), Some("едет"));
    assert_eq!(world.calls("sendMessageToChat"), 1);
    assert_eq!(world.calls("getChatHistory"), 2);
}

#[tokio::test]
async fn many_messages_of_a_chat_cost_little_more_than_their_sends() {
    let world = World::new().await;
    for number in 0..100 {
        world.say(0, &format!("n{number}")).await;
    }
    world.run().await.unwrap();
    assert_eq!(world.calls("sendMessageToChat"), 100);
    // One before, one for twenty each.
    assert!(world.calls("getChatHistory") <= 1 + 5 + 1, "{}", world.calls("getChatHistory"));
    let expected: Vec<String> = (0..100).map(|number| format!("n{number}")).collect();
    assert_eq!(world.said(0, "n").await, expected);
}

#[tokio::test]
async fn whatever_goes_wrong_on_the_way_each_is_there_once_and_in_order() {
    let world = World::new().await;
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
            // The hourly one would be waited for, by the machine's clock.
            rule["limit"] = json!("parallel");
        }
        world.fault(&rule);
    }
    world.fault(&json!({ "operation": "getChatHistory", "kind": "status", "probability": 0.3 }));
    for number in 0..40 {
        for place in 0..3 {
            // Equal texts are the hard ones.
            world.say(place, &format!("m{}", number / 4)).await;
        }
    }
    world.run().await.unwrap();
    let expected: Vec<String> = (0..40).map(|number| format!("m{}", number / 4)).collect();
    for place in 0..3 {
        assert_eq!(world.said(place, "m").await, expected);
    }
    assert!(world.all().await.iter().all(|item| item.state == State::Confirmed));
}

#[tokio::test]
async fn silence_after_the_write_is_no_reason_to_say_it_twice() {
    let world = World::new().await;
    world.fault(&json!({
        "operation": "sendMessageToChat", "kind": "delay-after", "delayMs": 5000, "count": 1
    }));
    world.say(0, "один раз").await;
    world.run().await.unwrap();
    assert_eq!(world.said(0, "один").await, ["один раз"]);
    assert_eq!(world.calls("sendMessageToChat"), 1);
}

#[tokio::test]
async fn what_was_being_sent_when_the_program_died_is_decided_by_the_history() {
    let world = World::new().await;
    let (arrived, lost) = (world.say(0, "дошло").await, world.say(1, "не дошло").await);
    let next = world.say(0, "потом").await;
    // The program died after it had noted that it was about to send.
    let path = world.folder.path().join("archive/outbox.sqlite");
    let tables = rusqlite::Connection::open(path).unwrap();
    let sql = "UPDATE items SET state = 'sending', attempts = 1, baseline = ? WHERE id = ?";
    let business = world.stand_in.business_id();
    for (place, id) in [(0, arrived), (1, lost)] {
        let all = beseda_stand_in::client::ChatsExt::history_sorted(
            &**world.stand_in.engine(),
            business,
            world.chats[place],
            None,
        );
        let last = all.await.unwrap().last().map_or(0, |message| message.message_id.get());
        tables.execute(sql, (last, id.0)).unwrap();
    }
    let text = MessageText::new("дошло").unwrap();
    world.client().send_message_to_chat(business, world.chats[0], text).await.unwrap();

    world.run().await.unwrap();
    assert_eq!(world.said(0, "").await.iter().filter(|text| *text == "дошло").count(), 1);
    assert_eq!(world.said(0, "потом").await, ["потом"]);
    assert_eq!(world.said(1, "не").await, ["не дошло"]);
    assert_eq!(world.item(arrived).await.attempts, 1);
    assert_eq!(world.item(lost).await.attempts, 2);
    assert!(world.item(next).await.message_id > world.item(arrived).await.message_id);
}

#[tokio::test]
async fn a_closed_chat_fails_its_message_alone_and_a_retry_goes_through_later() {
    let world = World::new().await;
    let market = world.stand_in.market();
    let business = world.stand_in.business_id();
    let order = world.stand_in.orders()[0];
    let chat = world.client().create_chat(business, ChatContext::Order(order)).await.unwrap();
    let place = world.chats.iter().position(|open| *open == chat).unwrap();
    let other = (place + 1) % world.chats.len();
    market.close_chat(business, chat).await.unwrap();
    let (refused, fine) = (world.say(place, "поздно").await, world.say(other, "вовремя").await);
    world.run().await.unwrap();
    let item = world.item(refused).await;
    assert_eq!((item.state, item.status), (State::Failed, Some(400)));
    assert!(item.reason.unwrap().contains("closed"));
    assert_eq!(world.item(fine).await.state, State::Confirmed);

    assert_eq!(world.outbox.retry(refused).await.unwrap().state, State::Queued);
    world.run().await.unwrap();
    assert_eq!(world.item(refused).await.state, State::Failed);
    assert_eq!(world.item(refused).await.attempts, 2);
}

#[tokio::test]
async fn a_revoked_key_loses_nothing() {
    let world = World::new().await;
    for number in 0..10 {
        world.say(number % 3, &format!("k{number}")).await;
    }
    let business = world.stand_in.business_id();
    let key = "ACMA:0000000000000000000000000000000000000000:00000000";
    let stranger = Client::builder().url(world.stand_in.url()).api_key(key).build().unwrap();
    let ended = world.outbox.run(Arc::new(stranger), business, world.settings(), future::pending());
    let error = ended.await.unwrap_err();
    assert!(matches!(error, Error::Denied(_)), "{error}");
    assert!(world.all().await.iter().all(|item| item.state == State::Queued));
    world.run().await.unwrap();
    assert!(world.all().await.iter().all(|item| item.state == State::Confirmed));
}

#[tokio::test]
async fn a_wrong_address_loses_nothing_either() {
    let world = World::new().await;
    let id = world.say(0, "по адресу").await;
    let url = format!("{}/elsewhere", world.stand_in.url());
    let lost = Client::builder().url(url).api_key(world.stand_in.api_key()).build().unwrap();
    let business = world.stand_in.business_id();
    let ended = world.outbox.run(Arc::new(lost), business, world.settings(), future::pending());
    assert!(matches!(ended.await.unwrap_err(), Error::Denied(_)));
    assert_eq!(world.item(id).await.state, State::Queued);
}

#[tokio::test]
async fn only_one_sends_at_a_time_and_what_is_added_meanwhile_is_sent_too() {
    let world = World::new().await;
    let business = world.stand_in.business_id();
    let settings = beseda_outbox::RunSettings { until_empty: false, ..world.settings() };
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let (outbox, client) = (world.outbox.clone(), Arc::new(world.client()));
    let running = tokio::spawn(async move {
        outbox.run(client, business, settings, async { drop(stopped.await) }).await
    });
    // Through another handle, as another process would.
    let other = beseda_outbox::Outbox::open(world.folder.path().join("archive")).await.unwrap();
    let id = world.say(0, "добавлено").await;
    let mut version = 0;
    while other.get(id).await.unwrap().state != State::Confirmed {
        version = other.changed(version).await.unwrap();
    }
    let error = world.run().await.unwrap_err();
    assert!(matches!(error, Error::Held(Some(pid)) if pid == std::process::id()), "{error}");
    stop.send(()).unwrap();
    running.await.unwrap().unwrap();
    assert_eq!(other.list(Filter::default()).await.unwrap().len(), 1);
}

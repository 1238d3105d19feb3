//! Sends through the gateway: delivered once, and logged.

use beseda_gateway::{AuditFilter, AuditOutcome};
use serde_json::{Value, json};

use crate::world::{World, chat};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_reset_after_delivery_is_a_success() {
    let world = World::start().await;
    world.fault(json!({"operation":"sendMessageToChat","kind":"reset-after","count":1})).await;
    let answer = world.send_text("один раз", &[]).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(world.message_count("один раз").await, 1);
    assert_eq!(world.call_count("sendMessageToChat").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_503_without_delivery_is_retried() {
    let world = World::start().await;
    world
        .fault(json!({"operation":"sendMessageToChat","kind":"status","status":503,"count":1}))
        .await;
    assert_eq!(world.send_text("снова", &[]).await.status(), 200);
    assert_eq!(world.message_count("снова").await, 1);
    assert_eq!(world.call_count("sendMessageToChat").await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn equal_texts_are_reconciled_one_by_one() {
    let world = World::start().await;
    for _ in 0..2 {
        world.fault(json!({"operation":"sendMessageToChat","kind":"reset-after","count":1})).await;
        assert_eq!(world.send_text("да", &[]).await.status(), 200);
    }
    assert_eq!(world.send_text("да", &[]).await.status(), 200);
    assert_eq!(world.message_count("да").await, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeated_idempotency_key_returns_the_stored_response() {
    let world = World::start().await;
    let key = [("idempotency-key", "заказ-1".trim_start_matches("заказ-"))];
    assert_eq!(world.send_text("раз", &key).await.headers()["x-beseda-gateway"], "upstream");
    let again = world.send_text("раз", &key).await;
    assert_eq!(
        (again.status().as_u16(), &again.headers()["x-beseda-gateway"]),
        (200, &"repeated".parse().unwrap())
    );
    assert_eq!(world.message_count("раз").await, 1);
    let other = world.send_text("другое", &key).await;
    assert_eq!(other.status(), 400);
    let body: Value = other.json().await.unwrap();
    assert!(body["errors"][0]["message"].as_str().unwrap().contains("Idempotency-Key"));
    assert_eq!(world.send_text("раз", &[("idempotency-key", "2")]).await.status(), 200);
    assert_eq!(world.message_count("раз").await, 2);
    assert_eq!(world.send_text("x", &[("idempotency-key", "")]).await.status(), 400);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_requests_with_one_idempotency_key_send_one_message() {
    let world = World::start().await;
    world
        .fault(json!({"operation":"sendMessageToChat","kind":"delay","delayMs":200,"count":1}))
        .await;
    let key = [("idempotency-key", "k")];
    let answers = futures::future::join_all((0..8).map(|_| world.send_text("вместе", &key))).await;
    assert!(answers.iter().all(|answer| answer.status() == 200));
    assert_eq!(world.message_count("вместе").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_are_stored_and_undelivered_sends_are_not() {
    let world = World::start().await;
    let (key, own) = ([("idempotency-key", "k")], world.derived_key());
    let headers = [("api-key", own.as_str()), key[0]];
    for _ in 0..2 {
        let answer = world.call("chats/message?chatId=42", json!({"message":"?"}), &headers).await;
        assert_eq!(answer.status(), 404);
    }
    assert_eq!(world.call_count("sendMessageToChat").await, 1);
    let outcomes = outcomes(&world).await;
    assert_eq!(outcomes, [(AuditOutcome::Refused, "gateway".to_owned(), 1)]);
}

async fn outcomes(world: &World) -> Vec<(AuditOutcome, String, i64)> {
    let ledger = world.running.gateway.keys().db();
    let sends = ledger.sends(AuditFilter::default()).await.unwrap();
    sends.into_iter().map(|send| (send.outcome, send.key, send.size)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_audit_log_has_every_send_without_its_text() {
    let world = World::start().await;
    let bot = world.program("bot", beseda_gateway::Quota::default()).await;
    let text = beseda_stand_in::api::MessageText::new("Секрет").unwrap();
    beseda_api::ChatsApi::send_message_to_chat(&bot, world.business(), chat(), text).await.unwrap();
    let ledger = world.running.gateway.keys().db();
    let filter = AuditFilter { key: Some("bot".to_owned()), ..AuditFilter::default() };
    let sends = ledger.sends(filter).await.unwrap();
    let [send] = sends.as_slice() else { panic!("{sends:?}") };
    assert_eq!((send.chat_id, send.outcome, send.size), (Some(chat()), AuditOutcome::Sent, 12));
    assert_eq!(send.sha256.len(), 64);
    let shown = serde_json::to_string(send).unwrap();
    assert!(!shown.contains("Секрет") && shown.contains("\"sendMessageToChat\""), "{shown}");
}

//! Every kind of fault as the client sees it, and its effect on the history.

use std::time::{Duration, Instant};

use beseda_stand_in::{
    api::{ChatStatus, ChatsApi, Error, ErrorKind, HistoryFrom, MessageText},
    client::{ClientError, ErrorExt},
};
use serde_json::json;

use crate::{World, chat};

fn failure(error: &Error) -> &ClientError {
    error.client_error().unwrap()
}

async fn send(world: &World, text: &str) -> Result<(), Error> {
    let business = world.stand_in.business_id();
    world.client.send_message_to_chat(business, chat(), MessageText::new(text)?).await
}

/// Returns how often a text occurs in the history.
async fn times_said(world: &World, text: &str) -> usize {
    let business = world.stand_in.business_id();
    let engine = world.stand_in.engine();
    let history = engine.get_chat_history(business, chat(), HistoryFrom::default()).await.unwrap();
    history.messages.iter().filter(|message| message.message.as_deref() == Some(text)).count()
}

#[tokio::test]
async fn a_status_fault_answers_count_times_and_executes_nothing() {
    let world = World::start().await;
    let rule = json!({"operation":"sendMessageToChat","kind":"status","status":503,"count":1});
    assert_eq!(world.fault(rule).await["id"], 1);
    let refused = send(&world, "one").await.unwrap_err();
    assert!(
        matches!(failure(&refused), ClientError::Undocumented { status: 503, .. }),
        "{refused}"
    );
    assert_eq!(times_said(&world, "one").await, 0);
    send(&world, "one").await.unwrap();
    assert_eq!(times_said(&world, "one").await, 1);
    let entries = world.entries().await;
    assert_eq!(entries[0]["verdict"], "fault");
    assert_eq!(entries[0]["faults"], json!([1]));
    assert_eq!(entries[1]["verdict"], "passed");
}

#[tokio::test]
async fn limit_faults_answer_with_the_published_texts() {
    let world = World::start().await;
    world.fault(json!({"kind":"limit","count":1})).await;
    world.fault(json!({"kind":"limit","limit":"parallel","count":1})).await;
    let hourly = send(&world, "one").await.unwrap_err();
    assert_eq!(hourly.kind(), Some(ErrorKind::LimitExceeded));
    assert!(hourly.to_string().contains("1000 requests per 1 hour"), "{hourly}");
    assert_eq!(hourly.answer().unwrap().limit.unwrap().remaining, 0);
    let parallel = send(&world, "one").await.unwrap_err();
    assert!(parallel.to_string().contains("parallel requests"), "{parallel}");
    send(&world, "one").await.unwrap();
}

#[tokio::test]
async fn a_reset_before_execution_leaves_nothing_and_one_after_it_leaves_the_message() {
    let world = World::start().await;
    world.fault(json!({"kind":"reset-before","count":1})).await;
    let broken = send(&world, "before").await.unwrap_err();
    assert!(matches!(failure(&broken), ClientError::Interrupted(_)), "{broken}");
    assert_eq!(times_said(&world, "before").await, 0);

    world.fault(json!({"kind":"reset-after","count":1})).await;
    let broken = send(&world, "after").await.unwrap_err();
    assert!(matches!(failure(&broken), ClientError::Interrupted(_)), "{broken}");
    assert!(broken.may_have_been_done());
    assert_eq!(times_said(&world, "after").await, 1);
    // A blind retry sends the message twice; this fault exists to show it.
    send(&world, "after").await.unwrap();
    assert_eq!(times_said(&world, "after").await, 2);
    let entries = world.entries().await;
    assert!(entries[0]["status"].is_null() && entries[0]["verdict"] == "fault");
}

#[tokio::test]
async fn a_delay_postpones_the_execution_or_only_the_response() {
    let world = World::start().await;
    for kind in ["delay", "delay-after", "slow-body"] {
        world.fault(json!({"kind":kind,"delayMs":300,"count":1})).await;
        let started = Instant::now();
        send(&world, kind).await.unwrap();
        assert!(started.elapsed() >= Duration::from_millis(250), "{kind}");
        assert_eq!(times_said(&world, kind).await, 1);
    }
}

#[tokio::test]
async fn truncated_and_invalid_bodies_are_errors() {
    let world = World::start().await;
    world.fault(json!({"kind":"truncate","count":1})).await;
    let cut = send(&world, "cut").await.unwrap_err();
    assert!(matches!(failure(&cut), ClientError::Interrupted(_)), "{cut}");
    world.fault(json!({"kind":"garbage","count":1})).await;
    let garbled = send(&world, "garbled").await.unwrap_err();
    assert!(matches!(failure(&garbled), ClientError::Undecodable { status: 200, .. }), "{garbled}");
    assert_eq!((times_said(&world, "cut").await, times_said(&world, "garbled").await), (1, 1));
}

#[tokio::test]
async fn the_client_accepts_unknown_enum_values_and_fields() {
    let world = World::start().await;
    let business = world.stand_in.business_id();
    world.fault(json!({"kind":"unknown-words","count":1})).await;
    let strange = world.client.get_chat(business, chat()).await.unwrap();
    assert_eq!(strange.status, ChatStatus::Unknown("BESEDA_UNKNOWN_WORD".to_owned()));
    world.fault(json!({"kind":"extra-fields","count":1})).await;
    let extended = world.client.get_chat(business, chat()).await.unwrap();
    assert_eq!(extended, world.client.get_chat(business, chat()).await.unwrap());
    let shown = world.entries().await[1]["response"]["body"].as_str().unwrap().to_owned();
    assert!(shown.contains("zBesedaExtra"), "{shown}");
}

#[tokio::test]
async fn an_invalid_rule_is_rejected_with_its_path_and_no_rule_is_added() {
    let world = World::start().await;
    for (rules, says) in [
        (r#"{"kind":"explode"}"#, "kind"),
        (r#"{"kind":"status","operation":"sendMesage"}"#, "sendMesage"),
        ("{\"kind\":\"status\",\n\"statis\":500}", "line 2"),
        (r#"{"faults":[{"kind":"garbage"},{"kind":"status","status":"x"}]}"#, "faults[1].status"),
        (r#"{"kind":"status""#, "line 1"),
    ] {
        let refused = world.control.post_text("faults", rules.into()).await.unwrap_err();
        assert_eq!(refused.kind(), Some(ErrorKind::BadRequest));
        assert!(refused.to_string().contains(says), "{rules}: {refused}");
    }
    let listed = world.control.read("faults", &[]).await.unwrap();
    assert_eq!(listed["faults"], json!([]));
}

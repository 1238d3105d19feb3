//! Scenarios over HTTP: started, awaited, stopped and rejected.

use beseda_stand_in::{
    StandIn, StandInClock,
    api::{ChatFilter, ChatsApi, Error, ErrorKind, PageRequest},
};
use serde_json::{Value, json};

use crate::{World, journal::raw};

async fn world() -> World {
    let clock = StandInClock::manual("2026-10-01T06:00:00Z".parse().unwrap());
    World::around(StandIn::builder().clock(clock.into()).start().await.unwrap())
}

async fn start(world: &World, text: &str) -> Result<Value, Error> {
    let answer = world.control.post_text("scenarios", text.as_bytes().to_vec()).await?;
    assert_eq!(answer["status"], "OK");
    Ok(answer["result"].clone())
}

/// Starts a scenario with a request that is answered when the scenario has ended.
async fn start_and_wait(world: &World, text: &str) -> Value {
    let (key, length) = (world.stand_in.admin_key(), text.len());
    let request = format!(
        "POST /__admin/scenarios?wait=true HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\nAuthorization: Bearer {key}\r\n\r\n{text}"
    );
    let response = raw(world, request).await;
    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{response}");
    let answer: Value = serde_json::from_str(body).unwrap();
    assert_eq!(answer["status"], "OK");
    answer["result"].clone()
}

#[tokio::test]
async fn a_scenario_is_started_in_yaml_or_json_and_its_end_can_be_waited_for() {
    let world = world().await;
    let yaml = "scenario: A\nsteps:\n  - buyer opens: talk\n    text: Привет\n";
    let json = json!({"scenario": "B 🙂", "steps": [{"buyer opens": "talk"}]}).to_string();
    for (text, name) in [(yaml, "A"), (&json, "B 🙂")] {
        let run = start_and_wait(&world, text).await;
        assert_eq!(run["scenario"], name);
        assert_eq!(run["state"], "DONE");
        assert!(run["chats"]["talk"].is_i64(), "{run}");
    }
    let list = world.control.read("scenarios", &[]).await.unwrap();
    assert_eq!(list["scenarios"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_waiting_scenario_runs_until_it_is_stopped() {
    let world = world().await;
    let text = "scenario: A\nsteps:\n  - buyer opens: a\n  - wait: 1d\n";
    let run = start(&world, text).await.unwrap();
    assert_eq!(run["state"], "RUNNING");
    assert_eq!(run["steps"].as_array().unwrap().len(), 1, "{run}");
    let resource = format!("scenarios/{}", run["id"]);
    assert_eq!(world.control.read(&resource, &[]).await.unwrap()["state"], "RUNNING");
    world.control.delete(&resource).await.unwrap();
    assert_eq!(world.control.read(&resource, &[]).await.unwrap()["state"], "STOPPED");
    let missing = world.control.read("scenarios/99", &[]).await.unwrap_err();
    assert_eq!(missing.kind(), Some(ErrorKind::NotFound));
}

#[tokio::test]
async fn an_invalid_scenario_is_rejected_with_all_its_errors_and_nothing_happens() {
    let world = world().await;
    let count = async || {
        let business = world.stand_in.business_id();
        let engine = world.stand_in.engine();
        let page = PageRequest::default();
        engine.get_chats(business, ChatFilter::default(), page).await.unwrap().chats.len()
    };
    let before = count().await;
    let text = "scenario: A\nsteps:\n  - buyer opens: talk\n  - buyer wites: x\n  - wait: never\n";
    let error = start(&world, text).await.unwrap_err();
    assert_eq!(error.kind(), Some(ErrorKind::BadRequest));
    let messages: Vec<&str> =
        error.items().iter().filter_map(|item| item.message.as_deref()).collect();
    assert_eq!(messages.len(), 2, "{messages:?}");
    assert!(
        messages[0].starts_with("line 4, column 5: unknown step `buyer wites`"),
        "{messages:?}"
    );
    assert!(messages[1].starts_with("line 5, column 11: invalid duration `never`"), "{messages:?}");
    assert_eq!(count().await, before);
    let list = world.control.read("scenarios", &[]).await.unwrap();
    assert_eq!(list["scenarios"], json!([]));
}

//! The paths below `/__admin` that scenarios are started, watched and stopped by.

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Method, Request, StatusCode},
};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::world::World;

async fn ask(world: &World, method: Method, path: &str, body: &str) -> (StatusCode, Value) {
    let router: Router = beseda_stand_in::scenario::router(Arc::clone(&world.scenarios));
    let request = Request::builder().method(method).uri(path).body(Body::from(body.to_owned()));
    let response = router.oneshot(request.unwrap()).await.unwrap();
    let status = response.status();
    let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, serde_json::from_slice(&bytes).unwrap())
}

#[tokio::test]
async fn a_scenario_is_started_in_yaml_or_json_and_its_end_can_be_waited_for() {
    let world = World::new().await;
    let yaml = "scenario: A\nsteps:\n  - buyer opens: talk\n    text: Привет\n";
    let json = json!({"scenario": "B 🙂", "steps": [{"buyer opens": "talk"}]}).to_string();
    for (text, name) in [(yaml, "A"), (&json, "B 🙂")] {
        let (status, answer) = ask(&world, Method::POST, "/scenarios?wait=true", text).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        assert_eq!(answer["status"], "OK");
        assert_eq!(answer["result"]["scenario"], name);
        assert_eq!(answer["result"]["state"], "DONE");
        assert!(answer["result"]["chats"]["talk"].is_i64(), "{answer}");
    }
    let (_, listed) = ask(&world, Method::GET, "/scenarios", "").await;
    assert_eq!(listed["result"]["scenarios"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn one_that_waits_is_running_until_it_is_stopped() {
    let world = World::new().await;
    let text = "scenario: A\nsteps:\n  - buyer opens: a\n  - wait: 1d\n";
    let (_, started) = ask(&world, Method::POST, "/scenarios", text).await;
    assert_eq!(started["result"]["state"], "RUNNING");
    assert_eq!(started["result"]["steps"].as_array().unwrap().len(), 1, "{started}");
    let path = format!("/scenarios/{}", started["result"]["id"]);
    assert_eq!(ask(&world, Method::GET, &path, "").await.1["result"]["state"], "RUNNING");
    assert_eq!(ask(&world, Method::DELETE, &path, "").await.1["result"]["state"], "STOPPED");
    let (status, answer) = ask(&world, Method::GET, "/scenarios/99", "").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert_eq!(answer["errors"][0]["code"], "NOT_FOUND");
}

#[tokio::test]
async fn a_broken_one_is_refused_whole_and_nothing_of_it_happens() {
    let world = World::new().await;
    let text = "scenario: A\nsteps:\n  - buyer opens: talk\n  - buyer wites: x\n  - wait: never\n";
    let (status, answer) = ask(&world, Method::POST, "/scenarios", text).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let errors = answer["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 2, "{answer}");
    assert!(errors[0]["message"].as_str().unwrap().starts_with("line 4, column 5: `buyer wites`"));
    assert!(errors[1]["message"].as_str().unwrap().starts_with("line 5, column 11: `never`"));
    assert!(world.chats().await.is_empty());
    assert!(world.scenarios.list().is_empty());
}

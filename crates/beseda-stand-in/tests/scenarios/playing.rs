//! Steps: effects, times, failures.

use std::time::Duration;

use beseda_stand_in::scenario::{RunState, ScenarioReport};

use crate::world::{Shop, TestWorld};

const ORDER: &str = "given: {orders: [{order: 5001, customer: Иван}]}";

fn scenario(steps: &str) -> String {
    format!(
        "scenario: A test\nwithin: 1h\n{ORDER}\nsteps:\n  - buyer opens: talk\n    order: 5001\n    text: Привет\n{steps}"
    )
}

async fn played(steps: &str, shop: Shop) -> (TestWorld, ScenarioReport) {
    let world = TestWorld::new().await;
    let report = world.play(&scenario(steps), shop).await;
    (world, report)
}

fn reason(report: &ScenarioReport) -> String {
    assert_eq!(report.state, RunState::Failed, "{report:#?}");
    report.failure.as_ref().unwrap().to_string()
}

#[tokio::test]
async fn pauses_are_relative_to_the_previous_step() {
    let steps = "  - wait: 3s\n  - buyer writes: раз\n  - wait: 1d\n  - buyer sends a sticker\n";
    let (_, report) = played(steps, Shop::Silent).await;
    assert_eq!(report.state, RunState::Done, "{report:#?}");
    let at: Vec<String> = report.steps.iter().map(|done| done.at.to_string()).collect();
    assert_eq!(at[0], "2026-10-01T09:00:00+03:00");
    assert_eq!(at[1], "2026-10-01T09:00:03+03:00");
    assert_eq!(at[2], "2026-10-01T09:00:03+03:00");
    assert_eq!(at[4], "2026-10-02T09:00:03+03:00");
}

#[tokio::test]
async fn an_answer_given_in_the_meantime_satisfies_the_wait() {
    let steps = "  - shop writes: раз\n  - shop writes: два\n  - buyer writes: три\n  \
                 - wait for: shop\n    matching: раз\n  - wait for: shop\n    matching: два\n  \
                 - wait for: shop\n    within: 1m\n";
    let (_, report) = played(steps, Shop::Silent).await;
    let reason = reason(&report);
    assert!(
        reason.contains("line 15: wait for: no message of PARTNER came within 60s"),
        "{reason}"
    );
}

#[tokio::test]
async fn an_answer_after_the_timeout_does_not_count() {
    let steps = "  - wait for: shop\n    within: 10m\n";
    let (_, report) = played(steps, Shop::Answers(Duration::from_secs(11 * 60))).await;
    assert!(reason(&report).contains("within 600s"));
    let (_, report) = played(steps, Shop::Answers(Duration::from_secs(9 * 60))).await;
    assert_eq!(report.state, RunState::Done);
}

#[tokio::test]
async fn a_failed_expectation_reports_the_actual_value() {
    for (step, expected) in [
        ("  - expect status: FINISHED\n", "the status is WAITING_FOR_PARTNER, expected FINISHED"),
        ("  - expect messages: 3\n", "there are 1 messages, expected 3"),
        (
            "  - expect message: shop\n    kind: file\n",
            "no message of PARTNER (file) is in the chat",
        ),
        (
            "  - buyer writes: раз\n    refused: 400\n",
            "expected status 400, but the step succeeded",
        ),
        ("  - arbiter finishes\n", "is not a dispute"),
        ("  - buyer opens: b\n    order: 404\n", "Order not found: 404"),
        ("  - buyer opens: b\n    order: 404\n    refused: 400\n", "failed with: Order not found"),
    ] {
        let (_, report) = played(step, Shop::Silent).await;
        let reason = reason(&report);
        assert!(reason.starts_with("line 8:") && reason.contains(expected), "{step}: {reason}");
    }
}

#[tokio::test]
async fn writing_to_a_chat_that_was_not_opened_fails() {
    let steps = "  - wait for chat: gone\n    return: 77\n    within: 1m\n    otherwise: [wait: 1s]\n  \
                 - buyer writes: раз\n";
    let (_, report) = played(steps, Shop::Silent).await;
    assert!(reason(&report).contains("no chat was opened as `gone`"));
}

#[tokio::test]
async fn waits_in_a_chat_given_by_id_ignore_messages_before_the_scenario() {
    let (world, first) = played("  - shop writes: раз\n", Shop::Silent).await;
    let chat = first.chats["talk"];
    let wait = format!("scenario: B\nsteps:\n  - wait for: shop\n    in: {chat}\n    within: 1m\n");
    let report = world.play(&wait, Shop::Silent).await;
    assert_eq!(report.state, RunState::Failed, "{report:#?}");
}

#[tokio::test]
async fn files_arrive_with_their_names_and_sizes() {
    let steps = "  - buyer sends: a.bin\n    size: 3\n  - support sends: b.txt\n    text: ёж\n  \
                 - shop sends: c.bin\n    base64: AAEC AwQ=\n  - buyer sends: d.yaml\n    from: long-history.yaml\n";
    let (world, report) = played(steps, Shop::Silent).await;
    let history = world.history(report.chats["talk"]).await;
    let files: Vec<_> = history.iter().filter_map(|message| message.payload.as_ref()).collect();
    let there: Vec<_> = files.iter().map(|list| (list[0].name.as_str(), list[0].size)).collect();
    assert_eq!(there[..3], [("a.bin", 3), ("b.txt", 4), ("c.bin", 5)]);
    assert!(there[3].0 == "d.yaml" && there[3].1 > 100);
}

#[tokio::test]
async fn two_scenarios_play_at_once_and_one_is_stopped() {
    let world = TestWorld::new().await;
    let start = |name: &str| {
        let text = format!(
            "scenario: {name}\nsteps:\n  - buyer opens: a\n    text: x\n  - wait: 1d\n  - buyer writes: y\n"
        );
        world.scenarios.start(&text).unwrap()
    };
    let (one, two) = (start("one"), start("two"));
    world.settle().await;
    let stopped = world.scenarios.stop(one.id).unwrap();
    assert_eq!(stopped.report.state, RunState::Stopped);
    let report = world.finish(&two, Shop::Silent).await;
    assert_eq!(report.state, RunState::Done);
    assert_eq!(world.history(report.chats["a"]).await.len(), 2);
    assert_eq!(world.history(stopped.report.chats["a"]).await.len(), 1);
    world.scenarios.clear();
    assert!(world.scenarios.list().is_empty());
}

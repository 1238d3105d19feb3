//! Plays every file in `examples/scenarios` to its end.

use std::{collections::BTreeSet, fs, time::Duration};

use beseda_stand_in::scenario::RunState;

use crate::world::{Shop, TestWorld, examples};

/// Behaviour of the shop in each example.
const SHOPS: [(&str, Shop); 10] = [
    ("closed-chat", Shop::Silent),
    ("damaged-goods", Shop::Answers(Duration::ZERO)),
    ("direct-question", Shop::Answers(Duration::ZERO)),
    ("impatient-buyer", Shop::Answers(Duration::from_secs(15 * 60))),
    ("long-history", Shop::Silent),
    ("recorded-talk", Shop::Silent),
    ("return-dispute", Shop::Answers(Duration::ZERO)),
    ("shop-begins", Shop::Begins(700_500_001)),
    ("support-steps-in", Shop::Answers(Duration::ZERO)),
    ("where-is-my-order", Shop::Answers(Duration::from_secs(3600))),
];

#[test]
fn every_example_file_is_tested() {
    let there: BTreeSet<String> = fs::read_dir(examples())
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    let played: BTreeSet<String> = SHOPS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(there, played);
}

#[tokio::test]
async fn every_example_plays_to_its_end() {
    for (name, shop) in SHOPS {
        let text = fs::read_to_string(examples().join(format!("{name}.yaml"))).unwrap();
        let world = TestWorld::new().await;
        let report = world.play(&text, shop).await;
        assert_eq!(report.state, RunState::Done, "{name}: {report:#?}");
    }
}

#[tokio::test]
async fn an_example_fails_if_the_shop_does_not_answer() {
    for (name, line) in [("where-is-my-order", 16), ("return-dispute", 18), ("shop-begins", 12)] {
        let text = fs::read_to_string(examples().join(format!("{name}.yaml"))).unwrap();
        let report = TestWorld::new().await.play(&text, Shop::Silent).await;
        assert_eq!(report.state, RunState::Failed, "{name}: {report:#?}");
        assert_eq!(report.failure.unwrap().line, line, "{name}");
    }
}

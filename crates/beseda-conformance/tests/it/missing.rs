//! The engine in worlds where one thing is missing: exactly the cases that say they need it are left out, and all others
//! hold. A case that uses what it doesn't say it needs fails here.

use beseda_conformance::{CASES, Need, run};

use crate::engine::world_without;

async fn all_others_hold_without(need: Need) {
    let report = run(|| world_without(need)).await;
    report.assert_passed();
    let skipped: Vec<String> = report.skipped.iter().map(|(case, _)| case.to_string()).collect();
    let needing = CASES.iter().filter(|case| case.needs.contains(&need));
    assert_eq!(skipped, needing.map(ToString::to_string).collect::<Vec<_>>());
    assert!(report.skipped.iter().all(|(_, missing)| *missing == need));
    assert!(!skipped.is_empty() && report.passed.len() + skipped.len() == CASES.len());
}

/// One test for each need.
macro_rules! missing {
    ($($name:ident: $need:ident;)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                all_others_hold_without(Need::$need).await;
            }
        )+

        #[test]
        fn every_need_is_left_out_once() {
            assert_eq!([$(Need::$need),+], Need::ALL);
        }
    };
}

missing! {
    without_a_market_side_all_others_hold: Market;
    without_a_manual_clock_all_others_hold: Clock;
    without_a_second_cabinet_all_others_hold: OtherCabinet;
    without_files_all_others_hold: Files;
    without_a_look_behind_the_stage_all_others_hold: Backstage;
}

#[tokio::test]
#[should_panic(expected = "there is no manual clock")]
async fn a_world_of_ones_own_may_lack_nothing() {
    world_without(Need::Clock).await.assert_has(&[Need::Market, Need::Clock]);
}

//! The engine without one capability at a time: exactly the cases that require it are skipped, and all others pass. A case that
//! uses a capability it doesn't name fails here.

use beseda_conformance::{CASES, Capability, run};

use crate::engine::environment_without;

async fn assert_other_cases_pass_without(capability: Capability) {
    let report = run(|| environment_without(capability)).await;
    report.assert_passed();
    let skipped: Vec<String> = report.skipped.iter().map(|(case, _)| case.to_string()).collect();
    let requiring = CASES.iter().filter(|case| case.requires.contains(&capability));
    assert_eq!(skipped, requiring.map(ToString::to_string).collect::<Vec<_>>());
    assert!(report.skipped.iter().all(|(_, missing)| *missing == capability));
    assert!(!skipped.is_empty() && report.passed.len() + skipped.len() == CASES.len());
}

/// Makes a test for each capability.
macro_rules! missing {
    ($($name:ident: $capability:ident;)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                assert_other_cases_pass_without(Capability::$capability).await;
            }
        )+

        #[test]
        fn every_capability_has_a_test_without_it() {
            assert_eq!([$(Capability::$capability),+], Capability::ALL);
        }
    };
}

missing! {
    all_other_cases_pass_without_a_market_side: Market;
    all_other_cases_pass_without_a_manual_clock: Clock;
    all_other_cases_pass_without_a_second_cabinet: OtherCabinet;
    all_other_cases_pass_without_files: Files;
    all_other_cases_pass_without_an_inspector: Inspector;
}

#[tokio::test]
#[should_panic(expected = "there is no manual clock")]
async fn an_environment_without_a_required_capability_is_rejected() {
    environment_without(Capability::Clock)
        .await
        .assert_has(&[Capability::Market, Capability::Clock]);
}

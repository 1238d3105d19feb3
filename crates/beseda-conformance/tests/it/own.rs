//! Conformance tests of the server's example, a back end that has only the seven operations.

use std::sync::Arc;

use beseda_api::BusinessId;
use beseda_conformance::{CASES, Capability, TestEnvironment, run};

#[path = "../../../beseda-server/examples/own_back_end.rs"]
#[expect(dead_code, reason = "only the chats of the example are used")]
mod own_back_end;

use own_back_end::MyChats;

async fn environment() -> TestEnvironment {
    let other_business = BusinessId::new(2).ok();
    TestEnvironment {
        other_business,
        ..TestEnvironment::new(Arc::<MyChats>::default(), BusinessId::new(1).unwrap())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_example_conforms_and_cases_it_lacks_capabilities_for_are_skipped_by_name() {
    let report = run(environment).await;
    println!("{report}");
    report.assert_passed();
    let is_missing = |capability: &&Capability| ![Capability::OtherCabinet].contains(capability);
    for case in CASES {
        let missing = case.requires.iter().find(is_missing);
        let skipped =
            report.skipped.iter().find(|(skipped, _)| skipped.to_string() == case.to_string());
        assert_eq!(skipped.map(|(_, capability)| capability), missing, "{case}");
    }
    let line = "skipped status::a_resolved_dispute_is_finished: there is no market side";
    let written = report.to_string();
    assert!(written.lines().any(|written| written == line), "{written}");
    let counts =
        format!("{} passed, {} skipped, 0 failed", report.passed.len(), report.skipped.len());
    assert!(written.ends_with(&counts), "{written}");
    assert!(report.passed.len() >= 60, "{written}");
}

//! The suite on a back end that has nothing but the seven operations: the example of the server.

use std::sync::Arc;

use beseda_api::BusinessId;
use beseda_conformance::{CASES, Need, World, run};

#[path = "../../../beseda-server/examples/own_back_end.rs"]
#[expect(dead_code, reason = "only the chats are used, not the program around them")]
mod own_back_end;

use own_back_end::MyChats;

async fn world() -> World {
    let other = BusinessId::new(2).ok();
    World { other, ..World::new(Arc::<MyChats>::default(), BusinessId::new(1).unwrap()) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_example_conforms_and_what_it_cannot_show_is_left_out_by_name() {
    let report = run(world).await;
    println!("{report}");
    report.assert_passed();
    let lacks = |need: &&Need| ![Need::OtherCabinet].contains(need);
    for case in CASES {
        let missing = case.needs.iter().find(lacks);
        let skipped =
            report.skipped.iter().find(|(skipped, _)| skipped.to_string() == case.to_string());
        assert_eq!(skipped.map(|(_, need)| need), missing, "{case}");
    }
    let line = "skipped status::a_resolved_dispute_is_finished: there is no market side";
    let written = report.to_string();
    assert!(written.lines().any(|written| written == line), "{written}");
    let counts =
        format!("{} passed, {} skipped, 0 failed", report.passed.len(), report.skipped.len());
    assert!(written.ends_with(&counts), "{written}");
    assert!(report.passed.len() >= 60, "{written}");
}

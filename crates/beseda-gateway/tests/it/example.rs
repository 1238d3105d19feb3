//! Runs the example of this crate.

#[path = "../../examples/two_programs.rs"]
#[expect(dead_code, reason = "its main is for people")]
mod two_programs;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_programs_share_a_cabinet_and_the_audit_log_distinguishes_them() {
    let lines = two_programs::run().await.unwrap();
    assert_eq!(lines, ["bot sent 12 bytes", "desk sent 16 bytes"]);
}

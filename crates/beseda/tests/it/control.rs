//! The stand-in's controls from the command line: clock, faults, journal and state of one that runs.

use serde_json::{Value, json};

use crate::service::StandIn;

const SEED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/seeds/coffee.yaml");

impl StandIn {
    /// A control command's output as JSON.
    fn control(&self, args: &[&str]) -> Value {
        self.beseda().run(["stand-in"].iter().chain(args).chain(&["--json"])).json()
    }
}

#[test]
fn the_clock_of_a_running_stand_in_is_moved() {
    let stand_in = StandIn::start(&["--clock", "manual"]);
    let first = stand_in.control(&["clock"]);
    assert_eq!(first["mode"], "manual");
    assert_eq!(stand_in.control(&["clock"]), first);
    let set = stand_in.control(&["clock", "--set", "2027-01-01T00:00:00Z"]);
    assert_eq!(set["now"], "2027-01-01T00:00:00Z");
    let moved = stand_in.control(&["clock", "--advance", "3600"]);
    assert_eq!(moved, json!({"mode":"manual","now":"2027-01-01T01:00:00Z"}));
    assert_eq!(stand_in.control(&["clock", "--real"])["mode"], "real");
    stand_in.beseda().run(["stand-in", "clock", "--set", "soon"]).fails(3);
    stand_in.beseda().run(["stand-in", "clock", "--set", "x", "--resume"]).fails(2);
    let wrong = stand_in.beseda().env("BESEDA_ADMIN_KEY", "wrong");
    wrong.run(["stand-in", "clock"]).fails(4);
}

#[test]
fn a_fault_is_ordered_seen_and_found_in_the_journal() {
    let stand_in = StandIn::start(&[]);
    let rule = r#"{"operation":"sendMessageToChat","kind":"reset-after","count":1}"#;
    assert_eq!(stand_in.control(&["faults", "--add", rule])["id"], 1);
    let business = stand_in.business();
    let send = ["chats", "send", "10000001", "Уже едет", "--business", &business];
    let broken = stand_in.beseda().run(send);
    assert!(broken.err.contains("may have been delivered"), "{}", broken.err);
    broken.fails(8);
    assert_eq!(stand_in.control(&["faults"])["faults"][0]["struck"], 1);
    stand_in.beseda().run(["stand-in", "faults", "--clear"]).ok();
    assert_eq!(stand_in.control(&["faults"])["faults"], json!([]));

    let journal = stand_in.beseda().run(["stand-in", "journal"]).ok();
    assert!(journal.contains("sendMessageToChat") && journal.contains("connection reset"));
    let curl = stand_in.beseda().run(["stand-in", "journal", "--curl", "--limit", "1"]).ok();
    assert!(curl.starts_with("curl -sS -X POST 'http://127.0.0.1:"), "{curl}");
    assert!(!curl.contains(stand_in.get("apiKey")));
    let wrong = r#"{"kind":"explode"}"#;
    stand_in.beseda().run(["stand-in", "faults", "--add", wrong]).fails(3);
}

#[test]
fn the_state_is_seeded_remembered_carried_and_reset() {
    let (stand_in, other) = (StandIn::start(&[]), StandIn::start(&["--seed", "2"]));
    let cabinets = |of: &StandIn| {
        let listed = of.beseda().run(["admin", "--json", "cabinets", "list"]).json();
        listed["cabinets"].as_array().unwrap().len()
    };
    let run = |args: &[&str]| stand_in.beseda().run(["stand-in"].iter().chain(args));
    run(&["snapshot", "before"]).ok();
    assert_eq!(stand_in.control(&["seed", SEED])["messages"], 6);
    assert_eq!(cabinets(&stand_in), 2);

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.json");
    let file = file.to_str().unwrap();
    run(&["export", file]).ok();
    other.beseda().run(["stand-in", "import", file]).ok();
    assert_eq!(cabinets(&other), 2);

    run(&["restore", "before"]).ok();
    assert_eq!(cabinets(&stand_in), 1);
    assert_eq!(stand_in.control(&["snapshot"]), json!(["before"]));
    run(&["seed", SEED]).ok();
    run(&["reset"]).ok();
    assert_eq!(cabinets(&stand_in), 1);

    let broken = std::fs::read_to_string(SEED).unwrap().replace("id: 5001 }", "id: 4999 }");
    let broken_file = folder.path().join("broken.yaml");
    std::fs::write(&broken_file, broken).unwrap();
    let refused = run(&["seed", broken_file.to_str().unwrap()]);
    assert!(
        refused.err.contains("broken.yaml") && refused.err.contains("line 17"),
        "{}",
        refused.err
    );
    assert_eq!(cabinets(&stand_in), 1);
    run(&["restore", "never"]).fails(5);
}

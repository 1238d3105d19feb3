//! The stand-in's controls from the command line: clock, faults, journal and state of one that runs.

use serde_json::{Value, json};

use crate::service::{StandIn, http};

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

/// A seed of one cabinet with so many messages in chats of a hundred.
fn large_seed(messages: usize) -> String {
    let said: Vec<Value> = (0..100)
        .map(|number| json!({ "sender": "CUSTOMER", "message": format!("message {number}") }))
        .collect();
    let chats = messages / 100;
    let orders: Vec<Value> = (1..=chats).map(|id| json!({ "orderId": id })).collect();
    let chats: Vec<Value> = (1..=chats)
        .map(|id| json!({ "context": { "type": "ORDER", "id": id }, "messages": said }))
        .collect();
    let cabinet = json!({
        "businessId": 990_001,
        "name": "Large",
        "campaigns": [{ "campaignId": 990_002, "name": "Shop", "placementType": "FBS" }],
        "orders": orders,
        "chats": chats,
    });
    json!({ "cabinets": [cabinet] }).to_string()
}

#[test]
fn a_large_seed_is_added_however_long_a_request_may_take() {
    let stand_in = StandIn::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("seed.json");
    std::fs::write(&file, large_seed(20_000)).unwrap();
    // The server says twice a second that it goes on, so this bounds its silence and not the whole.
    let seed = ["stand-in", "seed", file.to_str().unwrap(), "--json", "--timeout", "5"];
    let added = stand_in.beseda().run(seed).json();
    let expected = json!({ "cabinets": 1, "orders": 200, "chats": 200, "messages": 20_000 });
    assert_eq!(added, expected);
    let refused = stand_in.beseda().run(seed).fails(3);
    assert!(refused.contains("seed.json: line 1: ") && refused.contains("taken"), "{refused}");
}

#[tokio::test]
async fn a_seed_that_is_killed_on_its_way_is_there_as_a_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let options = ["--data", folder.path().to_str().unwrap()];
    let stand_in = StandIn::start(&options);
    let url = format!("{}/__admin/seed", stand_in.get("url"));
    let request = http().post(url).bearer_auth(stand_in.get("adminKey"));
    let request = request.header("Accept", "application/x-ndjson").body(large_seed(60_000));
    let mut answer = request.send().await.unwrap();
    // Its first line comes while it works, unless it was done before that.
    let line = answer.chunk().await.unwrap().unwrap();
    let line: Value = serde_json::from_slice(&line).unwrap();
    let whole = line.get("result").is_some();
    assert!(whole || line["all"] == 60_000, "{line}");
    stand_in.kill();

    let stand_in = StandIn::start(&options);
    let cabinets = stand_in.beseda().run(["admin", "cabinets", "list", "--json"]).ok();
    assert_eq!(cabinets.contains("990001"), whole, "{cabinets}");
    let mine = json!({ "statuses": ["WAITING_FOR_PARTNER"] });
    let url = format!("{}/v2/businesses/{}/chats", stand_in.get("url"), stand_in.business());
    let asked = http().post(url).header("Api-Key", stand_in.get("apiKey")).json(&mine);
    assert_eq!(asked.send().await.unwrap().status(), 200);
}

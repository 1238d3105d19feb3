//! Administration by commands: over the network and on a database, with the same words.

use serde_json::Value;

use crate::{program::beseda, service::StandIn};

fn administer(admin: impl Fn(&[&str]) -> Value) {
    let cabinet = admin(&["cabinets", "create", "Лавка", "--id", "77"]);
    assert_eq!(cabinet["businessId"], 77);
    let listed = admin(&["cabinets", "list"]);
    assert!(listed["cabinets"].as_array().unwrap().contains(&cabinet));

    let campaign = admin(&["campaigns", "create", "77", "Витрина", "--model", "fby"]);
    assert_eq!(campaign["placementType"], "FBY");
    assert_eq!(admin(&["campaigns", "list", "77"])["campaigns"][0]["id"], campaign["id"]);

    let key = admin(&["keys", "create", "77", "bot", "--scope", "all-methods:read-only"]);
    assert!(key["apiKey"].as_str().unwrap().starts_with("ACMA:"));
    let number = key["id"].to_string();
    assert_eq!(admin(&["keys", "revoke", "77", &number])["status"], "OK");
    let keys = admin(&["keys", "list", "77"]);
    assert_eq!(keys["keys"][0]["scopes"][0], "ALL_METHODS_READ_ONLY");
    assert!(keys["keys"][0]["revokedAt"].is_string(), "{keys}");

    let olga = admin(&["users", "create", "Ольга"])["id"].clone();
    let user = olga.to_string();
    admin(&["users", "grant", &user, "77"]);
    let users = admin(&["users", "list"]);
    let grants = |users: &Value| {
        let users = users["users"].as_array().unwrap().clone();
        let found = users.into_iter().find(|found| found["id"] == olga).unwrap();
        found["businessIds"].as_array().unwrap().len()
    };
    assert_eq!(grants(&users), 1);
    admin(&["users", "withdraw", &user, "77"]);
    assert_eq!(grants(&admin(&["users", "list"])), 0);
    let token = admin(&["tokens", "create", &user]);
    assert!(token["oauthToken"].as_str().unwrap().starts_with("y0_"));
    admin(&["tokens", "revoke", &user, &token["id"].to_string()]);
    assert!(admin(&["tokens", "list", &user])["tokens"][0]["revokedAt"].is_string());
}

#[test]
fn a_cabinet_is_administered_over_the_network() {
    let stand_in = StandIn::start(&[]);
    administer(|args| stand_in.beseda().run(["admin", "--json"].iter().chain(args)).json());
    let taken = ["admin", "cabinets", "create", "Лавка", "--id", "77"];
    stand_in.beseda().run(taken).fails(3);
    stand_in.beseda().env("BESEDA_ADMIN_KEY", "wrong").run(["admin", "users", "list"]).fails(4);
}

#[test]
fn a_cabinet_is_administered_on_its_database() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    administer(|args| beseda().run(["admin", "--json", "--data", data].iter().chain(args)).json());
}

#[test]
fn a_scope_that_is_none_is_told_with_those_that_are() {
    let create = ["admin", "keys", "create", "1", "bot", "--scope", "everything"];
    let told = beseda().run(create).fails(2);
    assert!(told.contains("communication"), "{told}");
}

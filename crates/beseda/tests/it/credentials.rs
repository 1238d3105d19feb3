//! Where credentials come from, and how the cabinet is found.

use crate::{program::beseda, service::StandIn};

#[test]
fn without_a_credential_the_program_says_where_to_put_one() {
    let told = beseda().run(["chats", "list"]).fails(2);
    for place in ["BESEDA_API_KEY", "--credential-file", "--credential-stdin"] {
        assert!(told.contains(place), "{told}");
    }
    let told = beseda().run(["market", "close", "1"]).fails(2);
    assert!(told.contains("BESEDA_MARKET_KEY"), "{told}");
    let told = beseda().run(["admin", "users", "list"]).fails(2);
    assert!(told.contains("BESEDA_ADMIN_KEY"), "{told}");
}

#[test]
fn a_credential_comes_from_standard_input_or_a_file() {
    let stand_in = StandIn::start(&[]);
    let ask = || beseda().env("BESEDA_URL", stand_in.get("url"));
    for credential in [stand_in.get("apiKey"), stand_in.get("oauthToken")] {
        let input = format!("{credential}\n");
        let piped = ask().stdin(input.clone()).run(["chats", "list", "--credential-stdin"]);
        assert!(piped.ok().contains("CHAT"));

        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        std::fs::write(&file, input).unwrap();
        let args = ["chats", "list", "--credential-file", file.to_str().unwrap()];
        share(&file, 0o600);
        let run = ask().run(args);
        assert_eq!((run.code, run.err.contains("warning")), (Some(0), false), "{}", run.err);
        share(&file, 0o644);
        let run = ask().run(args);
        assert_eq!((run.code, run.err.contains("chmod 600")), (Some(0), true), "{}", run.err);
    }
}

fn share(file: &std::path::Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_credential_that_is_not_there_is_a_matter_of_usage() {
    let missing = ["chats", "list", "--credential-file", "/nonexistent/key"];
    assert!(beseda().run(missing).fails(2).contains("/nonexistent/key"));
    let empty = beseda().stdin("\n").run(["chats", "list", "--credential-stdin"]);
    assert!(empty.fails(2).contains("no credential"));
    let both = ["chats", "--business", "1", "--credential-stdin", "send", "5", "-"];
    let both = beseda().stdin("ACMA:x\ntext").run(both);
    assert!(both.fails(2).contains("can't hold both"));
}

#[test]
fn with_several_cabinets_the_program_lists_them_and_asks() {
    let stand_in = StandIn::start(&[]);
    let first = stand_in.business();
    let admin = |args: &[&str]| stand_in.beseda().run(["admin", "--json"].iter().chain(args));
    let second = admin(&["cabinets", "create", "Вторая лавка"]).json()["businessId"].to_string();
    admin(&["campaigns", "create", &second, "Витрина", "--model", "dbs"]).json();
    let user = ["users", "create", "Ольга", "--business", &first, "--business", &second];
    let user = admin(&user).json()["id"].to_string();
    let token = admin(&["tokens", "create", &user]).json()["oauthToken"].clone();
    let ask = |args: &[&str]| {
        let beseda = beseda().env("BESEDA_URL", stand_in.get("url"));
        beseda.env("BESEDA_OAUTH_TOKEN", token.as_str().unwrap()).run(args)
    };
    let told = ask(&["chats", "list"]).fails(2);
    assert!(told.contains(&format!("--business {first}")), "{told}");
    assert!(told.contains(&format!("--business {second}  Вторая лавка")), "{told}");
    ask(&["chats", "list", "--business", &second]).ok();
}

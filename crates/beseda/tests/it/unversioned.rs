//! Paths without a version: the 2024 document's fields by default, today's by a switch, and what is told of the difference.

use serde_json::{Value, json};

use crate::service::{StandIn, http};

/// Asks for the chats of the stand-in's cabinet; the answer's chats and the advice that came with it.
async fn chats(stand_in: &StandIn, prefix: &str) -> (Vec<Value>, Option<String>) {
    let url = format!(
        "{}{prefix}/businesses/{}/chats?limit=20",
        stand_in.get("url"),
        stand_in.business()
    );
    let request = http().post(url).header("Api-Key", stand_in.get("apiKey")).json(&json!({}));
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let advice = answer.headers().get("x-beseda-advice");
    let advice = advice.map(|value| value.to_str().unwrap().to_owned());
    let body: Value = answer.json().await.unwrap();
    (body["result"]["chats"].as_array().unwrap().clone(), advice)
}

fn is_direct(chat: &Value) -> bool {
    chat["context"]["type"] == "DIRECT"
}

#[tokio::test]
async fn by_default_they_have_no_context_and_no_chat_without_an_order() {
    let stand_in = StandIn::start(&[]);
    let (today, none) = chats(&stand_in, "/v2").await;
    let (old, advice) = chats(&stand_in, "").await;
    let direct = today.iter().filter(|chat| is_direct(chat)).count();
    assert!(direct > 0, "the demo has no direct question");
    assert_eq!(old.len(), today.len() - direct);
    for chat in &old {
        assert!(chat["orderId"].is_i64() && chat.get("context").is_none(), "{chat}");
    }
    let advice = advice.unwrap();
    assert!(advice.starts_with(&format!("{direct} DIRECT chat")), "{advice}");
    assert!(advice.contains("--unversioned today") && none.is_none(), "{advice}");
    let journal = stand_in.beseda().run(["stand-in", "journal", "--json"]).ok();
    assert!(journal.contains("--unversioned today"), "{journal}");
}

#[tokio::test]
async fn a_flag_or_a_configuration_file_makes_them_answer_as_today() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("beseda.toml");
    std::fs::write(&config, "[server]\nunversioned = \"today\"\n").unwrap();
    for options in [&["--unversioned", "today"][..], &["--config", config.to_str().unwrap()]] {
        let stand_in = StandIn::start(options);
        let (old, advice) = chats(&stand_in, "").await;
        assert_eq!((&old, advice), (&chats(&stand_in, "/v2").await.0, None), "{options:?}");
        assert!(old.iter().any(is_direct), "{options:?}");
    }
}

#[tokio::test]
async fn a_seller_with_the_old_paths_still_learns_which_order_a_chat_is_about() {
    let stand_in = StandIn::start(&[]);
    let list = stand_in.beseda().run(["chats", "list", "--json", "--generation", "2024"]).json();
    let chats = list["chats"].as_array().unwrap();
    assert!(!chats.is_empty());
    for chat in chats {
        assert_eq!(chat["context"]["type"], "ORDER", "{chat}");
        assert_eq!(chat["context"]["orderId"], chat["orderId"], "{chat}");
    }
}

//! Whole conversations between a shop and the marketplace, by commands.

use serde_json::Value;

use crate::service::StandIn;

fn id(value: &Value) -> String {
    value.as_i64().unwrap().to_string()
}

/// A chat about a fresh order, by the shop.
fn order_chat(stand_in: &StandIn, order: &str) -> String {
    stand_in.beseda().run(["market", "order", order, "--customer", "Иван П."]).ok();
    id(&stand_in.beseda().run(["chats", "create", "--order", order, "--json"]).json()["chatId"])
}

#[test]
fn a_shop_and_a_buyer_talk_and_the_chat_ends() {
    let stand_in = StandIn::start(&[]);
    let beseda = || stand_in.beseda();
    let chat = order_chat(&stand_in, "555001");
    let again = beseda().run(["chats", "create", "--order", "555001", "--json"]).json();
    assert_eq!(id(&again["chatId"]), chat, "the chat of an order is found again");

    beseda().run(["market", "write", &chat, "Где мой заказ?", "--as", "customer"]).ok();
    let waiting = ["chats", "list", "--json", "--status", "waiting-for-partner", "--order"];
    let list = beseda().run(waiting.into_iter().chain(["555001"])).json();
    assert_eq!(id(&list["chats"][0]["chatId"]), chat);
    assert_eq!(list["chats"][0]["context"]["customer"]["name"], "Иван П.");

    let sent = beseda().stdin("Уже едет.\n").run(["chats", "send", &chat, "-", "--json"]).json();
    assert_eq!(sent, serde_json::json!({ "status": "OK" }));
    let file = ["chats", "send-file", &chat, "-", "--name", "чек.txt"];
    assert_eq!(beseda().stdin("сумма 100").run(file).ok(), "sent\n");

    let history = beseda().run(["chats", "history", &chat, "--all", "--json"]).lines();
    let texts: Vec<&Value> = history.iter().map(|message| &message["message"]).collect();
    assert_eq!(texts, [&Value::from("Где мой заказ?"), &Value::from("Уже едет."), &Value::Null]);
    assert_eq!(history[2]["payload"][0]["name"], "чек.txt");

    let from = ["chats", "history", &chat, "--json", "--from", &id(&history[1]["messageId"])];
    let page = beseda().run(from).json();
    assert_eq!(page["messages"].as_array().unwrap().len(), 2, "--from is inclusive");
    let message = ["chats", "message", &chat, &id(&history[1]["messageId"]), "--json"];
    assert_eq!(beseda().run(message).json(), history[1]);

    beseda().run(["market", "close", &chat]).ok();
    let closed = beseda().run(["chats", "send", &chat, "Ещё тут?", "--json"]).fails_in_json(3);
    assert!(closed["message"].as_str().unwrap().contains("closed"), "{closed}");
    assert_eq!(closed["class"], "badRequest");
    assert_eq!(closed["mayHaveBeenDone"], false);
    assert_eq!(beseda().run(["chats", "get", &chat, "--json"]).json()["status"], "FINISHED");
}

#[test]
fn what_was_attached_is_saved_and_nothing_is_overwritten() {
    let stand_in = StandIn::start(&[]);
    let chat = order_chat(&stand_in, "555002");
    let send = ["market", "send-file", &chat, "-", "--name", "скан.pdf", "--json"];
    let message = id(&stand_in.beseda().stdin("%PDF").run(send).json()["messageId"]);
    let folder = tempfile::tempdir().unwrap();
    for name in ["скан.pdf", "скан-1.pdf"] {
        let output = folder.path().to_str().unwrap();
        let saved = ["chats", "download", &chat, &message, "--output", output, "--json"];
        let saved = stand_in.beseda().run(saved).json();
        assert_eq!(saved["files"][0]["size"], 4);
        assert_eq!(std::fs::read_to_string(folder.path().join(name)).unwrap(), "%PDF");
    }
}

#[test]
fn a_dispute_begins_and_ends() {
    let stand_in = StandIn::start(&[]);
    let beseda = || stand_in.beseda();
    beseda().run(["market", "order", "555003", "--model", "FBS"]).ok();
    let ret = beseda().run(["market", "return", "903", "--order", "555003", "--json"]).json();
    assert_eq!(ret, serde_json::json!({ "returnId": 903, "orderId": 555_003 }));
    let dispute = ["market", "dispute", "Не согласен", "--return", "903", "--json"];
    let dispute = beseda().run(dispute).json();
    assert_eq!(dispute["type"], "ARBITRAGE");
    let chat = id(&dispute["chatId"]);
    let ask =
        ["market", "write", &chat, "Пришлите фото", "--as", "support", "--waiting-for", "partner"];
    beseda().run(ask).ok();
    let listed = ["chats", "list", "--type", "arbitrage", "--return", "903", "--json"];
    let listed = beseda().run(listed).json();
    assert_eq!(listed["chats"][0]["status"], "WAITING_FOR_PARTNER");
    let ended = beseda().run(["market", "resolve", &chat, "--json"]).json();
    assert_eq!(ended["status"], "FINISHED");
}

#[test]
fn a_buyer_asks_without_an_order_and_sends_a_sticker() {
    let stand_in = StandIn::start(&[]);
    let ask = ["market", "direct", "Есть синий?", "--customer", "Мария", "--json"];
    let chat = stand_in.beseda().run(ask).json();
    assert_eq!(chat["context"]["type"], "DIRECT");
    let chat = id(&chat["chatId"]);
    stand_in.beseda().run(["market", "write", &chat, "--sticker"]).ok();
    let table = stand_in.beseda().run(["chats", "history", &chat]).ok();
    assert!(table.contains("Есть синий?") && table.contains("(sticker)"), "{table}");
    assert!(!table.contains('\u{1b}'), "no colours where there is no terminal");
}

#[test]
fn pages_follow_each_other_and_all_of_them_come_once() {
    let stand_in = StandIn::start(&["--limits", "off"]);
    let chat = order_chat(&stand_in, "555004");
    for number in 1..=5 {
        let text = format!("сообщение {number}");
        stand_in.beseda().run(["market", "write", &chat, &text]).ok();
    }
    let page = ["chats", "history", &chat, "--limit", "2", "--json"];
    let mut seen = Vec::new();
    let mut token: Option<String> = None;
    loop {
        let next = token.iter().flat_map(|token| ["--page-token", token]);
        let answer = stand_in.beseda().run(page.into_iter().chain(next)).json();
        seen.extend(answer["messages"].as_array().unwrap().clone());
        match answer["paging"]["nextPageToken"].as_str() {
            Some(next) => token = Some(next.to_owned()),
            None => break,
        }
    }
    let all = stand_in.beseda().run(["chats", "history", &chat, "--all", "--json"]).lines();
    assert_eq!(seen, all);
    assert_eq!(all.len(), 5);

    let hint = stand_in.beseda().run(["chats", "history", &chat, "--limit", "2"]);
    assert!(hint.err.contains("--page-token"), "{}", hint.err);
    let chats = stand_in.beseda().run(["chats", "list", "--all", "--json"]).lines();
    let mut ids: Vec<String> = chats.iter().map(|chat| id(&chat["chatId"])).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), chats.len());
}

#[test]
fn the_generation_of_2024_and_an_oauth_token_do_as_well() {
    let stand_in = StandIn::start(&[]);
    let list = ["chats", "list", "--generation", "2024", "--json", "--all"];
    let old = stand_in.beseda().env("BESEDA_API_KEY", "");
    let old = old.env("BESEDA_OAUTH_TOKEN", stand_in.get("oauthToken"));
    assert!(!old.run(list).lines().is_empty());
}

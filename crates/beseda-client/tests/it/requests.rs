//! What goes out: paths, parameters, headers and bodies of every operation, in both generations.

use beseda_api::{
    Administration, ChatContext, ChatFilter, ChatStatus, ChatsApi, Generation, HistoryFrom, Limit,
    MarketMessage, MarketSide, MessageId, MessageText, NewKey, OrderId, PageRequest, PageToken,
    ReturnId,
};
use beseda_client::{Client, ClientError, ErrorExt, SecretString};

use crate::double::{Answer, CHAT, Double, business, chat};

const CHATS: &str = r#"{"chats":[],"paging":{}}"#;
const HISTORY: &str = r#"{"context":{"type":"DIRECT"},"messages":[],"paging":{}}"#;
const MESSAGE: &str = r#"{"messageId":7,"createdAt":"2026-05-31T10:30:17+03:00","sender":"CUSTOMER","message":"Hello"}"#;

#[tokio::test]
async fn every_operation_asks_for_the_published_path_with_the_key() {
    let double = Double::start([
        Answer::ok(CHATS),
        Answer::ok(CHAT),
        Answer::ok(HISTORY),
        Answer::ok(MESSAGE),
        Answer::ok(r#"{"chatId":42}"#),
        Answer::new(200, r#"{"status":"OK"}"#),
    ])
    .await;
    let client = double.client();
    let page =
        PageRequest { limit: Some(Limit::new(2).unwrap()), token: Some(PageToken::new("a=&b")) };
    let filter = ChatFilter { statuses: vec![ChatStatus::New], ..ChatFilter::default() };
    client.get_chats(business(), filter, page).await.unwrap();
    client.get_chat(business(), chat()).await.unwrap();
    let from = HistoryFrom { message_id_from: MessageId::new(9).ok(), ..HistoryFrom::default() };
    client.get_chat_history(business(), chat(), from).await.unwrap();
    client.get_chat_message(business(), chat(), MessageId::new(7).unwrap()).await.unwrap();
    let ret = ChatContext::Return(ReturnId::new(77).unwrap());
    assert_eq!(client.create_chat(business(), ret).await.unwrap(), chat());
    let text = MessageText::new("Добрый день!").unwrap();
    client.send_message_to_chat(business(), chat(), text).await.unwrap();

    assert_eq!(
        double.lines(),
        [
            "POST /v2/businesses/1/chats?limit=2&pageToken=a%3D%26b",
            "GET /v2/businesses/1/chat?chatId=42",
            "POST /v2/businesses/1/chats/history?chatId=42",
            "GET /v2/businesses/1/chats/message?chatId=42&messageId=7",
            "POST /v2/businesses/1/chats/new",
            "POST /v2/businesses/1/chats/message?chatId=42",
        ]
    );
    let asked = double.asked();
    assert!(asked.iter().all(|asked| asked.header("api-key") == Some("ACMA:secret")));
    assert!(asked.iter().all(|asked| asked.header("authorization").is_none()));
    assert_eq!(asked[0].body, r#"{"statuses":["NEW"]}"#);
    assert_eq!(asked[2].body, r#"{"messageIdFrom":9}"#);
    assert_eq!(asked[4].body, r#"{"context":{"type":"RETURN","id":77}}"#);
    assert_eq!(asked[5].body, r#"{"message":"Добрый день!"}"#);
    assert_eq!(asked[5].header("content-type"), Some("application/json"));
}

#[tokio::test]
async fn the_old_generation_has_its_own_paths_and_words() {
    let double = Double::start([Answer::ok(CHATS), Answer::ok(r#"{"chatId":42}"#)]).await;
    let client = double.builder().generation(Generation::Y2024).build().unwrap();
    let order = ChatContext::Order(OrderId::new(5).unwrap());
    let filter = ChatFilter { contexts: vec![order], ..ChatFilter::default() };
    let page = PageRequest { limit: None, token: Some(PageToken::new("t")) };
    client.get_chats(business(), filter, page).await.unwrap();
    client.create_chat(business(), order).await.unwrap();

    assert_eq!(
        double.lines(),
        ["POST /businesses/1/chats?page_token=t", "POST /businesses/1/chats/new",]
    );
    assert_eq!(double.asked()[0].body, r#"{"orderIds":[5]}"#);
    assert_eq!(double.asked()[1].body, r#"{"orderId":5}"#);
}

#[tokio::test]
async fn an_oauth_token_goes_as_bearer_with_the_integrations_name() {
    let double = Double::start([Answer::ok(CHAT)]).await;
    let client = Client::builder().url(format!("{}/under/", double.url())).oauth_token("y0_t");
    let client = client.integration("shop-crm/1.2").user_agent("shop/3").build().unwrap();
    client.get_chat(business(), chat()).await.unwrap();

    let asked = &double.asked()[0];
    assert_eq!(asked.line, "GET /under/v2/businesses/1/chat?chatId=42");
    assert_eq!(asked.header("authorization"), Some("Bearer y0_t"));
    assert_eq!(asked.header("x-market-integration"), Some("shop-crm/1.2"));
    assert_eq!(asked.header("user-agent"), Some("shop/3"));
}

#[tokio::test]
async fn a_client_names_itself_unless_told_otherwise() {
    let double = Double::start([Answer::ok(CHAT)]).await;
    double.client().get_chat(business(), chat()).await.unwrap();
    let expected = concat!("beseda/", env!("CARGO_PKG_VERSION"));
    assert_eq!(double.asked()[0].header("user-agent"), Some(expected));
}

#[tokio::test]
async fn unusable_settings_are_refused_before_anything_is_sent() {
    let unusable = [
        Client::builder().url("ftp://example"),
        Client::builder().url("example"),
        Client::builder().url("https://user:pass@example"),
        Client::builder().url("https://example/?a=1"),
        Client::builder().api_key("line\nbreak"),
        Client::builder().api_key("ключ"),
        Client::builder().integration("with blank"),
        Client::builder().integration("я"),
        Client::builder().integration("x".repeat(101)),
        Client::builder().trust_files_from("files.example"),
        Client::builder().root_certificate("no certificate"),
        Client::builder()
            .root_certificate("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
    ];
    for builder in unusable {
        let shown = format!("{builder:?}");
        let error = builder.build().unwrap_err();
        assert!(matches!(error.client_error(), Some(ClientError::Setup(_))), "{shown}: {error}");
    }
}

#[test]
fn a_secret_is_never_shown() {
    let builder = Client::builder().api_key("ACMA:hidden").oauth_token("y0_hidden");
    assert!(!format!("{builder:?}").contains("hidden"));
    let client = builder.build().unwrap();
    assert!(!format!("{client:?}").contains("hidden"));
}

#[tokio::test]
async fn the_markets_side_and_administration_carry_their_own_keys() {
    let double = Double::start([
        Answer::ok(MESSAGE),
        Answer::ok(CHAT),
        Answer::ok(r#"{"cabinets":[{"businessId":1,"name":"Лавка"}]}"#),
        Answer::ok(r#"{"id":3,"apiKey":"ACMA:new"}"#),
        Answer::new(200, r#"{"status":"OK"}"#),
        Answer::new(200, r#"{"status":"OK"}"#),
    ])
    .await;
    let market = double.builder().build_market(&SecretString::from("market-key")).unwrap();
    market.write_message(business(), chat(), MarketMessage::customer("Где заказ?")).await.unwrap();
    market.resolve_dispute(business(), chat()).await.unwrap();
    let admin = double.builder().build_admin(&SecretString::from("admin-key")).unwrap();
    assert_eq!(admin.list_cabinets().await.unwrap()[0].name, "Лавка");
    let key = NewKey { name: "bot".to_owned(), scopes: vec!["communication".to_owned()] };
    assert_eq!(admin.create_key(business(), key).await.unwrap().api_key, "ACMA:new");
    admin.revoke_key(business(), 3).await.unwrap();
    admin.grant_access(5, business()).await.unwrap();

    assert_eq!(
        double.lines(),
        [
            "POST /market/v1/businesses/1/chats/42/messages",
            "POST /market/v1/businesses/1/disputes/42/resolve",
            "GET /admin/v1/cabinets",
            "POST /admin/v1/cabinets/1/keys",
            "DELETE /admin/v1/cabinets/1/keys/3",
            "PUT /admin/v1/users/5/cabinets/1",
        ]
    );
    let asked = double.asked();
    assert_eq!(asked[0].body, r#"{"sender":"CUSTOMER","message":"Где заказ?"}"#);
    assert!(asked[..2].iter().all(|a| a.header("authorization") == Some("Bearer market-key")));
    assert!(asked[2..].iter().all(|a| a.header("authorization") == Some("Bearer admin-key")));
    assert!(asked.iter().all(|a| a.header("api-key").is_none()));
}

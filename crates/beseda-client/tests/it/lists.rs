//! Whole lists: every item once, in order, and an end even where the service has none.

use beseda_api::{ChatFilter, ChatsApi, MessageId};
use beseda_client::{ChatsExt, ClientError, ErrorExt};
use futures::TryStreamExt;

use crate::double::{Answer, Double, business, chat};

fn chats(chats: &[(i64, &str)], token: Option<&str>) -> Answer {
    let chats: Vec<String> = chats
        .iter()
        .map(|(id, updated)| {
            format!(
                r#"{{"chatId":{id},"context":{{"type":"DIRECT"}},"type":"CHAT","status":"NEW","createdAt":"2026-05-31T10:00:00+03:00","updatedAt":"{updated}"}}"#
            )
        })
        .collect();
    Answer::ok(&format!(r#"{{"chats":[{}],"paging":{}}}"#, chats.join(","), paging(token)))
}

fn messages(ids: &[i64], token: Option<&str>) -> Answer {
    let messages: Vec<String> = ids
        .iter()
        .map(|id| {
            format!(
                r#"{{"messageId":{id},"createdAt":"2026-05-31T10:00:00Z","sender":"CUSTOMER","message":"m{id}"}}"#
            )
        })
        .collect();
    let messages = messages.join(",");
    Answer::ok(&format!(
        r#"{{"context":{{"type":"DIRECT"}},"messages":[{messages}],"paging":{}}}"#,
        paging(token)
    ))
}

fn paging(token: Option<&str>) -> String {
    token.map_or_else(|| "{}".to_owned(), |token| format!(r#"{{"nextPageToken":"{token}"}}"#))
}

#[tokio::test]
async fn a_chat_that_moved_between_pages_comes_once() {
    let double = Double::start([
        chats(&[(1, "2026-05-31T10:00:00Z"), (2, "2026-05-31T12:00:00Z")], Some("p2")),
        chats(&[(1, "2026-05-31T13:00:00Z"), (3, "2026-05-31T11:00:00Z")], None),
    ])
    .await;
    let client = double.client();
    let streamed: Vec<_> =
        client.chats(business(), ChatFilter::default()).try_collect().await.unwrap();
    assert_eq!(streamed.iter().map(|c| c.chat_id.get()).collect::<Vec<_>>(), [2, 1, 3]);
    assert_eq!(
        double.lines(),
        [
            "POST /v2/businesses/1/chats?limit=20",
            "POST /v2/businesses/1/chats?limit=20&pageToken=p2",
        ]
    );
}

#[tokio::test]
async fn a_history_in_any_order_comes_out_sorted_and_without_repeats() {
    let double = Double::start([
        messages(&[9, 8, 7], Some("p2")),
        messages(&[7, 6], Some("p3")),
        messages(&[1, 5], None),
    ])
    .await;
    let from = MessageId::new(1).ok();
    let all = double.client().history_sorted(business(), chat(), from).await.unwrap();
    let ids: Vec<i64> = all.iter().map(|message| message.message_id.get()).collect();
    assert_eq!(ids, [1, 5, 6, 7, 8, 9]);
    assert!(double.asked().iter().all(|asked| asked.body == r#"{"messageIdFrom":1}"#));
}

#[tokio::test]
async fn a_repeating_page_token_ends_the_list_with_an_error() {
    let double = Double::start((0..9).map(|_| messages(&[1], Some("same")))).await;
    let error = double.client().history_sorted(business(), chat(), None).await.unwrap_err();
    assert!(matches!(error.client_error(), Some(ClientError::EndlessPages)), "{error:?}");
    assert_eq!(double.lines().len(), 2);
}

#[tokio::test]
async fn what_came_before_a_failure_is_not_lost() {
    let double = Double::start([messages(&[1, 2], Some("p2")), Answer::new(404, "{}")]).await;
    let client = double.client();
    let mut stream = client.history(business(), chat(), None);
    assert_eq!(stream.try_next().await.unwrap().unwrap().message_id.get(), 1);
    assert_eq!(stream.try_next().await.unwrap().unwrap().message_id.get(), 2);
    assert!(stream.try_next().await.is_err());
}

#[tokio::test]
async fn the_extension_works_over_any_implementation() {
    let double = Double::start([chats(&[], None)]).await;
    let api: std::sync::Arc<dyn ChatsApi> = std::sync::Arc::new(double.client());
    assert!(api.chats_sorted(business(), ChatFilter::default()).await.unwrap().is_empty());
}

#[tokio::test]
async fn campaigns_of_all_pages_come_by_token_or_by_number() {
    let by_token = Double::start([
        Answer::new(200, r#"{"campaigns":[{"id":1}],"paging":{"nextPageToken":"n"}}"#),
        Answer::new(200, r#"{"campaigns":[{"id":2,"business":{"id":9,"traits":[]}}],"paging":{}}"#),
    ])
    .await;
    assert_eq!(by_token.client().campaigns().await.unwrap().len(), 2);
    assert_eq!(by_token.lines()[1], "GET /v2/campaigns?limit=100&pageToken=n");

    let page = |id, current| {
        let pager = format!(r#"{{"currentPage":{current},"pagesCount":2}}"#);
        Answer::new(200, &format!(r#"{{"campaigns":[{{"id":{id}}}],"pager":{pager}}}"#))
    };
    let by_number = Double::start([page(1, 1), page(2, 2)]).await;
    let old = by_number.builder().generation(beseda_api::Generation::Y2024).build().unwrap();
    assert_eq!(old.campaigns().await.unwrap().len(), 2);
    assert_eq!(by_number.lines(), ["GET /campaigns", "GET /campaigns?page=2"]);
}

#[tokio::test]
async fn a_key_tells_its_name_and_scopes() {
    let info = r#"{"apiKey":{"name":"chat bot","authScopes":["COMMUNICATION","NEWER"]}}"#;
    let double = Double::start([Answer::ok(info)]).await;
    let info = double.client().token_info().await.unwrap();
    assert_eq!(info.name, "chat bot");
    assert_eq!(info.auth_scopes.len(), 2);
    assert_eq!(double.lines(), ["POST /v2/auth/token"]);
}

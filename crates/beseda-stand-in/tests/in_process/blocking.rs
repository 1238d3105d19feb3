//! Blocking client against a stand-in, without an async runtime.

use std::{thread, time::Duration};

use beseda_client::{OutgoingMessage, SendOnceOptions, blocking::Client};
use beseda_stand_in::{
    StandIn,
    api::{
        ChatContext, ChatFilter, ChatId, ErrorKind, FileUpload, HistoryFrom, Limit, MessageText,
        PageRequest,
    },
};

fn start() -> anyhow::Result<(StandIn, Client)> {
    let stand_in = StandIn::builder().start_blocking()?;
    let client = Client::new(stand_in.client()?)?;
    Ok((stand_in, client))
}

#[test]
fn every_operation_returns_after_it_is_done() {
    let (stand_in, client) = start().unwrap();
    let business = stand_in.business_id();
    let context = ChatContext::Order(stand_in.orders()[0]);
    let chat = client.create_chat(business, context).unwrap();
    let text = MessageText::new("Добрый день!").unwrap();
    client.send_message_to_chat(business, chat, text).unwrap();
    let file = FileUpload::from_bytes("чек.txt", "итого");
    client.send_file_to_chat(business, chat, file).unwrap();
    let sent = client.send_once(
        business,
        chat,
        OutgoingMessage::text("Один раз").unwrap(),
        None,
        &SendOnceOptions::default(),
    );
    assert!(sent.is_delivered());

    let page = client.get_chat_history(business, chat, HistoryFrom::default()).unwrap();
    let last = &page.messages[page.messages.len() - 3..];
    assert_eq!(last[0].message.as_deref(), Some("Добрый день!"));
    assert_eq!(last[2].message.as_deref(), Some("Один раз"));
    let message = client.get_chat_message(business, chat, last[1].message_id).unwrap();
    let mut bytes = Vec::new();
    let link = &message.payload.unwrap()[0].url;
    assert_eq!(client.download(link, &mut bytes).unwrap(), bytes.len() as u64);
    assert_eq!(bytes, "итого".as_bytes());

    assert_eq!(client.get_chat(business, chat).unwrap().chat_id, chat);
    assert_eq!(client.campaigns().unwrap()[0].id, Some(stand_in.campaign_id()));
    assert!(!client.token_info().unwrap().name.is_empty());
}

#[test]
fn lists_go_through_all_pages_and_end_after_an_error() {
    let (stand_in, client) = start().unwrap();
    let business = stand_in.business_id();
    let chats: Vec<ChatId> =
        client.chats(business, ChatFilter::default()).map(|chat| chat.unwrap().chat_id).collect();
    let page = PageRequest::first(Limit::new(3).unwrap());
    let first = client.get_chats(business, ChatFilter::default(), page).unwrap();
    assert!(first.paging.next_page_token.is_some() && chats.len() > 3);
    assert_eq!(first.chats.iter().map(|chat| chat.chat_id).collect::<Vec<_>>(), chats[..3]);

    let mut messages = client.history(business, ChatId::new(1).unwrap(), None);
    let refused = messages.next().unwrap().unwrap_err();
    assert_eq!(refused.kind(), Some(ErrorKind::NotFound));
    assert!(messages.next().is_none());
}

#[test]
fn many_threads_share_one_client() {
    let (stand_in, client) = start().unwrap();
    let business = stand_in.business_id();
    let chat = client.create_chat(business, ChatContext::Order(stand_in.orders()[0])).unwrap();
    let before = client.history(business, chat, None).count();
    thread::scope(|scope| {
        for _ in 0..4 {
            let client = client.clone();
            scope.spawn(move || {
                let text = MessageText::new("да").unwrap();
                client.send_message_to_chat(business, chat, text).unwrap();
            });
        }
    });
    assert_eq!(client.history(business, chat, None).count(), before + 4);
}

#[tokio::test]
async fn the_blocking_client_works_and_may_be_dropped_in_async_code() {
    let stand_in = StandIn::start().await.unwrap();
    let client = Client::new(stand_in.client().unwrap()).unwrap();
    let business = stand_in.business_id();
    assert!(client.chats(business, ChatFilter::default()).next().is_some());
    drop(client);
    tokio::time::timeout(Duration::from_secs(30), async { drop(stand_in) }).await.unwrap();
}

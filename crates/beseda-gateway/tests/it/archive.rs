//! The gateway and the archive: history pages without upstream calls, ids and authors of sent
//! messages.

use std::sync::Arc;

use beseda_api::{ChatsApi, Message, PageToken};
use beseda_archive::{Archive, Depth, Syncer};
use beseda_gateway::{AuditFilter, Quota};
use beseda_stand_in::api::{
    ErrorKind, HistoryFrom, HistoryLimit, MarketMessage, MessagePage, MessageText, PageRequest,
};
use serde_json::json;

use crate::world::{World, chat, upstream};

async fn buyer_says(world: &World, count: usize) {
    for number in 0..count {
        let message = MarketMessage::customer(&number.to_string());
        world.stand_in.market().write_message(world.business(), chat(), message).await.unwrap();
    }
}

async fn sync(world: &World) {
    let archive = Archive::open(world.folder.path()).unwrap();
    let syncer = Syncer::new(archive, Arc::new(upstream(&world.stand_in)), [world.business()]);
    syncer.unwrap().once(Depth::Full).await.unwrap();
    world.control.delete("journal").await.unwrap();
}

async fn page(api: &impl ChatsApi, world: &World, token: Option<PageToken>) -> MessagePage {
    let limit = Some(HistoryLimit::new(20).unwrap());
    let from = HistoryFrom { message_id_from: None, page: PageRequest { limit, token } };
    api.get_chat_history(world.business(), chat(), from).await.unwrap()
}

async fn walk(api: &impl ChatsApi, world: &World) -> Vec<Message> {
    let (mut messages, mut token) = (Vec::new(), None);
    loop {
        let page = page(api, world, token).await;
        messages.extend(page.messages);
        token = page.paging.next_page_token;
        if token.is_none() {
            return messages;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn full_pages_come_from_the_archive_and_the_last_page_from_the_upstream() {
    let world = World::start().await;
    buyer_says(&world, 70).await;
    sync(&world).await;
    let through = world.running.client(&world.derived_key());
    let direct = upstream(&world.stand_in);
    // The first page shows in which order the service gives them.
    page(&through, &world, None).await;
    let first = page(&through, &world, None).await;
    let same = page(&direct, &world, None).await;
    assert_eq!(
        (&first.messages, &first.context, first.order_id),
        (&same.messages, &same.context, same.order_id)
    );

    // A message the archive doesn't have yet.
    buyer_says(&world, 1).await;
    world.control.delete("journal").await.unwrap();
    let seen = walk(&through, &world).await;
    assert_eq!(world.call_count("getChatHistory").await, 1);
    assert_eq!(seen, walk(&direct, &world).await);

    let key = world.derived_key();
    let path = format!("chats/history?chatId={}&limit=5", chat());
    let answer = world.call(&path, json!({}), &[("api-key", &key)]).await;
    assert_eq!(answer.headers()["x-beseda-gateway"], "archive");
    let path = format!("{path}&pageToken=gw-AAAA");
    let refused = world.call(&path, json!({}), &[("api-key", &key)]).await;
    assert_eq!(refused.status(), 400);
    assert!(refused.text().await.unwrap().contains("Bad page token"));

    let one = through.get_chat_message(world.business(), chat(), seen[3].message_id).await.unwrap();
    assert_eq!(one, seen[3]);
    let last = seen.last().unwrap().message_id;
    let unknown = beseda_stand_in::api::MessageId::new(last.get() + 1).unwrap();
    let refused = through.get_chat_message(world.business(), chat(), unknown).await.unwrap_err();
    assert_eq!(refused.kind(), Some(ErrorKind::NotFound));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sent_messages_get_their_id_and_author_from_the_archive() {
    let world = World::start().await;
    let bot = world.program("bot", Quota::default()).await;
    for text in ["да", "нет", "да"] {
        let text = MessageText::new(text).unwrap();
        bot.send_message_to_chat(world.business(), chat(), text).await.unwrap();
    }
    sync(&world).await;
    let said = walk(&upstream(&world.stand_in), &world).await;
    let said: Vec<_> = said.iter().rev().take(3).map(|message| Some(message.message_id)).collect();
    let ledger = world.running.gateway.keys().db();
    // The gateway looks every few seconds.
    let ids = loop {
        let sends = ledger.sends(AuditFilter::default()).await.unwrap();
        let ids: Vec<_> = sends.iter().rev().map(|send| send.message_id).collect();
        if ids.iter().all(Option::is_some) {
            break ids;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(ids, said);
    let archive = Archive::open(world.folder.path()).unwrap();
    let message = archive.message(world.business(), chat(), said[0].unwrap()).unwrap().unwrap();
    assert_eq!(message.operator.as_deref(), Some("bot"));
}

//! getChats: limits, pages and page tokens.

use std::collections::BTreeSet;

use beseda_api::{
    ChatFilter, ChatId, ChatStatus, ChatsLimit, Error, HistoryFrom, HistoryLimit, PageRequest,
    PageToken,
};

use crate::{TestEnvironment, assertions::assert_refused_with};

/// Creates chats at intervals of a second, and returns them newest first.
async fn create_chats(env: &TestEnvironment, count: i64) -> Vec<ChatId> {
    let mut chats = Vec::new();
    for raw in 1..=count {
        chats.push(env.create_order_chat(raw).await);
        env.advance_second();
    }
    chats.reverse();
    chats
}

async fn assert_token_rejected(env: &TestEnvironment, token: &str) {
    let page = PageRequest { limit: None, token: Some(PageToken::new(token)) };
    let result = env.api.get_chats(env.business, ChatFilter::default(), page).await;
    println!("token: {token}");
    assert_refused_with(result, &Error::bad_page_token());
}

pub async fn the_default_page_has_ten_chats(env: &TestEnvironment) {
    let chats = create_chats(env, 12).await;
    let (first, token) = env.chat_page(PageRequest::default()).await;
    assert_eq!(first, chats[..10]);
    let (rest, token) = env.chat_page(PageRequest { limit: None, token }).await;
    assert_eq!(rest, chats[10..]);
    assert_eq!(token, None);
}

pub async fn a_page_has_as_many_chats_as_the_limit(env: &TestEnvironment) {
    let chats = create_chats(env, 21).await;
    for limit in [1, 7, 20] {
        let (page, token) = env.first_page(limit).await;
        assert_eq!(page, chats[..usize::try_from(limit).unwrap()]);
        assert!(token.is_some());
    }
}

pub async fn pages_of_any_size_contain_every_chat_once(env: &TestEnvironment) {
    let chats = create_chats(env, 11).await;
    for limit in [1, 2, 5, 10, 11, 20] {
        let listed = env.list_chats(ChatFilter::default(), limit).await;
        let listed: Vec<_> = listed.into_iter().map(|chat| chat.chat_id).collect();
        assert_eq!(listed, chats, "pages of {limit}");
    }
}

pub async fn the_last_full_page_has_no_token(env: &TestEnvironment) {
    create_chats(env, 6).await;
    let (page, token) = env.first_page(6).await;
    assert_eq!((page.len(), token), (6, None));
    let (_, token) = env.first_page(3).await;
    let (page, token) = env.chat_page(PageRequest { limit: ChatsLimit::new(3).ok(), token }).await;
    assert_eq!((page.len(), token), (3, None));
}

pub async fn chats_with_equal_update_times_are_listed_without_loss(env: &TestEnvironment) {
    let mut chats = BTreeSet::new();
    for raw in 1..=9 {
        chats.insert(env.create_order_chat(raw).await);
    }
    let listed: Vec<_> = env
        .list_chats(ChatFilter::default(), 2)
        .await
        .into_iter()
        .map(|chat| chat.chat_id)
        .collect();
    assert_eq!(listed.len(), 9);
    assert_eq!(listed.into_iter().collect::<BTreeSet<_>>(), chats);
}

pub async fn pages_of_a_filtered_list_skip_other_chats(env: &TestEnvironment) {
    let chats = create_chats(env, 12).await;
    for chat in chats.iter().step_by(3) {
        env.market().close_chat(env.business, *chat).await.unwrap();
    }
    let statuses = vec![ChatStatus::Finished];
    let listed = env.list_chats(ChatFilter { statuses, ..ChatFilter::default() }, 1).await;
    let listed: BTreeSet<_> = listed.into_iter().map(|chat| chat.chat_id).collect();
    assert_eq!(listed, chats.into_iter().step_by(3).collect());
}

pub async fn unchanged_chats_are_listed_once_while_others_are_updated(env: &TestEnvironment) {
    let chats = create_chats(env, 9).await;
    let (mut listed, mut token) = env.first_page(3).await;
    // A listed chat, one not listed yet and a new one move to the front.
    let updated = [listed[1], chats[7]];
    for chat in updated {
        env.add_message(chat, "Ещё вопрос").await;
        env.advance_second();
    }
    env.create_order_chat(100).await;
    while token.is_some() {
        let page = PageRequest { limit: ChatsLimit::new(3).ok(), token };
        let (chats, next) = env.chat_page(page).await;
        listed.extend(chats);
        token = next;
    }
    for chat in chats.iter().filter(|chat| !updated.contains(chat)) {
        assert_eq!(listed.iter().filter(|other| *other == chat).count(), 1, "{chat}");
    }
}

pub async fn a_token_can_be_reused(env: &TestEnvironment) {
    create_chats(env, 5).await;
    let (_, token) = env.first_page(2).await;
    let page = PageRequest { limit: ChatsLimit::new(2).ok(), token };
    assert_eq!(env.chat_page(page.clone()).await, env.chat_page(page).await);
}

pub async fn a_token_can_be_used_with_another_limit(env: &TestEnvironment) {
    let chats = create_chats(env, 6).await;
    let (_, token) = env.first_page(2).await;
    let (rest, _) = env.chat_page(PageRequest { limit: ChatsLimit::new(20).ok(), token }).await;
    assert_eq!(rest, chats[2..]);
}

pub async fn a_token_is_accepted_with_and_without_padding(env: &TestEnvironment) {
    create_chats(env, 3).await;
    let (_, token) = env.first_page(1).await;
    let bare = token.unwrap().as_str().trim_end_matches('=').to_owned();
    let padded = format!("{bare}{}", "=".repeat((4 - bare.len() % 4) % 4));
    let at = |token: String| PageRequest {
        limit: ChatsLimit::new(1).ok(),
        token: Some(PageToken::new(token)),
    };
    assert_eq!(env.chat_page(at(bare)).await, env.chat_page(at(padded)).await);
}

pub async fn garbage_is_rejected_as_a_page_token(env: &TestEnvironment) {
    create_chats(env, 2).await;
    let long = "A".repeat(1000);
    for token in [
        "zzz",
        "0",
        "eyBuZXh0SWQ6IDIzNDIgfQ==",
        "eyJuZXh0SWQiOjIzNDJ9",
        "страница",
        "a b+c/d",
        &long,
    ] {
        assert_token_rejected(env, token).await;
    }
}

pub async fn a_token_modified_at_any_position_is_rejected(env: &TestEnvironment) {
    create_chats(env, 2).await;
    let (_, token) = env.first_page(1).await;
    let token = token.unwrap().as_str().to_owned();
    for position in 0..token.len() {
        let other = if token.as_bytes()[position] == b'A' { "B" } else { "A" };
        let mut changed = token.clone();
        changed.replace_range(position..=position, other);
        assert_token_rejected(env, &changed).await;
    }
    assert_token_rejected(env, &token[..token.len() - 1]).await;
    assert_token_rejected(env, &format!("{token}A")).await;
}

pub async fn a_token_of_a_history_is_rejected_for_the_chat_list(env: &TestEnvironment) {
    let chat = env.chat_with_messages(1, 3).await;
    let page = PageRequest::first(HistoryLimit::new(1).unwrap());
    let page = env.history_page(chat, HistoryFrom { message_id_from: None, page }).await;
    assert_token_rejected(env, page.paging.next_page_token.unwrap().as_str()).await;
}

pub async fn a_token_of_another_cabinet_is_rejected(env: &TestEnvironment) {
    create_chats(env, 3).await;
    let (_, token) = env.first_page(1).await;
    let page = PageRequest { limit: None, token };
    let result = env.api.get_chats(env.other_business(), ChatFilter::default(), page).await;
    assert_refused_with(result, &Error::bad_page_token());
}

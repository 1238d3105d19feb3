//! getChatHistory: contents, start and pages.

use beseda_api::{
    ChatId, ContextType, Error, HistoryFrom, HistoryLimit, MessageId, PageRequest, PageToken,
    Sender,
};

use crate::{
    TestEnvironment,
    assertions::{assert_increasing, assert_refused_with},
    message_ids,
};

fn first(limit: i64) -> HistoryFrom {
    let page = PageRequest::first(HistoryLimit::new(limit).unwrap());
    HistoryFrom { message_id_from: None, page }
}

fn after(token: &PageToken) -> HistoryFrom {
    let page = PageRequest { limit: None, token: Some(token.clone()) };
    HistoryFrom { message_id_from: None, page }
}

async fn token_of(env: &TestEnvironment, chat: ChatId) -> PageToken {
    env.history_page(chat, first(1)).await.paging.next_page_token.unwrap()
}

async fn assert_token_rejected(env: &TestEnvironment, chat: ChatId, token: &str) {
    let from = after(&PageToken::new(token));
    println!("token: {token}");
    let result = env.api.get_chat_history(env.business, chat, from).await;
    assert_refused_with(result, &Error::bad_page_token());
}

pub async fn a_chat_without_messages_has_an_empty_history(env: &TestEnvironment) {
    let chat = env.create_order_chat(5).await;
    let page = env.history_page(chat, HistoryFrom::default()).await;
    assert!(page.messages.is_empty());
    assert_eq!(page.paging.next_page_token, None);
    assert_eq!(page.context, env.get_chat(chat).await.context);
    assert_eq!(page.order_id, page.context.order_id);
}

pub async fn every_history_page_has_the_context_of_the_chat(env: &TestEnvironment) {
    let direct = env.open_direct_chat("Мария К.").await;
    for chat in [
        env.chat_with_messages(1, 3).await,
        env.create_return_chat(2, 77).await,
        direct,
        env.open_dispute(3).await,
    ] {
        env.write_as_buyer(chat, "Вопрос").await;
        env.write_as_buyer(chat, "И ещё один").await;
        if chat == direct && !env.shows_direct_chats() {
            env.assert_hidden(direct).await;
            continue;
        }
        let shown = env.get_chat(chat).await;
        let page = env.history_page(chat, first(1)).await;
        assert_eq!((&page.context, page.order_id), (&shown.context, shown.order_id));
        let next = env.history_page(chat, after(&page.paging.next_page_token.unwrap())).await;
        assert_eq!((&next.context, next.order_id), (&shown.context, shown.order_id));
        assert_eq!(page.order_id.is_none(), page.context.context_type == ContextType::Direct);
    }
}

pub async fn the_history_of_an_unknown_chat_is_not_found(env: &TestEnvironment) {
    let chat = ChatId::new(42).unwrap();
    let result = env.api.get_chat_history(env.business, chat, HistoryFrom::default()).await;
    assert_refused_with(result, &Error::chat_not_found(chat));
}

pub async fn messages_are_listed_oldest_first_with_senders_and_times(env: &TestEnvironment) {
    let chat = env.create_order_chat(1).await;
    let mut times = Vec::new();
    for content in ["Здравствуйте", "Когда приедет заказ?"] {
        env.advance_second();
        times.push(env.now());
        env.write_as_buyer(chat, content).await;
    }
    env.advance_second();
    times.push(env.now());
    env.send_text(chat, "Завтра").await;
    let messages = env.history(chat).await;
    let texts: Vec<_> = messages.iter().filter_map(|m| m.message.as_deref()).collect();
    assert_eq!(texts, ["Здравствуйте", "Когда приедет заказ?", "Завтра"]);
    let senders: Vec<_> = messages.iter().map(|m| m.sender.clone()).collect();
    assert_eq!(senders, [Sender::Customer, Sender::Customer, Sender::Partner]);
    assert_eq!(messages.iter().map(|m| m.created_at).collect::<Vec<_>>(), times);
    assert_increasing(&message_ids(&messages));
}

pub async fn the_default_history_page_has_fifty_messages(env: &TestEnvironment) {
    let chat = env.chat_with_messages(1, 52).await;
    let page = env.history_page(chat, HistoryFrom::default()).await;
    assert_eq!(page.messages.len(), 50);
    let rest = env.history_page(chat, after(&page.paging.next_page_token.unwrap())).await;
    assert_eq!((rest.messages.len(), rest.paging.next_page_token), (2, None));
}

pub async fn the_largest_history_page_has_a_hundred_messages(env: &TestEnvironment) {
    let chat = env.chat_with_messages(1, 101).await;
    let page = env.history_page(chat, first(100)).await;
    assert_eq!(page.messages.len(), 100);
    assert!(page.paging.next_page_token.is_some());
}

pub async fn pages_of_any_size_contain_every_message_once(env: &TestEnvironment) {
    let chat = env.chat_with_messages(1, 23).await;
    let all = env.history(chat).await;
    let texts: Vec<_> = all.iter().filter_map(|m| m.message.clone()).collect();
    assert_eq!(texts, (0..23).map(|n| n.to_string()).collect::<Vec<_>>());
    for limit in [1, 2, 7, 22, 23, 24] {
        assert_eq!(env.history_from(chat, None, limit).await, all, "pages of {limit}");
    }
}

pub async fn the_last_full_page_has_no_token(env: &TestEnvironment) {
    let chat = env.chat_with_messages(1, 6).await;
    assert_eq!(env.history_page(chat, first(6)).await.paging.next_page_token, None);
    let page = env.history_page(chat, first(3)).await;
    let from = HistoryFrom {
        page: first(3).page.after(page.paging.next_page_token.unwrap()),
        message_id_from: None,
    };
    let page = env.history_page(chat, from).await;
    assert_eq!((page.messages.len(), page.paging.next_page_token), (3, None));
}

pub async fn nothing_is_skipped_or_repeated_while_new_messages_arrive(env: &TestEnvironment) {
    let chat = env.chat_with_messages(1, 10).await;
    let mut from = first(3);
    let mut listed = Vec::new();
    let mut written = 10;
    // Pages of three messages, two new ones per page: the paging ends although the chat grows.
    loop {
        let page = env.history_page(chat, from.clone()).await;
        listed.extend(page.messages);
        if written < 30 {
            for _ in 0..2 {
                env.add_message(chat, &written.to_string()).await;
                written += 1;
            }
        }
        let Some(token) = page.paging.next_page_token else { break };
        from.page = from.page.after(token);
    }
    let all = env.history(chat).await;
    assert!(listed.len() >= 10);
    assert_eq!(listed, all[..listed.len()], "the pages are a prefix of the history");
}

pub async fn messages_in_other_chats_do_not_affect_paging(env: &TestEnvironment) {
    let chat = env.chat_with_messages(1, 4).await;
    let before = env.history(chat).await;
    let other = env.create_order_chat(2).await;
    let page = env.history_page(chat, first(2)).await;
    env.add_message(other, "Не сюда").await;
    let rest = env.history_page(chat, after(&page.paging.next_page_token.unwrap())).await;
    assert_eq!([page.messages, rest.messages].concat(), before);
}

pub async fn a_history_starts_with_the_given_message(env: &TestEnvironment) {
    let chat = env.chat_with_messages(1, 5).await;
    let all = env.history(chat).await;
    for start in 0..5 {
        let from = Some(all[start].message_id);
        assert_eq!(env.history_from(chat, from, 2).await, all[start..]);
    }
}

pub async fn the_message_a_history_starts_with_need_not_exist(env: &TestEnvironment) {
    let chat = env.chat_with_messages(1, 3).await;
    let all = env.history(chat).await;
    let from_start = MessageId::new(1).ok();
    assert_eq!(env.history_from(chat, from_start, 100).await, all);
    let between = MessageId::new(all[0].message_id.get() + 1).ok();
    assert_eq!(env.history_from(chat, between, 100).await, all[1..]);
}

pub async fn a_history_after_the_last_message_is_empty(env: &TestEnvironment) {
    let chat = env.chat_with_messages(1, 3).await;
    let last = env.history(chat).await.pop().unwrap().message_id.get();
    for raw in [last + 1, i64::MAX] {
        let from =
            HistoryFrom { message_id_from: MessageId::new(raw).ok(), page: PageRequest::default() };
        let page = env.history_page(chat, from).await;
        assert!(page.messages.is_empty());
        assert_eq!(page.paging.next_page_token, None);
    }
}

pub async fn a_history_from_the_last_known_message_contains_the_new_ones(env: &TestEnvironment) {
    let chat = env.chat_with_messages(1, 4).await;
    let known = env.history(chat).await.pop().unwrap().message_id;
    env.add_message(chat, "Новое").await;
    let since = env.history_from(chat, Some(known), 100).await;
    assert_eq!(since.len(), 2);
    assert_eq!(since[0].message_id, known);
    assert_eq!(since[1].message.as_deref(), Some("Новое"));
}

pub async fn a_token_can_be_reused(env: &TestEnvironment) {
    let chat = env.chat_with_messages(1, 4).await;
    let token = token_of(env, chat).await;
    let page = env.history_page(chat, after(&token)).await;
    assert_eq!(env.history_page(chat, after(&token)).await, page);
}

pub async fn garbage_is_rejected_as_a_page_token(env: &TestEnvironment) {
    let chat = env.chat_with_messages(1, 2).await;
    for token in ["zzz", "1", "eyBuZXh0SWQ6IDIzNDIgfQ", "%00", "🙂"] {
        assert_token_rejected(env, chat, token).await;
    }
}

pub async fn a_token_modified_at_any_position_is_rejected(env: &TestEnvironment) {
    let chat = env.chat_with_messages(1, 2).await;
    let token = token_of(env, chat).await.as_str().to_owned();
    for position in 0..token.len() {
        let other = if token.as_bytes()[position] == b'A' { "B" } else { "A" };
        let mut changed = token.clone();
        changed.replace_range(position..=position, other);
        assert_token_rejected(env, chat, &changed).await;
    }
}

pub async fn a_token_of_another_chat_is_rejected(env: &TestEnvironment) {
    let one = env.chat_with_messages(1, 2).await;
    let two = env.chat_with_messages(2, 2).await;
    let token = token_of(env, one).await;
    assert_token_rejected(env, two, token.as_str()).await;
}

pub async fn a_token_of_the_chat_list_is_rejected_for_a_history(env: &TestEnvironment) {
    let chat = env.chat_with_messages(1, 2).await;
    env.chat_with_messages(2, 2).await;
    let (_, token) = env.first_page(1).await;
    assert_token_rejected(env, chat, token.unwrap().as_str()).await;
}

pub async fn histories_of_two_chats_are_separate(env: &TestEnvironment) {
    let one = env.create_order_chat(1).await;
    let two = env.create_order_chat(2).await;
    for number in 0..3 {
        env.add_message(one, &format!("первый {number}")).await;
        env.add_message(two, &format!("второй {number}")).await;
    }
    assert_eq!(env.texts(one).await, ["первый 0", "первый 1", "первый 2"]);
    assert_eq!(env.texts(two).await, ["второй 0", "второй 1", "второй 2"]);
}

//! getChatHistory: what a history holds, where it begins, and walks through it.

use beseda_api::{
    ChatId, ContextType, Error, HistoryFrom, HistoryLimit, MessageId, PageRequest, PageToken,
    Sender,
};

use crate::{World, assert_grow, ids, refusal::refused_as};

fn first(limit: i64) -> HistoryFrom {
    let page = PageRequest::first(HistoryLimit::new(limit).unwrap());
    HistoryFrom { message_id_from: None, page }
}

fn after(token: &PageToken) -> HistoryFrom {
    let page = PageRequest { limit: None, token: Some(token.clone()) };
    HistoryFrom { message_id_from: None, page }
}

async fn token_of(world: &World, chat: ChatId) -> PageToken {
    world.history_page(chat, first(1)).await.paging.next_page_token.unwrap()
}

async fn refuses(world: &World, chat: ChatId, token: &str) {
    let from = after(&PageToken::new(token));
    println!("token: {token}");
    let result = world.api.get_chat_history(world.business, chat, from).await;
    refused_as(result, &Error::bad_page_token());
}

pub async fn a_chat_without_messages_has_an_empty_history(world: &World) {
    let chat = world.order_chat(5).await;
    let page = world.history_page(chat, HistoryFrom::default()).await;
    assert!(page.messages.is_empty());
    assert_eq!(page.paging.next_page_token, None);
    assert_eq!(page.context, world.chat(chat).await.context);
    assert_eq!(page.order_id, page.context.order_id);
}

pub async fn every_page_carries_the_context_of_the_chat(world: &World) {
    let direct = world.direct_chat("Мария К.").await;
    for chat in
        [world.talk(1, 3).await, world.return_chat(2, 77).await, direct, world.dispute(3).await]
    {
        world.buyer_says(chat, "Вопрос").await;
        world.buyer_says(chat, "И ещё один").await;
        if chat == direct && !world.shows_direct() {
            world.assert_hidden(direct).await;
            continue;
        }
        let shown = world.chat(chat).await;
        let page = world.history_page(chat, first(1)).await;
        assert_eq!((&page.context, page.order_id), (&shown.context, shown.order_id));
        let next = world.history_page(chat, after(&page.paging.next_page_token.unwrap())).await;
        assert_eq!((&next.context, next.order_id), (&shown.context, shown.order_id));
        assert_eq!(page.order_id.is_none(), page.context.context_type == ContextType::Direct);
    }
}

pub async fn an_unknown_chat_has_no_history(world: &World) {
    let chat = ChatId::new(42).unwrap();
    let result = world.api.get_chat_history(world.business, chat, HistoryFrom::default()).await;
    refused_as(result, &Error::chat_not_found(chat));
}

pub async fn messages_come_oldest_first_with_their_senders_and_times(world: &World) {
    let chat = world.order_chat(1).await;
    let mut times = Vec::new();
    for words in ["Здравствуйте", "Когда приедет заказ?"] {
        world.tick();
        times.push(world.now());
        world.buyer_says(chat, words).await;
    }
    world.tick();
    times.push(world.now());
    world.say(chat, "Завтра").await;
    let messages = world.history(chat).await;
    let texts: Vec<_> = messages.iter().filter_map(|m| m.message.as_deref()).collect();
    assert_eq!(texts, ["Здравствуйте", "Когда приедет заказ?", "Завтра"]);
    let senders: Vec<_> = messages.iter().map(|m| m.sender.clone()).collect();
    assert_eq!(senders, [Sender::Customer, Sender::Customer, Sender::Partner]);
    assert_eq!(messages.iter().map(|m| m.created_at).collect::<Vec<_>>(), times);
    assert_grow(&ids(&messages));
}

pub async fn fifty_messages_come_unless_said(world: &World) {
    let chat = world.talk(1, 52).await;
    let page = world.history_page(chat, HistoryFrom::default()).await;
    assert_eq!(page.messages.len(), 50);
    let rest = world.history_page(chat, after(&page.paging.next_page_token.unwrap())).await;
    assert_eq!((rest.messages.len(), rest.paging.next_page_token), (2, None));
}

pub async fn a_page_holds_a_hundred_messages_at_most(world: &World) {
    let chat = world.talk(1, 101).await;
    let page = world.history_page(chat, first(100)).await;
    assert_eq!(page.messages.len(), 100);
    assert!(page.paging.next_page_token.is_some());
}

pub async fn a_walk_in_pages_of_any_size_gives_every_message_once(world: &World) {
    let chat = world.talk(1, 23).await;
    let whole = world.history(chat).await;
    let texts: Vec<_> = whole.iter().filter_map(|m| m.message.clone()).collect();
    assert_eq!(texts, (0..23).map(|n| n.to_string()).collect::<Vec<_>>());
    for limit in [1, 2, 7, 22, 23, 24] {
        assert_eq!(world.history_from(chat, None, limit).await, whole, "pages of {limit}");
    }
}

pub async fn the_last_full_page_has_no_token(world: &World) {
    let chat = world.talk(1, 6).await;
    assert_eq!(world.history_page(chat, first(6)).await.paging.next_page_token, None);
    let page = world.history_page(chat, first(3)).await;
    let from = HistoryFrom {
        page: first(3).page.after(page.paging.next_page_token.unwrap()),
        message_id_from: None,
    };
    let page = world.history_page(chat, from).await;
    assert_eq!((page.messages.len(), page.paging.next_page_token), (3, None));
}

pub async fn nothing_is_skipped_or_repeated_while_new_messages_arrive(world: &World) {
    let chat = world.talk(1, 10).await;
    let mut from = first(3);
    let mut seen = Vec::new();
    let mut written = 10;
    // A reader of three faster than a writer of two: the walk ends although the chat grows.
    loop {
        let page = world.history_page(chat, from.clone()).await;
        seen.extend(page.messages);
        if written < 30 {
            for _ in 0..2 {
                world.somebody_says(chat, &written.to_string()).await;
                written += 1;
            }
        }
        let Some(token) = page.paging.next_page_token else { break };
        from.page = from.page.after(token);
    }
    let whole = world.history(chat).await;
    assert!(seen.len() >= 10);
    assert_eq!(seen, whole[..seen.len()], "a walk is a prefix of the whole history");
}

pub async fn writing_in_other_chats_does_not_disturb_a_walk(world: &World) {
    let chat = world.talk(1, 4).await;
    let before = world.history(chat).await;
    let other = world.order_chat(2).await;
    let page = world.history_page(chat, first(2)).await;
    world.somebody_says(other, "Не сюда").await;
    let rest = world.history_page(chat, after(&page.paging.next_page_token.unwrap())).await;
    assert_eq!([page.messages, rest.messages].concat(), before);
}

pub async fn a_history_begins_with_the_message_named(world: &World) {
    let chat = world.talk(1, 5).await;
    let whole = world.history(chat).await;
    for start in 0..5 {
        let from = Some(whole[start].message_id);
        assert_eq!(world.history_from(chat, from, 2).await, whole[start..]);
    }
}

pub async fn the_message_to_begin_with_need_not_exist(world: &World) {
    let chat = world.talk(1, 3).await;
    let whole = world.history(chat).await;
    let from_start = MessageId::new(1).ok();
    assert_eq!(world.history_from(chat, from_start, 100).await, whole);
    let between = MessageId::new(whole[0].message_id.get() + 1).ok();
    assert_eq!(world.history_from(chat, between, 100).await, whole[1..]);
}

pub async fn beyond_the_last_message_there_is_nothing(world: &World) {
    let chat = world.talk(1, 3).await;
    let last = world.history(chat).await.pop().unwrap().message_id.get();
    for raw in [last + 1, i64::MAX] {
        let from =
            HistoryFrom { message_id_from: MessageId::new(raw).ok(), page: PageRequest::default() };
        let page = world.history_page(chat, from).await;
        assert!(page.messages.is_empty());
        assert_eq!(page.paging.next_page_token, None);
    }
}

pub async fn the_last_known_message_leads_to_the_new_ones(world: &World) {
    let chat = world.talk(1, 4).await;
    let known = world.history(chat).await.pop().unwrap().message_id;
    world.somebody_says(chat, "Новое").await;
    let since = world.history_from(chat, Some(known), 100).await;
    assert_eq!(since.len(), 2);
    assert_eq!(since[0].message_id, known);
    assert_eq!(since[1].message.as_deref(), Some("Новое"));
}

pub async fn a_token_may_be_used_again(world: &World) {
    let chat = world.talk(1, 4).await;
    let token = token_of(world, chat).await;
    let page = world.history_page(chat, after(&token)).await;
    assert_eq!(world.history_page(chat, after(&token)).await, page);
}

pub async fn garbage_is_a_bad_page_token(world: &World) {
    let chat = world.talk(1, 2).await;
    for token in ["zzz", "1", "eyBuZXh0SWQ6IDIzNDIgfQ", "%00", "🙂"] {
        refuses(world, chat, token).await;
    }
}

pub async fn a_token_changed_in_any_place_is_bad(world: &World) {
    let chat = world.talk(1, 2).await;
    let token = token_of(world, chat).await.as_str().to_owned();
    for place in 0..token.len() {
        let other = if token.as_bytes()[place] == b'A' { "B" } else { "A" };
        let mut changed = token.clone();
        changed.replace_range(place..=place, other);
        refuses(world, chat, &changed).await;
    }
}

pub async fn a_token_of_another_chat_is_bad(world: &World) {
    let one = world.talk(1, 2).await;
    let two = world.talk(2, 2).await;
    let token = token_of(world, one).await;
    refuses(world, two, token.as_str()).await;
}

pub async fn a_token_of_the_list_is_bad_for_a_history(world: &World) {
    let chat = world.talk(1, 2).await;
    world.talk(2, 2).await;
    let (_, token) = world.first_chats(1).await;
    refuses(world, chat, token.unwrap().as_str()).await;
}

pub async fn histories_of_two_chats_are_kept_apart(world: &World) {
    let one = world.order_chat(1).await;
    let two = world.order_chat(2).await;
    for turn in 0..3 {
        world.somebody_says(one, &format!("первый {turn}")).await;
        world.somebody_says(two, &format!("второй {turn}")).await;
    }
    assert_eq!(world.texts(one).await, ["первый 0", "первый 1", "первый 2"]);
    assert_eq!(world.texts(two).await, ["второй 0", "второй 1", "второй 2"]);
}

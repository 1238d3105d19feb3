//! getChats in pages: limits, whole walks, walks while things move, tokens that aren't good.

use std::collections::BTreeSet;

use beseda_api::{
    ChatFilter, ChatId, ChatStatus, ChatsLimit, Error, HistoryFrom, HistoryLimit, PageRequest,
    PageToken,
};

use crate::{World, refusal::refused_as};

/// Makes so many chats, a second apart; newest first.
async fn make(world: &World, count: i64) -> Vec<ChatId> {
    let mut made = Vec::new();
    for raw in 1..=count {
        made.push(world.order_chat(raw).await);
        world.tick();
    }
    made.reverse();
    made
}

async fn refuses(world: &World, token: &str) {
    let page = PageRequest { limit: None, token: Some(PageToken::new(token)) };
    let result = world.api.get_chats(world.business, ChatFilter::default(), page).await;
    println!("token: {token}");
    refused_as(result, &Error::bad_page_token());
}

pub async fn ten_chats_come_unless_said(world: &World) {
    let made = make(world, 12).await;
    let (first, token) = world.chats_at(PageRequest::default()).await;
    assert_eq!(first, made[..10]);
    let (rest, token) = world.chats_at(PageRequest { limit: None, token }).await;
    assert_eq!(rest, made[10..]);
    assert_eq!(token, None);
}

pub async fn a_page_holds_as_many_as_the_limit_says(world: &World) {
    let made = make(world, 21).await;
    for limit in [1, 7, 20] {
        let (page, token) = world.first_chats(limit).await;
        assert_eq!(page, made[..usize::try_from(limit).unwrap()]);
        assert!(token.is_some());
    }
}

pub async fn a_walk_in_pages_of_any_size_gives_every_chat_once(world: &World) {
    let made = make(world, 11).await;
    for limit in [1, 2, 5, 10, 11, 20] {
        let walked = world.walk(ChatFilter::default(), limit).await;
        let walked: Vec<_> = walked.into_iter().map(|chat| chat.chat_id).collect();
        assert_eq!(walked, made, "pages of {limit}");
    }
}

pub async fn the_last_full_page_has_no_token(world: &World) {
    make(world, 6).await;
    let (page, token) = world.first_chats(6).await;
    assert_eq!((page.len(), token), (6, None));
    let (_, token) = world.first_chats(3).await;
    let (page, token) = world.chats_at(PageRequest { limit: ChatsLimit::new(3).ok(), token }).await;
    assert_eq!((page.len(), token), (3, None));
}

pub async fn chats_of_one_and_the_same_moment_are_walked_without_loss(world: &World) {
    let mut made = BTreeSet::new();
    for raw in 1..=9 {
        made.insert(world.order_chat(raw).await);
    }
    let walked: Vec<_> =
        world.walk(ChatFilter::default(), 2).await.into_iter().map(|chat| chat.chat_id).collect();
    assert_eq!(walked.len(), 9);
    assert_eq!(walked.into_iter().collect::<BTreeSet<_>>(), made);
}

pub async fn a_filtered_walk_passes_over_what_does_not_match(world: &World) {
    let made = make(world, 12).await;
    for chat in made.iter().step_by(3) {
        world.market().close_chat(world.business, *chat).await.unwrap();
    }
    let statuses = vec![ChatStatus::Finished];
    let walked = world.walk(ChatFilter { statuses, ..ChatFilter::default() }, 1).await;
    let walked: BTreeSet<_> = walked.into_iter().map(|chat| chat.chat_id).collect();
    assert_eq!(walked, made.into_iter().step_by(3).collect());
}

pub async fn chats_that_stay_are_seen_once_while_others_move(world: &World) {
    let made = make(world, 9).await;
    let (mut seen, mut token) = world.first_chats(3).await;
    // One that was seen, one that is yet to come, and a new one, all go to the front.
    let moved = [seen[1], made[7]];
    for chat in moved {
        world.somebody_says(chat, "Ещё вопрос").await;
        world.tick();
    }
    world.order_chat(100).await;
    while token.is_some() {
        let page = PageRequest { limit: ChatsLimit::new(3).ok(), token };
        let (chats, next) = world.chats_at(page).await;
        seen.extend(chats);
        token = next;
    }
    for chat in made.iter().filter(|chat| !moved.contains(chat)) {
        assert_eq!(seen.iter().filter(|other| *other == chat).count(), 1, "{chat}");
    }
}

pub async fn a_token_may_be_used_again(world: &World) {
    make(world, 5).await;
    let (_, token) = world.first_chats(2).await;
    let page = PageRequest { limit: ChatsLimit::new(2).ok(), token };
    assert_eq!(world.chats_at(page.clone()).await, world.chats_at(page).await);
}

pub async fn a_token_goes_on_with_another_limit(world: &World) {
    let made = make(world, 6).await;
    let (_, token) = world.first_chats(2).await;
    let (rest, _) = world.chats_at(PageRequest { limit: ChatsLimit::new(20).ok(), token }).await;
    assert_eq!(rest, made[2..]);
}

pub async fn a_token_is_good_with_and_without_padding(world: &World) {
    make(world, 3).await;
    let (_, token) = world.first_chats(1).await;
    let bare = token.unwrap().as_str().trim_end_matches('=').to_owned();
    let padded = format!("{bare}{}", "=".repeat((4 - bare.len() % 4) % 4));
    let at = |token: String| PageRequest {
        limit: ChatsLimit::new(1).ok(),
        token: Some(PageToken::new(token)),
    };
    assert_eq!(world.chats_at(at(bare)).await, world.chats_at(at(padded)).await);
}

pub async fn garbage_is_a_bad_page_token(world: &World) {
    make(world, 2).await;
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
        refuses(world, token).await;
    }
}

pub async fn a_token_changed_in_any_place_is_bad(world: &World) {
    make(world, 2).await;
    let (_, token) = world.first_chats(1).await;
    let token = token.unwrap().as_str().to_owned();
    for place in 0..token.len() {
        let other = if token.as_bytes()[place] == b'A' { "B" } else { "A" };
        let mut changed = token.clone();
        changed.replace_range(place..=place, other);
        refuses(world, &changed).await;
    }
    refuses(world, &token[..token.len() - 1]).await;
    refuses(world, &format!("{token}A")).await;
}

pub async fn a_token_of_a_history_is_bad_for_the_list(world: &World) {
    let chat = world.talk(1, 3).await;
    let page = PageRequest::first(HistoryLimit::new(1).unwrap());
    let page = world.history_page(chat, HistoryFrom { message_id_from: None, page }).await;
    refuses(world, page.paging.next_page_token.unwrap().as_str()).await;
}

pub async fn a_token_of_another_cabinet_is_bad(world: &World) {
    make(world, 3).await;
    let (_, token) = world.first_chats(1).await;
    let page = PageRequest { limit: None, token };
    let result = world.api.get_chats(world.other(), ChatFilter::default(), page).await;
    refused_as(result, &Error::bad_page_token());
}

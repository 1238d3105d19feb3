//! sendMessageToChat: texts come back as they were written, ids grow, closed chats refuse.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use beseda_api::{ChatId, Clock, Error, ErrorKind, MessageId, MessageText, Sender};

use crate::{World, assert_grow, ids, refusal::refused_as, text};

async fn come_back(world: &World, texts: &[&str]) {
    let chat = world.order_chat(1).await;
    for words in texts {
        world.say(chat, words).await;
    }
    assert_eq!(world.texts(chat).await, texts);
    for (message, words) in world.history(chat).await.iter().zip(texts) {
        let read = world.api.get_chat_message(world.business, chat, message.message_id).await;
        assert_eq!(read.unwrap().message.as_deref(), Some(*words));
    }
}

pub async fn a_message_of_the_shop_is_in_the_history(world: &World) {
    let chat = world.order_chat(1).await;
    world.tick();
    world.say(chat, "Добрый день! Заказ уезжает сегодня.").await;
    let messages = world.history(chat).await;
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].sender, Sender::Partner);
    assert_eq!(messages[0].message.as_deref(), Some("Добрый день! Заказ уезжает сегодня."));
    assert_eq!((&messages[0].payload, messages[0].created_at), (&None, world.now()));
}

pub async fn sending_twice_writes_twice(world: &World) {
    let chat = world.order_chat(1).await;
    world.say(chat, "Да").await;
    world.say(chat, "Да").await;
    assert_eq!(world.texts(chat).await, ["Да", "Да"]);
}

pub async fn an_unknown_chat_takes_no_message(world: &World) {
    let chat = ChatId::new(42).unwrap();
    let result = world.api.send_message_to_chat(world.business, chat, text("Да")).await;
    refused_as(result, &Error::chat_not_found(chat));
}

pub async fn a_closed_chat_takes_no_message(world: &World) {
    let chat = world.talk(1, 1).await;
    world.market().close_chat(world.business, chat).await.unwrap();
    let result = world.api.send_message_to_chat(world.business, chat, text("Да")).await;
    let expected = Error::chat_closed(chat);
    assert_eq!(expected.kind(), Some(ErrorKind::BadRequest));
    assert!(expected.to_string().contains("closed"));
    refused_as(result, &expected);
    assert_eq!(world.history(chat).await.len(), 1);
}

pub async fn a_resolved_dispute_takes_no_message(world: &World) {
    let chat = world.dispute(1).await;
    world.market().resolve_dispute(world.business, chat).await.unwrap();
    let result = world.api.send_message_to_chat(world.business, chat, text("Да")).await;
    refused_as(result, &Error::chat_closed(chat));
}

pub async fn chats_of_every_kind_take_messages(world: &World) {
    let direct = world.direct_chat("Мария К.").await;
    for chat in
        [world.order_chat(1).await, world.return_chat(2, 77).await, direct, world.dispute(3).await]
    {
        world.say(chat, "Здравствуйте").await;
        if chat == direct && !world.shows_direct() {
            world.assert_hidden(direct).await;
            continue;
        }
        let last = world.history(chat).await.pop().unwrap();
        assert_eq!(last.message.as_deref(), Some("Здравствуйте"));
    }
}

pub async fn texts_in_any_script_come_back_unchanged(world: &World) {
    let mixed =
        ["Съешь ещё этих мягких французских булок", "日本語 עברית العربية", "ё й Ǟ a\u{301}"];
    come_back(world, &mixed).await;
}

pub async fn emoji_come_back_unchanged(world: &World) {
    come_back(world, &["🙂", "👩‍👩‍👧‍👦", "🇷🇺 ❤️\u{fe0f} 👍🏽", "\u{10ffff}"]).await;
}

pub async fn quotes_and_backslashes_come_back_unchanged(world: &World) {
    come_back(world, &[r#""в кавычках""#, r"C:\новая\папка", "{\"a\":null}", "'; DROP TABLE x;--"])
        .await;
}

pub async fn line_ends_and_control_characters_come_back_unchanged(world: &World) {
    come_back(
        world,
        &[
            "раз\nдва\r\nтри\tчетыре",
            "\u{1}\u{8}\u{b}\u{1f}x\u{7f}",
            "а\u{2028}б\u{2029}в\u{85}г",
            "a\0b",
        ],
    )
    .await;
}

pub async fn blanks_around_a_text_are_kept(world: &World) {
    come_back(world, &["  два пробела  ", "\n\nпосле строк", "конец\u{a0}", "\u{feff}метка"]).await;
}

pub async fn markup_is_only_text(world: &World) {
    come_back(
        world,
        &["<script>alert(1)</script>", "&amp; %20 +", "https://market.yandex.ru/?a=1&b=2"],
    )
    .await;
}

pub async fn a_text_of_4096_code_points_is_taken(world: &World) {
    let letters = "я".repeat(MessageText::MAX);
    let emoji = "🙂".repeat(MessageText::MAX);
    let quotes = "\"".repeat(MessageText::MAX);
    let control = "\u{1}".repeat(MessageText::MAX);
    come_back(world, &["x", &letters, &emoji, &quotes, &control]).await;
}

pub async fn message_ids_grow_over_all_chats(world: &World) {
    let chats = [world.order_chat(1).await, world.order_chat(2).await, world.dispute(3).await];
    let mut given = Vec::new();
    for turn in 0..12 {
        let chat = chats[turn % 3];
        match turn % 2 {
            0 => world.say(chat, "Да").await,
            _ => drop(world.buyer_says(chat, "Да").await),
        }
        given.push(world.history(chat).await.pop().unwrap().message_id);
    }
    assert_grow(&given);
}

pub async fn message_ids_are_the_time_in_microseconds(world: &World) {
    let chat = world.order_chat(1).await;
    world.clock().advance(Duration::from_secs(3600));
    world.say(chat, "Да").await;
    let id = world.history(chat).await[0].message_id.get();
    let now = world.clock().now().as_microsecond();
    assert!((now..now + 1000).contains(&id), "{id} at {now}");
}

pub async fn message_ids_grow_while_the_clock_stands_still(world: &World) {
    let chat = world.order_chat(1).await;
    for _ in 0..10 {
        world.say(chat, "Да").await;
    }
    let messages = world.history(chat).await;
    assert_grow(&ids(&messages));
    assert!(messages.iter().all(|message| message.created_at == world.now()));
}

pub async fn message_ids_grow_while_the_clock_goes_back(world: &World) {
    let chat = world.order_chat(1).await;
    let start = world.clock().now();
    for step in 0..10 {
        world.clock().set(start - Duration::from_secs(3600 * step));
        world.say(chat, &step.to_string()).await;
    }
    let messages = world.history(chat).await;
    assert_grow(&ids(&messages));
    assert_eq!(world.texts(chat).await, (0..10).map(|n| n.to_string()).collect::<Vec<_>>());
    assert!(messages.is_sorted_by_key(|message| message.created_at), "times went back");
    assert_eq!(world.chat(chat).await.updated_at, messages[9].created_at);
}

pub async fn what_is_sent_at_once_is_all_there_once_and_in_order(world: &World) {
    let chat = world.order_chat(1).await;
    let tasks: Vec<_> = (0..8)
        .map(|task| {
            let (api, business) = (Arc::clone(&world.api), world.business);
            tokio::spawn(async move {
                for number in 0..10 {
                    let words = text(&format!("{task}-{number}"));
                    api.send_message_to_chat(business, chat, words).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let messages = world.history_from(chat, None, 7).await;
    assert_grow(&ids(&messages));
    let texts: Vec<_> = messages.into_iter().filter_map(|message| message.message).collect();
    assert_eq!(texts.len(), 80);
    assert_eq!(texts.iter().collect::<BTreeSet<_>>().len(), 80);
    // What one task sent one after the other stands in that order.
    for task in 0..8 {
        let own: Vec<_> =
            texts.iter().filter(|words| words.starts_with(&format!("{task}-"))).collect();
        assert_eq!(
            own,
            (0..10).map(|n| format!("{task}-{n}")).collect::<Vec<_>>().iter().collect::<Vec<_>>()
        );
    }
}

pub async fn what_is_sent_at_once_into_many_chats_has_different_ids(world: &World) {
    let mut chats = Vec::new();
    for raw in 1..=6 {
        chats.push(world.order_chat(raw).await);
    }
    let tasks: Vec<_> = chats
        .iter()
        .flat_map(|&chat| [chat; 5])
        .map(|chat| {
            let (api, business) = (Arc::clone(&world.api), world.business);
            tokio::spawn(async move { api.send_message_to_chat(business, chat, text("Да")).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    let mut all = BTreeSet::<MessageId>::new();
    for chat in chats {
        let messages = world.history(chat).await;
        assert_eq!(messages.len(), 5);
        all.extend(ids(&messages));
    }
    assert_eq!(all.len(), 30);
}

pub async fn a_walk_while_others_write_has_no_gap(world: &World) {
    let chat = world.talk(1, 20).await;
    let (api, business) = (Arc::clone(&world.api), world.business);
    let writer = tokio::spawn(async move {
        for _ in 0..30 {
            api.send_message_to_chat(business, chat, text("Да")).await.unwrap();
        }
    });
    let walked = world.history_from(chat, None, 3).await;
    writer.await.unwrap();
    let whole = world.history(chat).await;
    assert_eq!(whole.len(), 50);
    assert!(walked.len() >= 20);
    assert_eq!(walked, whole[..walked.len()]);
}

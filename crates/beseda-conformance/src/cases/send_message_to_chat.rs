//! sendMessageToChat: preserved texts, increasing ids, closed chats.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use beseda_api::{ChatId, Clock, Error, ErrorKind, MessageId, MessageText, Sender};

use crate::{
    TestEnvironment,
    assertions::{assert_increasing, assert_refused_with},
    message_ids, text,
};

async fn assert_preserved(env: &TestEnvironment, texts: &[&str]) {
    let chat = env.create_order_chat(1).await;
    for content in texts {
        env.send_text(chat, content).await;
    }
    assert_eq!(env.texts(chat).await, texts);
    for (message, content) in env.history(chat).await.iter().zip(texts) {
        let read = env.api.get_chat_message(env.business, chat, message.message_id).await;
        assert_eq!(read.unwrap().message.as_deref(), Some(*content));
    }
}

pub async fn a_sent_message_is_in_the_history(env: &TestEnvironment) {
    let chat = env.create_order_chat(1).await;
    env.advance_second();
    env.send_text(chat, "Добрый день! Заказ уезжает сегодня.").await;
    let messages = env.history(chat).await;
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].sender, Sender::Partner);
    assert_eq!(messages[0].message.as_deref(), Some("Добрый день! Заказ уезжает сегодня."));
    assert_eq!((&messages[0].payload, messages[0].created_at), (&None, env.now()));
}

pub async fn a_text_sent_twice_is_in_the_history_twice(env: &TestEnvironment) {
    let chat = env.create_order_chat(1).await;
    env.send_text(chat, "Да").await;
    env.send_text(chat, "Да").await;
    assert_eq!(env.texts(chat).await, ["Да", "Да"]);
}

pub async fn a_message_to_an_unknown_chat_is_refused(env: &TestEnvironment) {
    let chat = ChatId::new(42).unwrap();
    let result = env.api.send_message_to_chat(env.business, chat, text("Да")).await;
    assert_refused_with(result, &Error::chat_not_found(chat));
}

pub async fn a_message_to_a_closed_chat_is_refused(env: &TestEnvironment) {
    let chat = env.chat_with_messages(1, 1).await;
    env.market().close_chat(env.business, chat).await.unwrap();
    let result = env.api.send_message_to_chat(env.business, chat, text("Да")).await;
    let expected = Error::chat_closed(chat);
    assert_eq!(expected.kind(), Some(ErrorKind::BadRequest));
    assert!(expected.to_string().contains("closed"));
    assert_refused_with(result, &expected);
    assert_eq!(env.history(chat).await.len(), 1);
}

pub async fn a_message_to_a_resolved_dispute_is_refused(env: &TestEnvironment) {
    let chat = env.open_dispute(1).await;
    env.market().resolve_dispute(env.business, chat).await.unwrap();
    let result = env.api.send_message_to_chat(env.business, chat, text("Да")).await;
    assert_refused_with(result, &Error::chat_closed(chat));
}

pub async fn messages_are_accepted_by_chats_of_every_type(env: &TestEnvironment) {
    let direct = env.open_direct_chat("Мария К.").await;
    for chat in [
        env.create_order_chat(1).await,
        env.create_return_chat(2, 77).await,
        direct,
        env.open_dispute(3).await,
    ] {
        env.send_text(chat, "Здравствуйте").await;
        if chat == direct && !env.shows_direct_chats() {
            env.assert_hidden(direct).await;
            continue;
        }
        let last = env.history(chat).await.pop().unwrap();
        assert_eq!(last.message.as_deref(), Some("Здравствуйте"));
    }
}

pub async fn texts_in_any_script_are_preserved(env: &TestEnvironment) {
    let mixed =
        ["Съешь ещё этих мягких французских булок", "日本語 עברית العربية", "ё й Ǟ a\u{301}"];
    assert_preserved(env, &mixed).await;
}

pub async fn emoji_are_preserved(env: &TestEnvironment) {
    assert_preserved(env, &["🙂", "👩‍👩‍👧‍👦", "🇷🇺 ❤️\u{fe0f} 👍🏽", "\u{10ffff}"]).await;
}

pub async fn quotes_and_backslashes_are_preserved(env: &TestEnvironment) {
    assert_preserved(
        env,
        &[r#""в кавычках""#, r"C:\новая\папка", "{\"a\":null}", "'; DROP TABLE x;--"],
    )
    .await;
}

pub async fn line_endings_and_control_characters_are_preserved(env: &TestEnvironment) {
    assert_preserved(
        env,
        &[
            "раз\nдва\r\nтри\tчетыре",
            "\u{1}\u{8}\u{b}\u{1f}x\u{7f}",
            "а\u{2028}б\u{2029}в\u{85}г",
            "a\0b",
        ],
    )
    .await;
}

pub async fn whitespace_around_a_text_is_preserved(env: &TestEnvironment) {
    assert_preserved(env, &["  два пробела  ", "\n\nпосле строк", "конец\u{a0}", "\u{feff}метка"])
        .await;
}

pub async fn markup_is_preserved(env: &TestEnvironment) {
    assert_preserved(
        env,
        &["<script>alert(1)</script>", "&amp; %20 +", "https://market.yandex.ru/?a=1&b=2"],
    )
    .await;
}

pub async fn a_text_of_4096_code_points_is_accepted(env: &TestEnvironment) {
    let letters = "я".repeat(MessageText::MAX);
    let emoji = "🙂".repeat(MessageText::MAX);
    let quotes = "\"".repeat(MessageText::MAX);
    let control = "\u{1}".repeat(MessageText::MAX);
    assert_preserved(env, &["x", &letters, &emoji, &quotes, &control]).await;
}

pub async fn message_ids_increase_across_chats(env: &TestEnvironment) {
    let chats =
        [env.create_order_chat(1).await, env.create_order_chat(2).await, env.open_dispute(3).await];
    let mut ids = Vec::new();
    for number in 0..12 {
        let chat = chats[number % 3];
        match number % 2 {
            0 => env.send_text(chat, "Да").await,
            _ => drop(env.write_as_buyer(chat, "Да").await),
        }
        ids.push(env.history(chat).await.pop().unwrap().message_id);
    }
    assert_increasing(&ids);
}

pub async fn a_message_id_is_the_time_in_microseconds(env: &TestEnvironment) {
    let chat = env.create_order_chat(1).await;
    env.clock().advance(Duration::from_secs(3600));
    env.send_text(chat, "Да").await;
    let id = env.history(chat).await[0].message_id.get();
    let now = env.clock().now().as_microsecond();
    assert!((now..now + 1000).contains(&id), "{id} at {now}");
}

pub async fn message_ids_increase_while_the_clock_stands_still(env: &TestEnvironment) {
    let chat = env.create_order_chat(1).await;
    for _ in 0..10 {
        env.send_text(chat, "Да").await;
    }
    let messages = env.history(chat).await;
    assert_increasing(&message_ids(&messages));
    assert!(messages.iter().all(|message| message.created_at == env.now()));
}

pub async fn message_ids_increase_while_the_clock_goes_back(env: &TestEnvironment) {
    let chat = env.create_order_chat(1).await;
    let start = env.clock().now();
    for step in 0..10 {
        env.clock().set(start - Duration::from_secs(3600 * step));
        env.send_text(chat, &step.to_string()).await;
    }
    let messages = env.history(chat).await;
    assert_increasing(&message_ids(&messages));
    assert_eq!(env.texts(chat).await, (0..10).map(|n| n.to_string()).collect::<Vec<_>>());
    assert!(messages.is_sorted_by_key(|message| message.created_at), "times went back");
    assert_eq!(env.get_chat(chat).await.updated_at, messages[9].created_at);
}

pub async fn concurrently_sent_messages_are_in_the_history_once_and_in_order(
    env: &TestEnvironment,
) {
    let chat = env.create_order_chat(1).await;
    let tasks: Vec<_> = (0..8)
        .map(|task| {
            let (api, business) = (Arc::clone(&env.api), env.business);
            tokio::spawn(async move {
                for number in 0..10 {
                    let content = text(&format!("{task}-{number}"));
                    api.send_message_to_chat(business, chat, content).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let messages = env.history_from(chat, None, 7).await;
    assert_increasing(&message_ids(&messages));
    let texts: Vec<_> = messages.into_iter().filter_map(|message| message.message).collect();
    assert_eq!(texts.len(), 80);
    assert_eq!(texts.iter().collect::<BTreeSet<_>>().len(), 80);
    // The messages of one task are in the order of sending.
    for task in 0..8 {
        let own: Vec<_> =
            texts.iter().filter(|content| content.starts_with(&format!("{task}-"))).collect();
        assert_eq!(
            own,
            (0..10).map(|n| format!("{task}-{n}")).collect::<Vec<_>>().iter().collect::<Vec<_>>()
        );
    }
}

pub async fn messages_sent_concurrently_to_several_chats_have_different_ids(env: &TestEnvironment) {
    let mut chats = Vec::new();
    for raw in 1..=6 {
        chats.push(env.create_order_chat(raw).await);
    }
    let tasks: Vec<_> = chats
        .iter()
        .flat_map(|&chat| [chat; 5])
        .map(|chat| {
            let (api, business) = (Arc::clone(&env.api), env.business);
            tokio::spawn(async move { api.send_message_to_chat(business, chat, text("Да")).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    let mut all = BTreeSet::<MessageId>::new();
    for chat in chats {
        let messages = env.history(chat).await;
        assert_eq!(messages.len(), 5);
        all.extend(message_ids(&messages));
    }
    assert_eq!(all.len(), 30);
}

pub async fn paging_during_concurrent_sends_skips_no_message(env: &TestEnvironment) {
    let chat = env.chat_with_messages(1, 20).await;
    let (api, business) = (Arc::clone(&env.api), env.business);
    let writer = tokio::spawn(async move {
        for _ in 0..30 {
            api.send_message_to_chat(business, chat, text("Да")).await.unwrap();
        }
    });
    let listed = env.history_from(chat, None, 3).await;
    writer.await.unwrap();
    let all = env.history(chat).await;
    assert_eq!(all.len(), 50);
    assert!(listed.len() >= 20);
    assert_eq!(listed, all[..listed.len()]);
}

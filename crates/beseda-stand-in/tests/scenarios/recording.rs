//! A recorded chat can be played again.

use std::fs;

use beseda_api::ChatId;
use beseda_stand_in::scenario::{RunState, ShopPart as Part, record};

use crate::world::{Shop, TestWorld, examples};

/// Returns senders and texts, without times.
async fn said(world: &TestWorld, chat: ChatId) -> Vec<String> {
    let expected = world.transcript(chat).await.into_iter();
    expected.map(|line| line.split_once(' ').unwrap().1.to_owned()).collect()
}

async fn recorded(world: &TestWorld, chat: ChatId, part: Part) -> String {
    let about = world.world.chats.get_chat(world.business, chat).await.unwrap();
    record(&about, &world.history(chat).await, part)
}

#[tokio::test]
async fn a_recording_repeats_the_messages_in_the_same_order_and_at_the_same_pace() {
    for (name, chat, shop) in [
        ("recorded-talk", "talk", Shop::Silent),
        ("return-dispute", "talk", Shop::Answers(std::time::Duration::ZERO)),
        ("return-dispute", "dispute", Shop::Answers(std::time::Duration::ZERO)),
        ("damaged-goods", "talk", Shop::Answers(std::time::Duration::ZERO)),
        ("closed-chat", "talk", Shop::Silent),
    ] {
        let first = TestWorld::new().await;
        let text = fs::read_to_string(examples().join(format!("{name}.yaml"))).unwrap();
        let chat = first.play(&text, shop).await.chats[chat];
        let script = recorded(&first, chat, Part::Scripted).await;
        let again = TestWorld::new().await;
        let report = again.play(&script, Shop::Silent).await;
        assert_eq!(report.state, RunState::Done, "{script}\n{report:#?}");
        let played = report.chats["talk"];
        assert_eq!(said(&first, chat).await, said(&again, played).await, "{script}");
        assert_eq!(
            recorded(&again, played, Part::Scripted).await.replace(&played.to_string(), "N"),
            script.replace(&chat.to_string(), "N")
        );
    }
}

#[tokio::test]
async fn an_awaited_shop_may_write_something_else() {
    let first = TestWorld::new().await;
    let text = fs::read_to_string(examples().join("where-is-my-order.yaml")).unwrap();
    let chat = first.play(&text, Shop::Answers(std::time::Duration::ZERO)).await.chats["talk"];
    let script = recorded(&first, chat, Part::Awaited).await;
    assert!(script.contains("- wait for: shop") && !script.contains("shop writes"), "{script}");
    let answered =
        TestWorld::new().await.play(&script, Shop::Answers(std::time::Duration::ZERO)).await;
    assert_eq!(answered.state, RunState::Done, "{script}\n{answered:#?}");
    let silent = TestWorld::new().await.play(&script, Shop::Silent).await;
    assert_eq!(silent.state, RunState::Failed, "{script}");
}

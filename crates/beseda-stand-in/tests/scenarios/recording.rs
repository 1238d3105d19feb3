//! A conversation that was recorded plays again as it was.

use std::fs;

use beseda_api::ChatId;
use beseda_stand_in::scenario::{Shop as Part, State, record};

use crate::world::{Shop, World, examples};

/// Who said what, without when.
async fn said(world: &World, chat: ChatId) -> Vec<String> {
    let told = world.told(chat).await.into_iter();
    told.map(|line| line.split_once(' ').unwrap().1.to_owned()).collect()
}

async fn recorded(world: &World, chat: ChatId, part: Part) -> String {
    let about = world.stage.chats.get_chat(world.business, chat).await.unwrap();
    record(&about, &world.history(chat).await, part)
}

#[tokio::test]
async fn what_was_said_is_said_again_in_the_same_order_and_at_the_same_pace() {
    for (name, chat, shop) in [
        ("recorded-talk", "talk", Shop::Silent),
        ("return-dispute", "talk", Shop::Answers(std::time::Duration::ZERO)),
        ("return-dispute", "dispute", Shop::Answers(std::time::Duration::ZERO)),
        ("damaged-goods", "talk", Shop::Answers(std::time::Duration::ZERO)),
        ("closed-chat", "talk", Shop::Silent),
    ] {
        let first = World::new().await;
        let text = fs::read_to_string(examples().join(format!("{name}.yaml"))).unwrap();
        let chat = first.play(&text, shop).await.chats[chat];
        let script = recorded(&first, chat, Part::Scripted).await;
        let again = World::new().await;
        let report = again.play(&script, Shop::Silent).await;
        assert_eq!(report.state, State::Done, "{script}\n{report:#?}");
        let played = report.chats["talk"];
        assert_eq!(said(&first, chat).await, said(&again, played).await, "{script}");
        assert_eq!(
            recorded(&again, played, Part::Scripted).await.replace(&played.to_string(), "N"),
            script.replace(&chat.to_string(), "N")
        );
    }
}

#[tokio::test]
async fn a_shop_that_is_awaited_may_say_something_else() {
    let first = World::new().await;
    let text = fs::read_to_string(examples().join("where-is-my-order.yaml")).unwrap();
    let chat = first.play(&text, Shop::Answers(std::time::Duration::ZERO)).await.chats["talk"];
    let script = recorded(&first, chat, Part::Awaited).await;
    assert!(script.contains("- wait for: shop") && !script.contains("shop writes"), "{script}");
    let answered = World::new().await.play(&script, Shop::Answers(std::time::Duration::ZERO)).await;
    assert_eq!(answered.state, State::Done, "{script}\n{answered:#?}");
    let silent = World::new().await.play(&script, Shop::Silent).await;
    assert_eq!(silent.state, State::Failed, "{script}");
}

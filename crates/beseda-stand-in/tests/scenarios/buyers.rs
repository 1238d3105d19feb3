//! Automatic buyers: number of messages of each persona, and repeatability by seed.

use std::time::Duration;

use beseda_api::{ChatContext, ChatId, ChatOpening, ChatType, NewOrder, OrderId, Sender};
use beseda_stand_in::scenario::{Buyers, Persona};

use crate::world::TestWorld;

/// Lets the shop write this many times, each time after the buyers are done, and returns the
/// history.
async fn shop_writes_times(
    persona: Persona,
    seed: u64,
    answers: usize,
    order: bool,
) -> (TestWorld, ChatId, Buyers) {
    let world = TestWorld::new().await;
    let buyers = world.buyers(persona, seed);
    let (market, business) = (&world.world.market, world.business);
    let mut opening = ChatOpening::default();
    if order {
        let order_id = OrderId::new(5001).unwrap();
        let order = NewOrder { order_id, campaign_id: None, model: None, customer: None };
        market.register_order(business, order).await.unwrap();
        opening.context = Some(ChatContext::Order(order_id).into());
    }
    let chat = market.open_chat(business, opening).await.unwrap().chat_id;
    for answer in 0..answers {
        world.shop_writes(chat, &format!("ответ {answer}")).await;
        world.pass(Duration::from_secs(100)).await;
    }
    (world, chat, buyers)
}

async fn said_by_buyer(persona: Persona, answers: usize) -> usize {
    let (world, chat, _cast) = shop_writes_times(persona, 1, answers, true).await;
    let history = world.history(chat).await;
    history.iter().filter(|message| message.sender == Sender::Customer).count()
}

#[tokio::test]
async fn every_persona_writes_its_number_of_messages_and_then_stops() {
    assert_eq!(said_by_buyer(Persona::Silent, 3).await, 0);
    assert_eq!(said_by_buyer(Persona::Polite, 1).await, 1);
    assert_eq!(said_by_buyer(Persona::Polite, 5).await, 2);
    let chatty = said_by_buyer(Persona::Chatty, 6).await;
    assert!((6..=12).contains(&chatty), "{chatty}");
    assert!(said_by_buyer(Persona::Chatty, 9).await <= 12);
}

#[tokio::test]
async fn equal_seeds_give_equal_messages_and_times_and_different_seeds_do_not() {
    let expected = async |seed| {
        let (world, chat, _cast) = shop_writes_times(Persona::Chatty, seed, 6, false).await;
        world.transcript(chat).await
    };
    let first = expected(1).await;
    assert_eq!(first, expected(1).await);
    assert_ne!(first, expected(2).await);
}

#[tokio::test]
async fn an_angry_buyer_sends_reminders_then_disputes_and_the_arbiter_resolves_it() {
    let (world, talk, _cast) = shop_writes_times(Persona::Angry, 1, 2, true).await;
    let expected = world.transcript(talk).await;
    assert!(expected.last().unwrap().contains("Я открыл спор"), "{expected:#?}");
    let reminders = expected.iter().filter(|line| line.contains("CUSTOMER")).count();
    assert!((2..=5).contains(&reminders), "{expected:#?}");

    let chats = world.chats().await;
    let dispute = chats.iter().find(|chat| chat.chat_type == ChatType::Arbitrage).unwrap().chat_id;
    for text in ["Мы всё отправили.", "Вот накладная."] {
        world.shop_writes(dispute, text).await;
        world.pass(Duration::from_secs(100)).await;
        if world.world.chats.get_chat(world.business, dispute).await.unwrap().status.as_str()
            == "FINISHED"
        {
            break;
        }
    }
    let ended = world.world.chats.get_chat(world.business, dispute).await.unwrap();
    assert_eq!(ended.status.as_str(), "FINISHED", "{:#?}", world.transcript(dispute).await);
}

#[tokio::test]
async fn an_angry_buyer_without_an_order_opens_no_dispute() {
    let (world, talk, _cast) = shop_writes_times(Persona::Angry, 1, 3, false).await;
    assert!(world.transcript(talk).await.iter().any(|line| line.contains("в другом магазине")));
    assert!(world.chats().await.iter().all(|chat| chat.chat_type == ChatType::Chat));
}

#[tokio::test]
async fn buyers_leave_chats_of_scenarios_alone() {
    let world = TestWorld::new().await;
    let _cast = world.buyers(Persona::Chatty, 1);
    let text = "scenario: A\nsteps:\n  - buyer opens: a\n    text: x\n  - shop writes: y\n  - wait: 1h\n  - expect messages: 2\n";
    let report = world.play(text, crate::world::Shop::Silent).await;
    assert!(report.failure.is_none(), "{report:#?}");
}

//! Statuses: every row of the table "event → status after". Who may write is asked elsewhere.

use beseda_api::{
    ChatId, ChatOpening, ChatStatus, ChatType, DisputeOpening, FileUpload, MarketMessage, OrderId,
    Sender, WaitingFor, wire::ContextRef,
};

use crate::World;

async fn support_asks(world: &World, chat: ChatId, side: WaitingFor) {
    let message = MarketMessage {
        sender: Sender::Support,
        waiting_for: Some(side),
        ..MarketMessage::customer("Пришлите, пожалуйста, фото")
    };
    world.market_writes(chat, message).await;
}

fn by_order(raw: i64, message: Option<&str>) -> ChatOpening {
    let order = beseda_api::ChatContext::Order(OrderId::new(raw).unwrap());
    let message = message.map(str::to_owned);
    ChatOpening { context: Some(ContextRef::from(order)), message, ..ChatOpening::default() }
}

pub async fn a_chat_the_shop_made_is_new(world: &World) {
    let chat = world.order_chat(1).await;
    assert_eq!(world.status(chat).await, ChatStatus::New);
}

pub async fn a_chat_opened_with_the_buyers_words_waits_for_the_shop(world: &World) {
    world.order(1).await;
    let opening = by_order(1, Some("Здравствуйте"));
    let chat = world.market().open_chat(world.business, opening).await.unwrap();
    assert_eq!(chat.status, ChatStatus::WaitingForPartner);
    assert_eq!(world.chat(chat.chat_id).await, world.chat_as_shown(chat));
}

pub async fn a_direct_question_waits_for_the_shop(world: &World) {
    let chat = world.direct_chat("Мария К.").await;
    if !world.shows_direct() {
        return world.assert_hidden(chat).await;
    }
    assert_eq!(world.status(chat).await, ChatStatus::WaitingForPartner);
}

pub async fn a_chat_opened_without_words_is_new(world: &World) {
    world.order(1).await;
    let chat = world.market().open_chat(world.business, by_order(1, None)).await.unwrap();
    assert_eq!(chat.status, ChatStatus::New);
}

pub async fn the_buyers_first_words_make_a_new_chat_wait_for_the_shop(world: &World) {
    let chat = world.order_chat(1).await;
    world.buyer_says(chat, "Здравствуйте").await;
    assert_eq!(world.status(chat).await, ChatStatus::WaitingForPartner);
}

pub async fn the_shops_words_make_a_chat_wait_for_the_buyer(world: &World) {
    let chat = world.order_chat(1).await;
    world.say(chat, "Здравствуйте").await;
    assert_eq!(world.status(chat).await, ChatStatus::WaitingForCustomer);
    world.say(chat, "Вы тут?").await;
    assert_eq!(world.status(chat).await, ChatStatus::WaitingForCustomer);
}

pub async fn a_talk_goes_to_and_fro(world: &World) {
    let chat = world.order_chat(1).await;
    for _ in 0..3 {
        world.buyer_says(chat, "Вопрос").await;
        assert_eq!(world.status(chat).await, ChatStatus::WaitingForPartner);
        world.say(chat, "Ответ").await;
        assert_eq!(world.status(chat).await, ChatStatus::WaitingForCustomer);
    }
}

pub async fn a_file_or_a_sticker_of_the_buyer_waits_for_the_shop(world: &World) {
    let chat = world.order_chat(1).await;
    let file = FileUpload::from_bytes("a.jpg", "x");
    world.market().write_file(world.business, chat, Sender::Customer, file).await.unwrap();
    assert_eq!(world.status(chat).await, ChatStatus::WaitingForPartner);
    world.say(chat, "Спасибо").await;
    let sticker = MarketMessage { sticker: true, message: None, ..MarketMessage::customer("") };
    world.market_writes(chat, sticker).await;
    assert_eq!(world.status(chat).await, ChatStatus::WaitingForPartner);
}

pub async fn a_message_of_market_changes_no_status(world: &World) {
    let new = world.order_chat(1).await;
    let asked = world.talk(2, 1).await;
    let answered = world.talk(3, 1).await;
    world.say(answered, "Ответ").await;
    let dispute = world.dispute(4).await;
    for chat in [new, asked, answered, dispute] {
        let before = world.status(chat).await;
        let message =
            MarketMessage { sender: Sender::Market, ..MarketMessage::customer("Ключ: 1234") };
        world.market_writes(chat, message).await;
        assert_eq!(world.status(chat).await, before);
    }
}

pub async fn a_dispute_waits_for_the_arbiter(world: &World) {
    let order = world.order(1).await;
    let opening = DisputeOpening {
        order_id: Some(order.get()),
        message: Some("Пришло не то".to_owned()),
        ..DisputeOpening::default()
    };
    let chat = world.market().open_dispute(world.business, opening).await.unwrap();
    assert_eq!(
        (chat.chat_type.clone(), chat.status.clone()),
        (ChatType::Arbitrage, ChatStatus::WaitingForArbiter)
    );
    assert_eq!(world.chat(chat.chat_id).await, world.chat_as_shown(chat.clone()));
    assert_eq!(world.texts(chat.chat_id).await, ["Пришло не то"]);
}

pub async fn the_shops_words_leave_a_dispute_with_the_arbiter(world: &World) {
    let chat = world.dispute(1).await;
    world.say(chat, "Отправили верно, вот фото").await;
    assert_eq!(world.status(chat).await, ChatStatus::WaitingForArbiter);
    world.send_file(chat, "фото.jpg", "x").await;
    assert_eq!(world.status(chat).await, ChatStatus::WaitingForArbiter);
}

pub async fn an_arbiter_asks_each_side_in_turn(world: &World) {
    let chat = world.dispute(1).await;
    for (side, status) in [
        (WaitingFor::Partner, ChatStatus::WaitingForPartner),
        (WaitingFor::Customer, ChatStatus::WaitingForCustomer),
        (WaitingFor::Market, ChatStatus::WaitingForMarket),
        (WaitingFor::Arbiter, ChatStatus::WaitingForArbiter),
    ] {
        support_asks(world, chat, side).await;
        assert_eq!(world.status(chat).await, status);
    }
}

pub async fn an_answer_to_the_arbiter_goes_back_to_the_arbiter(world: &World) {
    let chat = world.dispute(1).await;
    support_asks(world, chat, WaitingFor::Partner).await;
    world.say(chat, "Вот фото").await;
    assert_eq!(world.status(chat).await, ChatStatus::WaitingForArbiter);
}

pub async fn a_resolved_dispute_is_finished(world: &World) {
    let chat = world.dispute(1).await;
    let resolved = world.market().resolve_dispute(world.business, chat).await.unwrap();
    assert_eq!(resolved.status, ChatStatus::Finished);
    assert_eq!(resolved.chat_type, ChatType::Arbitrage);
    assert_eq!(world.chat(chat).await, world.chat_as_shown(resolved));
}

pub async fn a_closed_chat_is_finished(world: &World) {
    let chat = world.talk(1, 1).await;
    let closed = world.market().close_chat(world.business, chat).await.unwrap();
    assert_eq!(closed.status, ChatStatus::Finished);
    assert_eq!(world.chat(chat).await, world.chat_as_shown(closed));
}

pub async fn a_dispute_leaves_the_talk_as_it_was(world: &World) {
    let talk = world.talk(1, 2).await;
    let before = world.chat(talk).await;
    world.tick();
    let dispute = world.dispute(1).await;
    world.buyer_says(dispute, "Не согласен").await;
    world.market().resolve_dispute(world.business, dispute).await.unwrap();
    assert_eq!(world.chat(talk).await, before);
    world.say(talk, "Мы ещё здесь").await;
    assert_eq!(world.status(talk).await, ChatStatus::WaitingForCustomer);
}

pub async fn a_refused_message_changes_no_status(world: &World) {
    let chat = world.talk(1, 1).await;
    world.market().close_chat(world.business, chat).await.unwrap();
    world.api.send_message_to_chat(world.business, chat, crate::text("Да")).await.unwrap_err();
    assert_eq!(world.status(chat).await, ChatStatus::Finished);
}

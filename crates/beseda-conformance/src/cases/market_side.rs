//! The marketplace's side: registering, opening, writing, disputes, closing.

use beseda_api::{
    CampaignId, ChatContext, ChatFilter, ChatId, ChatOpening, ChatType, ContextType, Customer,
    DisputeOpening, Error, ErrorKind, FileUpload, FullContext, MarketMessage, Model, NewOrder,
    NewReturn, OrderId, ReturnId, Sender, wire::ContextRef,
};

use crate::{
    World, buyer,
    refusal::{refused, refused_as},
};

fn new_order(raw: i64) -> NewOrder {
    NewOrder {
        order_id: OrderId::new(raw).unwrap(),
        campaign_id: None,
        model: Some(Model::Fbs),
        customer: Some(buyer()),
    }
}

fn opening(context: ChatContext, message: Option<&str>) -> ChatOpening {
    ChatOpening {
        context: Some(ContextRef::from(context)),
        message: message.map(str::to_owned),
        ..ChatOpening::default()
    }
}

pub async fn an_order_registered_twice_is_one_order(world: &World) {
    let first = world.market().register_order(world.business, new_order(1)).await.unwrap();
    let second = world.market().register_order(world.business, new_order(1)).await.unwrap();
    assert_eq!(first, second);
    assert_eq!((first.order_id.get(), first.model, first.customer), (1, Model::Fbs, Some(buyer())));
}

pub async fn an_order_registered_otherwise_is_refused(world: &World) {
    world.market().register_order(world.business, new_order(1)).await.unwrap();
    for other in [
        NewOrder { model: Some(Model::Dbs), ..new_order(1) },
        NewOrder {
            customer: Some(Customer { name: Some("Пётр С.".to_owned()), public_id: None }),
            ..new_order(1)
        },
    ] {
        refused(world.market().register_order(world.business, other).await, ErrorKind::BadRequest);
    }
    let chat = world.create(ChatContext::Order(OrderId::new(1).unwrap())).await;
    let known =
        FullContext { customer: Some(buyer()), ..FullContext::by_order(OrderId::new(1).ok()) };
    assert_eq!(world.chat(chat).await.context.customer, world.as_shown(known).customer);
}

pub async fn an_order_of_an_unknown_shop_is_refused(world: &World) {
    let order = NewOrder { campaign_id: CampaignId::new(999_999_999).ok(), ..new_order(1) };
    refused(world.market().register_order(world.business, order).await, ErrorKind::NotFound);
}

pub async fn an_order_is_sold_by_the_first_shop_of_its_model_unless_said(world: &World) {
    let mut shops = Vec::new();
    for (raw, model) in (1..).zip([Model::Fbs, Model::Fby, Model::Dbs, Model::Express]) {
        let order = NewOrder { model: Some(model), ..new_order(raw) };
        let order = world.market().register_order(world.business, order).await.unwrap();
        let chat = world.chat(world.create(ChatContext::Order(order.order_id)).await).await;
        let known = FullContext {
            campaign_id: order.campaign_id,
            ..FullContext::by_order(Some(order.order_id))
        };
        assert_eq!(chat.context.campaign_id, world.as_shown(known).campaign_id);
        shops.push(order.campaign_id.unwrap());
    }
    assert!(shops[0] != shops[1] && shops[1] != shops[2] && shops[0] != shops[2]);
    // An express shop is of the placement type FBS.
    assert_eq!(shops[0], shops[3]);
}

pub async fn an_order_without_a_model_is_fbs_and_may_have_no_customer(world: &World) {
    let order = NewOrder { model: None, customer: None, ..new_order(1) };
    let order = world.market().register_order(world.business, order).await.unwrap();
    assert_eq!((order.model, order.customer), (Model::Fbs, None));
    let chat = world.chat(world.create(ChatContext::Order(order.order_id)).await).await;
    assert_eq!(chat.context.customer, None);
}

pub async fn a_return_registered_twice_is_one_return(world: &World) {
    let order_id = world.order(1).await;
    let ret = NewReturn { return_id: ReturnId::new(77).unwrap(), order_id };
    let first = world.market().register_return(world.business, ret).await.unwrap();
    assert_eq!(first, world.market().register_return(world.business, ret).await.unwrap());
    assert_eq!((first.return_id, first.order_id), (ret.return_id, order_id));
}

pub async fn a_return_registered_with_another_order_is_refused(world: &World) {
    let order = world.order(1).await;
    let return_id = world.return_of(order, 77).await;
    let ret = NewReturn { return_id, order_id: world.order(2).await };
    refused(world.market().register_return(world.business, ret).await, ErrorKind::BadRequest);
}

pub async fn a_return_of_an_unknown_order_is_refused(world: &World) {
    let order_id = OrderId::new(5).unwrap();
    let ret = NewReturn { return_id: ReturnId::new(77).unwrap(), order_id };
    let result = world.market().register_return(world.business, ret).await;
    refused_as(result, &Error::order_not_found(order_id));
}

pub async fn a_chat_about_an_unknown_order_or_return_is_not_opened(world: &World) {
    let order = OrderId::new(5).unwrap();
    let result =
        world.market().open_chat(world.business, opening(ChatContext::Order(order), None)).await;
    refused_as(result, &Error::order_not_found(order));
    let ret = ReturnId::new(5).unwrap();
    let result =
        world.market().open_chat(world.business, opening(ChatContext::Return(ret), None)).await;
    refused_as(result, &Error::return_not_found(ret));
    assert!(world.found(ChatFilter::default()).await.is_empty());
}

pub async fn a_chat_opened_again_is_the_same_with_the_new_words_in_it(world: &World) {
    let order = ChatContext::Order(world.order(1).await);
    let open = |words| world.market().open_chat(world.business, opening(order, words));
    let first = open(Some("Раз")).await.unwrap();
    world.tick();
    let second = open(Some("Два")).await.unwrap();
    assert_eq!(first.chat_id, second.chat_id);
    let third = open(None).await.unwrap();
    assert_eq!(third, second);
    assert_eq!(world.texts(first.chat_id).await, ["Раз", "Два"]);
}

pub async fn a_buyer_opens_the_chat_the_shop_has_made(world: &World) {
    let made = world.order_chat(1).await;
    let order = ChatContext::Order(OrderId::new(1).unwrap());
    let opened = world.market().open_chat(world.business, opening(order, None)).await.unwrap();
    assert_eq!(opened.chat_id, made);
}

pub async fn two_buyers_with_direct_questions_have_two_chats(world: &World) {
    let one = world.direct_chat("Мария К.").await;
    let two = world.direct_chat("Пётр С.").await;
    assert_ne!(one, two);
    if !world.shows_direct() {
        return world.assert_hidden(one).await;
    }
    assert_eq!(world.texts(one).await, ["Есть ли в наличии?"]);
}

pub async fn a_direct_question_has_its_first_words(world: &World) {
    let chat = world.direct_chat("Мария К.").await;
    if !world.shows_direct() {
        return world.assert_hidden(chat).await;
    }
    let messages = world.history(chat).await;
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].sender, Sender::Customer);
    assert_eq!(messages[0].message.as_deref(), Some("Есть ли в наличии?"));
}

pub async fn nobody_of_the_marketplace_writes_as_the_shop(world: &World) {
    let chat = world.order_chat(1).await;
    let message = MarketMessage { sender: Sender::Partner, ..MarketMessage::customer("Да") };
    let result = world.market().write_message(world.business, chat, message).await;
    refused(result, ErrorKind::BadRequest);
    let file = FileUpload::from_bytes("a.txt", "x");
    let result = world.market().write_file(world.business, chat, Sender::Partner, file).await;
    refused(result, ErrorKind::BadRequest);
    assert!(world.history(chat).await.is_empty());
}

pub async fn a_message_is_either_a_text_or_a_sticker(world: &World) {
    let chat = world.order_chat(1).await;
    let neither = MarketMessage { message: None, ..MarketMessage::customer("") };
    let both = MarketMessage { sticker: true, ..MarketMessage::customer("Да") };
    for message in [neither, both, MarketMessage::customer(" "), MarketMessage::customer("")] {
        let result = world.market().write_message(world.business, chat, message).await;
        refused(result, ErrorKind::BadRequest);
    }
    assert!(world.history(chat).await.is_empty());
}

pub async fn the_marketplace_writes_into_known_chats_only(world: &World) {
    let chat = ChatId::new(42).unwrap();
    let expected = Error::chat_not_found(chat);
    let message = MarketMessage::customer("Да");
    refused_as(world.market().write_message(world.business, chat, message).await, &expected);
    refused_as(world.market().close_chat(world.business, chat).await, &expected);
    refused_as(world.market().resolve_dispute(world.business, chat).await, &expected);
}

pub async fn a_closed_chat_takes_nothing_from_the_buyer_either(world: &World) {
    let chat = world.talk(1, 1).await;
    world.market().close_chat(world.business, chat).await.unwrap();
    let message = MarketMessage::customer("Постойте!");
    let result = world.market().write_message(world.business, chat, message).await;
    refused_as(result, &Error::chat_closed(chat));
    let file = FileUpload::from_bytes("a.txt", "x");
    let result = world.market().write_file(world.business, chat, Sender::Customer, file).await;
    refused_as(result, &Error::chat_closed(chat));
    assert_eq!(world.history(chat).await.len(), 1);
}

pub async fn a_chat_closed_twice_is_closed_once(world: &World) {
    let chat = world.talk(1, 1).await;
    let first = world.market().close_chat(world.business, chat).await.unwrap();
    world.tick();
    assert_eq!(world.market().close_chat(world.business, chat).await.unwrap(), first);
}

pub async fn a_direct_question_is_no_matter_for_a_dispute(world: &World) {
    let chat = world.direct_chat("Мария К.").await;
    let opening = DisputeOpening { chat_id: Some(chat), ..DisputeOpening::default() };
    let result = world.market().open_dispute(world.business, opening).await;
    refused(result, ErrorKind::BadRequest);
    if !world.shows_direct() {
        assert!(world.found(ChatFilter::default()).await.is_empty());
        return;
    }
    assert_eq!(world.found(ChatFilter::default()).await, [chat]);
    assert_eq!(world.chat(chat).await.chat_type, ChatType::Chat);
}

pub async fn a_dispute_is_opened_by_order_return_context_or_chat(world: &World) {
    let by_order = world.dispute(1).await;
    let ret = world.return_of(OrderId::new(1).unwrap(), 77).await;
    let open = |opening| world.market().open_dispute(world.business, opening);
    let by_return = DisputeOpening { return_id: Some(ret.get()), ..DisputeOpening::default() };
    let by_return = open(by_return).await.unwrap();
    assert_eq!(by_return.context.context_type, ContextType::Return);
    assert_eq!(by_return.context.return_id, Some(ret));
    let order = ChatContext::Order(world.order(2).await);
    let by_context = DisputeOpening { context: Some(order.into()), ..DisputeOpening::default() };
    let by_context = open(by_context).await.unwrap();
    assert_eq!(by_context.order_id, OrderId::new(2).ok());
    let talk = world.order_chat(3).await;
    let by_chat = DisputeOpening { chat_id: Some(talk), ..DisputeOpening::default() };
    let by_chat = open(by_chat).await.unwrap();
    assert_eq!(world.as_shown(by_chat.context), world.chat(talk).await.context);
    for dispute in [by_order, by_return.chat_id, by_context.chat_id, by_chat.chat_id] {
        assert_eq!(world.chat(dispute).await.chat_type, ChatType::Arbitrage);
    }
}

pub async fn a_dispute_about_what_does_not_exist_is_not_opened(world: &World) {
    let open = |opening| world.market().open_dispute(world.business, opening);
    let by_order = DisputeOpening { order_id: Some(5), ..DisputeOpening::default() };
    refused_as(open(by_order).await, &Error::order_not_found(OrderId::new(5).unwrap()));
    let by_return = DisputeOpening { return_id: Some(5), ..DisputeOpening::default() };
    refused_as(open(by_return).await, &Error::return_not_found(ReturnId::new(5).unwrap()));
    let chat_id = ChatId::new(5).unwrap();
    let by_chat = DisputeOpening { chat_id: Some(chat_id), ..DisputeOpening::default() };
    refused_as(open(by_chat).await, &Error::chat_not_found(chat_id));
    refused(open(DisputeOpening::default()).await, ErrorKind::BadRequest);
    assert!(world.found(ChatFilter::default()).await.is_empty());
}

pub async fn only_a_dispute_is_resolved(world: &World) {
    let talk = world.talk(1, 1).await;
    let before = world.chat(talk).await;
    refused(world.market().resolve_dispute(world.business, talk).await, ErrorKind::BadRequest);
    assert_eq!(world.chat(talk).await, world.chat_as_shown(before));
}

pub async fn support_and_market_are_shown_as_who_they_are(world: &World) {
    let chat = world.dispute(1).await;
    for sender in [Sender::Support, Sender::Market] {
        let message = MarketMessage { sender, ..MarketMessage::customer("Проверим") };
        world.market_writes(chat, message).await;
    }
    let senders: Vec<_> = world.history(chat).await.into_iter().map(|m| m.sender).collect();
    assert_eq!(senders, [Sender::Support, Sender::Market]);
}

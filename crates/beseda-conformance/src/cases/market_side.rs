//! Marketplace side: orders, returns, chats, messages, disputes.

use beseda_api::{
    CampaignId, ChatContext, ChatFilter, ChatId, ChatOpening, ChatType, ContextType, Customer,
    DisputeOpening, Error, ErrorKind, FileUpload, FullContext, MarketMessage, Model, NewOrder,
    NewReturn, OrderId, ReturnId, Sender, wire::ContextRef,
};

use crate::{
    TestEnvironment,
    assertions::{assert_refused, assert_refused_with},
    buyer,
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

pub async fn registering_an_order_twice_returns_the_same_order(env: &TestEnvironment) {
    let first = env.market().register_order(env.business, new_order(1)).await.unwrap();
    let second = env.market().register_order(env.business, new_order(1)).await.unwrap();
    assert_eq!(first, second);
    assert_eq!((first.order_id.get(), first.model, first.customer), (1, Model::Fbs, Some(buyer())));
}

pub async fn registering_an_order_with_different_data_is_refused(env: &TestEnvironment) {
    env.market().register_order(env.business, new_order(1)).await.unwrap();
    for other in [
        NewOrder { model: Some(Model::Dbs), ..new_order(1) },
        NewOrder {
            customer: Some(Customer { name: Some("Пётр С.".to_owned()), public_id: None }),
            ..new_order(1)
        },
    ] {
        assert_refused(
            env.market().register_order(env.business, other).await,
            ErrorKind::BadRequest,
        );
    }
    let chat = env.create_chat(ChatContext::Order(OrderId::new(1).unwrap())).await;
    let known =
        FullContext { customer: Some(buyer()), ..FullContext::by_order(OrderId::new(1).ok()) };
    assert_eq!(env.get_chat(chat).await.context.customer, env.expected_context(known).customer);
}

pub async fn an_order_of_an_unknown_shop_is_refused(env: &TestEnvironment) {
    let order = NewOrder { campaign_id: CampaignId::new(999_999_999).ok(), ..new_order(1) };
    assert_refused(env.market().register_order(env.business, order).await, ErrorKind::NotFound);
}

pub async fn an_order_belongs_to_the_first_shop_of_its_model_by_default(env: &TestEnvironment) {
    let mut shops = Vec::new();
    for (raw, model) in (1..).zip([Model::Fbs, Model::Fby, Model::Dbs, Model::Express]) {
        let order = NewOrder { model: Some(model), ..new_order(raw) };
        let order = env.market().register_order(env.business, order).await.unwrap();
        let chat = env.get_chat(env.create_chat(ChatContext::Order(order.order_id)).await).await;
        let known = FullContext {
            campaign_id: order.campaign_id,
            ..FullContext::by_order(Some(order.order_id))
        };
        assert_eq!(chat.context.campaign_id, env.expected_context(known).campaign_id);
        shops.push(order.campaign_id.unwrap());
    }
    assert!(shops[0] != shops[1] && shops[1] != shops[2] && shops[0] != shops[2]);
    // An express shop is of the placement type FBS.
    assert_eq!(shops[0], shops[3]);
}

pub async fn an_order_defaults_to_fbs_and_may_have_no_customer(env: &TestEnvironment) {
    let order = NewOrder { model: None, customer: None, ..new_order(1) };
    let order = env.market().register_order(env.business, order).await.unwrap();
    assert_eq!((order.model, order.customer), (Model::Fbs, None));
    let chat = env.get_chat(env.create_chat(ChatContext::Order(order.order_id)).await).await;
    assert_eq!(chat.context.customer, None);
}

pub async fn registering_a_return_twice_returns_the_same_return(env: &TestEnvironment) {
    let order_id = env.register_order(1).await;
    let ret = NewReturn { return_id: ReturnId::new(77).unwrap(), order_id };
    let first = env.market().register_return(env.business, ret).await.unwrap();
    assert_eq!(first, env.market().register_return(env.business, ret).await.unwrap());
    assert_eq!((first.return_id, first.order_id), (ret.return_id, order_id));
}

pub async fn registering_a_return_with_another_order_is_refused(env: &TestEnvironment) {
    let order = env.register_order(1).await;
    let return_id = env.register_return(order, 77).await;
    let ret = NewReturn { return_id, order_id: env.register_order(2).await };
    assert_refused(env.market().register_return(env.business, ret).await, ErrorKind::BadRequest);
}

pub async fn a_return_of_an_unknown_order_is_refused(env: &TestEnvironment) {
    let order_id = OrderId::new(5).unwrap();
    let ret = NewReturn { return_id: ReturnId::new(77).unwrap(), order_id };
    let result = env.market().register_return(env.business, ret).await;
    assert_refused_with(result, &Error::order_not_found(order_id));
}

pub async fn a_chat_about_an_unknown_order_or_return_is_not_opened(env: &TestEnvironment) {
    let order = OrderId::new(5).unwrap();
    let result =
        env.market().open_chat(env.business, opening(ChatContext::Order(order), None)).await;
    assert_refused_with(result, &Error::order_not_found(order));
    let ret = ReturnId::new(5).unwrap();
    let result =
        env.market().open_chat(env.business, opening(ChatContext::Return(ret), None)).await;
    assert_refused_with(result, &Error::return_not_found(ret));
    assert!(env.find_chats(ChatFilter::default()).await.is_empty());
}

pub async fn opening_a_chat_again_adds_the_message_to_the_same_chat(env: &TestEnvironment) {
    let order = ChatContext::Order(env.register_order(1).await);
    let open = |content| env.market().open_chat(env.business, opening(order, content));
    let first = open(Some("Раз")).await.unwrap();
    env.advance_second();
    let second = open(Some("Два")).await.unwrap();
    assert_eq!(first.chat_id, second.chat_id);
    let third = open(None).await.unwrap();
    assert_eq!(third, second);
    assert_eq!(env.texts(first.chat_id).await, ["Раз", "Два"]);
}

pub async fn a_buyer_opens_the_chat_created_by_the_shop(env: &TestEnvironment) {
    let created = env.create_order_chat(1).await;
    let order = ChatContext::Order(OrderId::new(1).unwrap());
    let opened = env.market().open_chat(env.business, opening(order, None)).await.unwrap();
    assert_eq!(opened.chat_id, created);
}

pub async fn direct_questions_of_two_buyers_have_different_chats(env: &TestEnvironment) {
    let one = env.open_direct_chat("Мария К.").await;
    let two = env.open_direct_chat("Пётр С.").await;
    assert_ne!(one, two);
    if !env.shows_direct_chats() {
        return env.assert_hidden(one).await;
    }
    assert_eq!(env.texts(one).await, ["Есть ли в наличии?"]);
}

pub async fn a_direct_chat_contains_the_first_message(env: &TestEnvironment) {
    let chat = env.open_direct_chat("Мария К.").await;
    if !env.shows_direct_chats() {
        return env.assert_hidden(chat).await;
    }
    let messages = env.history(chat).await;
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].sender, Sender::Customer);
    assert_eq!(messages[0].message.as_deref(), Some("Есть ли в наличии?"));
}

pub async fn the_marketplace_can_not_write_as_the_shop(env: &TestEnvironment) {
    let chat = env.create_order_chat(1).await;
    let message = MarketMessage { sender: Sender::Partner, ..MarketMessage::customer("Да") };
    let result = env.market().write_message(env.business, chat, message).await;
    assert_refused(result, ErrorKind::BadRequest);
    let file = FileUpload::from_bytes("a.txt", "x");
    let result = env.market().write_file(env.business, chat, Sender::Partner, file).await;
    assert_refused(result, ErrorKind::BadRequest);
    assert!(env.history(chat).await.is_empty());
}

pub async fn a_message_is_either_a_text_or_a_sticker(env: &TestEnvironment) {
    let chat = env.create_order_chat(1).await;
    let neither = MarketMessage { message: None, ..MarketMessage::customer("") };
    let both = MarketMessage { sticker: true, ..MarketMessage::customer("Да") };
    for message in [neither, both, MarketMessage::customer(" "), MarketMessage::customer("")] {
        let result = env.market().write_message(env.business, chat, message).await;
        assert_refused(result, ErrorKind::BadRequest);
    }
    assert!(env.history(chat).await.is_empty());
}

pub async fn the_marketplace_can_not_write_to_unknown_chats(env: &TestEnvironment) {
    let chat = ChatId::new(42).unwrap();
    let expected = Error::chat_not_found(chat);
    let message = MarketMessage::customer("Да");
    assert_refused_with(env.market().write_message(env.business, chat, message).await, &expected);
    assert_refused_with(env.market().close_chat(env.business, chat).await, &expected);
    assert_refused_with(env.market().resolve_dispute(env.business, chat).await, &expected);
}

pub async fn messages_of_the_buyer_to_a_closed_chat_are_refused(env: &TestEnvironment) {
    let chat = env.chat_with_messages(1, 1).await;
    env.market().close_chat(env.business, chat).await.unwrap();
    let message = MarketMessage::customer("Постойте!");
    let result = env.market().write_message(env.business, chat, message).await;
    assert_refused_with(result, &Error::chat_closed(chat));
    let file = FileUpload::from_bytes("a.txt", "x");
    let result = env.market().write_file(env.business, chat, Sender::Customer, file).await;
    assert_refused_with(result, &Error::chat_closed(chat));
    assert_eq!(env.history(chat).await.len(), 1);
}

pub async fn closing_a_chat_twice_changes_nothing(env: &TestEnvironment) {
    let chat = env.chat_with_messages(1, 1).await;
    let first = env.market().close_chat(env.business, chat).await.unwrap();
    env.advance_second();
    assert_eq!(env.market().close_chat(env.business, chat).await.unwrap(), first);
}

pub async fn no_dispute_is_opened_about_a_direct_question(env: &TestEnvironment) {
    let chat = env.open_direct_chat("Мария К.").await;
    let opening = DisputeOpening { chat_id: Some(chat), ..DisputeOpening::default() };
    let result = env.market().open_dispute(env.business, opening).await;
    assert_refused(result, ErrorKind::BadRequest);
    if !env.shows_direct_chats() {
        assert!(env.find_chats(ChatFilter::default()).await.is_empty());
        return;
    }
    assert_eq!(env.find_chats(ChatFilter::default()).await, [chat]);
    assert_eq!(env.get_chat(chat).await.chat_type, ChatType::Chat);
}

pub async fn a_dispute_is_opened_by_order_return_context_or_chat(env: &TestEnvironment) {
    let by_order = env.open_dispute(1).await;
    let ret = env.register_return(OrderId::new(1).unwrap(), 77).await;
    let open = |opening| env.market().open_dispute(env.business, opening);
    let by_return = DisputeOpening { return_id: Some(ret.get()), ..DisputeOpening::default() };
    let by_return = open(by_return).await.unwrap();
    assert_eq!(by_return.context.context_type, ContextType::Return);
    assert_eq!(by_return.context.return_id, Some(ret));
    let order = ChatContext::Order(env.register_order(2).await);
    let by_context = DisputeOpening { context: Some(order.into()), ..DisputeOpening::default() };
    let by_context = open(by_context).await.unwrap();
    assert_eq!(by_context.order_id, OrderId::new(2).ok());
    let chat = env.create_order_chat(3).await;
    let by_chat = DisputeOpening { chat_id: Some(chat), ..DisputeOpening::default() };
    let by_chat = open(by_chat).await.unwrap();
    assert_eq!(env.expected_context(by_chat.context), env.get_chat(chat).await.context);
    for dispute in [by_order, by_return.chat_id, by_context.chat_id, by_chat.chat_id] {
        assert_eq!(env.get_chat(dispute).await.chat_type, ChatType::Arbitrage);
    }
}

pub async fn no_dispute_is_opened_about_an_unknown_order_return_or_chat(env: &TestEnvironment) {
    let open = |opening| env.market().open_dispute(env.business, opening);
    let by_order = DisputeOpening { order_id: Some(5), ..DisputeOpening::default() };
    assert_refused_with(open(by_order).await, &Error::order_not_found(OrderId::new(5).unwrap()));
    let by_return = DisputeOpening { return_id: Some(5), ..DisputeOpening::default() };
    assert_refused_with(open(by_return).await, &Error::return_not_found(ReturnId::new(5).unwrap()));
    let chat_id = ChatId::new(5).unwrap();
    let by_chat = DisputeOpening { chat_id: Some(chat_id), ..DisputeOpening::default() };
    assert_refused_with(open(by_chat).await, &Error::chat_not_found(chat_id));
    assert_refused(open(DisputeOpening::default()).await, ErrorKind::BadRequest);
    assert!(env.find_chats(ChatFilter::default()).await.is_empty());
}

pub async fn a_chat_that_is_no_dispute_can_not_be_resolved(env: &TestEnvironment) {
    let chat = env.chat_with_messages(1, 1).await;
    let before = env.get_chat(chat).await;
    assert_refused(env.market().resolve_dispute(env.business, chat).await, ErrorKind::BadRequest);
    assert_eq!(env.get_chat(chat).await, env.expected_chat(before));
}

pub async fn messages_of_support_and_market_have_their_senders(env: &TestEnvironment) {
    let chat = env.open_dispute(1).await;
    for sender in [Sender::Support, Sender::Market] {
        let message = MarketMessage { sender, ..MarketMessage::customer("Проверим") };
        env.write_as_market(chat, message).await;
    }
    let senders: Vec<_> = env.history(chat).await.into_iter().map(|m| m.sender).collect();
    assert_eq!(senders, [Sender::Support, Sender::Market]);
}

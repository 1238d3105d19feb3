//! Isolation of two cabinets in all operations.

use beseda_api::{
    ChatContext, ChatFilter, ChatOpening, DisputeOpening, Error, ErrorKind, FileUpload,
    HistoryFrom, MarketMessage, Model, NewOrder, NewReturn, OrderId, PageRequest, ReturnId, Sender,
    wire::ContextRef,
};

use crate::{
    TestEnvironment,
    assertions::{assert_increasing, assert_refused, assert_refused_with},
    text,
};

pub async fn chats_of_another_cabinet_are_not_listed(env: &TestEnvironment) {
    let order = env.register_order_of(env.other_business(), 2, Model::Fbs).await;
    env.create_order_chat(1).await;
    let other_chat =
        env.api.create_chat(env.other_business(), ChatContext::Order(order)).await.unwrap();
    assert!(!env.find_chats(ChatFilter::default()).await.contains(&other_chat));
    let by_order = ChatFilter { order_ids: vec![order], ..ChatFilter::default() };
    assert!(env.find_chats(by_order).await.is_empty());
    let list = env
        .api
        .get_chats(env.other_business(), ChatFilter::default(), PageRequest::default())
        .await;
    let list: Vec<_> = list.unwrap().chats.into_iter().map(|chat| chat.chat_id).collect();
    assert_eq!(list, [other_chat]);
}

pub async fn a_chat_of_another_cabinet_is_not_found(env: &TestEnvironment) {
    let chat = env.chat_with_messages(1, 1).await;
    assert_refused_with(
        env.api.get_chat(env.other_business(), chat).await,
        &Error::chat_not_found(chat),
    );
}

pub async fn a_history_of_another_cabinet_is_not_found(env: &TestEnvironment) {
    let chat = env.chat_with_messages(1, 1).await;
    let result = env.api.get_chat_history(env.other_business(), chat, HistoryFrom::default()).await;
    assert_refused_with(result, &Error::chat_not_found(chat));
}

pub async fn a_message_of_another_cabinet_is_not_found(env: &TestEnvironment) {
    let chat = env.chat_with_messages(1, 1).await;
    let message = env.history(chat).await[0].message_id;
    let result = env.api.get_chat_message(env.other_business(), chat, message).await;
    assert_refused_with(result, &Error::chat_not_found(chat));
}

pub async fn messages_to_a_chat_of_another_cabinet_are_refused(env: &TestEnvironment) {
    let chat = env.chat_with_messages(1, 1).await;
    let before = (env.get_chat(chat).await, env.history(chat).await);
    let expected = Error::chat_not_found(chat);
    let result = env.api.send_message_to_chat(env.other_business(), chat, text("Не туда")).await;
    assert_refused_with(result, &expected);
    let file = FileUpload::from_bytes("a.txt", "x");
    assert_refused_with(
        env.api.send_file_to_chat(env.other_business(), chat, file).await,
        &expected,
    );
    assert_eq!((env.get_chat(chat).await, env.history(chat).await), before);
    assert_eq!(env.stored_file_count(), 0);
}

pub async fn a_closed_chat_of_another_cabinet_is_reported_as_not_found(env: &TestEnvironment) {
    let chat = env.chat_with_messages(1, 1).await;
    env.market().close_chat(env.business, chat).await.unwrap();
    let result = env.api.send_message_to_chat(env.other_business(), chat, text("Да")).await;
    assert_refused_with(result, &Error::chat_not_found(chat));
}

pub async fn an_order_of_another_cabinet_is_not_found(env: &TestEnvironment) {
    let order = env.register_order_of(env.other_business(), 2, Model::Fbs).await;
    let result = env.api.create_chat(env.business, ChatContext::Order(order)).await;
    assert_refused_with(result, &Error::order_not_found(order));
    // The same after the other cabinet has created its chat.
    env.api.create_chat(env.other_business(), ChatContext::Order(order)).await.unwrap();
    let result = env.api.create_chat(env.business, ChatContext::Order(order)).await;
    assert_refused_with(result, &Error::order_not_found(order));
}

pub async fn a_return_of_another_cabinet_is_not_found(env: &TestEnvironment) {
    let order = env.register_order(1).await;
    let ret = env.register_return(order, 77).await;
    let result = env.api.create_chat(env.other_business(), ChatContext::Return(ret)).await;
    assert_refused_with(result, &Error::return_not_found(ret));
}

pub async fn a_chat_about_an_order_of_another_cabinet_is_not_opened(env: &TestEnvironment) {
    let order = env.register_order(1).await;
    let context = Some(ContextRef::from(ChatContext::Order(order)));
    let opening = ChatOpening { context, ..ChatOpening::default() };
    let result = env.market().open_chat(env.other_business(), opening).await;
    assert_refused_with(result, &Error::order_not_found(order));
}

pub async fn the_marketplace_writes_only_to_chats_of_the_given_cabinet(env: &TestEnvironment) {
    let chat = env.chat_with_messages(1, 1).await;
    let before = env.history(chat).await;
    let expected = Error::chat_not_found(chat);
    let message = MarketMessage::customer("Не туда");
    assert_refused_with(
        env.market().write_message(env.other_business(), chat, message).await,
        &expected,
    );
    let file = FileUpload::from_bytes("a.txt", "x");
    let result = env.market().write_file(env.other_business(), chat, Sender::Customer, file).await;
    assert_refused_with(result, &expected);
    assert_refused_with(env.market().close_chat(env.other_business(), chat).await, &expected);
    assert_eq!(env.history(chat).await, before);
}

pub async fn disputes_are_opened_and_resolved_only_in_their_own_cabinet(env: &TestEnvironment) {
    let chat = env.chat_with_messages(1, 1).await;
    let opening = DisputeOpening { chat_id: Some(chat), ..DisputeOpening::default() };
    let result = env.market().open_dispute(env.other_business(), opening).await;
    assert_refused_with(result, &Error::chat_not_found(chat));
    let opening = DisputeOpening { order_id: Some(1), ..DisputeOpening::default() };
    let result = env.market().open_dispute(env.other_business(), opening).await;
    assert_refused_with(result, &Error::order_not_found(OrderId::new(1).unwrap()));
    let dispute = env.open_dispute(1).await;
    let result = env.market().resolve_dispute(env.other_business(), dispute).await;
    assert_refused_with(result, &Error::chat_not_found(dispute));
}

pub async fn a_return_of_an_order_of_another_cabinet_is_refused(env: &TestEnvironment) {
    let order_id = env.register_order(1).await;
    let ret = NewReturn { return_id: ReturnId::new(77).unwrap(), order_id };
    let result = env.market().register_return(env.other_business(), ret).await;
    assert_refused_with(result, &Error::order_not_found(order_id));
}

pub async fn an_order_of_a_shop_of_another_cabinet_is_refused(env: &TestEnvironment) {
    let new = |raw, campaign_id| NewOrder {
        order_id: OrderId::new(raw).unwrap(),
        campaign_id,
        model: None,
        customer: None,
    };
    let other_chat = env.market().register_order(env.other_business(), new(2, None)).await.unwrap();
    assert!(other_chat.campaign_id.is_some());
    let order = new(1, other_chat.campaign_id);
    assert_refused(env.market().register_order(env.business, order).await, ErrorKind::NotFound);
}

pub async fn message_ids_increase_across_cabinets(env: &TestEnvironment) {
    let ours = env.create_order_chat(1).await;
    let order = env.register_order_of(env.other_business(), 2, Model::Fbs).await;
    let other_chat =
        env.api.create_chat(env.other_business(), ChatContext::Order(order)).await.unwrap();
    let mut ids = Vec::new();
    for _ in 0..4 {
        ids.push(env.write_as_buyer(ours, "Да").await.message_id);
        let message = MarketMessage::customer("Да");
        let written = env.market().write_message(env.other_business(), other_chat, message).await;
        ids.push(written.unwrap().message_id);
    }
    assert_increasing(&ids);
}

pub async fn a_history_token_of_another_cabinet_is_rejected(env: &TestEnvironment) {
    let ours = env.chat_with_messages(1, 3).await;
    let order = env.register_order_of(env.other_business(), 2, Model::Fbs).await;
    let other_chat =
        env.api.create_chat(env.other_business(), ChatContext::Order(order)).await.unwrap();
    let page = PageRequest::first(beseda_api::HistoryLimit::new(1).unwrap());
    let first = env.history_page(ours, HistoryFrom { message_id_from: None, page }).await;
    let page = PageRequest { limit: None, token: first.paging.next_page_token };
    let from = HistoryFrom { message_id_from: None, page };
    let result = env.api.get_chat_history(env.other_business(), other_chat, from).await;
    assert_refused_with(result, &Error::bad_page_token());
}

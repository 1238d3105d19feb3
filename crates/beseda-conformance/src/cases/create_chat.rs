//! createChat: creation for orders and returns, once per context.

use std::{collections::BTreeSet, sync::Arc};

use beseda_api::{
    ChatContext, ChatFilter, ChatId, ChatOpening, ChatStatus, ChatType, ContextType, Error,
    ErrorKind, Model, OrderId, ReturnId, wire::ContextRef,
};

use crate::{
    ContextDetail, TestEnvironment,
    assertions::{assert_refused, assert_refused_with},
};

fn order(raw: i64) -> ChatContext {
    ChatContext::Order(OrderId::new(raw).unwrap())
}

pub async fn a_chat_created_for_an_order_is_new_and_no_dispute(env: &TestEnvironment) {
    let id = env.create_order_chat(123_456_789).await;
    let chat = env.get_chat(id).await;
    assert_eq!((chat.chat_id, chat.chat_type, chat.status), (id, ChatType::Chat, ChatStatus::New));
    assert_eq!(chat.created_at, env.now());
    assert_eq!(chat.context.context_type, ContextType::Order);
    assert_eq!(chat.context.order_id, OrderId::new(123_456_789).ok());
}

pub async fn chats_are_created_for_orders_of_every_model(env: &TestEnvironment) {
    for (raw, model) in (1..).zip([Model::Fbs, Model::Fby, Model::Express, Model::Dbs]) {
        let id = env.register_order_of(env.business, raw, model.clone()).await;
        let chat = env.get_chat(env.create_chat(order(raw)).await).await;
        assert_eq!(chat.order_id, Some(id), "{model}");
        let tells_shop = env.context_detail() == ContextDetail::Full;
        assert_eq!(chat.context.campaign_id.is_some(), tells_shop, "{model}");
    }
}

pub async fn chats_are_created_for_returns_of_every_model_except_dbs(env: &TestEnvironment) {
    for (raw, model) in (1..).zip([Model::Fbs, Model::Fby, Model::Express]) {
        let order = env.register_order_of(env.business, raw, model).await;
        let ret = env.register_return(order, raw + 100).await;
        let chat = env.get_chat(env.create_chat(ChatContext::Return(ret)).await).await;
        assert_eq!(chat.order_id, Some(order));
        match env.context_detail() {
            ContextDetail::Full => {
                assert_eq!(chat.context.context_type, ContextType::Return);
                assert_eq!(chat.context.return_id, Some(ret));
            }
            ContextDetail::OrderOnly => assert_eq!(chat.context.context_type, ContextType::Order),
        }
    }
}

pub async fn no_chat_is_created_for_a_return_of_a_dbs_order(env: &TestEnvironment) {
    let order = env.register_order_of(env.business, 1, Model::Dbs).await;
    let ret = env.register_return(order, 77).await;
    let result = env.api.create_chat(env.business, ChatContext::Return(ret)).await;
    assert_refused(result, ErrorKind::BadRequest);
    assert!(env.find_chats(ChatFilter::default()).await.is_empty());
}

pub async fn creating_a_chat_again_returns_the_existing_one(env: &TestEnvironment) {
    let order = ChatContext::Order(env.register_order(1).await);
    let first = env.create_chat(order).await;
    env.advance_second();
    assert_eq!(env.create_chat(order).await, first);
    env.write_as_buyer(first, "Вопрос").await;
    assert_eq!(env.create_chat(order).await, first);
    assert_eq!(env.find_chats(ChatFilter::default()).await, [first]);
}

pub async fn an_order_and_its_return_have_different_chats(env: &TestEnvironment) {
    let id = env.register_order(1).await;
    let ret = env.register_return(id, 77).await;
    let by_order = env.create_chat(ChatContext::Order(id)).await;
    let by_return = env.create_chat(ChatContext::Return(ret)).await;
    assert_ne!(by_order, by_return);
    assert_eq!(env.create_chat(ChatContext::Return(ret)).await, by_return);
}

pub async fn two_returns_of_one_order_have_different_chats(env: &TestEnvironment) {
    let id = env.register_order(1).await;
    let one = ChatContext::Return(env.register_return(id, 77).await);
    let two = ChatContext::Return(env.register_return(id, 78).await);
    assert_ne!(env.create_chat(one).await, env.create_chat(two).await);
}

pub async fn the_chat_is_returned_rather_than_the_dispute(env: &TestEnvironment) {
    let chat = env.create_order_chat(1).await;
    let dispute = env.open_dispute(1).await;
    env.write_as_buyer(dispute, "Я не согласен").await;
    assert_ne!(chat, dispute);
    assert_eq!(env.create_chat(order(1)).await, chat);
}

pub async fn a_chat_is_created_for_a_context_that_has_only_a_dispute(env: &TestEnvironment) {
    let dispute = env.open_dispute(1).await;
    let chat = env.create_chat(order(1)).await;
    assert_ne!(chat, dispute);
    assert_eq!(env.get_chat(chat).await.chat_type, ChatType::Chat);
    assert_eq!(env.create_chat(order(1)).await, chat);
}

pub async fn a_chat_opened_by_the_buyer_is_returned(env: &TestEnvironment) {
    env.register_order(1).await;
    let context = Some(ContextRef::from(order(1)));
    let message = Some("Здравствуйте!".to_owned());
    let opening = ChatOpening { context, message, ..ChatOpening::default() };
    let opened = env.market().open_chat(env.business, opening).await.unwrap();
    assert_eq!(env.create_chat(order(1)).await, opened.chat_id);
    assert_eq!(env.texts(opened.chat_id).await, ["Здравствуйте!"]);
}

pub async fn a_finished_chat_is_returned(env: &TestEnvironment) {
    let chat = env.create_order_chat(1).await;
    env.market().close_chat(env.business, chat).await.unwrap();
    assert_eq!(env.create_chat(order(1)).await, chat);
    assert_eq!(env.chat_status(chat).await, ChatStatus::Finished);
}

pub async fn an_unknown_order_is_not_found(env: &TestEnvironment) {
    env.register_order(1).await;
    for raw in [5, i64::MAX] {
        let id = OrderId::new(raw).unwrap();
        let result = env.api.create_chat(env.business, ChatContext::Order(id)).await;
        assert_refused_with(result, &Error::order_not_found(id));
    }
    assert!(env.find_chats(ChatFilter::default()).await.is_empty());
}

pub async fn an_unknown_return_is_not_found(env: &TestEnvironment) {
    let id = env.register_order(77).await;
    env.register_return(id, 1).await;
    let ret = ReturnId::new(77).unwrap();
    let result = env.api.create_chat(env.business, ChatContext::Return(ret)).await;
    assert_refused_with(result, &Error::return_not_found(ret));
}

pub async fn chat_ids_are_unique(env: &TestEnvironment) {
    let mut chats = BTreeSet::new();
    for raw in 1..=10 {
        chats.insert(env.create_order_chat(raw).await);
        chats.insert(env.open_direct_chat(&format!("Покупатель {raw}")).await);
        chats.insert(env.open_dispute(raw).await);
    }
    assert_eq!(chats.len(), 30);
}

pub async fn concurrent_creations_of_one_chat_return_one_id(env: &TestEnvironment) {
    let context = ChatContext::Order(env.register_order(1).await);
    let tasks: Vec<_> = (0..16)
        .map(|_| {
            let (api, business) = (Arc::clone(&env.api), env.business);
            tokio::spawn(async move { api.create_chat(business, context).await })
        })
        .collect();
    let mut ids = BTreeSet::<ChatId>::new();
    for task in tasks {
        ids.insert(task.await.unwrap().unwrap());
    }
    assert_eq!(ids.len(), 1);
    assert_eq!(env.find_chats(ChatFilter::default()).await, ids.into_iter().collect::<Vec<_>>());
}

pub async fn concurrent_creation_by_shop_and_buyer_results_in_one_chat(env: &TestEnvironment) {
    for raw in 1..=5 {
        let context = ChatContext::Order(env.register_order(raw).await);
        let opening = ChatOpening {
            context: Some(ContextRef::from(context)),
            message: Some("Здравствуйте".to_owned()),
            ..ChatOpening::default()
        };
        let (created, opened) = tokio::join!(
            env.api.create_chat(env.business, context),
            env.market().open_chat(env.business, opening)
        );
        assert_eq!(created.unwrap(), opened.unwrap().chat_id);
    }
    assert_eq!(env.find_chats(ChatFilter::default()).await.len(), 5);
}

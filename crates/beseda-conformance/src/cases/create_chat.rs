//! createChat: for orders and returns, once per context, and only for what exists.

use std::{collections::BTreeSet, sync::Arc};

use beseda_api::{
    ChatContext, ChatFilter, ChatId, ChatOpening, ChatStatus, ChatType, ContextType, Error,
    ErrorKind, Model, OrderId, ReturnId, wire::ContextRef,
};

use crate::{
    Contexts, World,
    refusal::{refused, refused_as},
};

fn order(raw: i64) -> ChatContext {
    ChatContext::Order(OrderId::new(raw).unwrap())
}

pub async fn a_chat_for_an_order_is_new_and_a_talk(world: &World) {
    let id = world.order_chat(123_456_789).await;
    let chat = world.chat(id).await;
    assert_eq!((chat.chat_id, chat.chat_type, chat.status), (id, ChatType::Chat, ChatStatus::New));
    assert_eq!(chat.created_at, world.now());
    assert_eq!(chat.context.context_type, ContextType::Order);
    assert_eq!(chat.context.order_id, OrderId::new(123_456_789).ok());
}

pub async fn a_chat_is_made_for_orders_of_every_model(world: &World) {
    for (raw, model) in (1..).zip([Model::Fbs, Model::Fby, Model::Express, Model::Dbs]) {
        let id = world.order_of(world.business, raw, model.clone()).await;
        let chat = world.chat(world.create(order(raw)).await).await;
        assert_eq!(chat.order_id, Some(id), "{model}");
        let tells_shop = world.contexts() == Contexts::Full;
        assert_eq!(chat.context.campaign_id.is_some(), tells_shop, "{model}");
    }
}

pub async fn a_chat_is_made_for_returns_of_every_model_but_dbs(world: &World) {
    for (raw, model) in (1..).zip([Model::Fbs, Model::Fby, Model::Express]) {
        let order = world.order_of(world.business, raw, model).await;
        let ret = world.return_of(order, raw + 100).await;
        let chat = world.chat(world.create(ChatContext::Return(ret)).await).await;
        assert_eq!(chat.order_id, Some(order));
        match world.contexts() {
            Contexts::Full => {
                assert_eq!(chat.context.context_type, ContextType::Return);
                assert_eq!(chat.context.return_id, Some(ret));
            }
            Contexts::Orders => assert_eq!(chat.context.context_type, ContextType::Order),
        }
    }
}

pub async fn a_return_of_a_dbs_order_has_no_chat(world: &World) {
    let order = world.order_of(world.business, 1, Model::Dbs).await;
    let ret = world.return_of(order, 77).await;
    let result = world.api.create_chat(world.business, ChatContext::Return(ret)).await;
    refused(result, ErrorKind::BadRequest);
    assert!(world.found(ChatFilter::default()).await.is_empty());
}

pub async fn the_chat_of_a_context_is_made_once(world: &World) {
    let order = ChatContext::Order(world.order(1).await);
    let first = world.create(order).await;
    world.tick();
    assert_eq!(world.create(order).await, first);
    world.buyer_says(first, "Вопрос").await;
    assert_eq!(world.create(order).await, first);
    assert_eq!(world.found(ChatFilter::default()).await, [first]);
}

pub async fn a_return_has_another_chat_than_its_order(world: &World) {
    let id = world.order(1).await;
    let ret = world.return_of(id, 77).await;
    let by_order = world.create(ChatContext::Order(id)).await;
    let by_return = world.create(ChatContext::Return(ret)).await;
    assert_ne!(by_order, by_return);
    assert_eq!(world.create(ChatContext::Return(ret)).await, by_return);
}

pub async fn two_returns_of_one_order_have_two_chats(world: &World) {
    let id = world.order(1).await;
    let one = ChatContext::Return(world.return_of(id, 77).await);
    let two = ChatContext::Return(world.return_of(id, 78).await);
    assert_ne!(world.create(one).await, world.create(two).await);
}

pub async fn the_talk_is_found_and_not_the_dispute(world: &World) {
    let talk = world.order_chat(1).await;
    let dispute = world.dispute(1).await;
    world.buyer_says(dispute, "Я не согласен").await;
    assert_ne!(talk, dispute);
    assert_eq!(world.create(order(1)).await, talk);
}

pub async fn a_context_with_only_a_dispute_gets_its_talk(world: &World) {
    let dispute = world.dispute(1).await;
    let talk = world.create(order(1)).await;
    assert_ne!(talk, dispute);
    assert_eq!(world.chat(talk).await.chat_type, ChatType::Chat);
    assert_eq!(world.create(order(1)).await, talk);
}

pub async fn the_chat_a_buyer_opened_is_found(world: &World) {
    world.order(1).await;
    let context = Some(ContextRef::from(order(1)));
    let message = Some("Здравствуйте!".to_owned());
    let opening = ChatOpening { context, message, ..ChatOpening::default() };
    let opened = world.market().open_chat(world.business, opening).await.unwrap();
    assert_eq!(world.create(order(1)).await, opened.chat_id);
    assert_eq!(world.texts(opened.chat_id).await, ["Здравствуйте!"]);
}

pub async fn a_finished_chat_is_found_too(world: &World) {
    let chat = world.order_chat(1).await;
    world.market().close_chat(world.business, chat).await.unwrap();
    assert_eq!(world.create(order(1)).await, chat);
    assert_eq!(world.status(chat).await, ChatStatus::Finished);
}

pub async fn an_unknown_order_is_not_found(world: &World) {
    world.order(1).await;
    for raw in [5, i64::MAX] {
        let id = OrderId::new(raw).unwrap();
        let result = world.api.create_chat(world.business, ChatContext::Order(id)).await;
        refused_as(result, &Error::order_not_found(id));
    }
    assert!(world.found(ChatFilter::default()).await.is_empty());
}

pub async fn an_unknown_return_is_not_found(world: &World) {
    let id = world.order(77).await;
    world.return_of(id, 1).await;
    let ret = ReturnId::new(77).unwrap();
    let result = world.api.create_chat(world.business, ChatContext::Return(ret)).await;
    refused_as(result, &Error::return_not_found(ret));
}

pub async fn every_chat_has_an_id_of_its_own(world: &World) {
    let mut chats = BTreeSet::new();
    for raw in 1..=10 {
        chats.insert(world.order_chat(raw).await);
        chats.insert(world.direct_chat(&format!("Покупатель {raw}")).await);
        chats.insert(world.dispute(raw).await);
    }
    assert_eq!(chats.len(), 30);
}

pub async fn many_who_create_one_chat_at_once_get_one_id(world: &World) {
    let context = ChatContext::Order(world.order(1).await);
    let tasks: Vec<_> = (0..16)
        .map(|_| {
            let (api, business) = (Arc::clone(&world.api), world.business);
            tokio::spawn(async move { api.create_chat(business, context).await })
        })
        .collect();
    let mut given = BTreeSet::<ChatId>::new();
    for task in tasks {
        given.insert(task.await.unwrap().unwrap());
    }
    assert_eq!(given.len(), 1);
    assert_eq!(world.found(ChatFilter::default()).await, given.into_iter().collect::<Vec<_>>());
}

pub async fn a_shop_and_a_buyer_who_begin_at_once_meet_in_one_chat(world: &World) {
    for raw in 1..=5 {
        let context = ChatContext::Order(world.order(raw).await);
        let opening = ChatOpening {
            context: Some(ContextRef::from(context)),
            message: Some("Здравствуйте".to_owned()),
            ..ChatOpening::default()
        };
        let (made, opened) = tokio::join!(
            world.api.create_chat(world.business, context),
            world.market().open_chat(world.business, opening)
        );
        assert_eq!(made.unwrap(), opened.unwrap().chat_id);
    }
    assert_eq!(world.found(ChatFilter::default()).await.len(), 5);
}

//! Two cabinets: what one has, the other neither sees nor touches, in any operation.

use beseda_api::{
    ChatContext, ChatFilter, ChatOpening, DisputeOpening, Error, ErrorKind, FileUpload,
    HistoryFrom, MarketMessage, Model, NewOrder, NewReturn, OrderId, PageRequest, ReturnId, Sender,
    wire::ContextRef,
};

use crate::{
    World, assert_grow,
    refusal::{refused, refused_as},
    text,
};

pub async fn chats_of_another_cabinet_are_not_listed(world: &World) {
    let order = world.order_of(world.other(), 2, Model::Fbs).await;
    world.order_chat(1).await;
    let theirs = world.api.create_chat(world.other(), ChatContext::Order(order)).await.unwrap();
    assert!(!world.found(ChatFilter::default()).await.contains(&theirs));
    let by_order = ChatFilter { order_ids: vec![order], ..ChatFilter::default() };
    assert!(world.found(by_order).await.is_empty());
    let list =
        world.api.get_chats(world.other(), ChatFilter::default(), PageRequest::default()).await;
    let list: Vec<_> = list.unwrap().chats.into_iter().map(|chat| chat.chat_id).collect();
    assert_eq!(list, [theirs]);
}

pub async fn a_chat_of_another_cabinet_is_not_found(world: &World) {
    let chat = world.talk(1, 1).await;
    refused_as(world.api.get_chat(world.other(), chat).await, &Error::chat_not_found(chat));
}

pub async fn a_history_of_another_cabinet_is_not_found(world: &World) {
    let chat = world.talk(1, 1).await;
    let result = world.api.get_chat_history(world.other(), chat, HistoryFrom::default()).await;
    refused_as(result, &Error::chat_not_found(chat));
}

pub async fn a_message_of_another_cabinet_is_not_found(world: &World) {
    let chat = world.talk(1, 1).await;
    let message = world.history(chat).await[0].message_id;
    let result = world.api.get_chat_message(world.other(), chat, message).await;
    refused_as(result, &Error::chat_not_found(chat));
}

pub async fn nothing_can_be_written_into_a_chat_of_another_cabinet(world: &World) {
    let chat = world.talk(1, 1).await;
    let before = (world.chat(chat).await, world.history(chat).await);
    let expected = Error::chat_not_found(chat);
    let result = world.api.send_message_to_chat(world.other(), chat, text("Не туда")).await;
    refused_as(result, &expected);
    let file = FileUpload::from_bytes("a.txt", "x");
    refused_as(world.api.send_file_to_chat(world.other(), chat, file).await, &expected);
    assert_eq!((world.chat(chat).await, world.history(chat).await), before);
    assert_eq!(world.stored_files(), 0);
}

pub async fn a_closed_chat_of_another_cabinet_is_not_found_rather_than_closed(world: &World) {
    let chat = world.talk(1, 1).await;
    world.market().close_chat(world.business, chat).await.unwrap();
    let result = world.api.send_message_to_chat(world.other(), chat, text("Да")).await;
    refused_as(result, &Error::chat_not_found(chat));
}

pub async fn an_order_of_another_cabinet_is_not_found(world: &World) {
    let order = world.order_of(world.other(), 2, Model::Fbs).await;
    let result = world.api.create_chat(world.business, ChatContext::Order(order)).await;
    refused_as(result, &Error::order_not_found(order));
    // Nor once it has a chat over there.
    world.api.create_chat(world.other(), ChatContext::Order(order)).await.unwrap();
    let result = world.api.create_chat(world.business, ChatContext::Order(order)).await;
    refused_as(result, &Error::order_not_found(order));
}

pub async fn a_return_of_another_cabinet_is_not_found(world: &World) {
    let order = world.order(1).await;
    let ret = world.return_of(order, 77).await;
    let result = world.api.create_chat(world.other(), ChatContext::Return(ret)).await;
    refused_as(result, &Error::return_not_found(ret));
}

pub async fn a_buyer_opens_no_chat_about_an_order_of_another_cabinet(world: &World) {
    let order = world.order(1).await;
    let context = Some(ContextRef::from(ChatContext::Order(order)));
    let opening = ChatOpening { context, ..ChatOpening::default() };
    let result = world.market().open_chat(world.other(), opening).await;
    refused_as(result, &Error::order_not_found(order));
}

pub async fn the_marketplace_writes_into_a_chat_by_its_own_cabinet_only(world: &World) {
    let chat = world.talk(1, 1).await;
    let before = world.history(chat).await;
    let expected = Error::chat_not_found(chat);
    let message = MarketMessage::customer("Не туда");
    refused_as(world.market().write_message(world.other(), chat, message).await, &expected);
    let file = FileUpload::from_bytes("a.txt", "x");
    let result = world.market().write_file(world.other(), chat, Sender::Customer, file).await;
    refused_as(result, &expected);
    refused_as(world.market().close_chat(world.other(), chat).await, &expected);
    assert_eq!(world.history(chat).await, before);
}

pub async fn disputes_are_opened_and_ended_by_their_own_cabinet_only(world: &World) {
    let talk = world.talk(1, 1).await;
    let opening = DisputeOpening { chat_id: Some(talk), ..DisputeOpening::default() };
    let result = world.market().open_dispute(world.other(), opening).await;
    refused_as(result, &Error::chat_not_found(talk));
    let opening = DisputeOpening { order_id: Some(1), ..DisputeOpening::default() };
    let result = world.market().open_dispute(world.other(), opening).await;
    refused_as(result, &Error::order_not_found(OrderId::new(1).unwrap()));
    let dispute = world.dispute(1).await;
    let result = world.market().resolve_dispute(world.other(), dispute).await;
    refused_as(result, &Error::chat_not_found(dispute));
}

pub async fn a_return_is_registered_with_an_order_of_its_own_cabinet_only(world: &World) {
    let order_id = world.order(1).await;
    let ret = NewReturn { return_id: ReturnId::new(77).unwrap(), order_id };
    let result = world.market().register_return(world.other(), ret).await;
    refused_as(result, &Error::order_not_found(order_id));
}

pub async fn a_shop_of_another_cabinet_takes_no_orders(world: &World) {
    let new = |raw, campaign_id| NewOrder {
        order_id: OrderId::new(raw).unwrap(),
        campaign_id,
        model: None,
        customer: None,
    };
    let theirs = world.market().register_order(world.other(), new(2, None)).await.unwrap();
    assert!(theirs.campaign_id.is_some());
    let order = new(1, theirs.campaign_id);
    refused(world.market().register_order(world.business, order).await, ErrorKind::NotFound);
}

pub async fn message_ids_grow_over_both_cabinets(world: &World) {
    let ours = world.order_chat(1).await;
    let order = world.order_of(world.other(), 2, Model::Fbs).await;
    let theirs = world.api.create_chat(world.other(), ChatContext::Order(order)).await.unwrap();
    let mut given = Vec::new();
    for _ in 0..4 {
        given.push(world.buyer_says(ours, "Да").await.message_id);
        let message = MarketMessage::customer("Да");
        let written = world.market().write_message(world.other(), theirs, message).await;
        given.push(written.unwrap().message_id);
    }
    assert_grow(&given);
}

pub async fn a_history_token_of_another_cabinet_is_bad(world: &World) {
    let ours = world.talk(1, 3).await;
    let order = world.order_of(world.other(), 2, Model::Fbs).await;
    let theirs = world.api.create_chat(world.other(), ChatContext::Order(order)).await.unwrap();
    let page = PageRequest::first(beseda_api::HistoryLimit::new(1).unwrap());
    let first = world.history_page(ours, HistoryFrom { message_id_from: None, page }).await;
    let page = PageRequest { limit: None, token: first.paging.next_page_token };
    let from = HistoryFrom { message_id_from: None, page };
    let result = world.api.get_chat_history(world.other(), theirs, from).await;
    refused_as(result, &Error::bad_page_token());
}

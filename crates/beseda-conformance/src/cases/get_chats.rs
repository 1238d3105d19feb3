//! getChats: what is in the list, its order, and filters alone and together.

use beseda_api::{
    Chat, ChatContext, ChatFilter, ChatId, ChatStatus, ChatType, ContextType, Customer,
    DisputeOpening, FullContext, MarketMessage, OrderId, PageRequest, ReturnId, Sender, WaitingFor,
};

use crate::{Contexts, World, buyer};

fn sorted(mut chats: Vec<ChatId>) -> Vec<ChatId> {
    chats.sort_unstable();
    chats
}

async fn find(world: &World, filter: ChatFilter) -> Vec<ChatId> {
    sorted(world.found(filter).await)
}

async fn only(world: &World) -> Chat {
    let mut chats = world.walk(ChatFilter::default(), 20).await;
    assert_eq!(chats.len(), 1);
    chats.remove(0)
}

pub async fn a_cabinet_without_chats_has_an_empty_list(world: &World) {
    let page = world.api.get_chats(world.business, ChatFilter::default(), PageRequest::default());
    let page = page.await.unwrap();
    assert!(page.chats.is_empty());
    assert_eq!(page.paging.next_page_token, None);
}

pub async fn the_most_recently_updated_chat_comes_first(world: &World) {
    let mut made = Vec::new();
    for raw in 1..=5 {
        world.tick();
        made.push(world.order_chat(raw).await);
    }
    made.reverse();
    assert_eq!(world.found(ChatFilter::default()).await, made);
}

pub async fn a_new_message_moves_its_chat_to_the_front(world: &World) {
    let old = world.order_chat(1).await;
    world.tick();
    let new = world.order_chat(2).await;
    assert_eq!(world.found(ChatFilter::default()).await, [new, old]);
    world.tick();
    world.somebody_says(old, "Когда приедет?").await;
    assert_eq!(world.found(ChatFilter::default()).await, [old, new]);
    world.tick();
    world.say(new, "Ваш заказ собран").await;
    assert_eq!(world.found(ChatFilter::default()).await, [new, old]);
}

pub async fn chats_come_in_the_order_of_their_update_times(world: &World) {
    for raw in 1..=6 {
        world.order_chat(raw).await;
        world.tick();
    }
    for raw in [3, 1, 5] {
        let chat = world.create(ChatContext::Order(OrderId::new(raw).unwrap())).await;
        world.somebody_says(chat, "Ещё вопрос").await;
        world.tick();
    }
    let chats = world.walk(ChatFilter::default(), 2).await;
    assert_eq!(chats.len(), 6);
    assert!(chats.is_sorted_by(|a, b| a.updated_at > b.updated_at), "{chats:?}");
}

pub async fn an_order_chat_carries_its_order_shop_and_customer(world: &World) {
    let id = world.order_chat(123_456_789).await;
    let chat = only(world).await;
    let order = OrderId::new(123_456_789).ok();
    assert_eq!(chat.chat_id, id);
    assert_eq!(chat.chat_type, ChatType::Chat);
    assert_eq!((chat.order_id, chat.context.order_id), (order, order));
    assert_eq!(chat.context.context_type, ContextType::Order);
    if world.contexts() == Contexts::Orders {
        return assert_eq!(chat.context, FullContext::by_order(order));
    }
    assert_eq!(chat.context.customer, Some(buyer()));
    assert_eq!(chat.context.return_id, None);
    assert!(chat.context.campaign_id.is_some());
}

pub async fn a_return_chat_carries_its_return_and_its_order(world: &World) {
    world.return_chat(5, 77).await;
    let chat = only(world).await;
    let order = OrderId::new(5).ok();
    assert_eq!((chat.order_id, chat.context.order_id), (order, order));
    if world.contexts() == Contexts::Orders {
        return assert_eq!(chat.context, FullContext::by_order(order));
    }
    assert_eq!(chat.context.context_type, ContextType::Return);
    assert_eq!(chat.context.return_id, ReturnId::new(77).ok());
    assert_eq!(chat.context.customer, Some(buyer()));
    assert!(chat.context.campaign_id.is_some());
}

pub async fn a_direct_chat_carries_its_customer_and_no_order(world: &World) {
    let id = world.direct_chat("Мария К.").await;
    if !world.shows_direct() {
        return world.assert_hidden(id).await;
    }
    let chat = only(world).await;
    assert_eq!(chat.context.context_type, ContextType::Direct);
    assert_eq!((chat.order_id, chat.context.order_id), (None, None));
    assert_eq!((chat.context.campaign_id, chat.context.return_id), (None, None));
    let customer = Customer { name: Some("Мария К.".to_owned()), public_id: None };
    assert_eq!(chat.context.customer, Some(customer));
}

pub async fn a_dispute_is_listed_as_a_chat_of_its_own(world: &World) {
    let talk = world.order_chat(1).await;
    world.tick();
    let dispute = world.dispute(1).await;
    let chats = world.walk(ChatFilter::default(), 20).await;
    let listed: Vec<_> = chats.iter().map(|c| (c.chat_id, c.chat_type.clone())).collect();
    assert_eq!(listed, [(dispute, ChatType::Arbitrage), (talk, ChatType::Chat)]);
    assert_eq!(chats[0].context, chats[1].context);
}

pub async fn chats_are_found_by_order_ids(world: &World) {
    let first = world.order_chat(1).await;
    let second = world.order_chat(2).await;
    world.order_chat(3).await;
    world.direct_chat("Мария К.").await;
    let by = |raw: &[i64]| ChatFilter {
        order_ids: raw.iter().map(|&raw| OrderId::new(raw).unwrap()).collect(),
        ..ChatFilter::default()
    };
    assert_eq!(find(world, by(&[2])).await, [second]);
    assert_eq!(find(world, by(&[1, 2])).await, sorted(vec![first, second]));
    assert_eq!(find(world, by(&[2, 999])).await, [second]);
}

pub async fn chats_are_found_by_contexts_of_orders_and_returns(world: &World) {
    let order = world.order_chat(1).await;
    let ret = world.return_chat(2, 77).await;
    world.order_chat(3).await;
    world.direct_chat("Мария К.").await;
    let contexts = vec![
        ChatContext::Order(OrderId::new(1).unwrap()),
        ChatContext::Return(ReturnId::new(77).unwrap()),
    ];
    let by = |contexts| ChatFilter { contexts, ..ChatFilter::default() };
    assert_eq!(find(world, by(contexts[..1].to_vec())).await, [order]);
    assert_eq!(find(world, by(contexts[1..].to_vec())).await, [ret]);
    assert_eq!(find(world, by(contexts)).await, sorted(vec![order, ret]));
}

pub async fn an_order_and_a_return_of_one_number_are_not_mixed_up(world: &World) {
    let by_order = world.order_chat(77).await;
    let by_return = world.return_chat(5, 77).await;
    let by = |context| ChatFilter { contexts: vec![context], ..ChatFilter::default() };
    let order = ChatContext::Order(OrderId::new(77).unwrap());
    let ret = ChatContext::Return(ReturnId::new(77).unwrap());
    assert_eq!(find(world, by(order)).await, [by_order]);
    assert_eq!(find(world, by(ret)).await, [by_return]);
}

pub async fn a_context_finds_both_the_talk_and_the_dispute(world: &World) {
    let talk = world.order_chat(1).await;
    let dispute = world.dispute(1).await;
    let contexts = vec![ChatContext::Order(OrderId::new(1).unwrap())];
    let both = ChatFilter { contexts, ..ChatFilter::default() };
    assert_eq!(find(world, both.clone()).await, sorted(vec![talk, dispute]));
    let only_dispute = ChatFilter { types: vec![ChatType::Arbitrage], ..both };
    assert_eq!(find(world, only_dispute).await, [dispute]);
}

pub async fn chats_are_found_by_context_types(world: &World) {
    let order = world.order_chat(1).await;
    let ret = world.return_chat(2, 77).await;
    let direct = world.direct_chat("Мария К.").await;
    let by = |kinds: &[ContextType]| ChatFilter {
        context_types: kinds.to_vec(),
        ..ChatFilter::default()
    };
    assert_eq!(find(world, by(&[ContextType::Order])).await, [order]);
    assert_eq!(find(world, by(&[ContextType::Return])).await, [ret]);
    let direct: &[ChatId] = if world.shows_direct() { &[direct] } else { &[] };
    assert_eq!(find(world, by(&[ContextType::Direct])).await, direct);
    let two = by(&[ContextType::Direct, ContextType::Return]);
    assert_eq!(find(world, two).await, sorted([&[ret], direct].concat()));
    assert_eq!(find(world, by(ContextType::ALL)).await, sorted([&[order, ret], direct].concat()));
}

pub async fn chats_are_found_by_type(world: &World) {
    let talk = world.order_chat(1).await;
    let dispute = world.dispute(2).await;
    let by = |types: &[ChatType]| ChatFilter { types: types.to_vec(), ..ChatFilter::default() };
    assert_eq!(find(world, by(&[ChatType::Chat])).await, [talk]);
    assert_eq!(find(world, by(&[ChatType::Arbitrage])).await, [dispute]);
    assert_eq!(find(world, by(ChatType::ALL)).await, sorted(vec![talk, dispute]));
}

pub async fn chats_are_found_by_every_status(world: &World) {
    let mut of_status = vec![(ChatStatus::New, world.order_chat(1).await)];
    let answered = world.order_chat(2).await;
    world.say(answered, "Добрый день").await;
    of_status.push((ChatStatus::WaitingForCustomer, answered));
    let asked = world.order_chat(3).await;
    world.buyer_says(asked, "Когда?").await;
    of_status.push((ChatStatus::WaitingForPartner, asked));
    of_status.push((ChatStatus::WaitingForArbiter, world.dispute(4).await));
    let for_market = world.dispute(5).await;
    let message = MarketMessage {
        sender: Sender::Support,
        message: Some("Проверим у себя".to_owned()),
        sticker: false,
        waiting_for: Some(WaitingFor::Market),
    };
    world.market_writes(for_market, message).await;
    of_status.push((ChatStatus::WaitingForMarket, for_market));
    let over = world.order_chat(6).await;
    world.market().close_chat(world.business, over).await.unwrap();
    of_status.push((ChatStatus::Finished, over));

    assert_eq!(of_status.len(), ChatStatus::ALL.len());
    for (status, chat) in &of_status {
        let filter = ChatFilter { statuses: vec![status.clone()], ..ChatFilter::default() };
        assert_eq!(world.found(filter).await, [*chat], "{status}");
    }
    let all = ChatFilter { statuses: ChatStatus::ALL.to_vec(), ..ChatFilter::default() };
    assert_eq!(find(world, all).await, sorted(of_status.iter().map(|(_, chat)| *chat).collect()));
}

pub async fn a_chat_whose_status_changes_is_found_by_the_new_one_only(world: &World) {
    let chat = world.order_chat(1).await;
    let by = |status| ChatFilter { statuses: vec![status], ..ChatFilter::default() };
    assert_eq!(world.found(by(ChatStatus::New)).await, [chat]);
    world.buyer_says(chat, "Где заказ?").await;
    assert!(world.found(by(ChatStatus::New)).await.is_empty());
    assert_eq!(world.found(by(ChatStatus::WaitingForPartner)).await, [chat]);
}

pub async fn different_filters_must_all_match(world: &World) {
    let waiting = world.order_chat(1).await;
    world.buyer_says(waiting, "Вопрос").await;
    world.order_chat(2).await;
    let direct = world.direct_chat("Мария К.").await;
    let waiting_for_us =
        ChatFilter { statuses: vec![ChatStatus::WaitingForPartner], ..ChatFilter::default() };
    let direct: &[ChatId] = if world.shows_direct() { &[direct] } else { &[] };
    let all = sorted([&[waiting], direct].concat());
    assert_eq!(find(world, waiting_for_us.clone()).await, all);
    let of_orders =
        ChatFilter { context_types: vec![ContextType::Order], ..waiting_for_us.clone() };
    assert_eq!(find(world, of_orders.clone()).await, [waiting]);
    let disputes = ChatFilter { types: vec![ChatType::Arbitrage], ..of_orders };
    assert!(find(world, disputes).await.is_empty());
    let other_order = ChatFilter { order_ids: vec![OrderId::new(2).unwrap()], ..waiting_for_us };
    assert!(find(world, other_order).await.is_empty());
}

pub async fn order_ids_and_contexts_together_must_both_match(world: &World) {
    let chat = world.order_chat(1).await;
    world.order_chat(2).await;
    let (one, two) = (OrderId::new(1).unwrap(), OrderId::new(2).unwrap());
    let both = |order, context| ChatFilter {
        order_ids: vec![order],
        contexts: vec![ChatContext::Order(context)],
        ..ChatFilter::default()
    };
    assert_eq!(find(world, both(one, one)).await, [chat]);
    assert!(find(world, both(one, two)).await.is_empty());
}

pub async fn contexts_and_context_types_together_must_both_match(world: &World) {
    let chat = world.order_chat(1).await;
    world.return_chat(2, 77).await;
    let contexts = vec![
        ChatContext::Order(OrderId::new(1).unwrap()),
        ChatContext::Return(ReturnId::new(77).unwrap()),
    ];
    let context_types = vec![ContextType::Order];
    let filter = ChatFilter { contexts, context_types, ..ChatFilter::default() };
    assert_eq!(find(world, filter).await, [chat]);
}

pub async fn duplicates_in_a_filter_change_nothing(world: &World) {
    let chat = world.order_chat(1).await;
    let order = OrderId::new(1).unwrap();
    let filter = ChatFilter {
        order_ids: vec![order, order],
        contexts: vec![ChatContext::Order(order), ChatContext::Order(order)],
        context_types: vec![ContextType::Order, ContextType::Order],
        types: vec![ChatType::Chat, ChatType::Chat],
        statuses: vec![ChatStatus::New, ChatStatus::New],
    };
    assert_eq!(world.found(filter).await, [chat]);
}

pub async fn a_filter_that_matches_nothing_gives_an_empty_list(world: &World) {
    world.order_chat(1).await;
    for filter in [
        ChatFilter { order_ids: vec![OrderId::new(i64::MAX).unwrap()], ..ChatFilter::default() },
        ChatFilter {
            contexts: vec![ChatContext::Return(ReturnId::new(1).unwrap())],
            ..ChatFilter::default()
        },
        ChatFilter { types: vec![ChatType::Arbitrage], ..ChatFilter::default() },
        ChatFilter { statuses: vec![ChatStatus::Finished], ..ChatFilter::default() },
        ChatFilter { context_types: vec![ContextType::Direct], ..ChatFilter::default() },
    ] {
        assert!(world.found(filter.clone()).await.is_empty(), "{filter:?}");
    }
}

pub async fn a_filter_of_many_order_ids_is_taken(world: &World) {
    let chat = world.order_chat(500).await;
    let order_ids = (1..=1000).map(|raw| OrderId::new(raw).unwrap()).collect();
    let filter = ChatFilter { order_ids, ..ChatFilter::default() };
    assert_eq!(world.found(filter).await, [chat]);
}

pub async fn the_list_shows_what_get_chat_shows(world: &World) {
    let order = world.order(1).await;
    world.create(ChatContext::Order(order)).await;
    world.tick();
    let opening = DisputeOpening {
        order_id: Some(order.get()),
        message: Some("Пришло не то".to_owned()),
        ..DisputeOpening::default()
    };
    world.market().open_dispute(world.business, opening).await.unwrap();
    world.tick();
    world.direct_chat("Мария К.").await;
    world.return_chat(2, 77).await;
    let chats = world.walk(ChatFilter::default(), 20).await;
    assert_eq!(chats.len(), if world.shows_direct() { 4 } else { 3 });
    for chat in chats {
        assert_eq!(world.chat(chat.chat_id).await, chat);
    }
}

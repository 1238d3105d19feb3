//! getChats: contents, order and filters.

use beseda_api::{
    Chat, ChatContext, ChatFilter, ChatId, ChatStatus, ChatType, ContextType, Customer,
    DisputeOpening, FullContext, MarketMessage, OrderId, PageRequest, ReturnId, Sender, WaitingFor,
};

use crate::{ContextDetail, TestEnvironment, buyer};

fn sorted(mut chats: Vec<ChatId>) -> Vec<ChatId> {
    chats.sort_unstable();
    chats
}

async fn find(env: &TestEnvironment, filter: ChatFilter) -> Vec<ChatId> {
    sorted(env.find_chats(filter).await)
}

async fn only(env: &TestEnvironment) -> Chat {
    let mut chats = env.list_chats(ChatFilter::default(), 20).await;
    assert_eq!(chats.len(), 1);
    chats.remove(0)
}

pub async fn a_cabinet_without_chats_has_an_empty_list(env: &TestEnvironment) {
    let page = env.api.get_chats(env.business, ChatFilter::default(), PageRequest::default());
    let page = page.await.unwrap();
    assert!(page.chats.is_empty());
    assert_eq!(page.paging.next_page_token, None);
}

pub async fn the_most_recently_updated_chat_is_listed_first(env: &TestEnvironment) {
    let mut chats = Vec::new();
    for raw in 1..=5 {
        env.advance_second();
        chats.push(env.create_order_chat(raw).await);
    }
    chats.reverse();
    assert_eq!(env.find_chats(ChatFilter::default()).await, chats);
}

pub async fn a_new_message_moves_its_chat_to_the_front(env: &TestEnvironment) {
    let old = env.create_order_chat(1).await;
    env.advance_second();
    let new = env.create_order_chat(2).await;
    assert_eq!(env.find_chats(ChatFilter::default()).await, [new, old]);
    env.advance_second();
    env.add_message(old, "Когда приедет?").await;
    assert_eq!(env.find_chats(ChatFilter::default()).await, [old, new]);
    env.advance_second();
    env.send_text(new, "Ваш заказ собран").await;
    assert_eq!(env.find_chats(ChatFilter::default()).await, [new, old]);
}

pub async fn chats_are_listed_by_update_time(env: &TestEnvironment) {
    for raw in 1..=6 {
        env.create_order_chat(raw).await;
        env.advance_second();
    }
    for raw in [3, 1, 5] {
        let chat = env.create_chat(ChatContext::Order(OrderId::new(raw).unwrap())).await;
        env.add_message(chat, "Ещё вопрос").await;
        env.advance_second();
    }
    let chats = env.list_chats(ChatFilter::default(), 2).await;
    assert_eq!(chats.len(), 6);
    assert!(chats.is_sorted_by(|a, b| a.updated_at > b.updated_at), "{chats:?}");
}

pub async fn an_order_chat_has_its_order_shop_and_customer(env: &TestEnvironment) {
    let id = env.create_order_chat(123_456_789).await;
    let chat = only(env).await;
    let order = OrderId::new(123_456_789).ok();
    assert_eq!(chat.chat_id, id);
    assert_eq!(chat.chat_type, ChatType::Chat);
    assert_eq!((chat.order_id, chat.context.order_id), (order, order));
    assert_eq!(chat.context.context_type, ContextType::Order);
    if env.context_detail() == ContextDetail::OrderOnly {
        return assert_eq!(chat.context, FullContext::by_order(order));
    }
    assert_eq!(chat.context.customer, Some(buyer()));
    assert_eq!(chat.context.return_id, None);
    assert!(chat.context.campaign_id.is_some());
}

pub async fn a_return_chat_has_its_return_and_its_order(env: &TestEnvironment) {
    env.create_return_chat(5, 77).await;
    let chat = only(env).await;
    let order = OrderId::new(5).ok();
    assert_eq!((chat.order_id, chat.context.order_id), (order, order));
    if env.context_detail() == ContextDetail::OrderOnly {
        return assert_eq!(chat.context, FullContext::by_order(order));
    }
    assert_eq!(chat.context.context_type, ContextType::Return);
    assert_eq!(chat.context.return_id, ReturnId::new(77).ok());
    assert_eq!(chat.context.customer, Some(buyer()));
    assert!(chat.context.campaign_id.is_some());
}

pub async fn a_direct_chat_has_its_customer_and_no_order(env: &TestEnvironment) {
    let id = env.open_direct_chat("Мария К.").await;
    if !env.shows_direct_chats() {
        return env.assert_hidden(id).await;
    }
    let chat = only(env).await;
    assert_eq!(chat.context.context_type, ContextType::Direct);
    assert_eq!((chat.order_id, chat.context.order_id), (None, None));
    assert_eq!((chat.context.campaign_id, chat.context.return_id), (None, None));
    let customer = Customer { name: Some("Мария К.".to_owned()), public_id: None };
    assert_eq!(chat.context.customer, Some(customer));
}

pub async fn a_dispute_is_listed_as_a_separate_chat(env: &TestEnvironment) {
    let chat = env.create_order_chat(1).await;
    env.advance_second();
    let dispute = env.open_dispute(1).await;
    let chats = env.list_chats(ChatFilter::default(), 20).await;
    let listed: Vec<_> = chats.iter().map(|c| (c.chat_id, c.chat_type.clone())).collect();
    assert_eq!(listed, [(dispute, ChatType::Arbitrage), (chat, ChatType::Chat)]);
    assert_eq!(chats[0].context, chats[1].context);
}

pub async fn chats_are_found_by_order_ids(env: &TestEnvironment) {
    let first = env.create_order_chat(1).await;
    let second = env.create_order_chat(2).await;
    env.create_order_chat(3).await;
    env.open_direct_chat("Мария К.").await;
    let by = |raw: &[i64]| ChatFilter {
        order_ids: raw.iter().map(|&raw| OrderId::new(raw).unwrap()).collect(),
        ..ChatFilter::default()
    };
    assert_eq!(find(env, by(&[2])).await, [second]);
    assert_eq!(find(env, by(&[1, 2])).await, sorted(vec![first, second]));
    assert_eq!(find(env, by(&[2, 999])).await, [second]);
}

pub async fn chats_are_found_by_contexts_of_orders_and_returns(env: &TestEnvironment) {
    let order = env.create_order_chat(1).await;
    let ret = env.create_return_chat(2, 77).await;
    env.create_order_chat(3).await;
    env.open_direct_chat("Мария К.").await;
    let contexts = vec![
        ChatContext::Order(OrderId::new(1).unwrap()),
        ChatContext::Return(ReturnId::new(77).unwrap()),
    ];
    let by = |contexts| ChatFilter { contexts, ..ChatFilter::default() };
    assert_eq!(find(env, by(contexts[..1].to_vec())).await, [order]);
    assert_eq!(find(env, by(contexts[1..].to_vec())).await, [ret]);
    assert_eq!(find(env, by(contexts)).await, sorted(vec![order, ret]));
}

pub async fn an_order_and_a_return_with_the_same_number_are_told_apart(env: &TestEnvironment) {
    let by_order = env.create_order_chat(77).await;
    let by_return = env.create_return_chat(5, 77).await;
    let by = |context| ChatFilter { contexts: vec![context], ..ChatFilter::default() };
    let order = ChatContext::Order(OrderId::new(77).unwrap());
    let ret = ChatContext::Return(ReturnId::new(77).unwrap());
    assert_eq!(find(env, by(order)).await, [by_order]);
    assert_eq!(find(env, by(ret)).await, [by_return]);
}

pub async fn a_context_finds_both_the_chat_and_the_dispute(env: &TestEnvironment) {
    let chat = env.create_order_chat(1).await;
    let dispute = env.open_dispute(1).await;
    let contexts = vec![ChatContext::Order(OrderId::new(1).unwrap())];
    let both = ChatFilter { contexts, ..ChatFilter::default() };
    assert_eq!(find(env, both.clone()).await, sorted(vec![chat, dispute]));
    let only_dispute = ChatFilter { types: vec![ChatType::Arbitrage], ..both };
    assert_eq!(find(env, only_dispute).await, [dispute]);
}

pub async fn chats_are_found_by_context_types(env: &TestEnvironment) {
    let order = env.create_order_chat(1).await;
    let ret = env.create_return_chat(2, 77).await;
    let direct = env.open_direct_chat("Мария К.").await;
    let by = |kinds: &[ContextType]| ChatFilter {
        context_types: kinds.to_vec(),
        ..ChatFilter::default()
    };
    assert_eq!(find(env, by(&[ContextType::Order])).await, [order]);
    assert_eq!(find(env, by(&[ContextType::Return])).await, [ret]);
    let direct: &[ChatId] = if env.shows_direct_chats() { &[direct] } else { &[] };
    assert_eq!(find(env, by(&[ContextType::Direct])).await, direct);
    let two = by(&[ContextType::Direct, ContextType::Return]);
    assert_eq!(find(env, two).await, sorted([&[ret], direct].concat()));
    assert_eq!(find(env, by(ContextType::ALL)).await, sorted([&[order, ret], direct].concat()));
}

pub async fn chats_are_found_by_type(env: &TestEnvironment) {
    let chat = env.create_order_chat(1).await;
    let dispute = env.open_dispute(2).await;
    let by = |types: &[ChatType]| ChatFilter { types: types.to_vec(), ..ChatFilter::default() };
    assert_eq!(find(env, by(&[ChatType::Chat])).await, [chat]);
    assert_eq!(find(env, by(&[ChatType::Arbitrage])).await, [dispute]);
    assert_eq!(find(env, by(ChatType::ALL)).await, sorted(vec![chat, dispute]));
}

pub async fn chats_are_found_by_every_status(env: &TestEnvironment) {
    let mut of_status = vec![(ChatStatus::New, env.create_order_chat(1).await)];
    let answered = env.create_order_chat(2).await;
    env.send_text(answered, "Добрый день").await;
    of_status.push((ChatStatus::WaitingForCustomer, answered));
    let waiting_for_partner = env.create_order_chat(3).await;
    env.write_as_buyer(waiting_for_partner, "Когда?").await;
    of_status.push((ChatStatus::WaitingForPartner, waiting_for_partner));
    of_status.push((ChatStatus::WaitingForArbiter, env.open_dispute(4).await));
    let for_market = env.open_dispute(5).await;
    let message = MarketMessage {
        sender: Sender::Support,
        message: Some("Проверим у себя".to_owned()),
        sticker: false,
        waiting_for: Some(WaitingFor::Market),
    };
    env.write_as_market(for_market, message).await;
    of_status.push((ChatStatus::WaitingForMarket, for_market));
    let finished = env.create_order_chat(6).await;
    env.market().close_chat(env.business, finished).await.unwrap();
    of_status.push((ChatStatus::Finished, finished));

    assert_eq!(of_status.len(), ChatStatus::ALL.len());
    for (status, chat) in &of_status {
        let filter = ChatFilter { statuses: vec![status.clone()], ..ChatFilter::default() };
        assert_eq!(env.find_chats(filter).await, [*chat], "{status}");
    }
    let all = ChatFilter { statuses: ChatStatus::ALL.to_vec(), ..ChatFilter::default() };
    assert_eq!(find(env, all).await, sorted(of_status.iter().map(|(_, chat)| *chat).collect()));
}

pub async fn a_chat_is_found_only_by_its_current_status(env: &TestEnvironment) {
    let chat = env.create_order_chat(1).await;
    let by = |status| ChatFilter { statuses: vec![status], ..ChatFilter::default() };
    assert_eq!(env.find_chats(by(ChatStatus::New)).await, [chat]);
    env.write_as_buyer(chat, "Где заказ?").await;
    assert!(env.find_chats(by(ChatStatus::New)).await.is_empty());
    assert_eq!(env.find_chats(by(ChatStatus::WaitingForPartner)).await, [chat]);
}

pub async fn different_filters_must_all_match(env: &TestEnvironment) {
    let waiting = env.create_order_chat(1).await;
    env.write_as_buyer(waiting, "Вопрос").await;
    env.create_order_chat(2).await;
    let direct = env.open_direct_chat("Мария К.").await;
    let waiting_for_us =
        ChatFilter { statuses: vec![ChatStatus::WaitingForPartner], ..ChatFilter::default() };
    let direct: &[ChatId] = if env.shows_direct_chats() { &[direct] } else { &[] };
    let all = sorted([&[waiting], direct].concat());
    assert_eq!(find(env, waiting_for_us.clone()).await, all);
    let of_orders =
        ChatFilter { context_types: vec![ContextType::Order], ..waiting_for_us.clone() };
    assert_eq!(find(env, of_orders.clone()).await, [waiting]);
    let disputes = ChatFilter { types: vec![ChatType::Arbitrage], ..of_orders };
    assert!(find(env, disputes).await.is_empty());
    let other_order = ChatFilter { order_ids: vec![OrderId::new(2).unwrap()], ..waiting_for_us };
    assert!(find(env, other_order).await.is_empty());
}

pub async fn order_ids_and_contexts_together_must_both_match(env: &TestEnvironment) {
    let chat = env.create_order_chat(1).await;
    env.create_order_chat(2).await;
    let (one, two) = (OrderId::new(1).unwrap(), OrderId::new(2).unwrap());
    let both = |order, context| ChatFilter {
        order_ids: vec![order],
        contexts: vec![ChatContext::Order(context)],
        ..ChatFilter::default()
    };
    assert_eq!(find(env, both(one, one)).await, [chat]);
    assert!(find(env, both(one, two)).await.is_empty());
}

pub async fn contexts_and_context_types_together_must_both_match(env: &TestEnvironment) {
    let chat = env.create_order_chat(1).await;
    env.create_return_chat(2, 77).await;
    let contexts = vec![
        ChatContext::Order(OrderId::new(1).unwrap()),
        ChatContext::Return(ReturnId::new(77).unwrap()),
    ];
    let context_types = vec![ContextType::Order];
    let filter = ChatFilter { contexts, context_types, ..ChatFilter::default() };
    assert_eq!(find(env, filter).await, [chat]);
}

pub async fn duplicates_in_a_filter_change_nothing(env: &TestEnvironment) {
    let chat = env.create_order_chat(1).await;
    let order = OrderId::new(1).unwrap();
    let filter = ChatFilter {
        order_ids: vec![order, order],
        contexts: vec![ChatContext::Order(order), ChatContext::Order(order)],
        context_types: vec![ContextType::Order, ContextType::Order],
        types: vec![ChatType::Chat, ChatType::Chat],
        statuses: vec![ChatStatus::New, ChatStatus::New],
    };
    assert_eq!(env.find_chats(filter).await, [chat]);
}

pub async fn a_filter_that_matches_nothing_returns_an_empty_list(env: &TestEnvironment) {
    env.create_order_chat(1).await;
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
        assert!(env.find_chats(filter.clone()).await.is_empty(), "{filter:?}");
    }
}

pub async fn a_filter_with_many_order_ids_is_accepted(env: &TestEnvironment) {
    let chat = env.create_order_chat(500).await;
    let order_ids = (1..=1000).map(|raw| OrderId::new(raw).unwrap()).collect();
    let filter = ChatFilter { order_ids, ..ChatFilter::default() };
    assert_eq!(env.find_chats(filter).await, [chat]);
}

pub async fn a_listed_chat_is_the_same_as_in_get_chat(env: &TestEnvironment) {
    let order = env.register_order(1).await;
    env.create_chat(ChatContext::Order(order)).await;
    env.advance_second();
    let opening = DisputeOpening {
        order_id: Some(order.get()),
        message: Some("Пришло не то".to_owned()),
        ..DisputeOpening::default()
    };
    env.market().open_dispute(env.business, opening).await.unwrap();
    env.advance_second();
    env.open_direct_chat("Мария К.").await;
    env.create_return_chat(2, 77).await;
    let chats = env.list_chats(ChatFilter::default(), 20).await;
    assert_eq!(chats.len(), if env.shows_direct_chats() { 4 } else { 3 });
    for chat in chats {
        assert_eq!(env.get_chat(chat.chat_id).await, chat);
    }
}

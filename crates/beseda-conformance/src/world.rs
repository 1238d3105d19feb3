//! One world a case runs in: a shop's API, the marketplace behind it, two cabinets and a clock.
//! How a world is built is the business of whoever runs the suite.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use beseda_api::{
    BusinessId, Chat, ChatContext, ChatFilter, ChatId, ChatOpening, ChatStatus, ChatsApi,
    ChatsLimit, Customer, DisputeOpening, Error, FileUpload, FullContext, HistoryFrom,
    HistoryLimit, ManualClock, MarketMessage, MarketSide, Message, MessageId, MessagePage,
    MessageText, Model, NewOrder, NewReturn, OrderId, PageRequest, PageToken, ReturnId, Time,
};
use bytes::Bytes;

use crate::refusal::refused_as;

const UNDECLARED: &str = "a case uses what it doesn't say it needs: see list.rs";

/// What a case needs of its world besides the seven operations and one cabinet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Need {
    /// Somebody who plays the marketplace: orders with buyers, returns, disputes, the buyer's words.
    Market,
    /// A clock that moves only when it is moved.
    Clock,
    /// A second cabinet.
    OtherCabinet,
    /// Files can be sent.
    Files,
    /// A look at what is kept and what links lead to.
    Backstage,
}

impl Need {
    /// Every need.
    pub const ALL: [Self; 5] =
        [Self::Market, Self::Clock, Self::OtherCabinet, Self::Files, Self::Backstage];

    /// Why a case is left out where this is missing.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Market => "there is no market side",
            Self::Clock => "there is no manual clock",
            Self::OtherCabinet => "there is no second cabinet",
            Self::Files => "files can't be sent",
            Self::Backstage => "nobody can fetch or count files",
        }
    }
}

/// What a case may ask of the place it runs in besides the two traits.
#[async_trait]
pub trait Backstage: Send + Sync {
    /// The name and the bytes behind a download link; `None` if there is nothing.
    async fn fetch(&self, url: &str) -> Option<(String, Bytes)>;
    /// How many files lie in the store, half-written ones included.
    fn stored_files(&self) -> usize;
    /// What answers tell of what a chat is about.
    fn contexts(&self) -> Contexts {
        Contexts::Full
    }
    /// What was seen amiss where no case looks: answers that break the published schema, say.
    fn complaints(&self) -> Vec<String>;
}

/// What an implementation's answers tell of what a chat is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contexts {
    /// All that is known of it.
    Full,
    /// Its order alone, as in 2024. Chats without an order can't be expressed so, and are not shown.
    Orders,
}

/// An implementation of the API with nothing in it yet, and what a case may use besides it. What is `None` leaves out the
/// cases that say they need it.
pub struct World {
    /// The seller's side.
    pub api: Arc<dyn ChatsApi>,
    /// A cabinet; with a market side it has three shops: FBS, FBY and DBS.
    pub business: BusinessId,
    /// A second one, with one FBS shop, reached through the same `api`.
    pub other: Option<BusinessId>,
    /// The marketplace's side. Without one, any order id belongs to the cabinet that names it.
    pub market: Option<Arc<dyn MarketSide>>,
    /// What time it is for the implementation; it moves only when a case moves it.
    pub clock: Option<Arc<ManualClock>>,
    /// Whether files can be sent.
    pub files: bool,
    /// The place itself; ends with the world.
    pub stage: Option<Box<dyn Backstage>>,
}

impl World {
    /// A world with one cabinet, no marketplace, the machine's clock and no files.
    #[must_use]
    pub fn new(api: Arc<dyn ChatsApi>, business: BusinessId) -> Self {
        let (other, market, clock, stage) = (None, None, None, None);
        Self { api, business, other, market, clock, files: false, stage }
    }

    /// Whether the world has what a case needs.
    #[must_use]
    pub fn has(&self, need: Need) -> bool {
        match need {
            Need::Market => self.market.is_some(),
            Need::Clock => self.clock.is_some(),
            Need::OtherCabinet => self.other.is_some(),
            Need::Files => self.files,
            Need::Backstage => self.stage.is_some(),
        }
    }

    /// Asserts that nothing is missing that a case needs.
    ///
    /// # Panics
    /// If something is: such a world is for [`run`](crate::run()), which leaves out what it can't try.
    pub fn assert_has(&self, needs: &[Need]) {
        for need in needs {
            assert!(self.has(*need), "{}", need.reason());
        }
    }

    /// The marketplace's side.
    ///
    /// # Panics
    /// If there is none: the case must say that it needs one. So do the next three.
    #[must_use]
    pub fn market(&self) -> &dyn MarketSide {
        self.market.as_deref().expect(UNDECLARED)
    }

    /// The manual clock.
    #[must_use]
    pub fn clock(&self) -> &ManualClock {
        self.clock.as_deref().expect(UNDECLARED)
    }

    /// The second cabinet.
    #[must_use]
    pub fn other(&self) -> BusinessId {
        self.other.expect(UNDECLARED)
    }

    /// The place itself.
    #[must_use]
    pub fn stage(&self) -> &dyn Backstage {
        self.stage.as_deref().expect(UNDECLARED)
    }

    /// How many files lie in the store; none, where nobody can look.
    #[must_use]
    pub fn stored_files(&self) -> usize {
        self.stage.as_ref().map_or(0, |stage| stage.stored_files())
    }

    /// Ends the world.
    ///
    /// # Panics
    /// If something was seen amiss behind the stage.
    pub fn finish(self) {
        let complaints = self.stage.as_ref().map(|stage| stage.complaints()).unwrap_or_default();
        assert!(complaints.is_empty(), "seen behind the stage:\n{}", complaints.join("\n"));
    }

    /// What answers tell of what a chat is about; everything where nobody says otherwise.
    #[must_use]
    pub fn contexts(&self) -> Contexts {
        self.stage.as_ref().map_or(Contexts::Full, |stage| stage.contexts())
    }

    /// Whether chats without an order are shown. Writing into them is possible in any case.
    #[must_use]
    pub fn shows_direct(&self) -> bool {
        self.contexts() == Contexts::Full
    }

    /// A context as this implementation's answers tell it.
    #[must_use]
    pub fn as_shown(&self, context: FullContext) -> FullContext {
        match self.contexts() {
            Contexts::Full => context,
            Contexts::Orders => FullContext::by_order(context.order_id),
        }
    }

    /// A chat as this implementation shows it.
    #[must_use]
    pub fn chat_as_shown(&self, chat: Chat) -> Chat {
        Chat { context: self.as_shown(chat.context), ..chat }
    }

    /// Asserts that a chat can neither be read nor found.
    ///
    /// # Panics
    /// If it can.
    pub async fn assert_hidden(&self, chat: ChatId) {
        let hidden = Error::chat_not_found(chat);
        refused_as(self.api.get_chat(self.business, chat).await, &hidden);
        let from = HistoryFrom::default();
        refused_as(self.api.get_chat_history(self.business, chat, from).await, &hidden);
        let of_its_kind = ChatFilter {
            context_types: vec![beseda_api::ContextType::Direct],
            ..ChatFilter::default()
        };
        for filter in [ChatFilter::default(), of_its_kind] {
            assert!(!self.found(filter).await.contains(&chat), "{chat} was found");
        }
    }

    /// Lets a second pass. Without a manual clock time passes by itself.
    pub fn tick(&self) {
        if let Some(clock) = &self.clock {
            clock.advance(Duration::from_secs(1));
        }
    }

    /// The time it is, as answers write it.
    #[must_use]
    pub fn now(&self) -> Time {
        Time::moscow(beseda_api::Clock::now(self.clock()))
    }

    /// An FBS order of the first cabinet.
    pub async fn order(&self, raw: i64) -> OrderId {
        self.order_of(self.business, raw, Model::Fbs).await
    }

    /// An order of this cabinet and model.
    pub async fn order_of(&self, business: BusinessId, raw: i64, model: Model) -> OrderId {
        let order_id = OrderId::new(raw).unwrap();
        if self.market.is_none() && model == Model::Fbs {
            return order_id;
        }
        let customer = Some(buyer());
        let order = NewOrder { order_id, campaign_id: None, model: Some(model), customer };
        self.market().register_order(business, order).await.unwrap().order_id
    }

    /// A return of an order of the first cabinet.
    pub async fn return_of(&self, order_id: OrderId, raw: i64) -> ReturnId {
        let ret = NewReturn { return_id: ReturnId::new(raw).unwrap(), order_id };
        self.market().register_return(self.business, ret).await.unwrap().return_id
    }

    /// A chat the shop made about a new FBS order.
    pub async fn order_chat(&self, raw: i64) -> ChatId {
        let order = self.order(raw).await;
        self.create(ChatContext::Order(order)).await
    }

    /// A chat the shop made about a new return of a new FBS order.
    pub async fn return_chat(&self, raw_order: i64, raw_return: i64) -> ChatId {
        let order = self.order(raw_order).await;
        let ret = self.return_of(order, raw_return).await;
        self.create(ChatContext::Return(ret)).await
    }

    /// A chat about a new order with `count` numbered messages of the buyer, or of the shop where nobody plays the buyer.
    pub async fn talk(&self, raw: i64, count: usize) -> ChatId {
        let chat = self.order_chat(raw).await;
        for number in 0..count {
            self.somebody_says(chat, &number.to_string()).await;
        }
        chat
    }

    /// A question a buyer asks without an order.
    pub async fn direct_chat(&self, name: &str) -> ChatId {
        let customer = Some(Customer { name: Some(name.to_owned()), public_id: None });
        let message = Some("Есть ли в наличии?".to_owned());
        let opening = ChatOpening { customer, message, ..ChatOpening::default() };
        self.market().open_chat(self.business, opening).await.unwrap().chat_id
    }

    /// A dispute about a new FBS order.
    pub async fn dispute(&self, raw: i64) -> ChatId {
        let order = self.order(raw).await;
        let opening = DisputeOpening { order_id: Some(order.get()), ..DisputeOpening::default() };
        self.market().open_dispute(self.business, opening).await.unwrap().chat_id
    }

    /// The chat the shop gets for a context.
    pub async fn create(&self, context: ChatContext) -> ChatId {
        self.api.create_chat(self.business, context).await.unwrap()
    }

    /// The shop writes.
    pub async fn say(&self, chat: ChatId, words: &str) {
        self.api.send_message_to_chat(self.business, chat, text(words)).await.unwrap();
    }

    /// The shop sends a file.
    pub async fn send_file(&self, chat: ChatId, name: &str, content: impl Into<Bytes>) {
        let file = FileUpload::from_bytes(name, content);
        self.api.send_file_to_chat(self.business, chat, file).await.unwrap();
    }

    /// The buyer writes, or the shop where nobody plays the buyer.
    pub async fn somebody_says(&self, chat: ChatId, words: &str) {
        if self.market.is_some() {
            self.buyer_says(chat, words).await;
        } else {
            self.say(chat, words).await;
        }
    }

    /// The buyer writes.
    pub async fn buyer_says(&self, chat: ChatId, words: &str) -> Message {
        self.market_writes(chat, MarketMessage::customer(words)).await
    }

    /// Somebody of the marketplace's side writes.
    pub async fn market_writes(&self, chat: ChatId, message: MarketMessage) -> Message {
        self.market().write_message(self.business, chat, message).await.unwrap()
    }

    /// The chat as getChat shows it.
    pub async fn chat(&self, chat: ChatId) -> Chat {
        self.api.get_chat(self.business, chat).await.unwrap()
    }

    /// Who has to answer.
    pub async fn status(&self, chat: ChatId) -> ChatStatus {
        self.chat(chat).await.status
    }

    /// One page of a history.
    pub async fn history_page(&self, chat: ChatId, from: HistoryFrom) -> MessagePage {
        self.api.get_chat_history(self.business, chat, from).await.unwrap()
    }

    /// The whole history, walked in the largest pages.
    pub async fn history(&self, chat: ChatId) -> Vec<Message> {
        self.history_from(chat, None, 100).await
    }

    /// The history from a message on, walked in pages of `limit`.
    pub async fn history_from(
        &self,
        chat: ChatId,
        message_id_from: Option<MessageId>,
        limit: i64,
    ) -> Vec<Message> {
        let page = PageRequest::first(HistoryLimit::new(limit).unwrap());
        let mut from = HistoryFrom { message_id_from, page };
        let mut messages = Vec::new();
        loop {
            let page = self.history_page(chat, from.clone()).await;
            assert!(page.messages.len() <= usize::try_from(limit).unwrap());
            messages.extend(page.messages);
            let Some(token) = page.paging.next_page_token else { return messages };
            from.page = from.page.after(token);
        }
    }

    /// The texts of a history; what has none is left out.
    pub async fn texts(&self, chat: ChatId) -> Vec<String> {
        self.history(chat).await.into_iter().filter_map(|message| message.message).collect()
    }

    /// Every chat a filter finds, walked in the largest pages.
    pub async fn found(&self, filter: ChatFilter) -> Vec<ChatId> {
        self.walk(filter, 20).await.into_iter().map(|chat| chat.chat_id).collect()
    }

    /// Every chat a filter finds, walked in pages of `limit`.
    pub async fn walk(&self, filter: ChatFilter, limit: i64) -> Vec<Chat> {
        let mut page = PageRequest::first(ChatsLimit::new(limit).unwrap());
        let mut chats = Vec::new();
        loop {
            let found = self.api.get_chats(self.business, filter.clone(), page.clone()).await;
            let found = found.unwrap();
            assert!(found.chats.len() <= usize::try_from(limit).unwrap());
            chats.extend(found.chats);
            let Some(token) = found.paging.next_page_token else { return chats };
            page = page.after(token);
        }
    }

    /// The first page of chats of this size, with its token.
    pub async fn first_chats(&self, limit: i64) -> (Vec<ChatId>, Option<PageToken>) {
        let page = PageRequest::first(ChatsLimit::new(limit).unwrap());
        self.chats_at(page).await
    }

    /// A page of chats, with the token of the next.
    pub async fn chats_at(&self, page: PageRequest<20>) -> (Vec<ChatId>, Option<PageToken>) {
        let found = self.api.get_chats(self.business, ChatFilter::default(), page).await.unwrap();
        let chats = found.chats.into_iter().map(|chat| chat.chat_id).collect();
        (chats, found.paging.next_page_token)
    }
}

/// The buyer of every order made here.
#[must_use]
pub fn buyer() -> Customer {
    Customer { name: Some("Иван П.".to_owned()), public_id: Some("abc123def".to_owned()) }
}

/// A text that may be sent.
#[must_use]
pub fn text(words: &str) -> MessageText {
    MessageText::new(words).unwrap()
}

/// The ids of messages, as they came.
#[must_use]
pub fn ids(messages: &[Message]) -> Vec<MessageId> {
    messages.iter().map(|message| message.message_id).collect()
}

/// Asserts that message ids grow strictly.
///
/// # Panics
/// If they don't.
#[track_caller]
pub fn assert_grow(ids: &[MessageId]) {
    assert!(ids.is_sorted_by(|a, b| a < b), "ids don't grow strictly: {ids:?}");
}

//! Test environment of a case: the implementation, its capabilities, and helpers for cases.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use beseda_api::{
    BusinessId, Chat, ChatContext, ChatFilter, ChatId, ChatOpening, ChatStatus, ChatsApi,
    ChatsLimit, Customer, DisputeOpening, Error, FileUpload, FullContext, HistoryFrom,
    HistoryLimit, ManualClock, MarketMessage, MarketSide, Message, MessageId, MessagePage,
    MessageText, Model, NewOrder, NewReturn, OrderId, PageRequest, PageToken, ReturnId, Time,
};
use bytes::Bytes;

use crate::assertions::assert_refused_with;

const UNDECLARED: &str = "the case uses a capability that list.rs doesn't name as required";

/// Capability of a test environment beyond the seven operations and one cabinet.
///
/// ```
/// use beseda_conformance::{CASES, Capability};
///
/// let files = CASES.iter().filter(|case| case.requires.contains(&Capability::Files));
/// assert!(files.count() > 0);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Capability {
    /// A marketplace side: orders with buyers, returns, disputes, messages of the buyer.
    Market,
    /// A manual clock that the implementation uses.
    Clock,
    /// A second cabinet.
    OtherCabinet,
    /// Uploads of files.
    Files,
    /// Access to stored files and download links.
    Inspector,
}

impl Capability {
    /// All capabilities.
    pub const ALL: [Self; 5] =
        [Self::Market, Self::Clock, Self::OtherCabinet, Self::Files, Self::Inspector];

    /// Returns the reason for which cases that require the capability are skipped without it.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Market => "there is no market side",
            Self::Clock => "there is no manual clock",
            Self::OtherCabinet => "there is no second cabinet",
            Self::Files => "files can't be sent",
            Self::Inspector => "files can't be downloaded or counted",
        }
    }
}

/// Access to the parts of an implementation that the API doesn't show.
#[async_trait]
pub trait Inspector: Send + Sync {
    /// Downloads a file. Returns its name and content, or `None` if it is not found.
    async fn fetch(&self, url: &str) -> Option<(String, Bytes)>;
    /// Returns the number of stored files, incomplete ones included.
    fn stored_file_count(&self) -> usize;
    /// Returns the detail of contexts in responses. Defaults to [`ContextDetail::Full`].
    fn context_detail(&self) -> ContextDetail {
        ContextDetail::Full
    }
    /// Returns the violations found outside the cases, for example of the published schema.
    fn violations(&self) -> Vec<String>;
}

/// Detail of the contexts in an implementation's responses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContextDetail {
    /// The whole context.
    Full,
    /// The order only, as in 2024. Chats without an order are not shown.
    OrderOnly,
}

/// Empty implementation of the API with its capabilities. A case that requires one that is `None` is skipped.
///
/// ```
/// use std::sync::Arc;
/// use beseda_api::{BusinessId, ChatsApi};
/// use beseda_conformance::TestEnvironment;
///
/// fn with_files_and_two_cabinets(api: Arc<dyn ChatsApi>) -> TestEnvironment {
///     TestEnvironment {
///         other_business: BusinessId::new(2).ok(),
///         files: true,
///         ..TestEnvironment::new(api, BusinessId::new(1).unwrap())
///     }
/// }
/// ```
pub struct TestEnvironment {
    /// Implementation under test.
    pub api: Arc<dyn ChatsApi>,
    /// Cabinet. With a marketplace side it has three shops: FBS, FBY and DBS.
    pub business: BusinessId,
    /// Second cabinet of the same `api`, with one FBS shop.
    pub other_business: Option<BusinessId>,
    /// Marketplace side. Without it, any order id belongs to the calling cabinet.
    pub market: Option<Arc<dyn MarketSide>>,
    /// Clock of the implementation, set only by the cases.
    pub clock: Option<Arc<ManualClock>>,
    /// Uploads of files are supported.
    pub files: bool,
    /// Inspector, dropped with the environment.
    pub inspector: Option<Box<dyn Inspector>>,
}

impl TestEnvironment {
    /// Creates an environment with one cabinet and no capabilities.
    #[must_use]
    pub fn new(api: Arc<dyn ChatsApi>, business: BusinessId) -> Self {
        let (other_business, market, clock, inspector) = (None, None, None, None);
        Self { api, business, other_business, market, clock, files: false, inspector }
    }

    /// Returns `true` if the environment has the capability.
    #[must_use]
    pub fn has(&self, capability: Capability) -> bool {
        match capability {
            Capability::Market => self.market.is_some(),
            Capability::Clock => self.clock.is_some(),
            Capability::OtherCabinet => self.other_business.is_some(),
            Capability::Files => self.files,
            Capability::Inspector => self.inspector.is_some(),
        }
    }

    /// Asserts that the environment has these capabilities.
    ///
    /// # Panics
    /// If one is missing. [`run`](crate::run()) skips cases instead.
    pub fn assert_has(&self, requires: &[Capability]) {
        for capability in requires {
            assert!(self.has(*capability), "{}", capability.reason());
        }
    }

    /// Returns the marketplace side.
    ///
    /// # Panics
    /// Without it: a case must name the capabilities it requires in `list.rs`.
    #[must_use]
    pub fn market(&self) -> &dyn MarketSide {
        self.market.as_deref().expect(UNDECLARED)
    }

    /// Returns the manual clock.
    ///
    /// # Panics
    /// Without it.
    #[must_use]
    pub fn clock(&self) -> &ManualClock {
        self.clock.as_deref().expect(UNDECLARED)
    }

    /// Returns the second cabinet.
    ///
    /// # Panics
    /// Without it.
    #[must_use]
    pub fn other_business(&self) -> BusinessId {
        self.other_business.expect(UNDECLARED)
    }

    /// Returns the inspector.
    ///
    /// # Panics
    /// Without it.
    #[must_use]
    pub fn inspector(&self) -> &dyn Inspector {
        self.inspector.as_deref().expect(UNDECLARED)
    }

    /// Returns the number of stored files, 0 without an inspector.
    #[must_use]
    pub fn stored_file_count(&self) -> usize {
        self.inspector.as_ref().map_or(0, |inspector| inspector.stored_file_count())
    }

    /// Drops the environment.
    ///
    /// # Panics
    /// If the inspector has found violations.
    pub fn finish(self) {
        let violations =
            self.inspector.as_ref().map(|inspector| inspector.violations()).unwrap_or_default();
        assert!(violations.is_empty(), "violations:\n{}", violations.join("\n"));
    }

    /// Returns the detail of contexts in responses, [`ContextDetail::Full`] without an inspector.
    #[must_use]
    pub fn context_detail(&self) -> ContextDetail {
        self.inspector.as_ref().map_or(ContextDetail::Full, |inspector| inspector.context_detail())
    }

    /// Returns `true` if chats without an order are shown. Messages can be sent to them in any case.
    #[must_use]
    pub fn shows_direct_chats(&self) -> bool {
        self.context_detail() == ContextDetail::Full
    }

    /// Returns the context as expected in responses.
    #[must_use]
    pub fn expected_context(&self, context: FullContext) -> FullContext {
        match self.context_detail() {
            ContextDetail::Full => context,
            ContextDetail::OrderOnly => FullContext::by_order(context.order_id),
        }
    }

    /// Returns the chat as expected in responses.
    #[must_use]
    pub fn expected_chat(&self, chat: Chat) -> Chat {
        Chat { context: self.expected_context(chat.context), ..chat }
    }

    /// Asserts that a direct chat can neither be read nor found.
    ///
    /// # Panics
    /// If it can.
    pub async fn assert_hidden(&self, chat: ChatId) {
        let hidden = Error::chat_not_found(chat);
        assert_refused_with(self.api.get_chat(self.business, chat).await, &hidden);
        let from = HistoryFrom::default();
        assert_refused_with(self.api.get_chat_history(self.business, chat, from).await, &hidden);
        let direct = ChatFilter {
            context_types: vec![beseda_api::ContextType::Direct],
            ..ChatFilter::default()
        };
        for filter in [ChatFilter::default(), direct] {
            assert!(!self.find_chats(filter).await.contains(&chat), "{chat} was found");
        }
    }

    /// Advances the manual clock, if there is one, by a second.
    pub fn advance_second(&self) {
        if let Some(clock) = &self.clock {
            clock.advance(Duration::from_secs(1));
        }
    }

    /// Returns the time of the manual clock as in responses.
    #[must_use]
    pub fn now(&self) -> Time {
        Time::moscow(beseda_api::Clock::now(self.clock()))
    }

    /// Registers an FBS order of the first cabinet.
    pub async fn register_order(&self, raw: i64) -> OrderId {
        self.register_order_of(self.business, raw, Model::Fbs).await
    }

    /// Registers an order of this cabinet and model.
    pub async fn register_order_of(&self, business: BusinessId, raw: i64, model: Model) -> OrderId {
        let order_id = OrderId::new(raw).unwrap();
        if self.market.is_none() && model == Model::Fbs {
            return order_id;
        }
        let customer = Some(buyer());
        let order = NewOrder { order_id, campaign_id: None, model: Some(model), customer };
        self.market().register_order(business, order).await.unwrap().order_id
    }

    /// Registers a return of an order of the first cabinet.
    pub async fn register_return(&self, order_id: OrderId, raw: i64) -> ReturnId {
        let ret = NewReturn { return_id: ReturnId::new(raw).unwrap(), order_id };
        self.market().register_return(self.business, ret).await.unwrap().return_id
    }

    /// Creates a chat about a new FBS order as the shop.
    pub async fn create_order_chat(&self, raw: i64) -> ChatId {
        let order = self.register_order(raw).await;
        self.create_chat(ChatContext::Order(order)).await
    }

    /// Creates a chat about a new return of a new FBS order as the shop.
    pub async fn create_return_chat(&self, raw_order: i64, raw_return: i64) -> ChatId {
        let order = self.register_order(raw_order).await;
        let ret = self.register_return(order, raw_return).await;
        self.create_chat(ChatContext::Return(ret)).await
    }

    /// Creates a chat about a new order, with `count` numbered messages of the buyer, or of the shop without a marketplace side.
    pub async fn chat_with_messages(&self, raw: i64, count: usize) -> ChatId {
        let chat = self.create_order_chat(raw).await;
        for number in 0..count {
            self.add_message(chat, &number.to_string()).await;
        }
        chat
    }

    /// Opens a chat without an order, with a question of a buyer.
    pub async fn open_direct_chat(&self, name: &str) -> ChatId {
        let customer = Some(Customer { name: Some(name.to_owned()), public_id: None });
        let message = Some("Есть ли в наличии?".to_owned());
        let opening = ChatOpening { customer, message, ..ChatOpening::default() };
        self.market().open_chat(self.business, opening).await.unwrap().chat_id
    }

    /// Opens a dispute about a new FBS order.
    pub async fn open_dispute(&self, raw: i64) -> ChatId {
        let order = self.register_order(raw).await;
        let opening = DisputeOpening { order_id: Some(order.get()), ..DisputeOpening::default() };
        self.market().open_dispute(self.business, opening).await.unwrap().chat_id
    }

    /// Returns the chat of a context, creating it if necessary.
    pub async fn create_chat(&self, context: ChatContext) -> ChatId {
        self.api.create_chat(self.business, context).await.unwrap()
    }

    /// Sends a text as the shop.
    pub async fn send_text(&self, chat: ChatId, content: &str) {
        self.api.send_message_to_chat(self.business, chat, text(content)).await.unwrap();
    }

    /// Sends a file as the shop.
    pub async fn send_file(&self, chat: ChatId, name: &str, content: impl Into<Bytes>) {
        let file = FileUpload::from_bytes(name, content);
        self.api.send_file_to_chat(self.business, chat, file).await.unwrap();
    }

    /// Writes a text as the buyer, or as the shop without a marketplace side.
    pub async fn add_message(&self, chat: ChatId, content: &str) {
        if self.market.is_some() {
            self.write_as_buyer(chat, content).await;
        } else {
            self.send_text(chat, content).await;
        }
    }

    /// Writes a text as the buyer.
    pub async fn write_as_buyer(&self, chat: ChatId, content: &str) -> Message {
        self.write_as_market(chat, MarketMessage::customer(content)).await
    }

    /// Writes a message through the marketplace side.
    pub async fn write_as_market(&self, chat: ChatId, message: MarketMessage) -> Message {
        self.market().write_message(self.business, chat, message).await.unwrap()
    }

    /// Returns the chat from getChat.
    pub async fn get_chat(&self, chat: ChatId) -> Chat {
        self.api.get_chat(self.business, chat).await.unwrap()
    }

    /// Returns the status of a chat.
    pub async fn chat_status(&self, chat: ChatId) -> ChatStatus {
        self.get_chat(chat).await.status
    }

    /// Returns a page of a history.
    pub async fn history_page(&self, chat: ChatId, from: HistoryFrom) -> MessagePage {
        self.api.get_chat_history(self.business, chat, from).await.unwrap()
    }

    /// Returns the whole history, in pages of the maximum size.
    pub async fn history(&self, chat: ChatId) -> Vec<Message> {
        self.history_from(chat, None, 100).await
    }

    /// Returns the history from a message on, in pages of `limit`.
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

    /// Returns the texts of a history, without messages that have none.
    pub async fn texts(&self, chat: ChatId) -> Vec<String> {
        self.history(chat).await.into_iter().filter_map(|message| message.message).collect()
    }

    /// Returns the ids of all chats that match a filter, in pages of the maximum size.
    pub async fn find_chats(&self, filter: ChatFilter) -> Vec<ChatId> {
        self.list_chats(filter, 20).await.into_iter().map(|chat| chat.chat_id).collect()
    }

    /// Returns all chats that match a filter, in pages of `limit`.
    pub async fn list_chats(&self, filter: ChatFilter, limit: i64) -> Vec<Chat> {
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

    /// Returns the first page of chats of this size, and the token of the next.
    pub async fn first_page(&self, limit: i64) -> (Vec<ChatId>, Option<PageToken>) {
        let page = PageRequest::first(ChatsLimit::new(limit).unwrap());
        self.chat_page(page).await
    }

    /// Returns a page of chats, and the token of the next.
    pub async fn chat_page(&self, page: PageRequest<20>) -> (Vec<ChatId>, Option<PageToken>) {
        let found = self.api.get_chats(self.business, ChatFilter::default(), page).await.unwrap();
        let chats = found.chats.into_iter().map(|chat| chat.chat_id).collect();
        (chats, found.paging.next_page_token)
    }
}

/// Returns the buyer of every registered order.
#[must_use]
pub fn buyer() -> Customer {
    Customer { name: Some("Иван П.".to_owned()), public_id: Some("abc123def".to_owned()) }
}

/// Creates the text of a message.
#[must_use]
pub fn text(content: &str) -> MessageText {
    MessageText::new(content).unwrap()
}

/// Returns the ids of messages in their order.
#[must_use]
pub fn message_ids(messages: &[Message]) -> Vec<MessageId> {
    messages.iter().map(|message| message.message_id).collect()
}

//! The marketplace's side of the conversations: its order system, buyers, support and arbiter. Sellers never call this.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    BusinessId, CampaignId, Chat, ChatContext, ChatId, Customer, Error, FileUpload, Message,
    MessageText, OrderId, PlacementType, Result, ReturnId, Sender, open_enum::open_enum,
    wire::ContextRef,
};

open_enum! {
    /// The model an order is fulfilled by.
    Model {
        /// Market stores and delivers.
        Fby = "FBY",
        /// The shop stores, Market delivers.
        Fbs = "FBS",
        /// The shop stores, Market's courier delivers at once.
        Express = "EXPRESS",
        /// The shop stores and delivers. Has no chats about returns.
        Dbs = "DBS",
    }
}

impl Model {
    /// The placement type of campaigns with such orders.
    #[must_use]
    pub fn placement(&self) -> PlacementType {
        match self {
            Self::Fby => PlacementType::Fby,
            Self::Dbs => PlacementType::Dbs,
            _ => PlacementType::Fbs,
        }
    }
}

open_enum! {
    /// Whose answer an arbiter waits for.
    WaitingFor {
        /// The buyer's.
        Customer = "CUSTOMER",
        /// The shop's.
        Partner = "PARTNER",
        /// The arbiter's own.
        Arbiter = "ARBITER",
        /// Market's.
        Market = "MARKET",
    }
}

/// An order to be registered. A second registration with the same values does nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewOrder {
    /// Its id.
    #[serde(alias = "id")]
    pub order_id: OrderId,
    /// The shop it was bought in; the cabinet's first shop of that model if `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub campaign_id: Option<CampaignId>,
    /// How it is fulfilled; FBS if `None`.
    #[serde(default, skip_serializing_if = "Option::is_none", alias = "placementType")]
    pub model: Option<Model>,
    /// Who bought it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<Customer>,
}

/// A registered order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Order {
    /// Its id.
    pub order_id: OrderId,
    /// The shop it was bought in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub campaign_id: Option<CampaignId>,
    /// How it is fulfilled.
    pub model: Model,
    /// Who bought it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<Customer>,
}

/// A return to be registered. A second registration with the same values does nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewReturn {
    /// Its id.
    #[serde(alias = "id")]
    pub return_id: ReturnId,
    /// The order whose goods come back.
    pub order_id: OrderId,
}

/// A registered return.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Return {
    /// Its id.
    pub return_id: ReturnId,
    /// The order whose goods come back.
    pub order_id: OrderId,
}

/// A chat that a buyer opens. The chat of a context that has one is found, not made again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChatOpening {
    /// The order or return; a direct question (type `DIRECT`) if `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<ContextRef>,
    /// The order once more, for those who name only that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<i64>,
    /// Who asks; for direct questions, otherwise the order says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<Customer>,
    /// The buyer's first words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

impl ChatOpening {
    /// The context it names; `None` is a direct question.
    ///
    /// # Errors
    /// 400 that names the field.
    pub fn read_context(&self) -> Result<Option<ChatContext>> {
        match (&self.context, self.order_id) {
            (Some(named), None) if named.context_type == Some(crate::ContextType::Direct) => {
                Ok(None)
            }
            (Some(named), _) => named.parse("context").map(Some),
            (None, Some(raw)) => {
                let named = ContextRef::order(raw);
                named.parse("orderId").map(Some)
            }
            (None, None) => Ok(None),
        }
    }
}

impl ContextRef {
    fn order(raw: i64) -> Self {
        Self { context_type: Some(crate::ContextType::Order), id: Some(raw) }
    }
}

/// A dispute that a buyer opens, by exactly one of the chat, the context, the order or the return.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DisputeOpening {
    /// The chat it grew out of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chat_id: Option<ChatId>,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<ContextRef>,
    /// The order it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<i64>,
    /// The return it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_id: Option<i64>,
    /// The buyer's first words in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// What a dispute is opened by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisputeTarget {
    /// A chat, whose context it takes.
    Chat(ChatId),
    /// An order or a return.
    Context(ChatContext),
}

impl DisputeOpening {
    /// What it is opened by.
    ///
    /// # Errors
    /// 400 if that isn't named exactly once.
    pub fn read_target(&self) -> Result<DisputeTarget> {
        let by_context = self.context.as_ref().map(|named| named.parse("context"));
        let by_order = self.order_id.map(|raw| ContextRef::order(raw).parse("orderId"));
        let by_return = self.return_id.map(|raw| {
            ContextRef { context_type: Some(crate::ContextType::Return), id: Some(raw) }
                .parse("returnId")
        });
        let by_chat = self.chat_id.map(|chat| Ok(DisputeTarget::Chat(chat)));
        let contexts = [by_context, by_order, by_return].into_iter().flatten();
        let mut named = by_chat.into_iter().chain(contexts.map(|c| c.map(DisputeTarget::Context)));
        match (named.next(), named.next()) {
            (Some(only), None) => only,
            _ => Err(Error::bad_request(
                "exactly one of chatId, context, orderId, returnId must be given",
            )),
        }
    }
}

/// What is written from the marketplace's side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MarketMessage {
    /// Who writes: `CUSTOMER`, `MARKET` or `SUPPORT`.
    pub sender: Sender,
    /// The text; exactly one of text and sticker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Whether it is a sticker.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sticker: bool,
    /// Whose answer is wanted next; for support and arbiter. By the rules of the chat if `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_for: Option<WaitingFor>,
}

/// A message's body from the marketplace's side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MarketBody {
    /// A text.
    Text(MessageText),
    /// A sticker, which the API shows as a message with neither text nor file.
    Sticker,
}

impl MarketMessage {
    /// A buyer's text.
    #[must_use]
    pub fn customer(text: &str) -> Self {
        Self {
            sender: Sender::Customer,
            message: Some(text.to_owned()),
            sticker: false,
            waiting_for: None,
        }
    }

    /// The body.
    ///
    /// # Errors
    /// 400 if it has neither or both, if the sender is the shop or unknown, or the text breaks its bounds.
    pub fn read_body(&self) -> Result<MarketBody> {
        check_writer(&self.sender)?;
        if let Some(word) = self.waiting_for.as_ref().filter(|word| !word.is_known()) {
            let known: Vec<&str> = WaitingFor::ALL.iter().map(WaitingFor::as_str).collect();
            return Err(Error::unknown_value("waitingFor", word.as_str(), &known));
        }
        match (&self.message, self.sticker) {
            (Some(text), false) => MessageText::new(text.clone()).map(MarketBody::Text),
            (None, true) => Ok(MarketBody::Sticker),
            (None, false) => Err(Error::null_field("message")),
            (Some(_), true) => Err(Error::bad_request("a sticker has no message")),
        }
    }
}

/// Checks that a sender writes on the marketplace's side.
///
/// # Errors
/// 400 for the shop, which writes through [`ChatsApi`](crate::ChatsApi), and for an unknown word.
pub fn check_writer(sender: &Sender) -> Result<()> {
    match sender {
        Sender::Customer | Sender::Market | Sender::Support => Ok(()),
        other => {
            Err(Error::unknown_value("sender", other.as_str(), &["CUSTOMER", "MARKET", "SUPPORT"]))
        }
    }
}

/// What the marketplace itself does with the conversations of a cabinet.
#[async_trait]
pub trait MarketSide: Send + Sync {
    /// Registers an order; 400 if its id is taken by another one, 404 if the campaign isn't the cabinet's.
    async fn register_order(&self, business: BusinessId, order: NewOrder) -> Result<Order>;

    /// Registers a return; 404 if the order is unknown, 400 if its id is taken by another one.
    async fn register_return(&self, business: BusinessId, ret: NewReturn) -> Result<Return>;

    /// A buyer opens a chat, and may say the first words.
    async fn open_chat(&self, business: BusinessId, opening: ChatOpening) -> Result<Chat>;

    /// A buyer, Market or support writes.
    async fn write_message(
        &self,
        business: BusinessId,
        chat: ChatId,
        message: MarketMessage,
    ) -> Result<Message>;

    /// A buyer or support sends a file.
    async fn write_file(
        &self,
        business: BusinessId,
        chat: ChatId,
        sender: Sender,
        file: FileUpload,
    ) -> Result<Message>;

    /// Ends a chat; a second time does nothing.
    async fn close_chat(&self, business: BusinessId, chat: ChatId) -> Result<Chat>;

    /// A buyer opens a dispute about an order or a return: 400 for a direct question.
    async fn open_dispute(&self, business: BusinessId, opening: DisputeOpening) -> Result<Chat>;

    /// The arbiter ends a dispute; 400 if the chat isn't one.
    async fn resolve_dispute(&self, business: BusinessId, chat: ChatId) -> Result<Chat>;
}

//! Marketplace's side of the conversations: order system, buyers, support and arbiter.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    BusinessId, CampaignId, Chat, ChatContext, ChatId, Customer, Error, FileUpload, Message,
    MessageText, OrderId, PlacementType, Result, ReturnId, Sender, open_enum::open_enum,
    wire::ContextRef,
};

open_enum! {
    /// Fulfilment model of an order.
    ///
    /// ```
    /// use beseda_api::{Model, PlacementType};
    ///
    /// assert_eq!(Model::from("EXPRESS"), Model::Express);
    /// assert_eq!(Model::Express.placement(), PlacementType::Fbs);
    /// ```
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
    /// Returns the placement type of campaigns with such orders.
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
    /// Party whose answer an arbiter waits for.
    ///
    /// ```
    /// use beseda_api::WaitingFor;
    ///
    /// assert_eq!(WaitingFor::from("PARTNER"), WaitingFor::Partner);
    /// ```
    WaitingFor {
        /// The buyer.
        Customer = "CUSTOMER",
        /// The shop.
        Partner = "PARTNER",
        /// The arbiter.
        Arbiter = "ARBITER",
        /// Market.
        Market = "MARKET",
    }
}

/// Order to register. Registering it again with the same values has no effect.
///
/// ```
/// use beseda_api::{Model, NewOrder};
///
/// let order: NewOrder = serde_json::from_str(r#"{"orderId":42,"model":"DBS"}"#)?;
/// assert_eq!(order.model, Some(Model::Dbs));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewOrder {
    /// Order id.
    #[serde(alias = "id")]
    pub order_id: OrderId,
    /// Campaign (shop) of the order; `None` takes the cabinet's first with this model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub campaign_id: Option<CampaignId>,
    /// Fulfilment model; `None` means FBS.
    #[serde(default, skip_serializing_if = "Option::is_none", alias = "placementType")]
    pub model: Option<Model>,
    /// Buyer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<Customer>,
}

/// Registered order.
///
/// ```
/// use beseda_api::{Model, Order};
///
/// let order: Order = serde_json::from_str(r#"{"orderId":42,"campaignId":5,"model":"FBS"}"#)?;
/// assert_eq!((order.order_id.get(), order.model), (42, Model::Fbs));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Order {
    /// Order id.
    pub order_id: OrderId,
    /// Campaign (shop) of the order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub campaign_id: Option<CampaignId>,
    /// Fulfilment model.
    pub model: Model,
    /// Buyer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<Customer>,
}

/// Return to register. Registering it again with the same values has no effect.
///
/// ```
/// use beseda_api::{NewReturn, OrderId, ReturnId};
///
/// let ret = NewReturn { return_id: ReturnId::new(12)?, order_id: OrderId::new(42)? };
/// assert_eq!(serde_json::to_string(&ret)?, r#"{"returnId":12,"orderId":42}"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewReturn {
    /// Return id.
    #[serde(alias = "id")]
    pub return_id: ReturnId,
    /// Order of the returned goods.
    pub order_id: OrderId,
}

/// Registered return.
///
/// ```
/// use beseda_api::Return;
///
/// let ret: Return = serde_json::from_str(r#"{"returnId":12,"orderId":42}"#)?;
/// assert_eq!(ret.order_id.get(), 42);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Return {
    /// Return id.
    pub return_id: ReturnId,
    /// Order of the returned goods.
    pub order_id: OrderId,
}

/// Chat that a buyer opens. If the context already has a chat, that one is used.
///
/// ```
/// use beseda_api::{ChatContext, ChatOpening, OrderId};
///
/// let opening = ChatOpening {
///     order_id: Some(42),
///     message: Some("Где мой заказ?".to_owned()),
///     ..ChatOpening::default()
/// };
/// assert_eq!(opening.read_context()?, Some(ChatContext::Order(OrderId::new(42)?)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChatOpening {
    /// Order or return; `None` opens a direct question (type `DIRECT`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<ContextRef>,
    /// Order id, as a shorter form of `context`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<i64>,
    /// Author of a direct question; otherwise taken from the order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<Customer>,
    /// First message of the buyer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

impl ChatOpening {
    /// Returns the context, or `None` for a direct question.
    ///
    /// # Errors
    ///
    /// 400 that names the invalid field.
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

/// Dispute that a buyer opens, about exactly one of the chat, the context, the order or the return.
///
/// ```
/// use beseda_api::{DisputeOpening, DisputeTarget};
///
/// let dispute: DisputeOpening = serde_json::from_str(r#"{"chatId":9,"message":"Товар разбит"}"#)?;
/// assert!(matches!(dispute.read_target()?, DisputeTarget::Chat(chat) if chat.get() == 9));
/// assert!(DisputeOpening::default().read_target().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DisputeOpening {
    /// Chat that becomes a dispute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chat_id: Option<ChatId>,
    /// Subject of the dispute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<ContextRef>,
    /// Order of the dispute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<i64>,
    /// Return of the dispute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_id: Option<i64>,
    /// First message of the buyer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// Subject of a dispute.
///
/// ```
/// use beseda_api::{ChatContext, DisputeOpening, DisputeTarget, ReturnId};
///
/// let dispute = DisputeOpening { return_id: Some(12), ..DisputeOpening::default() };
/// let about = ChatContext::Return(ReturnId::new(12)?);
/// assert_eq!(dispute.read_target()?, DisputeTarget::Context(about));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisputeTarget {
    /// Context of this chat.
    Chat(ChatId),
    /// Order or return.
    Context(ChatContext),
}

impl DisputeOpening {
    /// Returns the subject of the dispute.
    ///
    /// # Errors
    ///
    /// 400 unless exactly one is given.
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

/// Message from the marketplace's side.
///
/// ```
/// use beseda_api::{MarketMessage, Sender};
///
/// let question = MarketMessage::customer("Где мой заказ?");
/// assert_eq!(question.sender, Sender::Customer);
/// assert!(MarketMessage { sender: Sender::Partner, ..question }.read_body().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MarketMessage {
    /// Sender: `CUSTOMER`, `MARKET` or `SUPPORT`.
    pub sender: Sender,
    /// Text; exactly one of text and sticker is required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// `true` for a sticker.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sticker: bool,
    /// Party whose answer the chat waits for next; for support and arbiter. `None` applies the
    /// rules of the chat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_for: Option<WaitingFor>,
}

/// Body of a message from the marketplace's side.
///
/// ```
/// use beseda_api::{MarketBody, MarketMessage, Sender};
///
/// let sticker =
///     MarketMessage { sender: Sender::Customer, message: None, sticker: true, waiting_for: None };
/// assert_eq!(sticker.read_body()?, MarketBody::Sticker);
/// # Ok::<(), beseda_api::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MarketBody {
    /// Text.
    Text(MessageText),
    /// Sticker, which the API shows as a message without text and files.
    Sticker,
}

impl MarketMessage {
    /// Creates a text of a buyer.
    #[must_use]
    pub fn customer(text: &str) -> Self {
        Self {
            sender: Sender::Customer,
            message: Some(text.to_owned()),
            sticker: false,
            waiting_for: None,
        }
    }

    /// Returns the body.
    ///
    /// # Errors
    ///
    /// 400 if both or neither of text and sticker are given, if the sender is the shop or unknown,
    /// or if the text is invalid.
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

/// Checks that a sender belongs to the marketplace's side.
///
/// # Errors
///
/// 400 for the shop, which sends through [`ChatsApi`](crate::ChatsApi), and for an unknown sender.
pub fn check_writer(sender: &Sender) -> Result<()> {
    match sender {
        Sender::Customer | Sender::Market | Sender::Support => Ok(()),
        other => {
            Err(Error::unknown_value("sender", other.as_str(), &["CUSTOMER", "MARKET", "SUPPORT"]))
        }
    }
}

/// Operations of the marketplace on the conversations of a cabinet.
///
/// ```
/// use beseda_api::{BusinessId, ChatId, ChatOpening, MarketSide, Result};
///
/// /// Asks a question about an order, as its buyer.
/// async fn ask(market: &dyn MarketSide, business: BusinessId, order: i64) -> Result<ChatId> {
///     let opening = ChatOpening {
///         order_id: Some(order),
///         message: Some("Где мой заказ?".to_owned()),
///         ..ChatOpening::default()
///     };
///     Ok(market.open_chat(business, opening).await?.chat_id)
/// }
/// ```
#[async_trait]
pub trait MarketSide: Send + Sync {
    /// Registers an order; 400 if the id is taken by a different one, 404 if the campaign is not of
    /// this cabinet.
    async fn register_order(&self, business: BusinessId, order: NewOrder) -> Result<Order>;

    /// Registers a return; 404 if the order is unknown, 400 if the id is taken by a different one.
    async fn register_return(&self, business: BusinessId, ret: NewReturn) -> Result<Return>;

    /// Opens a chat as a buyer, optionally with a first message.
    async fn open_chat(&self, business: BusinessId, opening: ChatOpening) -> Result<Chat>;

    /// Sends a message as a buyer, Market or support.
    async fn write_message(
        &self,
        business: BusinessId,
        chat: ChatId,
        message: MarketMessage,
    ) -> Result<Message>;

    /// Sends a file as a buyer or support.
    async fn write_file(
        &self,
        business: BusinessId,
        chat: ChatId,
        sender: Sender,
        file: FileUpload,
    ) -> Result<Message>;

    /// Closes a chat. Closing it again has no effect.
    async fn close_chat(&self, business: BusinessId, chat: ChatId) -> Result<Chat>;

    /// Opens a dispute about an order or a return as a buyer; 400 for a direct question.
    async fn open_dispute(&self, business: BusinessId, opening: DisputeOpening) -> Result<Chat>;

    /// Resolves a dispute as the arbiter; 400 if the chat is not a dispute.
    async fn resolve_dispute(&self, business: BusinessId, chat: ChatId) -> Result<Chat>;
}

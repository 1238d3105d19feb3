//! Chats, their contexts, and filters.

use serde::{Deserialize, Serialize};

use crate::{
    CampaignId, ChatId, OrderId, Paging, ReturnId, Time, json_object::json_object,
    open_enum::open_enum,
};

open_enum! {
    /// Type of a chat (published as [`ChatType`](https://yandex.ru/dev/market/partner-api/doc/ru/reference/chats/getChats)).
    ///
    /// ```
    /// use beseda_api::ChatType;
    ///
    /// assert_eq!(ChatType::from("ARBITRAGE"), ChatType::Arbitrage);
    /// ```
    ChatType {
        /// Conversation with the buyer.
        Chat = "CHAT",
        /// Dispute with an arbiter.
        Arbitrage = "ARBITRAGE",
    }
}

open_enum! {
    /// Status of a chat: the party who has to answer (published as [`ChatStatusType`](https://yandex.ru/dev/market/partner-api/doc/ru/reference/chats/getChats)).
    ///
    /// ```
    /// use beseda_api::ChatStatus;
    ///
    /// let status: ChatStatus = serde_json::from_str(r#""WAITING_FOR_PARTNER""#)?;
    /// assert_eq!(status, ChatStatus::WaitingForPartner);
    /// assert!(!ChatStatus::from("SLEEPING").is_known());
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    ChatStatus {
        /// New chat.
        New = "NEW",
        /// The buyer has to answer.
        WaitingForCustomer = "WAITING_FOR_CUSTOMER",
        /// The shop has to answer.
        WaitingForPartner = "WAITING_FOR_PARTNER",
        /// The arbiter has to answer.
        WaitingForArbiter = "WAITING_FOR_ARBITER",
        /// Market has to answer.
        WaitingForMarket = "WAITING_FOR_MARKET",
        /// Closed chat; nothing more can be sent.
        Finished = "FINISHED",
    }
}

open_enum! {
    /// Subject of a chat (published as [`ChatContextType`](https://yandex.ru/dev/market/partner-api/doc/ru/reference/chats/getChats)).
    ///
    /// ```
    /// use beseda_api::{ChatContext, ContextType, ReturnId};
    ///
    /// let about = ChatContext::Return(ReturnId::new(12)?);
    /// assert_eq!(about.context_type(), ContextType::Return);
    /// # Ok::<(), beseda_api::IdOutOfRange>(())
    /// ```
    ContextType {
        /// An order.
        Order = "ORDER",
        /// A return.
        Return = "RETURN",
        /// Question of a buyer without an order.
        Direct = "DIRECT",
    }
}

/// Order or return by which a chat is found or created (published as `ChatContextDTO`).
///
/// ```
/// use beseda_api::{ChatContext, OrderId, wire::ContextRef};
///
/// let about = ChatContext::Order(OrderId::new(42)?);
/// let sent = serde_json::to_string(&ContextRef::from(about))?;
/// assert_eq!(sent, r#"{"type":"ORDER","id":42}"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ChatContext {
    /// Order id.
    Order(OrderId),
    /// Return id.
    Return(ReturnId),
}

impl ChatContext {
    /// Returns the type of the context.
    #[must_use]
    pub const fn context_type(self) -> ContextType {
        match self {
            Self::Order(_) => ContextType::Order,
            Self::Return(_) => ContextType::Return,
        }
    }

    /// Returns the id of the order or return as a number.
    #[must_use]
    pub const fn id(self) -> i64 {
        match self {
            Self::Order(id) => id.get(),
            Self::Return(id) => id.get(),
        }
    }
}

/// Context of a chat (published as `ChatFullContextDTO`).
///
/// ```
/// use beseda_api::{ContextType, FullContext, OrderId};
///
/// let context: FullContext =
///     serde_json::from_str(r#"{"type":"RETURN","campaignId":5,"orderId":42,"returnId":12}"#)?;
/// assert_eq!(context.context_type, ContextType::Return);
/// assert_eq!(context.order_id, Some(OrderId::new(42)?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct FullContext {
    /// Type of the context: order, return, or a direct question.
    #[serde(rename = "type")]
    pub context_type: ContextType,
    /// Buyer, as far as known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<Customer>,
    /// Campaign (shop) of an order or a return.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub campaign_id: Option<CampaignId>,
    /// Order of an order or a return.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<OrderId>,
    /// Return; only for returns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_id: Option<ReturnId>,
}

/// Public data of a buyer (published as `ChatCustomerDTO`).
///
/// ```
/// use beseda_api::Customer;
///
/// let buyer: Customer = serde_json::from_str(r#"{"name":"Иван","publicId":"a1b2"}"#)?;
/// assert_eq!(buyer.name.as_deref(), Some("Иван"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", remote = "Self")]
pub struct Customer {
    /// Public name in Yandex ID, never empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(min_length = 1, nullable = false))]
    pub name: Option<String>,
    /// Public identifier in Yandex ID, never empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(min_length = 1, nullable = false))]
    pub public_id: Option<String>,
}

json_object! { Customer }

/// A chat (published as `GetChatInfoDTO`).
///
/// ```
/// use beseda_api::{Chat, ChatStatus};
///
/// let chat: Chat = serde_json::from_str(
///     r#"{"chatId":9,"context":{"type":"DIRECT"},"type":"CHAT","status":"WAITING_FOR_PARTNER",
///         "createdAt":"2026-05-31T10:30:17+03:00","updatedAt":"2026-05-31T10:31:00+03:00"}"#,
/// )?;
/// assert_eq!(chat.status, ChatStatus::WaitingForPartner);
/// assert!(chat.updated_at > chat.created_at);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Chat {
    /// Chat id.
    pub chat_id: ChatId,
    /// Order of the context; deprecated in the published API.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub order_id: Option<OrderId>,
    /// Context.
    pub context: FullContext,
    /// Conversation or dispute. May change over time.
    #[serde(rename = "type")]
    pub chat_type: ChatType,
    /// Status: the party who has to answer.
    pub status: ChatStatus,
    /// Creation time.
    pub created_at: Time,
    /// Time of the last message, or of creation if there is none.
    pub updated_at: Time,
}

impl Chat {
    /// Creates a chat without messages.
    #[must_use]
    pub fn new(chat_id: ChatId, context: FullContext, created_at: Time) -> Self {
        Self {
            chat_id,
            order_id: context.order_id,
            context,
            chat_type: ChatType::Chat,
            status: ChatStatus::New,
            created_at,
            updated_at: created_at,
        }
    }
}

impl<'de> Deserialize<'de> for Chat {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// Variant without a required context, as in responses of 2024.
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct UncheckedChat {
            chat_id: ChatId,
            order_id: Option<OrderId>,
            context: Option<FullContext>,
            #[serde(rename = "type")]
            chat_type: ChatType,
            status: ChatStatus,
            created_at: Time,
            updated_at: Time,
        }
        let chat = UncheckedChat::deserialize(deserializer)?;
        Ok(Self {
            chat_id: chat.chat_id,
            order_id: chat.order_id,
            context: chat.context.unwrap_or_else(|| FullContext::by_order(chat.order_id)),
            chat_type: chat.chat_type,
            status: chat.status,
            created_at: chat.created_at,
            updated_at: chat.updated_at,
        })
    }
}

impl FullContext {
    /// Creates the context of a 2024 response, which has only the order.
    #[must_use]
    pub fn by_order(order: Option<OrderId>) -> Self {
        let context_type = if order.is_some() { ContextType::Order } else { ContextType::Direct };
        Self { context_type, customer: None, campaign_id: None, order_id: order, return_id: None }
    }
}

/// Filter of chats: a chat must match every non-empty list, by any of its values.
///
/// ```
/// use beseda_api::{Chat, ChatFilter, ChatId, ChatStatus, FullContext, Time};
///
/// let filter = ChatFilter { statuses: vec![ChatStatus::New], ..ChatFilter::default() };
/// let created: Time = "2026-05-31T10:30:17+03:00".parse()?;
/// let mut chat = Chat::new(ChatId::new(9)?, FullContext::by_order(None), created);
/// assert!(filter.matches(&chat));
/// chat.status = ChatStatus::Finished;
/// assert!(!filter.matches(&chat));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChatFilter {
    /// Orders; deprecated in the published API in favour of `contexts`.
    pub order_ids: Vec<OrderId>,
    /// Orders and returns.
    pub contexts: Vec<ChatContext>,
    /// Context types.
    pub context_types: Vec<ContextType>,
    /// Chat types.
    pub types: Vec<ChatType>,
    /// Statuses.
    pub statuses: Vec<ChatStatus>,
}

impl ChatFilter {
    /// Returns `true` if the chat matches every non-empty list of the filter.
    #[must_use]
    pub fn matches(&self, chat: &Chat) -> bool {
        fn any<T: PartialEq>(wanted: &[T], found: Option<T>) -> bool {
            wanted.is_empty() || found.is_some_and(|found| wanted.contains(&found))
        }
        let context = &chat.context;
        let of_context = |wanted: &ChatContext| match *wanted {
            // A chat about a return has an order id too, but its context is the return.
            ChatContext::Order(order) => {
                context.context_type == ContextType::Order && context.order_id == Some(order)
            }
            ChatContext::Return(ret) => {
                context.context_type == ContextType::Return && context.return_id == Some(ret)
            }
        };
        any(&self.order_ids, context.order_id)
            && (self.contexts.is_empty() || self.contexts.iter().any(of_context))
            && any(&self.context_types, Some(context.context_type.clone()))
            && any(&self.types, Some(chat.chat_type.clone()))
            && any(&self.statuses, Some(chat.status.clone()))
    }
}

/// Page of chats (published as `GetChatsInfoDTO`).
///
/// ```
/// use beseda_api::{ChatPage, PageRequest};
///
/// let page: ChatPage = serde_json::from_str(r#"{"chats":[],"paging":{"nextPageToken":"abc"}}"#)?;
/// let next = page.paging.next_page_token.map(|token| PageRequest::<20>::default().after(token));
/// assert!(next.is_some(), "there is another page");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChatPage {
    /// Chats, most recently updated first.
    pub chats: Vec<Chat>,
    /// Token of the next page.
    #[serde(default, deserialize_with = "crate::wire::null_is_default")]
    pub paging: Paging,
}

#[cfg(test)]
mod tests {
    use super::{Chat, ChatContext, ChatFilter, ChatStatus, ChatType, ContextType, FullContext};
    use crate::{ChatId, OrderId, ReturnId, Time};

    #[test]
    fn a_chat_passes_if_every_filter_given_has_one_of_its_values() {
        let (order, ret) = (OrderId::new(7).unwrap(), ReturnId::new(7).unwrap());
        let at = Time::utc("2026-11-21T00:00:00Z".parse().unwrap());
        let about_order =
            Chat::new(ChatId::new(1).unwrap(), FullContext::by_order(Some(order)), at);
        let context = FullContext {
            context_type: ContextType::Return,
            return_id: Some(ret),
            ..about_order.context.clone()
        };
        let about_return = Chat::new(ChatId::new(2).unwrap(), context, at);
        let passing =
            |filter: &ChatFilter| [&about_order, &about_return].map(|chat| filter.matches(chat));
        let all = ChatFilter::default;
        for (filter, passes) in [
            (all(), [true, true]),
            (ChatFilter { order_ids: vec![order], ..all() }, [true, true]),
            (ChatFilter { order_ids: vec![OrderId::new(8).unwrap()], ..all() }, [false, false]),
            (ChatFilter { contexts: vec![ChatContext::Order(order)], ..all() }, [true, false]),
            (ChatFilter { contexts: vec![ChatContext::Return(ret)], ..all() }, [false, true]),
            (ChatFilter { context_types: vec![ContextType::Direct], ..all() }, [false, false]),
            (ChatFilter { types: ChatType::ALL.to_vec(), ..all() }, [true, true]),
            (ChatFilter { types: vec![ChatType::Arbitrage], ..all() }, [false, false]),
            (ChatFilter { statuses: vec![ChatStatus::New], ..all() }, [true, true]),
            (
                ChatFilter {
                    order_ids: vec![order],
                    contexts: vec![ChatContext::Return(ret)],
                    statuses: vec![ChatStatus::Finished, ChatStatus::New],
                    ..all()
                },
                [false, true],
            ),
        ] {
            assert_eq!(passing(&filter), passes, "{filter:?}");
        }
    }
}

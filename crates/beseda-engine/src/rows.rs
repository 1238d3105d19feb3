//! Rows of chats, messages and files, as a store keeps them.

use beseda_api::{
    BusinessId, CampaignId, Chat, ChatContext, ChatFilter, ChatId, ChatStatus, ChatType,
    ContextType, Customer, FileId, FullContext, MessageId, Order, OrderId, ReturnId, Sender, Time,
};
use jiff::Timestamp;

/// Chat row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatRow {
    /// Chat id.
    pub chat: ChatId,
    /// Cabinet.
    pub business: BusinessId,
    /// Conversation or dispute.
    pub chat_type: ChatType,
    /// Status: the party who has to answer.
    pub status: ChatStatus,
    /// Context and buyer.
    pub subject: Subject,
    /// Creation time.
    pub created_at: Timestamp,
    /// Time of the last message.
    pub updated_at: Timestamp,
}

/// Context of a chat with its campaign and buyer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Context type: order, return or direct question.
    pub context_type: ContextType,
    /// Campaign of the order.
    pub campaign: Option<CampaignId>,
    /// Order.
    pub order: Option<OrderId>,
    /// Return.
    pub ret: Option<ReturnId>,
    /// Buyer.
    pub customer: Option<Customer>,
}

/// Message row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageRow {
    /// Message id.
    pub message: MessageId,
    /// Creation time.
    pub created_at: Timestamp,
    /// Sender.
    pub sender: Sender,
    /// Text.
    pub text: Option<String>,
    /// Attached file.
    pub file: Option<FileRow>,
}

/// Metadata of an attached file. The content is in the [`FileStore`](crate::FileStore).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRow {
    /// File id.
    pub file: FileId,
    /// File name.
    pub name: String,
    /// Size in bytes.
    pub size: i64,
}

/// Keyset cursor of the list of chats, which is ordered by update time and id, both descending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChatCursor {
    /// `updated_at` in Unix microseconds.
    pub updated_at: i64,
    /// Chat id.
    pub chat: i64,
}

impl Subject {
    /// Creates the subject of a direct question, which has no order.
    #[must_use]
    pub fn direct(customer: Option<Customer>) -> Self {
        Self { context_type: ContextType::Direct, campaign: None, order: None, ret: None, customer }
    }

    /// Creates the subject of an order, or of a return of that order.
    #[must_use]
    pub fn of_order(order: Order, ret: Option<ReturnId>) -> Self {
        Self {
            context_type: if ret.is_some() { ContextType::Return } else { ContextType::Order },
            campaign: order.campaign_id,
            order: Some(order.order_id),
            ret,
            customer: order.customer,
        }
    }

    /// Returns the order or return, or `None` for a direct question.
    #[must_use]
    pub fn context(&self) -> Option<ChatContext> {
        match self.context_type {
            ContextType::Order => self.order.map(ChatContext::Order),
            ContextType::Return => self.ret.map(ChatContext::Return),
            _ => None,
        }
    }
}

impl ChatRow {
    /// Returns `true` if the chat matches the filter.
    #[must_use]
    pub fn matches(&self, filter: &ChatFilter) -> bool {
        fn any<T: PartialEq>(list: &[T], value: &T) -> bool {
            list.is_empty() || list.contains(value)
        }
        let by_order = || self.subject.order.is_some_and(|order| filter.order_ids.contains(&order));
        let by_context = || self.subject.context().is_some_and(|c| filter.contexts.contains(&c));
        any(&filter.types, &self.chat_type)
            && any(&filter.statuses, &self.status)
            && any(&filter.context_types, &self.subject.context_type)
            && (filter.order_ids.is_empty() || by_order())
            && (filter.contexts.is_empty() || by_context())
    }

    /// Returns the cursor of this chat in the list of chats.
    #[must_use]
    pub fn cursor(&self) -> ChatCursor {
        ChatCursor { updated_at: self.updated_at.as_microsecond(), chat: self.chat.get() }
    }
}

impl From<ChatRow> for Chat {
    fn from(row: ChatRow) -> Self {
        let context = FullContext::from(row.subject);
        Self {
            chat_id: row.chat,
            order_id: context.order_id,
            context,
            chat_type: row.chat_type,
            status: row.status,
            created_at: Time::moscow(row.created_at),
            updated_at: Time::moscow(row.updated_at),
        }
    }
}

impl From<Subject> for FullContext {
    fn from(subject: Subject) -> Self {
        debug_assert!(subject.context_type != ContextType::Direct || subject.order.is_none());
        Self {
            context_type: subject.context_type,
            customer: subject.customer,
            campaign_id: subject.campaign,
            order_id: subject.order,
            return_id: subject.ret,
        }
    }
}

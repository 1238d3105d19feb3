//! Chats and messages as the service writes them.

use beseda_api::{BusinessId, Chat, ChatId, Message};
use serde_json::json;

pub(crate) fn business(raw: i64) -> BusinessId {
    BusinessId::new(raw).unwrap()
}

pub(crate) fn chat_id(raw: i64) -> ChatId {
    ChatId::new(raw).unwrap()
}

/// A chat about an order, updated at this moment.
pub(crate) fn chat(raw: i64, updated_at: &str) -> Chat {
    serde_json::from_value(json!({
        "chatId": raw,
        "orderId": 1000 + raw,
        "context": {
            "type": "ORDER", "campaignId": 7, "orderId": 1000 + raw,
            "customer": { "name": "Анна", "publicId": "abc" },
        },
        "type": "CHAT",
        "status": "WAITING_FOR_PARTNER",
        "createdAt": "2026-05-31T10:30:17+03:00",
        "updatedAt": updated_at,
    }))
    .unwrap()
}

/// A buyer's message.
pub(crate) fn message(raw: i64, at: &str, text: &str) -> Message {
    let message =
        json!({ "messageId": raw, "createdAt": at, "sender": "CUSTOMER", "message": text });
    serde_json::from_value(message).unwrap()
}

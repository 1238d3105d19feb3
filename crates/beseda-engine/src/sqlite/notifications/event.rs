//! Events of chats, and their rows in the notification queue.

use beseda_api::{BusinessId, ChatId, MessageId, Time, notification::Notification};
use jiff::Timestamp;
use rusqlite::Row;

use crate::{
    lifecycle::EventKind,
    sqlite::{
        columns::{id, invalid_column, timestamp},
        transaction::WriteTransaction,
    },
};

/// Stored code of a `PING`, which isn't an event of a chat.
pub(super) const PING: i64 = 4;

/// Event of a chat.
#[derive(Debug, Clone, Copy)]
pub(in crate::sqlite) struct Event {
    pub(in crate::sqlite) kind: EventKind,
    pub(in crate::sqlite) business: BusinessId,
    pub(in crate::sqlite) chat: ChatId,
    pub(in crate::sqlite) message: Option<MessageId>,
    pub(in crate::sqlite) at: Timestamp,
}

impl Event {
    /// Returns the event of a notification, or `None` for a `PING` and unknown notifications.
    pub(super) fn from_notification(notification: &Notification) -> Option<Self> {
        let (kind, business, chat, message, at) = match notification {
            Notification::ChatCreated { chat_id, business_id, created_at } => {
                (EventKind::ChatCreated, *business_id, *chat_id, None, created_at)
            }
            Notification::ChatMessageSent { chat_id, message_id, business_id, sent_at } => {
                (EventKind::MessageSent, *business_id, *chat_id, Some(*message_id), sent_at)
            }
            Notification::ChatArbitrageStarted { chat_id, business_id, started_at } => {
                (EventKind::ArbitrageStarted, *business_id, *chat_id, None, started_at)
            }
            Notification::ChatArbitrageFinished { chat_id, business_id, finished_at } => {
                (EventKind::ArbitrageFinished, *business_id, *chat_id, None, finished_at)
            }
            _ => return None,
        };
        Some(Self { kind, business, chat, message, at: at.timestamp() })
    }
}

/// Returns the stored code of an event kind. The codes must never change.
pub(super) fn code(kind: EventKind) -> i64 {
    match kind {
        EventKind::ChatCreated => 0,
        EventKind::MessageSent => 1,
        EventKind::ArbitrageStarted => 2,
        EventKind::ArbitrageFinished => 3,
    }
}

/// Enqueues an event for every active or paused subscription of the cabinet.
pub(in crate::sqlite) fn enqueue(
    transaction: &mut WriteTransaction,
    event: &Event,
) -> rusqlite::Result<()> {
    if !transaction.is_subscribed(event.business) {
        return Ok(());
    }
    transaction
        .connection
        .prepare_cached(
            "INSERT INTO outbox (subscription_id, event_id, kind, business_id, chat_id, message_id, at)
             SELECT subscription_id,
                    (SELECT coalesce(max(seq), 0) + 1 FROM sqlite_sequence WHERE name = 'outbox'),
                    ?1, ?2, ?3, ?4, ?5 FROM subscriptions
             WHERE business_id = ?2 AND state IN ('ACTIVE', 'PAUSED') ORDER BY subscription_id",
        )?
        .execute((
            code(event.kind),
            event.business.get(),
            event.chat.get(),
            event.message.map(MessageId::get),
            event.at.as_microsecond(),
        ))?;
    transaction.mark_queue_changed();
    Ok(())
}

/// Reads a notification from five columns, starting at `first`: kind, cabinet, chat, message, time.
pub(super) fn notification(row: &Row<'_>, first: usize) -> rusqlite::Result<Notification> {
    let time = Time::utc(timestamp(row, first + 4)?);
    let kind: i64 = row.get(first)?;
    if kind == PING {
        return Ok(Notification::Ping { time: Some(time) });
    }
    let business_id = id(row, first + 1, BusinessId::new)?;
    let chat_id = id(row, first + 2, ChatId::new)?;
    Ok(match kind {
        0 => Notification::ChatCreated { chat_id, business_id, created_at: time },
        1 => Notification::ChatMessageSent {
            chat_id,
            message_id: id(row, first + 3, MessageId::new)?,
            business_id,
            sent_at: time,
        },
        2 => Notification::ChatArbitrageStarted { chat_id, business_id, started_at: time },
        3 => Notification::ChatArbitrageFinished { chat_id, business_id, finished_at: time },
        _ => return Err(invalid_column(first, std::io::Error::other("unknown event kind"))),
    })
}

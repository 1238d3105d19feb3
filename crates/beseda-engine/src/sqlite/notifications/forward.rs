//! Notifications received from other services, enqueued once per event.

use beseda_api::{BusinessId, Error, MessageId, notification::Notification};

use super::event::{Event, code, enqueue};
use crate::sqlite::transaction::{WriteError, WriteTransaction};

/// Number of forwarded events that are remembered for deduplication.
const REMEMBERED_EVENTS: i64 = 100_000;
/// Number of forwarded events between two deletions of older ones.
const SWEEP_INTERVAL: i64 = 1024;

/// Enqueues a notification for every subscription of the cabinet. Returns `false` for a duplicate, a cabinet without
/// subscriptions, and a notification that isn't about a chat.
pub(super) fn forward(
    transaction: &mut WriteTransaction,
    business: BusinessId,
    notification: &Notification,
) -> Result<bool, WriteError> {
    let Some(event) = Event::from_notification(notification) else { return Ok(false) };
    if event.business != business {
        return Err(Error::illegal_input("businessId").into());
    }
    if !transaction.is_subscribed(business) {
        return Ok(false);
    }
    let key = event.message.map_or(event.at.as_microsecond(), MessageId::get);
    let added = transaction
        .connection
        .prepare_cached(
            "INSERT OR IGNORE INTO announced (business_id, kind, chat_id, what)
             VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute((business.get(), code(event.kind), event.chat.get(), key))?;
    if added == 0 {
        return Ok(false);
    }
    let last = transaction.connection.last_insert_rowid();
    if last % SWEEP_INTERVAL == 0 {
        let sql = "DELETE FROM announced WHERE announced_id <= ?1";
        transaction.connection.execute(sql, [last - REMEMBERED_EVENTS])?;
    }
    enqueue(transaction, &event)?;
    Ok(true)
}

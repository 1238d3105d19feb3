//! Statements on notifications that were received from elsewhere: told once to everybody who wants them. What our own chats tell of isn't here.

use beseda_api::{BusinessId, Error, MessageId, notification::Notification};

use super::{Failed, Group, Kind, Told, tell};

/// Events that are remembered, so that they are told of once.
const REMEMBERED: i64 = 100_000;
/// How often older ones are forgotten.
const SWEEP_EVERY: i64 = 1024;

/// Puts a notification into the queue of everybody who wants to hear of its cabinet; says whether it did.
pub(super) fn announce(
    group: &mut Group,
    business: BusinessId,
    notification: &Notification,
) -> Result<bool, Failed> {
    let Some(told) = told(notification) else { return Ok(false) };
    if told.business != business {
        return Err(Error::illegal_input("businessId").into());
    }
    if !group.is_subscribed(business) {
        return Ok(false);
    }
    let what = told.message.map_or(told.at.as_microsecond(), MessageId::get);
    let added = group
        .connection
        .prepare_cached(
            "INSERT OR IGNORE INTO announced (business_id, kind, chat_id, what)
             VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute((business.get(), told.kind as i64, told.chat.get(), what))?;
    if added == 0 {
        return Ok(false);
    }
    let last = group.connection.last_insert_rowid();
    if last % SWEEP_EVERY == 0 {
        let sql = "DELETE FROM announced WHERE announced_id <= ?1";
        group.connection.execute(sql, [last - REMEMBERED])?;
    }
    tell(group, told)?;
    Ok(true)
}

/// The event that a notification tells of; `None` for a `PING` and for what isn't about chats.
fn told(notification: &Notification) -> Option<Told> {
    let (kind, business, chat, message, at) = match notification {
        Notification::ChatCreated { chat_id, business_id, created_at } => {
            (Kind::ChatCreated, *business_id, *chat_id, None, created_at)
        }
        Notification::ChatMessageSent { chat_id, message_id, business_id, sent_at } => {
            (Kind::MessageSent, *business_id, *chat_id, Some(*message_id), sent_at)
        }
        Notification::ChatArbitrageStarted { chat_id, business_id, started_at } => {
            (Kind::ArbitrageStarted, *business_id, *chat_id, None, started_at)
        }
        Notification::ChatArbitrageFinished { chat_id, business_id, finished_at } => {
            (Kind::ArbitrageFinished, *business_id, *chat_id, None, finished_at)
        }
        _ => return None,
    };
    Some(Told { kind, business, chat, message, at: at.timestamp() })
}

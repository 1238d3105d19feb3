//! Delivery log: the last 10,000 attempts of each subscription, and up to 512 more.

use beseda_api::{
    Delivery, DeliveryAttempt, DeliveryFailure, DeliveryOutcome, FailureKind, FailureReason,
    MessageId, Time, notification::Notification,
};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row};

use super::event::{Event, PING, code, notification};
use crate::sqlite::columns::timestamp;

/// Number of attempts kept per subscription.
const MAX_ATTEMPTS: i64 = 10_000;
/// Number of attempts between two deletions of older ones.
const SWEEP_INTERVAL: i64 = 512;

/// Query of a subscription's attempts, in the order in which [`read`] reads the columns.
const DELIVERY: &str =
    "SELECT delivery_id, subscription_id, event_id, attempted_at, took_ms, outcome, status,
    failure_kind, failure_reason, failure_detail, kind, business_id, chat_id, message_id, at
    FROM deliveries WHERE subscription_id = ?1";

/// Returns a page of the log, newest first.
pub(super) fn page(
    connection: &Connection,
    subscription: i64,
    before: i64,
    limit: usize,
) -> rusqlite::Result<Vec<Delivery>> {
    let sql = format!("{DELIVERY} AND delivery_id < ?2 ORDER BY delivery_id DESC LIMIT ?3");
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(&sql)?;
    statement.query_map((subscription, before, limit), read)?.collect()
}

/// Returns an attempt.
pub(super) fn by_id(
    connection: &Connection,
    subscription: i64,
    delivery: i64,
) -> rusqlite::Result<Option<Delivery>> {
    let sql = format!("{DELIVERY} AND delivery_id = ?2");
    connection.prepare_cached(&sql)?.query_row((subscription, delivery), read).optional()
}

fn read(row: &Row<'_>) -> rusqlite::Result<Delivery> {
    let text = |column: usize| row.get::<_, Option<String>>(column);
    let failure = match (text(7)?, text(8)?, text(9)?) {
        (Some(kind), Some(reason), Some(detail)) => Some(DeliveryFailure {
            kind: FailureKind::from(kind.as_str()),
            reason: FailureReason::from(reason.as_str()),
            detail,
        }),
        _ => None,
    };
    Ok(Delivery {
        id: row.get(0)?,
        subscription_id: row.get(1)?,
        event_id: row.get(2)?,
        attempted_at: Time::moscow(timestamp(row, 3)?),
        took_ms: row.get(4)?,
        outcome: DeliveryOutcome::from(row.get::<_, String>(5)?.as_str()),
        status: row.get(6)?,
        failure,
        notification: notification(row, 10)?,
    })
}

/// Inserts an attempt.
pub(super) fn insert(connection: &Connection, attempt: &DeliveryAttempt) -> rusqlite::Result<()> {
    let columns = notification_columns(&attempt.notification, attempt.at);
    let failure = attempt.failure.as_ref();
    connection
        .prepare_cached(
            "INSERT INTO deliveries (subscription_id, event_id, kind, business_id, chat_id, message_id,
                                     at, attempted_at, took_ms, outcome, status,
                                     failure_kind, failure_reason, failure_detail)
             VALUES (?1, (SELECT event_id FROM outbox WHERE place = ?2), ?3, ?4, ?5, ?6, ?7, ?8, ?9,
                     ?10, ?11, ?12, ?13, ?14)",
        )?
        .execute(rusqlite::params![
            attempt.subscription,
            attempt.position,
            columns.kind,
            columns.business,
            columns.chat,
            columns.message,
            columns.at.as_microsecond(),
            attempt.at.as_microsecond(),
            attempt.took_ms,
            attempt.outcome.as_str(),
            attempt.status,
            failure.map(|failure| failure.kind.as_str()),
            failure.map(|failure| failure.reason.as_str()),
            failure.map(|failure| failure.detail.as_str()),
        ])?;
    if connection.last_insert_rowid() % SWEEP_INTERVAL == 0 {
        sweep(connection)?;
    }
    Ok(())
}

/// Deletes the oldest attempts of every subscription.
fn sweep(connection: &Connection) -> rusqlite::Result<()> {
    let sql = "DELETE FROM deliveries WHERE delivery_id IN (
        SELECT delivery_id FROM (SELECT delivery_id,
            row_number() OVER (PARTITION BY subscription_id ORDER BY delivery_id DESC) AS place
            FROM deliveries) WHERE place > ?1)";
    connection.execute(sql, [MAX_ATTEMPTS]).map(|_| ())
}

/// Columns of a notification.
struct NotificationColumns {
    kind: i64,
    business: Option<i64>,
    chat: Option<i64>,
    message: Option<i64>,
    at: Timestamp,
}

/// Returns the columns of a notification. One that isn't about a chat is stored as a `PING`.
fn notification_columns(
    notification: &Notification,
    attempted_at: Timestamp,
) -> NotificationColumns {
    if let Some(event) = Event::from_notification(notification) {
        return NotificationColumns {
            kind: code(event.kind),
            business: Some(event.business.get()),
            chat: Some(event.chat.get()),
            message: event.message.map(MessageId::get),
            at: event.at,
        };
    }
    let at = match notification {
        Notification::Ping { time: Some(time) } => time.timestamp(),
        _ => attempted_at,
    };
    NotificationColumns { kind: PING, business: None, chat: None, message: None, at }
}

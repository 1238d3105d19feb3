//! Statements on the log of deliveries: what was attempted and what came of it. It keeps the last ten thousand attempts or a little more.

use beseda_api::{
    Delivery, DeliveryAttempt, DeliveryFailure, DeliveryOutcome, FailureKind, FailureReason,
    MessageId, Time, notification::Notification,
};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row};

use super::{Kind, notification};
use crate::sqlite::chats::moment;

/// Attempts kept for each subscription.
const KEPT: i64 = 10_000;
/// How often older ones are taken away.
const SWEEP_EVERY: i64 = 512;

const DELIVERY: &str =
    "SELECT delivery_id, subscription_id, event_id, attempted_at, took_ms, outcome, status,
    failure_kind, failure_reason, failure_detail, kind, business_id, chat_id, message_id, at
    FROM deliveries WHERE subscription_id = ?1";

/// A part of the log, newest first.
pub(super) fn part(
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

/// One attempt.
pub(super) fn one(
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
        attempted_at: Time::moscow(moment(row, 3)?),
        took_ms: row.get(4)?,
        outcome: DeliveryOutcome::from(row.get::<_, String>(5)?.as_str()),
        status: row.get(6)?,
        failure,
        notification: notification(row, 10)?,
    })
}

/// Keeps an attempt.
pub(super) fn add(connection: &Connection, attempt: &DeliveryAttempt) -> rusqlite::Result<()> {
    let row = Columns::of(&attempt.notification, attempt.at);
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
            row.kind as i64,
            row.business,
            row.chat,
            row.message,
            row.at.as_microsecond(),
            attempt.at.as_microsecond(),
            attempt.took_ms,
            attempt.outcome.as_str(),
            attempt.status,
            failure.map(|failure| failure.kind.as_str()),
            failure.map(|failure| failure.reason.as_str()),
            failure.map(|failure| failure.detail.as_str()),
        ])?;
    if connection.last_insert_rowid() % SWEEP_EVERY == 0 {
        sweep(connection)?;
    }
    Ok(())
}

/// Takes away what is too old, of every subscription.
fn sweep(connection: &Connection) -> rusqlite::Result<()> {
    let sql = "DELETE FROM deliveries WHERE delivery_id IN (
        SELECT delivery_id FROM (SELECT delivery_id,
            row_number() OVER (PARTITION BY subscription_id ORDER BY delivery_id DESC) AS place
            FROM deliveries) WHERE place > ?1)";
    connection.execute(sql, [KEPT]).map(|_| ())
}

/// A notification as it is kept.
struct Columns {
    kind: Kind,
    business: Option<i64>,
    chat: Option<i64>,
    message: Option<i64>,
    at: Timestamp,
}

impl Columns {
    fn of(notification: &Notification, attempted_at: Timestamp) -> Self {
        let about =
            |kind, chat: &beseda_api::ChatId, business: &beseda_api::BusinessId, at: Time| {
                let (business, chat) = (Some(business.get()), Some(chat.get()));
                Self { kind, business, chat, message: None, at: at.timestamp() }
            };
        match notification {
            Notification::ChatCreated { chat_id, business_id, created_at } => {
                about(Kind::ChatCreated, chat_id, business_id, *created_at)
            }
            Notification::ChatMessageSent { chat_id, message_id, business_id, sent_at } => Self {
                message: Some(MessageId::get(*message_id)),
                ..about(Kind::MessageSent, chat_id, business_id, *sent_at)
            },
            Notification::ChatArbitrageStarted { chat_id, business_id, started_at } => {
                about(Kind::ArbitrageStarted, chat_id, business_id, *started_at)
            }
            Notification::ChatArbitrageFinished { chat_id, business_id, finished_at } => {
                about(Kind::ArbitrageFinished, chat_id, business_id, *finished_at)
            }
            Notification::Ping { time } => Self {
                kind: Kind::Ping,
                business: None,
                chat: None,
                message: None,
                at: time.map_or(attempted_at, Time::timestamp),
            },
            _ => Self {
                kind: Kind::Ping,
                business: None,
                chat: None,
                message: None,
                at: attempted_at,
            },
        }
    }
}

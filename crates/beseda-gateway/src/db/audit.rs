//! Audit log of sends, without their texts, and the stored responses of `Idempotency-Key`s.

use std::fmt::Write;

use beseda_api::{ApiError, ApiErrorItem, BusinessId, ChatId, ErrorKind, MessageId, Result};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params, types::Type};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::GatewayDb;

/// Lifetime of an `Idempotency-Key` in milliseconds: 24 hours.
const IDEMPOTENCY_TTL_MS: i64 = 24 * 3_600 * 1_000;

/// AuditOutcome of a send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AuditOutcome {
    /// The send is in progress, or the gateway was killed during it.
    Sending,
    /// The upstream accepted it.
    Sent,
    /// The upstream refused it.
    Refused,
    /// Certainly not delivered.
    Failed,
    /// Possibly delivered.
    Unknown,
}

impl AuditOutcome {
    const ALL: [Self; 5] = [Self::Sending, Self::Sent, Self::Refused, Self::Failed, Self::Unknown];

    /// Returns the name of the outcome, as in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }
}

/// Record of a send in the audit log.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SendRecord {
    /// Id of the record.
    pub id: i64,
    /// Start of the send, in milliseconds since the Unix epoch; RFC 3339 in JSON.
    #[serde(serialize_with = "serialize_millis")]
    pub at: i64,
    /// Cabinet.
    pub business_id: BusinessId,
    /// Chat; `None` for a chat that could not be created.
    pub chat_id: Option<ChatId>,
    /// Program: the name of its key.
    pub key: String,
    /// Published name of the operation.
    pub operation: String,
    /// Size of the text or file in bytes.
    pub size: i64,
    /// SHA-256 of the text or file, hexadecimal.
    pub sha256: String,
    /// `X-Request-Id` of the request.
    pub request_id: String,
    /// AuditOutcome.
    pub outcome: AuditOutcome,
    /// Reason of a refusal or failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Value>,
    /// `X-Request-Id` of the upstream's response, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upstream_request_id: Option<String>,
    /// Id of the message, once the archive has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<MessageId>,
}

fn serialize_millis<S: serde::Serializer>(at: &i64, serializer: S) -> Result<S::Ok, S::Error> {
    let at = Timestamp::from_millisecond(*at).map_err(serde::ser::Error::custom)?;
    serializer.serialize_str(&at.to_string())
}

/// Filter of audit records. All given conditions must hold.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// Chat.
    pub chat: Option<ChatId>,
    /// Program: the name of its key.
    pub key: Option<String>,
    /// Earliest start.
    pub since: Option<Timestamp>,
    /// Maximum number of records, the newest ones; `None` for all.
    pub limit: Option<u32>,
}

/// Start of a send.
#[derive(Debug, Clone)]
pub(crate) struct SendStart {
    pub(crate) at: Timestamp,
    pub(crate) business: BusinessId,
    pub(crate) chat: Option<ChatId>,
    pub(crate) program: String,
    pub(crate) operation: &'static str,
    pub(crate) size: usize,
    pub(crate) sha256: String,
    pub(crate) request_id: String,
    pub(crate) idempotency_key: Option<String>,
    /// Last message known before the send. `None`: not known; `Some(None)`: the chat was empty.
    pub(crate) since: Option<Option<MessageId>>,
    /// Position among the equal sends after that message, from 1.
    pub(crate) nth: u32,
}

/// Earlier send with the same `Idempotency-Key`.
#[derive(Debug)]
pub(crate) enum PriorSend {
    /// Delivered.
    Sent,
    /// The upstream refused it.
    Refused(Box<ApiError>),
    /// Send of unknown outcome.
    Unconfirmed(UnconfirmedSend),
    /// Send of different content.
    Different,
}

/// Send of unknown outcome, with the data to find it in the history.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UnconfirmedSend {
    pub(crate) id: i64,
    pub(crate) at: Timestamp,
    pub(crate) since: Option<Option<MessageId>>,
    pub(crate) nth: u32,
}

/// Send whose message id is unknown, with the data to find it in the archive.
#[derive(Debug, Clone)]
pub(crate) struct UnmatchedSend {
    pub(crate) id: i64,
    pub(crate) business: BusinessId,
    pub(crate) chat: ChatId,
    pub(crate) program: String,
    pub(crate) operation: String,
    pub(crate) size: i64,
    pub(crate) sha256: String,
    pub(crate) since: Option<MessageId>,
    pub(crate) nth: u32,
}

fn read_unmatched(row: &Row<'_>) -> rusqlite::Result<UnmatchedSend> {
    let out_of_range = |column| rusqlite::Error::IntegralValueOutOfRange(column, 0);
    Ok(UnmatchedSend {
        id: row.get(0)?,
        business: BusinessId::new(row.get(1)?).map_err(|_| out_of_range(1))?,
        chat: ChatId::new(row.get(2)?).map_err(|_| out_of_range(2))?,
        program: row.get(3)?,
        operation: row.get(4)?,
        size: row.get(5)?,
        sha256: row.get(6)?,
        since: MessageId::new(row.get(7)?).ok(),
        nth: row.get(8)?,
    })
}

/// End of a send.
#[derive(Debug, Clone)]
pub(crate) struct SendFinish {
    pub(crate) outcome: AuditOutcome,
    pub(crate) answer: Option<String>,
    pub(crate) upstream_request_id: Option<String>,
    pub(crate) chat: Option<ChatId>,
    pub(crate) message: Option<MessageId>,
    pub(crate) at: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct StoredRefusal {
    status: u16,
    errors: Vec<ApiErrorItem>,
}

/// Returns the SHA-256 of a text or file, hexadecimal.
pub(crate) fn sha256(content: &[u8]) -> String {
    Sha256::digest(content).iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a String can't fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Returns a refusal as JSON for the database.
pub(crate) fn refusal_json(refusal: &ApiError) -> String {
    let stored = StoredRefusal { status: refusal.kind.status(), errors: refusal.items.clone() };
    serde_json::to_string(&stored).unwrap_or_default()
}

/// Parses a refusal from the database.
fn parse_refusal(text: &str) -> Option<ApiError> {
    let stored: StoredRefusal = serde_json::from_str(text).ok()?;
    let kind = ErrorKind::from_status(stored.status)?;
    Some(ApiError { kind, items: stored.errors, response: None })
}

impl GatewayDb {
    /// Returns an earlier send with the same `Idempotency-Key`, or `None` if there is none or it
    /// was certainly not delivered.
    pub(crate) async fn prior_send(&self, start: SendStart) -> Result<Option<PriorSend>> {
        if start.idempotency_key.is_none() {
            return Ok(None);
        }
        self.run(move |connection| find_prior_send(connection, &start)).await
    }

    /// Records the start of a send, before it goes upstream. Returns the id of the record.
    pub(crate) async fn record_start(&self, start: SendStart) -> Result<i64> {
        self.run(move |connection| insert_send(connection, &start)).await
    }

    /// Records the end of a send.
    pub(crate) async fn record_finish(&self, id: i64, finish: SendFinish) -> Result<()> {
        self.run(move |connection| {
            let sql = "UPDATE sends SET outcome = ?2, answer = ?3, upstream_request_id = ?4, \
                       chat = coalesce(chat, ?5), message = coalesce(?6, message), done_at = ?7 WHERE id = ?1";
            let (chat, message) = (finish.chat.map(ChatId::get), finish.message.map(MessageId::get));
            connection.prepare_cached(sql)?.execute(params![
                id,
                finish.outcome.as_str(),
                finish.answer,
                finish.upstream_request_id,
                chat,
                message,
                finish.at.as_millisecond()
            ])
        })
        .await
        .map(drop)
    }

    /// Sets the outcome of sends interrupted by a crash to unknown.
    pub(crate) async fn mark_interrupted_sends(&self) -> Result<usize> {
        self.run(|connection| {
            let sql = "UPDATE sends SET outcome = 'unknown', answer = 'the gateway was killed during the send' \
                       WHERE outcome = 'sending'";
            connection.execute(sql, [])
        })
        .await
    }

    /// Deletes records of sends before this time.
    pub(crate) async fn delete_sends_before(&self, time: Timestamp) -> Result<usize> {
        self.run(move |connection| {
            connection.execute("DELETE FROM sends WHERE at < ?1", [time.as_millisecond()])
        })
        .await
    }

    /// Returns sends without a message id that can be matched, newest first, so that sends that
    /// never match don't block newer ones.
    pub(crate) async fn unmatched_sends(
        &self,
        since: Timestamp,
        limit: u32,
    ) -> Result<Vec<UnmatchedSend>> {
        self.run(move |connection| {
            let sql = "SELECT id, business, chat, program, operation, size, sha256, since, nth FROM sends \
                       WHERE message IS NULL AND outcome IN ('sent', 'unknown') AND at >= ?1 \
                       AND chat IS NOT NULL AND since IS NOT NULL ORDER BY id DESC LIMIT ?2";
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map(params![since.as_millisecond(), limit], read_unmatched)?;
            rows.collect()
        })
        .await
    }

    /// Sets the message id of a send, and its outcome to sent.
    pub(crate) async fn set_message_id(&self, id: i64, message: MessageId) -> Result<()> {
        self.run(move |connection| {
            let sql =
                "UPDATE sends SET message = ?2, outcome = 'sent', answer = NULL WHERE id = ?1";
            connection.execute(sql, params![id, message.get()])
        })
        .await
        .map(drop)
    }

    /// Returns the audit log, oldest first.
    ///
    /// # Errors
    /// If the database can't be read.
    pub async fn sends(&self, filter: AuditFilter) -> Result<Vec<SendRecord>> {
        self.run(move |connection| {
            let sql = format!(
                "SELECT * FROM (SELECT {COLUMNS} FROM sends WHERE (?1 IS NULL OR chat = ?1) \
                 AND (?2 IS NULL OR program = ?2) AND (?3 IS NULL OR at >= ?3) \
                 ORDER BY id DESC LIMIT ?4) ORDER BY id"
            );
            let limit = filter.limit.map_or(-1, i64::from);
            let (chat, since) =
                (filter.chat.map(ChatId::get), filter.since.map(|s| s.as_millisecond()));
            let mut statement = connection.prepare_cached(&sql)?;
            let rows = statement.query_map(params![chat, filter.key, since, limit], read_record)?;
            rows.collect()
        })
        .await
    }
}

const COLUMNS: &str = "id, at, business, chat, program, operation, size, sha256, request_id, outcome, \
                       answer, upstream_request_id, message";

fn read_record(row: &Row<'_>) -> rusqlite::Result<SendRecord> {
    let (outcome, answer): (String, Option<String>) = (row.get(9)?, row.get(10)?);
    let outcome = AuditOutcome::ALL.into_iter().find(|known| known.as_str() == outcome);
    let out_of_range = |column| rusqlite::Error::IntegralValueOutOfRange(column, 0);
    Ok(SendRecord {
        id: row.get(0)?,
        at: row.get(1)?,
        business_id: BusinessId::new(row.get(2)?).map_err(|_| out_of_range(2))?,
        chat_id: row.get::<_, Option<i64>>(3)?.and_then(|chat| ChatId::new(chat).ok()),
        key: row.get(4)?,
        operation: row.get(5)?,
        size: row.get(6)?,
        sha256: row.get(7)?,
        request_id: row.get(8)?,
        outcome: outcome.ok_or_else(|| {
            rusqlite::Error::InvalidColumnType(9, "outcome".to_owned(), Type::Text)
        })?,
        reason: answer.map(|text| serde_json::from_str(&text).unwrap_or_else(|_| json!(text))),
        upstream_request_id: row.get(11)?,
        message_id: row.get::<_, Option<i64>>(12)?.and_then(|id| MessageId::new(id).ok()),
    })
}

/// Row of the earlier send with the same `Idempotency-Key`.
struct PriorRow {
    id: i64,
    at: i64,
    is_same_content: bool,
    outcome: String,
    answer: Option<String>,
    since: Option<i64>,
    nth: u32,
}

impl PriorRow {
    fn find(
        connection: &Connection,
        start: &SendStart,
        key: &str,
    ) -> rusqlite::Result<Option<Self>> {
        let sql = "SELECT id, at, operation = ?5 AND sha256 = ?6, outcome, answer, since, nth FROM sends \
                   WHERE business = ?1 AND program = ?2 AND chat = ?3 AND idempotency = ?4";
        let chat = start.chat.map(ChatId::get);
        let values =
            params![start.business.get(), start.program, chat, key, start.operation, start.sha256];
        let read = |row: &Row<'_>| {
            Ok(Self {
                id: row.get(0)?,
                at: row.get(1)?,
                is_same_content: row.get(2)?,
                outcome: row.get(3)?,
                answer: row.get(4)?,
                since: row.get(5)?,
                nth: row.get(6)?,
            })
        };
        connection.prepare_cached(sql)?.query_row(values, read).optional()
    }

    /// Returns the send, or `None` if it was certainly not delivered.
    fn to_prior_send(&self) -> Option<PriorSend> {
        if !self.is_same_content {
            return Some(PriorSend::Different);
        }
        let refusal = self.answer.as_deref().and_then(parse_refusal);
        match (self.outcome.as_str(), refusal) {
            ("sent", _) => Some(PriorSend::Sent),
            ("refused", Some(refusal)) => Some(PriorSend::Refused(Box::new(refusal))),
            ("sending" | "unknown", _) => Some(PriorSend::Unconfirmed(UnconfirmedSend {
                id: self.id,
                at: Timestamp::from_millisecond(self.at).unwrap_or(Timestamp::UNIX_EPOCH),
                since: self.since.map(|since| MessageId::new(since).ok()),
                nth: self.nth,
            })),
            _ => None,
        }
    }
}

fn find_prior_send(
    connection: &Connection,
    start: &SendStart,
) -> rusqlite::Result<Option<PriorSend>> {
    let Some(key) = &start.idempotency_key else { return Ok(None) };
    let oldest = start.at.as_millisecond() - IDEMPOTENCY_TTL_MS;
    let row = PriorRow::find(connection, start, key)?.filter(|row| row.at >= oldest);
    Ok(row.and_then(|row| row.to_prior_send()))
}

fn insert_send(connection: &mut Connection, start: &SendStart) -> rusqlite::Result<i64> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let (at, chat) = (start.at.as_millisecond(), start.chat.map(ChatId::get));
    let business = start.business.get();
    if let Some(key) = &start.idempotency_key {
        // An earlier send with this key has expired, or was not delivered.
        let sql = "UPDATE sends SET idempotency = NULL WHERE business = ?1 AND program = ?2 \
                   AND chat = ?3 AND idempotency = ?4";
        transaction.execute(sql, params![business, start.program, chat, key])?;
    }
    let sql = "INSERT INTO sends (at, business, chat, program, operation, size, sha256, request_id, \
               idempotency, since, nth, outcome) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 'sending')";
    transaction.prepare_cached(sql)?.execute(params![
        at,
        business,
        chat,
        start.program,
        start.operation,
        i64::try_from(start.size).unwrap_or(i64::MAX),
        start.sha256,
        start.request_id,
        start.idempotency_key,
        start.since.map(|since| since.map_or(0, MessageId::get)),
        start.nth
    ])?;
    let id = transaction.last_insert_rowid();
    transaction.commit()?;
    Ok(id)
}

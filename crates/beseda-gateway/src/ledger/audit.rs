//! Who sent what, when, and what came of it; and what was sent under which `Idempotency-Key`. No text is kept.

use beseda_api::{BusinessId, ChatId, Fault, MessageId, Refusal, Refused, Result};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params, types::Type};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Ledger;

/// How long an `Idempotency-Key` is remembered.
const REMEMBERED_MS: i64 = 24 * 3_600 * 1_000;

/// What came of a send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It is under way, or the gateway ended meanwhile.
    Sending,
    /// The upstream has it.
    Sent,
    /// The upstream said no.
    Refused,
    /// It certainly isn't there.
    Failed,
    /// Nobody knows whether it is there.
    Unknown,
}

impl Outcome {
    const ALL: [Self; 5] = [Self::Sending, Self::Sent, Self::Refused, Self::Failed, Self::Unknown];

    /// The word it is shown by.
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

/// One send, as the audit shows it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SendRecord {
    /// Its number.
    pub id: i64,
    /// When it came.
    #[serde(serialize_with = "moment")]
    pub at: i64,
    /// The cabinet.
    pub business_id: BusinessId,
    /// The chat.
    pub chat_id: Option<ChatId>,
    /// The program, by the name of its key.
    pub key: String,
    /// The operation's published name.
    pub operation: String,
    /// Bytes of the text or the file.
    pub size: i64,
    /// SHA-256 of the text or the file, hexadecimal.
    pub sha256: String,
    /// The request's `X-Request-Id`.
    pub request_id: String,
    /// What came of it.
    pub outcome: Outcome,
    /// Why it was refused or failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Value>,
    /// The upstream's `X-Request-Id`, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upstream_request_id: Option<String>,
    /// The message's id, once it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<MessageId>,
}

fn moment<S: serde::Serializer>(at: &i64, serializer: S) -> Result<S::Ok, S::Error> {
    let at = Timestamp::from_millisecond(*at).map_err(serde::ser::Error::custom)?;
    serializer.serialize_str(&at.to_string())
}

/// Which sends are wanted. Everything that is said must hold.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// Of this chat.
    pub chat: Option<ChatId>,
    /// Of this program.
    pub key: Option<String>,
    /// Not before this moment.
    pub since: Option<Timestamp>,
    /// At most so many, the newest; all of them if `None`.
    pub limit: Option<u32>,
}

/// A send that begins.
#[derive(Debug, Clone)]
pub(crate) struct Began {
    pub(crate) at: Timestamp,
    pub(crate) business: BusinessId,
    pub(crate) chat: Option<ChatId>,
    pub(crate) program: String,
    pub(crate) operation: &'static str,
    pub(crate) size: usize,
    pub(crate) sha256: String,
    pub(crate) request_id: String,
    pub(crate) idempotency: Option<String>,
}

/// What its beginning says.
#[derive(Debug)]
pub(crate) enum Begun {
    /// It is a new one, or one that certainly came to nothing before.
    New(i64),
    /// It was sent before.
    Sent,
    /// It was refused before.
    Refused(Box<Refused>),
    /// It began before, at this moment, and nobody knows what came of it.
    Unclear(i64),
    /// Something else was sent under this `Idempotency-Key`.
    Another,
}

/// What came of it.
#[derive(Debug, Clone)]
pub(crate) struct Finish {
    pub(crate) outcome: Outcome,
    pub(crate) answer: Option<String>,
    pub(crate) upstream_request_id: Option<String>,
    pub(crate) chat: Option<ChatId>,
    pub(crate) message: Option<MessageId>,
    pub(crate) at: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct Refusing {
    status: u16,
    errors: Vec<Fault>,
}

/// A refusal as it is kept.
pub(crate) fn kept(refused: &Refused) -> String {
    let refusing = Refusing { status: refused.refusal.status(), errors: refused.faults.clone() };
    serde_json::to_string(&refusing).unwrap_or_default()
}

fn refused(text: &str) -> Option<Refused> {
    let refusing: Refusing = serde_json::from_str(text).ok()?;
    let refusal = Refusal::from_status(refusing.status)?;
    Some(Refused { refusal, faults: refusing.errors, answer: None })
}

impl Ledger {
    /// Notes a send before anything of it goes up.
    pub(crate) async fn begin(&self, began: Began) -> Result<Begun> {
        self.work(move |connection| begin(connection, &began)).await
    }

    /// Notes what came of it.
    pub(crate) async fn finish(&self, id: i64, finish: Finish) -> Result<()> {
        self.work(move |connection| {
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

    /// What was under way when the gateway ended is unclear from now on.
    pub(crate) async fn after_a_crash(&self) -> Result<usize> {
        self.work(|connection| {
            let sql = "UPDATE sends SET outcome = 'unknown', answer = 'the gateway ended meanwhile' \
                       WHERE outcome = 'sending'";
            connection.execute(sql, [])
        })
        .await
    }

    /// Forgets sends before this moment.
    pub(crate) async fn forget_before(&self, moment: Timestamp) -> Result<usize> {
        self.work(move |connection| {
            connection.execute("DELETE FROM sends WHERE at < ?1", [moment.as_millisecond()])
        })
        .await
    }

    /// Sends whose message has no id yet, oldest first.
    pub(crate) async fn nameless(&self, since: Timestamp, limit: u32) -> Result<Vec<SendRecord>> {
        self.work(move |connection| {
            let sql = format!(
                "SELECT {COLUMNS} FROM sends WHERE message IS NULL AND outcome IN ('sent', 'unknown') \
                 AND operation LIKE 'send%' AND at >= ?1 ORDER BY id LIMIT ?2"
            );
            let mut statement = connection.prepare_cached(&sql)?;
            let rows = statement.query_map(params![since.as_millisecond(), limit], record)?;
            rows.collect()
        })
        .await
    }

    /// Gives a send the id of its message, which also says that it was sent.
    pub(crate) async fn name(&self, id: i64, message: MessageId) -> Result<()> {
        self.work(move |connection| {
            let sql = "UPDATE sends SET message = ?2, outcome = 'sent', answer = NULL WHERE id = ?1";
            connection.execute(sql, params![id, message.get()])
        })
        .await
        .map(drop)
    }

    /// Who sent what, oldest first.
    ///
    /// # Errors
    /// If the file can't be read.
    pub async fn sends(&self, filter: AuditFilter) -> Result<Vec<SendRecord>> {
        self.work(move |connection| {
            let sql = format!(
                "SELECT * FROM (SELECT {COLUMNS} FROM sends WHERE (?1 IS NULL OR chat = ?1) \
                 AND (?2 IS NULL OR program = ?2) AND (?3 IS NULL OR at >= ?3) \
                 ORDER BY id DESC LIMIT ?4) ORDER BY id"
            );
            let limit = filter.limit.map_or(-1, i64::from);
            let (chat, since) = (filter.chat.map(ChatId::get), filter.since.map(|s| s.as_millisecond()));
            let mut statement = connection.prepare_cached(&sql)?;
            let rows = statement.query_map(params![chat, filter.key, since, limit], record)?;
            rows.collect()
        })
        .await
    }
}

const COLUMNS: &str = "id, at, business, chat, program, operation, size, sha256, request_id, outcome, \
                       answer, upstream_request_id, message";

fn record(row: &Row<'_>) -> rusqlite::Result<SendRecord> {
    let (outcome, answer): (String, Option<String>) = (row.get(9)?, row.get(10)?);
    let outcome = Outcome::ALL.into_iter().find(|known| known.as_str() == outcome);
    let number = |at: usize| rusqlite::Error::IntegralValueOutOfRange(at, 0);
    Ok(SendRecord {
        id: row.get(0)?,
        at: row.get(1)?,
        business_id: BusinessId::new(row.get(2)?).map_err(|_| number(2))?,
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

fn begin(connection: &mut Connection, began: &Began) -> rusqlite::Result<Begun> {
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let (at, chat) = (began.at.as_millisecond(), began.chat.map(ChatId::get));
    let business = began.business.get();
    if let Some(key) = &began.idempotency {
        let forget = "UPDATE sends SET idempotency = NULL WHERE business = ?1 AND program = ?2 \
                      AND chat = ?3 AND idempotency = ?4 AND at < ?5";
        let oldest = at - REMEMBERED_MS;
        transaction.execute(forget, params![business, began.program, chat, key, oldest])?;
        let sql = "SELECT id, operation, sha256, outcome, answer FROM sends WHERE business = ?1 \
                   AND program = ?2 AND chat = ?3 AND idempotency = ?4";
        let before = transaction
            .query_row(sql, params![business, began.program, chat, key], |row| {
                let (id, operation, sha256) = (row.get(0)?, row.get(1)?, row.get(2)?);
                let (outcome, answer) = (row.get(3)?, row.get(4)?);
                Ok((id, operation, sha256, outcome, answer))
            })
            .optional()?;
        if let Some(before) = before {
            let (id, operation, sha256, outcome, answer): (i64, String, String, String, Option<String>) = before;
            if operation != began.operation || sha256 != began.sha256 {
                return Ok(Begun::Another);
            }
            let refused = answer.as_deref().and_then(refused);
            return match (outcome.as_str(), refused) {
                ("sent", _) => Ok(Begun::Sent),
                ("refused", Some(refused)) => Ok(Begun::Refused(Box::new(refused))),
                ("sending" | "unknown", _) => Ok(Begun::Unclear(id)),
                _ => {
                    transaction.execute("UPDATE sends SET outcome = 'sending', answer = NULL WHERE id = ?1", [id])?;
                    transaction.commit()?;
                    Ok(Begun::New(id))
                }
            };
        }
    }
    let sql = "INSERT INTO sends (at, business, chat, program, operation, size, sha256, request_id, \
               idempotency, outcome) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 'sending')";
    let size = i64::try_from(began.size).unwrap_or(i64::MAX);
    transaction.prepare_cached(sql)?.execute(params![
        at,
        business,
        chat,
        began.program,
        began.operation,
        size,
        began.sha256,
        began.request_id,
        began.idempotency
    ])?;
    let id = transaction.last_insert_rowid();
    transaction.commit()?;
    Ok(Begun::New(id))
}

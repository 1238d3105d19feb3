//! Who sent what, when, and what came of it; and what was sent under which `Idempotency-Key`. No text is kept.

use beseda_api::{ApiError, ApiErrorItem, BusinessId, ChatId, ErrorKind, MessageId, Result};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params, types::Type};
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
    /// The last message known before; `None` inside for an empty chat, outside if nobody looked.
    pub(crate) since: Option<Option<MessageId>>,
    /// Which of the equal ones sent after that it is.
    pub(crate) nth: u32,
}

/// What an earlier one says.
#[derive(Debug)]
pub(crate) enum Begun {
    /// It was sent before.
    Sent,
    /// It was refused before.
    Refused(Box<ApiError>),
    /// It began before, and nobody knows what came of it.
    Unclear(Unclear),
    /// Something else was sent under this `Idempotency-Key`.
    Another,
}

/// A send that began before, and what is needed to find out what came of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unclear {
    pub(crate) id: i64,
    pub(crate) at: Timestamp,
    pub(crate) since: Option<Option<MessageId>>,
    pub(crate) nth: u32,
}

/// A send whose message has no id yet, and how to recognise it.
#[derive(Debug, Clone)]
pub(crate) struct Nameless {
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

fn nameless(row: &Row<'_>) -> rusqlite::Result<Nameless> {
    let number = |at: usize| rusqlite::Error::IntegralValueOutOfRange(at, 0);
    Ok(Nameless {
        id: row.get(0)?,
        business: BusinessId::new(row.get(1)?).map_err(|_| number(1))?,
        chat: ChatId::new(row.get(2)?).map_err(|_| number(2))?,
        program: row.get(3)?,
        operation: row.get(4)?,
        size: row.get(5)?,
        sha256: row.get(6)?,
        since: MessageId::new(row.get(7)?).ok(),
        nth: row.get(8)?,
    })
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
    errors: Vec<ApiErrorItem>,
}

/// A refusal as it is kept.
pub(crate) fn kept(refused: &ApiError) -> String {
    let refusing = Refusing { status: refused.kind.status(), errors: refused.items.clone() };
    serde_json::to_string(&refusing).unwrap_or_default()
}

fn refused(text: &str) -> Option<ApiError> {
    let refusing: Refusing = serde_json::from_str(text).ok()?;
    let refusal = ErrorKind::from_status(refusing.status)?;
    Some(ApiError { kind: refusal, items: refusing.errors, response: None })
}

impl Ledger {
    /// Whether this was begun before under its `Idempotency-Key`; `None` too if that came to nothing.
    pub(crate) async fn begun(&self, began: Began) -> Result<Option<Begun>> {
        if began.idempotency.is_none() {
            return Ok(None);
        }
        self.work(move |connection| begun(connection, &began)).await
    }

    /// Notes a send before anything of it goes up; tells its number.
    pub(crate) async fn begin(&self, began: Began) -> Result<i64> {
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

    /// Sends whose message has no id yet and could be recognised, newest first: one that never gets an id must not stand
    /// in the way of those after it.
    pub(crate) async fn nameless(&self, since: Timestamp, limit: u32) -> Result<Vec<Nameless>> {
        self.work(move |connection| {
            let sql = "SELECT id, business, chat, program, operation, size, sha256, since, nth FROM sends \
                       WHERE message IS NULL AND outcome IN ('sent', 'unknown') AND at >= ?1 \
                       AND chat IS NOT NULL AND since IS NOT NULL ORDER BY id DESC LIMIT ?2";
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map(params![since.as_millisecond(), limit], nameless)?;
            rows.collect()
        })
        .await
    }

    /// Gives a send the id of its message, which also says that it was sent.
    pub(crate) async fn name(&self, id: i64, message: MessageId) -> Result<()> {
        self.work(move |connection| {
            let sql =
                "UPDATE sends SET message = ?2, outcome = 'sent', answer = NULL WHERE id = ?1";
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
            let (chat, since) =
                (filter.chat.map(ChatId::get), filter.since.map(|s| s.as_millisecond()));
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

/// What was noted before under the same `Idempotency-Key`.
struct Before {
    id: i64,
    at: i64,
    same: bool,
    outcome: String,
    answer: Option<String>,
    since: Option<i64>,
    nth: u32,
}

impl Before {
    fn find(connection: &Connection, began: &Began, key: &str) -> rusqlite::Result<Option<Self>> {
        let sql = "SELECT id, at, operation = ?5 AND sha256 = ?6, outcome, answer, since, nth FROM sends \
                   WHERE business = ?1 AND program = ?2 AND chat = ?3 AND idempotency = ?4";
        let chat = began.chat.map(ChatId::get);
        let of =
            params![began.business.get(), began.program, chat, key, began.operation, began.sha256];
        let read = |row: &Row<'_>| {
            Ok(Self {
                id: row.get(0)?,
                at: row.get(1)?,
                same: row.get(2)?,
                outcome: row.get(3)?,
                answer: row.get(4)?,
                since: row.get(5)?,
                nth: row.get(6)?,
            })
        };
        connection.prepare_cached(sql)?.query_row(of, read).optional()
    }

    /// `None` if it certainly came to nothing.
    fn says(&self) -> Option<Begun> {
        if !self.same {
            return Some(Begun::Another);
        }
        let refused = self.answer.as_deref().and_then(refused);
        match (self.outcome.as_str(), refused) {
            ("sent", _) => Some(Begun::Sent),
            ("refused", Some(refused)) => Some(Begun::Refused(Box::new(refused))),
            ("sending" | "unknown", _) => Some(Begun::Unclear(Unclear {
                id: self.id,
                at: Timestamp::from_millisecond(self.at).unwrap_or(Timestamp::UNIX_EPOCH),
                since: self.since.map(|since| MessageId::new(since).ok()),
                nth: self.nth,
            })),
            _ => None,
        }
    }
}

/// Looks only: whether this was begun before under its `Idempotency-Key`.
fn begun(connection: &Connection, began: &Began) -> rusqlite::Result<Option<Begun>> {
    let Some(key) = &began.idempotency else { return Ok(None) };
    let oldest = began.at.as_millisecond() - REMEMBERED_MS;
    let before = Before::find(connection, began, key)?.filter(|before| before.at >= oldest);
    Ok(before.and_then(|before| before.says()))
}

fn begin(connection: &mut Connection, began: &Began) -> rusqlite::Result<i64> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let (at, chat) = (began.at.as_millisecond(), began.chat.map(ChatId::get));
    let business = began.business.get();
    if let Some(key) = &began.idempotency {
        // Whatever had this key is older than it is remembered, or came to nothing.
        let sql = "UPDATE sends SET idempotency = NULL WHERE business = ?1 AND program = ?2 \
                   AND chat = ?3 AND idempotency = ?4";
        transaction.execute(sql, params![business, began.program, chat, key])?;
    }
    let sql = "INSERT INTO sends (at, business, chat, program, operation, size, sha256, request_id, \
               idempotency, since, nth, outcome) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 'sending')";
    transaction.prepare_cached(sql)?.execute(params![
        at,
        business,
        chat,
        began.program,
        began.operation,
        i64::try_from(began.size).unwrap_or(i64::MAX),
        began.sha256,
        began.request_id,
        began.idempotency,
        began.since.map(|since| since.map_or(0, MessageId::get)),
        began.nth
    ])?;
    let id = transaction.last_insert_rowid();
    transaction.commit()?;
    Ok(id)
}

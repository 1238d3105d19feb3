//! The journal: every request with its answer and what came of it. It holds no secrets, and only the latest entries.

mod curl;
mod redact;
mod size;

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use beseda_api::{BusinessId, Time};
use serde::{Deserialize, Serialize};
use tokio::sync::{broadcast, watch};

pub(crate) use curl::line as curl_line;
pub(crate) use redact::{body as redacted_body, header as redacted_header};

/// How many entries are kept.
const KEPT: usize = 2_000;
/// How many bytes of memory they may take together.
const KEPT_BYTES: usize = 16 * 1024 * 1024;
/// How many entries one who follows may be behind before some are skipped.
const BEHIND: usize = 256;

/// Which check decided about a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// None refused it.
    Passed,
    /// A fault on demand.
    Fault,
    /// The path: there is no such resource.
    Path,
    /// The method: the resource doesn't have it.
    Method,
    /// The credential: missing, malformed, unknown or revoked.
    Credential,
    /// The rights of the credential: scope or cabinet.
    Access,
    /// A limit.
    Limit,
    /// The size or number of the headers.
    Headers,
    /// The type of the body.
    ContentType,
    /// A parameter, the body, or a rule of chats.
    Request,
    /// The thing that was asked for: there is none.
    Existence,
    /// Something broke.
    Breakage,
}

impl Verdict {
    /// The verdict that an answer tells of.
    pub(crate) fn of(status: u16, reason: Option<&str>) -> Self {
        match status {
            ..400 => Self::Passed,
            401 => Self::Credential,
            403 => Self::Access,
            404 if reason == Some("Resource not found") => Self::Path,
            404 => Self::Existence,
            405 => Self::Method,
            415 => Self::ContentType,
            420 => Self::Limit,
            431 => Self::Headers,
            400..500 => Self::Request,
            _ => Self::Breakage,
        }
    }
}

/// One side of an exchange, without secrets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Half {
    /// The headers.
    pub headers: Vec<(String, String)>,
    /// The body as far as it is text and kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// How long the body was, if it was seen whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
}

/// A request with its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Its number; later ones are greater.
    pub id: u64,
    /// When it came, by the stand-in's clock.
    pub at: Time,
    /// The operation, or what else it was.
    pub operation: String,
    /// The cabinet that was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub business_id: Option<BusinessId>,
    /// The method.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// The status; `None` if the connection was broken in place of an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Which check decided.
    pub verdict: Verdict,
    /// What the answer gave as its reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What was probably meant, and how it is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
    /// The numbers of the faults that struck.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<u64>,
    /// How long it took, in microseconds.
    pub took_micros: u64,
    /// What was asked.
    pub request: Half,
    /// What was answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<Half>,
    /// The request as a line for a shell.
    pub curl: String,
}

/// Which entries are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Query {
    /// Of this operation.
    pub operation: Option<String>,
    /// Of this cabinet.
    pub business_id: Option<BusinessId>,
    /// With this status, or a class of them: `404`, `4xx`.
    pub status: Option<String>,
    /// Decided by this check.
    pub verdict: Option<Verdict>,
    /// Of this moment or later.
    pub since: Option<jiff::Timestamp>,
    /// Before this moment.
    pub until: Option<jiff::Timestamp>,
    /// With a greater number.
    pub after: Option<u64>,
    /// How many at most, the latest of them; 100 unless said.
    pub limit: Option<usize>,
}

impl Query {
    fn wants(&self, entry: &Entry) -> bool {
        let status = entry.status.map(|status| status.to_string()).unwrap_or_default();
        let at = entry.at.timestamp();
        self.operation.as_ref().is_none_or(|wanted| *wanted == entry.operation)
            && self.business_id.is_none_or(|wanted| entry.business_id == Some(wanted))
            && self.status.as_deref().is_none_or(|wanted| match wanted.strip_suffix("xx") {
                Some(class) => status.len() == 3 && status.starts_with(class),
                None => status == wanted,
            })
            && self.verdict.is_none_or(|wanted| entry.verdict == wanted)
            && self.since.is_none_or(|since| at >= since)
            && self.until.is_none_or(|until| at < until)
            && self.after.is_none_or(|after| entry.id > after)
    }
}

/// The last requests, and a wire to those who follow.
#[derive(Debug)]
pub struct Journal {
    inner: Mutex<Inner>,
    live: broadcast::Sender<u64>,
    ended: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct Inner {
    last: u64,
    /// Oldest first, so that the numbers grow.
    entries: VecDeque<Entry>,
    /// How many bytes of memory the entries take together.
    bytes: usize,
}

impl Inner {
    fn push(&mut self, entry: Entry) {
        self.bytes += entry.bytes();
        self.entries.push_back(entry);
        while self.entries.len() > KEPT || (self.bytes > KEPT_BYTES && self.entries.len() > 1) {
            let Some(oldest) = self.entries.pop_front() else { return };
            self.bytes -= oldest.bytes();
        }
    }
}

impl Default for Journal {
    fn default() -> Self {
        Self {
            inner: Mutex::default(),
            live: broadcast::Sender::new(BEHIND),
            ended: watch::Sender::new(false),
        }
    }
}

impl Journal {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes an entry down and gives it its number.
    pub fn write(&self, mut entry: Entry) {
        let mut inner = self.inner();
        inner.last += 1;
        entry.id = inner.last;
        entry.shrink();
        let id = entry.id;
        inner.push(entry);
        // Sent under the lock, so that everybody sees the same order; nobody may be following.
        let _ = self.live.send(id);
    }

    /// The latest entries that are wanted, oldest first.
    #[must_use]
    pub fn read(&self, query: &Query) -> Vec<Entry> {
        let inner = self.inner();
        let wanted = inner.entries.iter().rev().filter(|entry| query.wants(entry));
        let mut found: Vec<_> = wanted.take(query.limit.unwrap_or(100)).cloned().collect();
        found.reverse();
        found
    }

    /// One entry.
    #[must_use]
    pub fn entry(&self, id: u64) -> Option<Entry> {
        let inner = self.inner();
        let place = inner.entries.binary_search_by_key(&id, |entry| entry.id).ok()?;
        inner.entries.get(place).cloned()
    }

    /// The number of every entry from now on. The entry itself is asked for with [`Journal::entry`], so that one who
    /// follows slowly keeps nothing in memory that the journal has let go of.
    #[must_use]
    pub fn follow(&self) -> broadcast::Receiver<u64> {
        self.live.subscribe()
    }

    /// Lets go of those who follow: a server that ends would wait for them.
    pub fn end(&self) {
        self.ended.send_replace(true);
    }

    /// Ready when those who follow are let go.
    pub(crate) async fn ended(&self) {
        // The sender lives in `self`, so waiting can't fail.
        drop(self.ended.subscribe().wait_for(|ended| *ended).await);
    }

    /// Forgets all entries. The numbers go on, so that those who follow aren't confused.
    pub fn clear(&self) {
        let mut inner = self.inner();
        inner.entries = VecDeque::new();
        inner.bytes = 0;
    }
}

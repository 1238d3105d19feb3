//! Journal entries, and queries for them.

use beseda_api::{BusinessId, Time};
use serde::{Deserialize, Serialize};

/// Which check decided about a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum JournalVerdict {
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

impl JournalVerdict {
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
pub struct HttpMessage {
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
pub struct JournalEntry {
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
    pub verdict: JournalVerdict,
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
    pub request: HttpMessage,
    /// What was answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<HttpMessage>,
    /// The request as a line for a shell.
    pub curl: String,
}

/// Which entries are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct JournalQuery {
    /// Of this operation.
    pub operation: Option<String>,
    /// Of this cabinet.
    pub business_id: Option<BusinessId>,
    /// With this status, or a class of them: `404`, `4xx`.
    pub status: Option<String>,
    /// Decided by this check.
    pub verdict: Option<JournalVerdict>,
    /// Of this moment or later.
    pub since: Option<jiff::Timestamp>,
    /// Before this moment.
    pub until: Option<jiff::Timestamp>,
    /// With a greater number.
    pub after: Option<u64>,
    /// How many at most, the latest of them; 100 unless said.
    pub limit: Option<usize>,
}

impl JournalQuery {
    pub(super) fn matches(&self, entry: &JournalEntry) -> bool {
        let status = entry.status.map(|status| status.to_string()).unwrap_or_default();
        let at = entry.at.timestamp();
        self.operation.as_ref().is_none_or(|expected| *expected == entry.operation)
            && self.business_id.is_none_or(|expected| entry.business_id == Some(expected))
            && self.status.as_deref().is_none_or(|expected| match expected.strip_suffix("xx") {
                Some(class) => status.len() == 3 && status.starts_with(class),
                None => status == expected,
            })
            && self.verdict.is_none_or(|expected| entry.verdict == expected)
            && self.since.is_none_or(|since| at >= since)
            && self.until.is_none_or(|until| at < until)
            && self.after.is_none_or(|after| entry.id > after)
    }
}

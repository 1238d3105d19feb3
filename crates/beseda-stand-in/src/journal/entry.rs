//! Journal entries, and queries for them.

use beseda_api::{BusinessId, Time};
use serde::{Deserialize, Serialize};

/// Check that decided the outcome of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum JournalVerdict {
    /// None; the request succeeded.
    Passed,
    /// Injected fault.
    Fault,
    /// Unknown path.
    Path,
    /// Unsupported method.
    Method,
    /// Missing, malformed, unknown or revoked credential.
    Credential,
    /// Missing scope or access to the cabinet.
    Access,
    /// Rate limit.
    Limit,
    /// Size or number of the headers.
    Headers,
    /// Content type.
    ContentType,
    /// Invalid parameter or body, or a violated rule of chats.
    Request,
    /// Unknown resource.
    Existence,
    /// Internal error or disconnected client.
    Breakage,
}

impl JournalVerdict {
    /// Derives the verdict from a response.
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

/// Request or response of an exchange, without secrets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpMessage {
    /// Headers.
    pub headers: Vec<(String, String)>,
    /// Body, as far as it is text and kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Length of the body, if it was read completely.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
}

/// Request with its response.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JournalEntry {
    /// Number; later entries have greater ones.
    pub id: u64,
    /// Time of arrival, by the stand-in's clock.
    pub at: Time,
    /// Operation or other kind of request.
    pub operation: String,
    /// Cabinet named in the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub business_id: Option<BusinessId>,
    /// Method.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Status; `None` if the connection was reset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Deciding check.
    pub verdict: JournalVerdict,
    /// Reason given in the response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Hint about the probable mistake.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
    /// Numbers of the applied fault rules.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<u64>,
    /// Duration in microseconds.
    pub took_micros: u64,
    /// Request.
    pub request: HttpMessage,
    /// Response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<HttpMessage>,
    /// Request as a curl command line.
    pub curl: String,
}

/// Filter for journal entries.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct JournalQuery {
    /// Operation.
    pub operation: Option<String>,
    /// Cabinet.
    pub business_id: Option<BusinessId>,
    /// Status or class of statuses: `404`, `4xx`.
    pub status: Option<String>,
    /// Deciding check.
    pub verdict: Option<JournalVerdict>,
    /// Earliest time, inclusive.
    pub since: Option<jiff::Timestamp>,
    /// Latest time, exclusive.
    pub until: Option<jiff::Timestamp>,
    /// Entries with a greater number only.
    pub after: Option<u64>,
    /// Maximum number of entries; the latest are returned. Defaults to 100.
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

//! Errors of the client: network, decoding, rate limits, local files. API errors are
//! [`Error::Api`].

use std::{error::Error as StdError, fmt, io};

use beseda_api::{BusinessId, Error, ErrorKind, ResponseInfo};
use jiff::Timestamp;

use crate::WaitReason;

type Source = Box<dyn StdError + Send + Sync>;

/// Error of the client, the source of an [`Error::Internal`]; see [`ErrorExt::client_error`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// A setting of the builder is invalid.
    #[error("{0}")]
    Setup(String),
    /// Connecting failed; the service has received nothing.
    #[error("can't connect: {}", root(.0.as_ref()))]
    Connect(#[source] Source),
    /// The request timed out.
    #[error("the request timed out")]
    Timeout(#[source] Source),
    /// The connection broke during the request or its response.
    #[error("connection lost: {}", root(.0.as_ref()))]
    Interrupted(#[source] Source),
    /// The service answered with an undocumented status, such as 500.
    #[error("the service answered with status {status}{}", quoted(body))]
    Undocumented {
        /// HTTP status.
        status: u16,
        /// Start of the body.
        body: String,
        /// Request id and rate limit.
        answer: Box<ResponseInfo>,
    },
    /// The service answered with success but an invalid body.
    #[error("can't decode the response (status {status}): {reason}{}", quoted(body))]
    Undecodable {
        /// HTTP status.
        status: u16,
        /// Position and cause of the decoding error.
        reason: String,
        /// Start of the body.
        body: String,
        /// Request id and rate limit.
        answer: Box<ResponseInfo>,
    },
    /// The response is larger than accepted.
    #[error("the response is larger than {limit} bytes")]
    TooLarge {
        /// Maximum number of bytes accepted.
        limit: u64,
    },
    /// The service returned a page token it had already returned.
    #[error("the service returned the same page token twice")]
    EndlessPages,
    /// A download was redirected too often or to a non-HTTP address.
    #[error("invalid redirect: {0}")]
    Redirect(&'static str),
    /// The link of an attachment is not an HTTP address.
    #[error("the attachment's link is not an HTTP URL")]
    BadLink,
    /// The call would have waited for a rate limit beyond its deadline
    /// ([`RetryPolicy::deadline`](crate::RetryPolicy::deadline)). It was not sent.
    #[error("{}", over_limit(operation, *business, *reason, *until))]
    OverLimit {
        /// Name of the operation.
        operation: &'static str,
        /// Cabinet, if the operation has one.
        business: Option<BusinessId>,
        /// Reason of the wait.
        reason: WaitReason,
        /// End of the wait by the service's clock; `None` if it depends on calls in progress.
        until: Option<Timestamp>,
    },
    /// Reading a file to send, or writing a download, failed.
    #[error("local I/O failed: {0}")]
    Local(#[source] io::Error),
}

impl ClientError {
    /// Returns `true` if the same request may succeed later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Connect(_) | Self::Timeout(_) | Self::Interrupted(_) | Self::OverLimit { .. } => {
                true
            }
            Self::Undocumented { status, .. } => *status >= 500,
            _ => false,
        }
    }

    /// Returns `true` if the service may have executed the request despite the error.
    #[must_use]
    pub fn may_have_been_done(&self) -> bool {
        match self {
            Self::Timeout(_) | Self::Interrupted(_) | Self::Undecodable { .. } => true,
            Self::Undocumented { status, .. } => *status >= 500,
            Self::TooLarge { .. } => true,
            _ => false,
        }
    }

    /// Returns request id and rate limit of the response, if there was one.
    #[must_use]
    pub fn answer(&self) -> Option<&ResponseInfo> {
        match self {
            Self::Undocumented { answer, .. } | Self::Undecodable { answer, .. } => Some(answer),
            _ => None,
        }
    }

    /// Converts an error of the HTTP library.
    pub(crate) fn of_transport(error: reqwest::Error) -> Error {
        // The URL may contain a page token or a download link, and does not help in a message.
        let error = error.without_url();
        if let Some(local) = find::<UploadReadError>(&error) {
            return local.to_error();
        }
        Error::internal(if error.is_connect() {
            Self::Connect(error.into())
        } else if error.is_timeout() {
            Self::Timeout(error.into())
        } else {
            Self::Interrupted(error.into())
        })
    }
}

impl From<ClientError> for Error {
    fn from(failure: ClientError) -> Self {
        Self::internal(failure)
    }
}

/// Error of reading the content of an upload, passed through the HTTP library.
#[derive(Debug, Clone)]
pub(crate) enum UploadReadError {
    /// The source failed.
    Io(io::ErrorKind, String),
    /// The source is larger than a file may be.
    TooLarge,
}

impl UploadReadError {
    fn to_error(&self) -> Error {
        match self {
            Self::Io(kind, text) => ClientError::Local(io::Error::new(*kind, text.clone())).into(),
            Self::TooLarge => Error::bad_request(format!(
                "The request is too big: a file has at most {} bytes",
                beseda_api::MAX_FILE_BYTES
            )),
        }
    }
}

impl fmt::Display for UploadReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(_, text) => f.write_str(text),
            Self::TooLarge => f.write_str("the file is too large"),
        }
    }
}

impl StdError for UploadReadError {}

/// Questions of a caller to an [`Error`].
pub trait ErrorExt {
    /// Returns the client's error, if it is one.
    fn client_error(&self) -> Option<&ClientError>;
    /// Returns `true` if the same request may succeed later: network failures, 5xx, and rate
    /// limits.
    ///
    /// For a send, check [`ErrorExt::may_have_been_done`] before sending again.
    fn is_retryable(&self) -> bool;
    /// Returns `true` if the service may have executed the request despite the error.
    fn may_have_been_done(&self) -> bool;
    /// Returns the HTTP status of the response, if there was one.
    fn status(&self) -> Option<u16>;
    /// Returns request id and rate limit of the response, if there was one.
    fn answer(&self) -> Option<&ResponseInfo>;
}

impl ErrorExt for Error {
    fn client_error(&self) -> Option<&ClientError> {
        match self {
            Self::Api(_) => None,
            Self::Internal(source) => source.downcast_ref(),
        }
    }

    fn is_retryable(&self) -> bool {
        self.kind() == Some(ErrorKind::LimitExceeded)
            || self.client_error().is_some_and(ClientError::is_retryable)
    }

    fn may_have_been_done(&self) -> bool {
        self.client_error().is_some_and(ClientError::may_have_been_done)
    }

    fn status(&self) -> Option<u16> {
        match (self.kind(), self.client_error()) {
            (Some(refusal), _) => Some(refusal.status()),
            (
                None,
                Some(
                    ClientError::Undocumented { status, .. }
                    | ClientError::Undecodable { status, .. },
                ),
            ) => Some(*status),
            _ => None,
        }
    }

    fn answer(&self) -> Option<&ResponseInfo> {
        match self {
            Self::Api(refused) => refused.response.as_ref(),
            Self::Internal(_) => self.client_error().and_then(ClientError::answer),
        }
    }
}

/// Finds an error of this type among the sources. `io::Error` hides its inner error from
/// `source()`.
fn find<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if let Some(found) = wrapped.and_then(|inner| inner.downcast_ref()) {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// Returns the text of the innermost source; the outer ones only say that something failed.
fn root(error: &(dyn StdError + Send + Sync + 'static)) -> String {
    let mut root: &(dyn StdError + 'static) = error;
    while let Some(source) = root.source() {
        root = source;
    }
    root.to_string()
}

fn over_limit(
    operation: &str,
    business: Option<BusinessId>,
    reason: WaitReason,
    until: Option<Timestamp>,
) -> String {
    let of = business.map(|business| format!(" of cabinet {business}")).unwrap_or_default();
    match until {
        Some(until) => format!("the limit of {operation}{of} is used up until {until}"),
        None => {
            format!("the limit of {operation}{of} requires a wait beyond the deadline: {reason}")
        }
    }
}

/// Returns the start of a body on one line.
fn quoted(body: &str) -> String {
    const SHOWN: usize = 120;
    let line: String = body.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.is_empty() {
        return String::new();
    }
    let cut: String = line.chars().take(SHOWN).collect();
    let more = if cut.len() < line.len() { "…" } else { "" };
    format!(": {cut}{more}")
}

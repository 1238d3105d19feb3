//! What can break on the way to the service and back, typed. Refusals aren't here: they are `beseda_api::Error::Api`.

use std::{error::Error as StdError, fmt, io};

use beseda_api::{BusinessId, Error, ErrorKind, ResponseInfo};
use jiff::Timestamp;

use crate::WaitReason;

type Source = Box<dyn StdError + Send + Sync>;

/// A breakage, found inside [`Error::Internal`] with [`ErrorExt::failure`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The client can't be built from these settings.
    #[error("{0}")]
    Setup(String),
    /// No connection was made: nothing has reached the service.
    #[error("can't connect: {}", root(.0.as_ref()))]
    Connect(#[source] Source),
    /// There was no answer in time.
    #[error("no answer in time")]
    Timeout(#[source] Source),
    /// The connection broke while the request or its answer was on the way.
    #[error("the connection broke: {}", root(.0.as_ref()))]
    Interrupted(#[source] Source),
    /// The service answered with a status that the contract has no refusal for, such as 500.
    #[error("the service answered with status {status}{}", quoted(body))]
    Undocumented {
        /// The HTTP status.
        status: u16,
        /// The beginning of the body.
        body: String,
        /// Request id and limit state.
        answer: Box<ResponseInfo>,
    },
    /// The service answered with success, but not with what the contract says.
    #[error("the answer with status {status} can't be read: {reason}{}", quoted(body))]
    Undecodable {
        /// The HTTP status.
        status: u16,
        /// Where the reading stopped.
        reason: String,
        /// The beginning of the body.
        body: String,
        /// Request id and limit state.
        answer: Box<ResponseInfo>,
    },
    /// What came is larger than what was asked to be accepted.
    #[error("more than {limit} bytes came")]
    TooLarge {
        /// The largest number of bytes accepted.
        limit: u64,
    },
    /// The service gave a page token a second time: following it would never end.
    #[error("the service repeats a page token: the list has no end")]
    EndlessPages,
    /// A download was redirected too often or to what is not HTTP.
    #[error("the download is redirected {0}")]
    Redirect(&'static str),
    /// The link of an attachment is not an address of HTTP.
    #[error("the attachment's link is no http address")]
    BadLink,
    /// The call would have waited for a limit beyond its deadline ([`RetryPolicy::longest`](crate::RetryPolicy::longest)).
    /// It was never sent.
    #[error("{}", over_limit(operation, *business, *reason, *until))]
    OverLimit {
        /// The operation, by its published name.
        operation: &'static str,
        /// The cabinet, if the operation names one.
        business: Option<BusinessId>,
        /// What it waited for.
        reason: WaitReason,
        /// Until when, by the service's clock; `None` if that depended on calls that are running.
        until: Option<Timestamp>,
    },
    /// What was to be sent can't be read on this side.
    #[error("can't read what was to be sent: {0}")]
    Local(#[source] io::Error),
}

impl ClientError {
    /// Whether the same request may succeed later.
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

    /// Whether the service may have done what was asked although this came back.
    #[must_use]
    pub fn may_have_been_done(&self) -> bool {
        match self {
            Self::Timeout(_) | Self::Interrupted(_) | Self::Undecodable { .. } => true,
            Self::Undocumented { status, .. } => *status >= 500,
            Self::TooLarge { .. } => true,
            _ => false,
        }
    }

    /// What came with the answer, if there was one.
    #[must_use]
    pub fn answer(&self) -> Option<&ResponseInfo> {
        match self {
            Self::Undocumented { answer, .. } | Self::Undecodable { answer, .. } => Some(answer),
            _ => None,
        }
    }

    /// Sorts an error of the HTTP library into ours.
    pub(crate) fn of_transport(error: reqwest::Error) -> Error {
        // The address may hold a page token or a download link; it is no help in a message either.
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

/// Why the bytes of an upload stopped, carried through the HTTP library.
#[derive(Debug, Clone)]
pub(crate) enum UploadReadError {
    /// The source failed.
    Io(io::ErrorKind, String),
    /// The source has more than a file may have.
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

/// What a caller of the client asks an [`Error`].
pub trait ErrorExt {
    /// The breakage of the way, if it is one of this client.
    fn client_error(&self) -> Option<&ClientError>;
    /// Whether the same request may succeed later: network, 5xx, and limits, which pass.
    ///
    /// For a send see [`ErrorExt::may_have_been_done`] before sending again.
    fn is_retryable(&self) -> bool;
    /// Whether the service may have done what was asked although this came back.
    fn may_have_been_done(&self) -> bool;
    /// The HTTP status of the answer, if there was one.
    fn status(&self) -> Option<u16>;
    /// Request id and limit state of the answer, if there was one.
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

/// The error of this type among the causes, if it is there. `io::Error` hides what it wraps from `source()`.
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

/// The innermost cause: the outer ones only say that something failed.
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
        None => format!("the limit of {operation}{of} left no place in time: {reason}"),
    }
}

/// The beginning of a body for people, on one line.
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

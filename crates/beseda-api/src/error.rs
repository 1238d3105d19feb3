//! What can go wrong, the same from an engine and off the wire: the API said no, or something broke. No mapping to HTTP answers here.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{ChatId, MessageId, OrderId, ReturnId};

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why an operation didn't succeed.
#[derive(Debug)]
pub enum Error {
    /// The API said no, and said why.
    Api(Box<ApiError>),
    /// Network, decoding or disk failed. Never shown to a caller of a server.
    Internal(Box<dyn std::error::Error + Send + Sync>),
}

/// A kind with its reasons.
#[derive(Debug, Clone, PartialEq)]
pub struct ApiError {
    /// The class of the kind, which is its HTTP status.
    pub kind: ErrorKind,
    /// The reasons as written in `errors` of the response.
    pub items: Vec<ApiErrorItem>,
    /// What else the answer carried; `None` if there was no network in between and nothing to carry.
    pub response: Option<ResponseInfo>,
}

/// What came with an answer over the network besides its body.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ResponseInfo {
    /// `X-Request-Id` (or the trace id) of the response, to quote to support.
    pub request_id: Option<String>,
    /// The state of the hourly limit.
    pub limit: Option<RateLimit>,
}

/// The three `X-RateLimit-Resource-*` headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// Requests allowed in the window.
    pub limit: u32,
    /// Requests left in the window.
    pub remaining: u32,
    /// When the window ends.
    pub until: jiff::Timestamp,
}

/// The ways the API says no. A kind can't be a success.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// 400: the request is malformed or breaks a rule.
    BadRequest,
    /// 401: no credential, or a bad Api-Key.
    Unauthorized,
    /// 403: no right to this, or a bad OAuth token.
    Forbidden,
    /// 404: no such path, chat, message, order or return.
    NotFound,
    /// 405: the path has no such method.
    MethodNotAllowed,
    /// 415: the body is of a type this operation doesn't take.
    UnsupportedMediaType,
    /// 420: too many requests in this hour or at once.
    LimitExceeded,
}

impl ErrorKind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::BadRequest,
        Self::Unauthorized,
        Self::Forbidden,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::UnsupportedMediaType,
        Self::LimitExceeded,
    ];

    /// The HTTP status.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::BadRequest => 400,
            Self::Unauthorized => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::UnsupportedMediaType => 415,
            Self::LimitExceeded => 420,
        }
    }

    /// The kind with this HTTP status, if there is one.
    #[must_use]
    pub fn from_status(status: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.status() == status)
    }

    /// The word in `code` of a [`ApiErrorItem`].
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::BadRequest => "BAD_REQUEST",
            Self::Unauthorized => "UNAUTHORIZED",
            Self::Forbidden => "FORBIDDEN",
            Self::NotFound => "NOT_FOUND",
            Self::MethodNotAllowed => "METHOD_NOT_ALLOWED",
            Self::UnsupportedMediaType => "UNSUPPORTED_MEDIA_TYPE",
            Self::LimitExceeded => "LIMIT_EXCEEDED",
        }
    }
}

/// One reason of a kind (published as `ApiErrorDTO`). Text for people: decide by the status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ApiErrorItem {
    /// A word such as `BAD_REQUEST`.
    pub code: String,
    /// What is wrong, in English.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

impl Error {
    /// A kind with one reason.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        let item = ApiErrorItem { code: kind.code().to_owned(), message: Some(message.into()) };
        Self::Api(Box::new(ApiError { kind, items: vec![item], response: None }))
    }

    /// Something failed that is nobody's request.
    #[must_use]
    pub fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(source.into())
    }

    /// 420: no more calls now. A server puts these figures on the answer as `X-RateLimit-Resource-*`; with
    /// `remaining` 0 callers wait until `until`, with more they may try again at once (too many at the same time).
    #[must_use]
    pub fn limit_exceeded(limit: RateLimit, message: impl Into<String>) -> Self {
        let item = ApiErrorItem {
            code: ErrorKind::LimitExceeded.code().to_owned(),
            message: Some(message.into()),
        };
        let response = Some(ResponseInfo { request_id: None, limit: Some(limit) });
        let kind = ErrorKind::LimitExceeded;
        Self::Api(Box::new(ApiError { kind, items: vec![item], response }))
    }

    /// 400 with this reason.
    #[must_use]
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::BadRequest, message)
    }

    /// 400: the page token isn't one of ours.
    #[must_use]
    pub fn bad_page_token() -> Self {
        Self::bad_request("Bad page token")
    }

    /// 400: a required field is absent or `null`.
    #[must_use]
    pub fn null_field(field: &str) -> Self {
        Self::bad_request(format!("{field} must not be null (rejected value: null)"))
    }

    /// 400: a value that the field's type doesn't have; `path` as in `contexts[0].type`.
    #[must_use]
    pub fn illegal_input(path: &str) -> Self {
        Self::bad_request(format!("Illegal input at '{path}'"))
    }

    /// 400: a word that isn't one of those a field of our own surfaces knows.
    #[must_use]
    pub fn unknown_value(field: &str, given: &str, known: &[&str]) -> Self {
        let given: String = given.chars().take(100).collect();
        let known = known.join(", ");
        Self::bad_request(format!("{field} must be one of {known} (rejected value: {given})"))
    }

    /// 400: the chat is finished, nothing more can be written to it.
    #[must_use]
    pub fn chat_closed(chat: ChatId) -> Self {
        Self::bad_request(format!("Chat {chat} is closed"))
    }

    /// 400: the file is larger than a file may be.
    #[must_use]
    pub fn file_too_large() -> Self {
        let most = crate::MAX_FILE_BYTES;
        Self::bad_request(format!("The request is too big: the file is larger than {most} bytes"))
    }

    /// 400: the file ended before its end, because its sender went away.
    #[must_use]
    pub fn incomplete_file() -> Self {
        Self::bad_request("The file could not be read to its end")
    }

    /// 404: no such chat in this cabinet.
    #[must_use]
    pub fn chat_not_found(chat: ChatId) -> Self {
        Self::new(ErrorKind::NotFound, format!("Can't find chat by id: {chat}"))
    }

    /// 404: no such message in this chat.
    #[must_use]
    pub fn message_not_found(chat: ChatId, message: MessageId) -> Self {
        let text = format!("Can't find message by id: {message} for chat {chat}");
        Self::new(ErrorKind::NotFound, text)
    }

    /// 404: no such order in this cabinet.
    #[must_use]
    pub fn order_not_found(order: OrderId) -> Self {
        Self::new(ErrorKind::NotFound, format!("Order not found: {order}"))
    }

    /// 404: no such return in this cabinet.
    #[must_use]
    pub fn return_not_found(id: ReturnId) -> Self {
        Self::new(ErrorKind::NotFound, format!("Return not found: {id}"))
    }

    /// The kind, if this is one.
    #[must_use]
    pub fn kind(&self) -> Option<ErrorKind> {
        match self {
            Self::Api(refused) => Some(refused.kind),
            Self::Internal(_) => None,
        }
    }

    /// The figures of the hourly limit that came with a kind.
    #[must_use]
    pub fn rate_limit(&self) -> Option<RateLimit> {
        match self {
            Self::Api(refused) => refused.response.as_ref().and_then(|response| response.limit),
            Self::Internal(_) => None,
        }
    }

    /// The reasons of a kind; none for a breakage.
    #[must_use]
    pub fn items(&self) -> &[ApiErrorItem] {
        match self {
            Self::Api(refused) => &refused.items,
            Self::Internal(_) => &[],
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Api(refused) => {
                let texts: Vec<&str> = refused
                    .items
                    .iter()
                    .map(|item| item.message.as_deref().unwrap_or(&item.code))
                    .collect();
                if texts.is_empty() {
                    return f.write_str(refused.kind.code());
                }
                f.write_str(&texts.join("; "))
            }
            Self::Internal(source) => source.fmt(f),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Api(_) => None,
            Self::Internal(source) => source.source(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ErrorKind;

    #[test]
    fn a_refusal_is_found_again_by_its_status_and_is_never_a_success() {
        for kind in ErrorKind::ALL {
            assert_eq!(ErrorKind::from_status(kind.status()), Some(kind));
            assert!(kind.status() >= 400);
        }
        assert_eq!(ErrorKind::from_status(200), None);
        assert_eq!(ErrorKind::from_status(500), None);
    }
}

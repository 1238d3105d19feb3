//! Errors of the API, the same from an engine and from a client.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{ChatId, MessageId, OrderId, ReturnId};

/// `Result` with this crate's [`Error`].
///
/// ```
/// use beseda_api::{MessageText, Result};
///
/// fn greeting(name: &str) -> Result<MessageText> {
///     MessageText::new(format!("Здравствуйте, {name}!"))
/// }
/// assert_eq!(greeting("Иван")?.as_str(), "Здравствуйте, Иван!");
/// # Ok::<(), beseda_api::Error>(())
/// ```
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Error of an operation.
///
/// ```
/// use beseda_api::{ChatId, Error, ErrorKind};
///
/// fn advice(error: &Error) -> &'static str {
///     match error {
///         Error::Api(refused) if refused.kind == ErrorKind::NotFound => "check the id",
///         Error::Api(_) => "correct the request",
///         Error::Internal(_) => "retry later",
///     }
/// }
/// assert_eq!(advice(&Error::chat_not_found(ChatId::new(9)?)), "check the id");
/// assert_eq!(advice(&Error::internal("disk full")), "retry later");
/// # Ok::<(), beseda_api::IdOutOfRange>(())
/// ```
#[derive(Debug)]
pub enum Error {
    /// The API refused the request.
    Api(Box<ApiError>),
    /// Network, decoding or disk failure. A server answers it with a plain 500 and never shows its
    /// text.
    Internal(Box<dyn std::error::Error + Send + Sync>),
}

/// Refusal of the API with its reasons.
///
/// ```
/// use beseda_api::{Error, ErrorKind};
///
/// let error = Error::bad_request("message must not be null");
/// let Error::Api(refused) = error else { panic!("not an error of the API") };
/// assert_eq!(refused.kind, ErrorKind::BadRequest);
/// assert_eq!(refused.items[0].code, "BAD_REQUEST");
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ApiError {
    /// Kind of the error, which determines the HTTP status.
    pub kind: ErrorKind,
    /// Reasons, as in `errors` of the response.
    pub items: Vec<ApiErrorItem>,
    /// Request id and rate limit of the HTTP response; `None` if there was none.
    pub response: Option<ResponseInfo>,
}

/// Data of an HTTP response besides its body.
///
/// ```
/// use beseda_api::ResponseInfo;
///
/// let response = ResponseInfo { request_id: Some("a1b2".to_owned()), ..ResponseInfo::default() };
/// assert_eq!(response.request_id.as_deref(), Some("a1b2"));
/// assert!(response.limit.is_none(), "without the headers of a rate limit");
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ResponseInfo {
    /// `X-Request-Id` (or the trace id) of the response, to quote to support.
    pub request_id: Option<String>,
    /// Hourly limit.
    pub limit: Option<RateLimit>,
}

/// Hourly limit of an operation, from the three `X-RateLimit-Resource-*` headers.
///
/// ```
/// use beseda_api::{Error, RateLimit};
///
/// let until = "2026-05-31T08:00:00Z".parse()?;
/// let error = Error::limit_exceeded(RateLimit { limit: 1000, remaining: 0, until }, "Hit rate limit");
/// assert_eq!(error.rate_limit().map(|limit| limit.until), Some(until));
/// # Ok::<(), jiff::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// Requests allowed in the window.
    pub limit: u32,
    /// Requests left in the window.
    pub remaining: u32,
    /// End of the window.
    pub until: jiff::Timestamp,
}

/// Kinds of API errors, one per HTTP status.
///
/// ```
/// use beseda_api::ErrorKind;
///
/// assert_eq!(ErrorKind::from_status(420), Some(ErrorKind::LimitExceeded));
/// assert_eq!(ErrorKind::LimitExceeded.code(), "LIMIT_EXCEEDED");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// 400: the request is malformed or breaks a rule.
    BadRequest,
    /// 401: no credential, or a bad Api-Key.
    Unauthorized,
    /// 403: no access, or an invalid OAuth token.
    Forbidden,
    /// 404: no such path, chat, message, order or return.
    NotFound,
    /// 405: the path does not support the method.
    MethodNotAllowed,
    /// 415: unsupported media type of the body.
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

    /// Returns the HTTP status.
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

    /// Returns the kind with this HTTP status, or `None`.
    #[must_use]
    pub fn from_status(status: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.status() == status)
    }

    /// Returns the value of [`ApiErrorItem::code`].
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

/// Reason of an API error (published as `ApiErrorDTO`). The text is for people; programs should use
/// the status.
///
/// ```
/// use beseda_api::{ApiErrorItem, wire::ErrorResponse};
///
/// let body = r#"{"status":"ERROR","errors":[{"code":"NOT_FOUND","message":"Order not found: 42"}]}"#;
/// let response: ErrorResponse = serde_json::from_str(body)?;
/// let ApiErrorItem { code, message } = &response.errors[0];
/// assert_eq!((code.as_str(), message.as_deref()), ("NOT_FOUND", Some("Order not found: 42")));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ApiErrorItem {
    /// Code such as `BAD_REQUEST`.
    pub code: String,
    /// Description in English.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

impl Error {
    /// Creates an API error with one reason.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        let item = ApiErrorItem { code: kind.code().to_owned(), message: Some(message.into()) };
        Self::Api(Box::new(ApiError { kind, items: vec![item], response: None }))
    }

    /// Creates an internal error from its cause.
    #[must_use]
    pub fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(source.into())
    }

    /// Creates a 420.
    ///
    /// A server sends these figures as `X-RateLimit-Resource-*` headers. With `remaining` 0 callers
    /// wait until `until`; otherwise they may retry immediately (too many concurrent requests).
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

    /// Creates a 400 with this reason.
    #[must_use]
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::BadRequest, message)
    }

    /// Creates a 400: the page token is invalid.
    #[must_use]
    pub fn bad_page_token() -> Self {
        Self::bad_request("Bad page token")
    }

    /// Creates a 400: a required field is missing or `null`.
    #[must_use]
    pub fn null_field(field: &str) -> Self {
        Self::bad_request(format!("{field} must not be null (rejected value: null)"))
    }

    /// Creates a 400: the value has the wrong type; `path` is written like `contexts[0].type`.
    #[must_use]
    pub fn illegal_input(path: &str) -> Self {
        Self::bad_request(format!("Illegal input at '{path}'"))
    }

    /// Creates a 400: the value is not one of those that a field of our own APIs accepts.
    #[must_use]
    pub fn unknown_value(field: &str, given: &str, known: &[&str]) -> Self {
        let given: String = given.chars().take(100).collect();
        let known = known.join(", ");
        Self::bad_request(format!("{field} must be one of {known} (rejected value: {given})"))
    }

    /// Creates a 400: the chat is closed.
    #[must_use]
    pub fn chat_closed(chat: ChatId) -> Self {
        Self::bad_request(format!("Chat {chat} is closed"))
    }

    /// Creates a 400: the file is larger than [`MAX_FILE_BYTES`](crate::MAX_FILE_BYTES).
    #[must_use]
    pub fn file_too_large() -> Self {
        let most = crate::MAX_FILE_BYTES;
        Self::bad_request(format!("The request is too big: the file is larger than {most} bytes"))
    }

    /// Creates a 400: the upload ended early because the sender disconnected.
    #[must_use]
    pub fn incomplete_file() -> Self {
        Self::bad_request("The file could not be read to its end")
    }

    /// Creates a 404: the cabinet has no such chat.
    #[must_use]
    pub fn chat_not_found(chat: ChatId) -> Self {
        Self::new(ErrorKind::NotFound, format!("Can't find chat by id: {chat}"))
    }

    /// Creates a 404: the chat has no such message.
    #[must_use]
    pub fn message_not_found(chat: ChatId, message: MessageId) -> Self {
        let text = format!("Can't find message by id: {message} for chat {chat}");
        Self::new(ErrorKind::NotFound, text)
    }

    /// Creates a 404: the cabinet has no such order.
    #[must_use]
    pub fn order_not_found(order: OrderId) -> Self {
        Self::new(ErrorKind::NotFound, format!("Order not found: {order}"))
    }

    /// Creates a 404: the cabinet has no such return.
    #[must_use]
    pub fn return_not_found(id: ReturnId) -> Self {
        Self::new(ErrorKind::NotFound, format!("Return not found: {id}"))
    }

    /// Returns the kind of an API error, or `None` for an internal error.
    #[must_use]
    pub fn kind(&self) -> Option<ErrorKind> {
        match self {
            Self::Api(refused) => Some(refused.kind),
            Self::Internal(_) => None,
        }
    }

    /// Returns the hourly limit that came with an API error.
    #[must_use]
    pub fn rate_limit(&self) -> Option<RateLimit> {
        match self {
            Self::Api(refused) => refused.response.as_ref().and_then(|response| response.limit),
            Self::Internal(_) => None,
        }
    }

    /// Returns the reasons of an API error; empty for an internal error.
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

//! Exit statuses and error messages: the class of an error, its text, and a hint what to do next.

use std::{fmt, process::ExitCode};

use beseda_api::{ApiError, ChatId, Error, ErrorChain, ErrorKind};
use beseda_client::{ClientError, ErrorExt};
use serde_json::{Value, json};

use crate::output::StdoutClosed;

/// Error classes; the value is the exit status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ErrorClass {
    Other = 1,
    UsageError = 2,
    BadRequest = 3,
    Denied = 4,
    NotFound = 5,
    Limit = 6,
    Service = 7,
    Network = 8,
}

impl ErrorClass {
    /// Returns the name used in JSON.
    fn name(self) -> &'static str {
        match self {
            Self::Other => "other",
            Self::UsageError => "usage",
            Self::BadRequest => "badRequest",
            Self::Denied => "denied",
            Self::NotFound => "notFound",
            Self::Limit => "limit",
            Self::Service => "service",
            Self::Network => "network",
        }
    }
}

/// Usage error: something the command needs is missing or invalid, and no request was sent.
#[derive(Debug)]
pub(crate) struct UsageError(String);

impl UsageError {
    pub(crate) fn error(text: impl Into<String>) -> anyhow::Error {
        Self(text.into()).into()
    }
}

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UsageError {}

/// Failed send whose message may have been delivered.
#[derive(Debug)]
pub(crate) struct SendFailed {
    pub(crate) chat: ChatId,
    pub(crate) error: Error,
}

impl fmt::Display for SendFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for SendFailed {}

/// Failed send whose message was certainly not delivered.
#[derive(Debug)]
pub(crate) struct NotDelivered(pub(crate) Error);

impl fmt::Display for NotDelivered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for NotDelivered {}

/// Message that is queued in an outbox and not yet sent.
#[derive(Debug)]
pub(crate) struct StillQueued {
    pub(crate) text: String,
    pub(crate) hint: String,
    pub(crate) class: ErrorClass,
}

impl fmt::Display for StillQueued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for StillQueued {}

/// Prints the error to standard error and returns the exit status.
pub(crate) fn report(error: &anyhow::Error, json: bool) -> ExitCode {
    if error.downcast_ref::<StdoutClosed>().is_some() {
        // The reader of standard output is gone; that is not an error.
        return ExitCode::SUCCESS;
    }
    let class = class(error);
    if json {
        eprintln!("{}", json!({ "error": document(error, class) }));
    } else {
        eprintln!("beseda: {}", message(error));
        if let Some(hint) = hint(error) {
            eprintln!("  {hint}");
        }
        if let Some(id) = api_error(error).and_then(|e| e.answer()?.request_id.as_deref()) {
            eprintln!("  request id: {id}");
        }
    }
    ExitCode::from(class as u8)
}

fn class(error: &anyhow::Error) -> ErrorClass {
    if error.downcast_ref::<UsageError>().is_some() {
        return ErrorClass::UsageError;
    }
    if let Some(StillQueued { class, .. }) = error.downcast_ref() {
        return *class;
    }
    let Some(error) = api_error(error) else { return ErrorClass::Other };
    match (error.kind(), error.client_error()) {
        (Some(refusal), _) => match refusal {
            ErrorKind::BadRequest
            | ErrorKind::MethodNotAllowed
            | ErrorKind::UnsupportedMediaType => ErrorClass::BadRequest,
            ErrorKind::Unauthorized | ErrorKind::Forbidden => ErrorClass::Denied,
            ErrorKind::NotFound => ErrorClass::NotFound,
            ErrorKind::LimitExceeded => ErrorClass::Limit,
        },
        (None, Some(failure)) => match failure {
            ClientError::Setup(_) => ErrorClass::UsageError,
            ClientError::Connect(_) | ClientError::Timeout(_) | ClientError::Interrupted(_) => {
                ErrorClass::Network
            }
            ClientError::OverLimit { .. } => ErrorClass::Limit,
            ClientError::Undocumented { .. }
            | ClientError::Undecodable { .. }
            | ClientError::EndlessPages
            | ClientError::Redirect(_) => ErrorClass::Service,
            _ => ErrorClass::Other,
        },
        (None, None) => ErrorClass::Other,
    }
}

/// Returns the error text. Client errors include their cause; others are printed with their chain.
fn message(error: &anyhow::Error) -> String {
    if api_error(error).is_some() {
        error.to_string()
    } else {
        ErrorChain(error.as_ref()).to_string()
    }
}

fn api_error(error: &anyhow::Error) -> Option<&Error> {
    let unsent = || error.downcast_ref::<SendFailed>().map(|unsent| &unsent.error);
    let not_delivered = || error.downcast_ref::<NotDelivered>().map(|not| &not.0);
    error.downcast_ref::<Error>().or_else(unsent).or_else(not_delivered)
}

/// Returns what to do next.
fn hint(error: &anyhow::Error) -> Option<String> {
    if let Some(SendFailed { chat, error }) = error.downcast_ref()
        && error.may_have_been_done()
    {
        return Some(format!(
            "the message may have been delivered: check `beseda chats history {chat} --all` before sending again"
        ));
    }
    if let Some(StillQueued { hint, .. }) = error.downcast_ref() {
        return Some(hint.clone());
    }
    let error = api_error(error)?;
    match error {
        Error::Api(refused) => refusal_hint(refused),
        Error::Internal(_) => failure_hint(error.client_error()?),
    }
}

fn refusal_hint(refused: &ApiError) -> Option<String> {
    let hint = match refused.kind {
        ErrorKind::Unauthorized => {
            "set a credential in the environment (see `beseda help chats`), or use --credential-file or --credential-stdin; replace a revoked or mistyped one"
        }
        ErrorKind::Forbidden => {
            "the credential lacks access: check --business and the scopes of the key (communication is required)"
        }
        ErrorKind::NotFound => {
            "check the id, the cabinet (--business) and the address (--url); `beseda chats list` shows what there is"
        }
        ErrorKind::LimitExceeded => return Some(limit_hint(refused)),
        ErrorKind::MethodNotAllowed | ErrorKind::UnsupportedMediaType => {
            "the service at --url doesn't have this operation: check the address and --generation"
        }
        ErrorKind::BadRequest => return None,
    };
    Some(hint.to_owned())
}

fn limit_hint(refused: &ApiError) -> String {
    let state = refused.response.as_ref().and_then(|answer| answer.limit);
    match state.filter(|state| state.remaining == 0) {
        Some(state) => format!(
            "all {} requests of this hour are used: try again after {}, or wait longer with --wait",
            state.limit, state.until
        ),
        None => "too many requests at once: try again in a moment".to_owned(),
    }
}

fn failure_hint(failure: &ClientError) -> Option<String> {
    let hint = match failure {
        ClientError::Connect(_) => {
            "is the address right and the service running? See --url and BESEDA_URL"
        }
        ClientError::Timeout(_) => "try again, or wait longer with --timeout",
        ClientError::Interrupted(_) => "try again",
        ClientError::OverLimit { until: Some(until), .. } => {
            return Some(format!(
                "nothing was sent: try again after {until}, or wait that long with --wait SECONDS"
            ));
        }
        ClientError::OverLimit { .. } => "nothing was sent: try again, or wait longer with --wait",
        ClientError::Undocumented { status: 500.., .. } => "the service failed: try again later",
        ClientError::Undocumented { .. } | ClientError::Undecodable { .. } => {
            "unexpected response: check that --url is the address of the API"
        }
        _ => return None,
    };
    Some(hint.to_owned())
}

fn document(error: &anyhow::Error, class: ErrorClass) -> Value {
    let mut document = json!({
        "class": class.name(),
        "exitCode": class as u8,
        "message": message(error),
    });
    let mut add = |name: &str, value: Value| {
        if !value.is_null() {
            document[name] = value;
        }
    };
    add("hint", hint(error).into());
    let certainly_not = error.downcast_ref::<NotDelivered>().is_some();
    if let Some(error) = api_error(error) {
        add("status", error.status().into());
        if !error.items().is_empty() {
            add("errors", json!(error.items()));
        }
        add("mayHaveBeenDone", (error.may_have_been_done() && !certainly_not).into());
        if let Some(ClientError::OverLimit { operation, business, until, .. }) =
            error.client_error()
        {
            let until = until.map(|until| until.to_string());
            let limit = json!({ "operation": operation, "businessId": business, "until": until });
            add("limit", limit);
        }
        if let Some(answer) = error.answer() {
            add("requestId", answer.request_id.clone().into());
            if let Some(limit) = answer.limit {
                let until = limit.until.to_string();
                add(
                    "limit",
                    json!({ "limit": limit.limit, "remaining": limit.remaining, "until": until }),
                );
            }
        }
    }
    document
}

//! Classification of sync failures: whether and how long to wait.

use std::time::Duration;

use beseda_api::ErrorKind;
use jiff::{SignedDuration, Timestamp};

use crate::Error;

/// Maximum wait after a failure without a known end.
const LONGEST: Duration = Duration::from_secs(60);
/// Maximum wait for a rate limit, whose window is an hour.
const WINDOW: SignedDuration = SignedDuration::from_hours(1);

/// Scope of a failure while reading chats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ErrorScope {
    /// The service does not have this chat.
    Gone,
    /// Only this chat.
    One,
    /// This chat or all of them.
    Unclear,
    /// All chats.
    All,
}

pub(super) fn reach(error: &Error) -> ErrorScope {
    let Error::Service(error) = error else { return ErrorScope::All };
    match error.kind() {
        Some(ErrorKind::NotFound) => ErrorScope::Gone,
        Some(ErrorKind::Unauthorized | ErrorKind::Forbidden | ErrorKind::LimitExceeded) => {
            ErrorScope::All
        }
        Some(_) => ErrorScope::One,
        None => ErrorScope::Unclear,
    }
}

/// Returns true if the same call may succeed later.
pub(super) fn passes(error: &Error) -> bool {
    let Error::Service(error) = error else { return false };
    !matches!(error.kind(), Some(ErrorKind::Unauthorized | ErrorKind::Forbidden))
}

/// Returns the time of the next attempt after this many consecutive failures.
pub(super) fn retry_at(error: &Error, failures: u32, now: Timestamp) -> Timestamp {
    if let Error::Service(beseda_api::Error::Api(refused)) = error
        && refused.kind == ErrorKind::LimitExceeded
        && let Some(limit) = refused.response.as_ref().and_then(|answer| answer.limit)
        && limit.remaining == 0
        && limit.until > now
    {
        return limit.until.min(later(now, WINDOW));
    }
    let pause = Duration::from_secs(1 << failures.min(6)).min(LONGEST);
    later(now, SignedDuration::try_from(pause).unwrap_or(SignedDuration::ZERO))
}

/// Returns a later time, saturating.
pub(super) fn later(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.checked_add(by).unwrap_or(Timestamp::MAX)
}

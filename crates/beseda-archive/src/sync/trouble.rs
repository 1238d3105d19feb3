//! What a failure means: whether waiting helps, and for how long. Nothing waits here.

use std::time::Duration;

use beseda_api::ErrorKind;
use jiff::{SignedDuration, Timestamp};

use crate::Error;

/// The longest wait after a failure that says nothing of when it passes.
const LONGEST: Duration = Duration::from_secs(60);
/// The longest wait for a limit: its window is an hour.
const WINDOW: SignedDuration = SignedDuration::from_hours(1);

/// What becomes of the other chats when one failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// The service doesn't have this chat.
    Gone,
    /// It is about this chat alone.
    One,
    /// Perhaps about this chat, perhaps about all.
    Unclear,
    /// It is about all of them.
    All,
}

pub(super) fn reach(error: &Error) -> Reach {
    let Error::Service(error) = error else { return Reach::All };
    match error.kind() {
        Some(ErrorKind::NotFound) => Reach::Gone,
        Some(ErrorKind::Unauthorized | ErrorKind::Forbidden | ErrorKind::LimitExceeded) => {
            Reach::All
        }
        Some(_) => Reach::One,
        None => Reach::Unclear,
    }
}

/// Whether the same may succeed later without anybody doing anything.
pub(super) fn passes(error: &Error) -> bool {
    let Error::Service(error) = error else { return false };
    !matches!(error.kind(), Some(ErrorKind::Unauthorized | ErrorKind::Forbidden))
}

/// When to go on after so many failures in a row.
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

/// A later moment, or the last there is.
pub(super) fn later(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.checked_add(by).unwrap_or(Timestamp::MAX)
}

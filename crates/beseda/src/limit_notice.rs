//! Reports on standard error that a command waits for a rate limit.

use std::{
    collections::HashSet,
    io::{self, Write},
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use beseda_api::{Clock, SystemClock};
use beseda_client::{QueuedCall, RateLimiter};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde_json::json;

/// Minimum wait that is reported.
const MIN_REPORTED_WAIT: SignedDuration = SignedDuration::from_secs(1);

static JSON: AtomicBool = AtomicBool::new(false);

/// Sets the format of the notices: text or JSON.
pub(crate) fn init(json: bool) {
    JSON.store(json, Ordering::Relaxed);
}

/// Returns the rate limiter shared by every client of the process. Each wait is reported once,
/// however many calls wait.
pub(crate) fn governor() -> RateLimiter {
    static SHARED: OnceLock<RateLimiter> = OnceLock::new();
    SHARED.get_or_init(reporting).clone()
}

fn reporting() -> RateLimiter {
    let reported = Mutex::new(HashSet::new());
    RateLimiter::default().on_wait(move |waiting| {
        let Some(local_time) = waiting.here.filter(|local_time| is_long(*local_time)) else {
            return;
        };
        let wait = (waiting.operation, waiting.business, waiting.until);
        if reported.lock().unwrap_or_else(PoisonError::into_inner).insert(wait) {
            let text = if JSON.load(Ordering::Relaxed) {
                json_text(waiting)
            } else {
                text(waiting, local_time)
            };
            // Standard error may be closed; the call goes on.
            drop(writeln!(io::stderr(), "{text}"));
        }
    })
}

fn is_long(until: Timestamp) -> bool {
    until.duration_since(SystemClock.now()) > MIN_REPORTED_WAIT
}

fn text(waiting: &QueuedCall, local_time: Timestamp) -> String {
    let end = local_time.to_zoned(TimeZone::system()).strftime("%H:%M:%S").to_string();
    format!("waiting for the limit of {} until {end} ({})", waiting.operation, waiting.reason)
}

fn json_text(waiting: &QueuedCall) -> String {
    json!({ "waiting": {
        "operation": waiting.operation,
        "businessId": waiting.business,
        "until": waiting.until.map(|until| until.to_string()),
        "queued": waiting.queued,
    } })
    .to_string()
}

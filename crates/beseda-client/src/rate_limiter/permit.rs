//! Queue ticket and permit of a call; both release what they hold when dropped.

use std::sync::Arc;

use beseda_api::{ApiError, Endpoint, ErrorKind, Generation};
use jiff::Timestamp;

use super::{
    RateLimiter,
    budget::CallOutcome,
    scheduler::{Blocked, CallKey},
    waiter::Waiter,
};
use crate::headers::RateLimitHeaders;

/// Position of a call in its queue.
pub(super) struct Ticket<'a> {
    rate_limiter: &'a RateLimiter,
    key: CallKey,
    place: u64,
    waiter: Arc<Waiter>,
    left: bool,
}

impl<'a> Ticket<'a> {
    pub(super) fn take(rate_limiter: &'a RateLimiter, key: CallKey) -> Self {
        let waiter = Arc::new(Waiter::default());
        let now = rate_limiter.now();
        let place = rate_limiter.lock().join(key, Arc::clone(&waiter), now);
        Self { rate_limiter, key, place, waiter, left: false }
    }

    /// Returns the permit if the call is admitted, otherwise the reason it is blocked.
    pub(super) fn look(&mut self, now: Timestamp) -> Result<Permit, Blocked> {
        let mut state = self.rate_limiter.lock();
        if self.waiter.call().is_none() {
            state.advance(self.key.entity, now);
        }
        match self.waiter.call() {
            Some(call) => {
                self.left = true;
                Ok(Permit::new(self.rate_limiter.clone(), self.key, call, now))
            }
            None => Err(state.held(self.key, now)),
        }
    }

    /// Waits for a change.
    pub(super) async fn news(&self) {
        self.waiter.news().await;
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        if self.left {
            return;
        }
        let now = self.rate_limiter.now();
        let mut state = self.rate_limiter.lock();
        match self.waiter.call() {
            Some(call) => {
                state.arrive(self.key, call, CallOutcome::Unsent, now);
                state.done(self.key, now);
            }
            None => {
                state.leave(self.key, self.place);
                state.advance(self.key.entity, now);
            }
        }
    }
}

/// Permission to send one call. Occupies a slot until it is dropped.
pub(crate) struct Permit {
    rate_limiter: RateLimiter,
    key: CallKey,
    call: u64,
    since: Timestamp,
    sent: bool,
    arrived: bool,
}

impl Permit {
    pub(super) fn new(
        rate_limiter: RateLimiter,
        key: CallKey,
        call: u64,
        since: Timestamp,
    ) -> Self {
        Self { rate_limiter, key, call, since, sent: false, arrived: false }
    }

    /// Marks the call as sent: from here on the service may have counted it.
    pub(crate) fn sent(&mut self) {
        self.sent = true;
    }

    /// Marks the call as not sent after all.
    pub(crate) fn unsent(&mut self) {
        self.sent = false;
    }

    /// Records status and headers of the response. Returns true if the hour is used up and its end
    /// must be waited for.
    pub(crate) fn answered(&mut self, status: u16, shown: &RateLimitHeaders) -> bool {
        let now = self.rate_limiter.now();
        let mut state = self.rate_limiter.lock();
        if let Some(date) = shown.date
            && state.time.learn(date, self.since, now)
        {
            state.wake_all();
        }
        let outcome = outcome(self.key, status, shown);
        self.arrived = true;
        state.arrive(self.key, self.call, outcome, now);
        let ahead = |until: Timestamp| until > state.time.at_least(now);
        matches!(outcome, CallOutcome::UsedUp(limit) if ahead(limit.until))
    }

    /// Records the API error: the service may report a lower concurrency limit.
    pub(crate) fn refused(&self, refused: &ApiError) {
        if refused.kind == ErrorKind::LimitExceeded
            && let Some(parallel) =
                refused.items.iter().find_map(|f| parallel(f.message.as_deref()?))
        {
            self.rate_limiter.lock().reduce_concurrency(self.key.entity, parallel);
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let now = self.rate_limiter.now();
        let mut state = self.rate_limiter.lock();
        if !self.arrived {
            let outcome = if self.sent { CallOutcome::Lost } else { CallOutcome::Unsent };
            state.arrive(self.key, self.call, outcome, now);
        }
        state.done(self.key, now);
    }
}

/// Classifies a response by status and headers.
fn outcome(key: CallKey, status: u16, shown: &RateLimitHeaders) -> CallOutcome {
    let exceeded = ErrorKind::LimitExceeded.status();
    match (status, shown.limit) {
        (status, Some(limit)) if status == exceeded && limit.remaining == 0 => {
            CallOutcome::UsedUp(limit)
        }
        (status, _) if status == exceeded => CallOutcome::Uncounted,
        (500.., limit) => CallOutcome::Broken(limit),
        // A rejected credential is not counted, and its figures belong to no cabinet.
        (401 | 403, _) => CallOutcome::Uncounted,
        (200..300, Some(limit)) => CallOutcome::Done(limit),
        (_, Some(limit)) => CallOutcome::Counted(limit),
        (_, None) => {
            let generation = Generation::ALL[key.budget / Endpoint::ALL.len()];
            CallOutcome::Silent { hourly: key.endpoint().hourly(generation) }
        }
    }
}

/// Parses the number in `Hit rate limit of 2 parallel requests`. It only ever lowers the
/// concurrency.
fn parallel(message: &str) -> Option<u32> {
    let (before, _) = message.split_once(" parallel requests")?;
    before.rsplit(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::parallel;

    #[test]
    fn how_many_may_run_at_once_is_read_from_the_refusal() {
        let text = "Hit rate limit of 2 parallel requests for businessId 12345";
        assert_eq!(parallel(text), Some(2));
        assert_eq!(parallel("Hit rate limit of 1000 requests per 1 hour"), None);
        assert_eq!(parallel("parallel requests"), None);
    }
}

//! Handle of a waiting call: woken when it is admitted or when its state changes.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;

/// State shared between a waiting call and its queue. Changed only under the rate limiter's lock.
#[derive(Debug, Default)]
pub(super) struct Waiter {
    news: Notify,
    /// Number of the admitted call; zero while waiting.
    call: AtomicU64,
}

impl Waiter {
    /// Admits the call with this number.
    pub(super) fn admit(&self, call: u64) {
        self.call.store(call, Ordering::Release);
        self.news.notify_one();
    }

    /// Wakes the call to check again.
    pub(super) fn wake(&self) {
        self.news.notify_one();
    }

    /// Returns the number of the admitted call.
    pub(super) fn call(&self) -> Option<u64> {
        Some(self.call.load(Ordering::Acquire)).filter(|call| *call > 0)
    }

    /// Waits for a change.
    pub(super) async fn news(&self) {
        self.news.notified().await;
    }
}

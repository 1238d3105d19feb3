//! One who waits: woken when it may go or when there is news. In which order they go is decided elsewhere.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;

/// Shared by the one who waits and by the line it stands in. All of it changes under the rate_limiter's lock.
#[derive(Debug, Default)]
pub(super) struct Waiter {
    news: Notify,
    /// The number of the call that may go; zero as long as it may not.
    call: AtomicU64,
}

impl Waiter {
    /// Lets it go with this number.
    pub(super) fn admit(&self, call: u64) {
        self.call.store(call, Ordering::Release);
        self.news.notify_one();
    }

    /// Lets it look again.
    pub(super) fn wake(&self) {
        self.news.notify_one();
    }

    /// The number it may go with.
    pub(super) fn call(&self) -> Option<u64> {
        Some(self.call.load(Ordering::Acquire)).filter(|call| *call > 0)
    }

    /// Ready when there is news.
    pub(super) async fn news(&self) {
        self.news.notified().await;
    }
}

//! Clock and timer, as traits so that tests can control time.

use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use jiff::Timestamp;
#[cfg(feature = "tokio")]
pub use system::SystemTimer;

/// Source of the current time.
///
/// ```
/// use beseda_api::{Clock, SystemClock};
/// use jiff::Timestamp;
///
/// fn is_over(deadline: Timestamp, clock: &dyn Clock) -> bool {
///     clock.now() >= deadline
/// }
/// assert!(is_over(Timestamp::UNIX_EPOCH, &SystemClock));
/// ```
pub trait Clock: Send + Sync {
    /// Returns the current time.
    fn now(&self) -> Timestamp;
}

/// Timer, driven by the same time as the [`Clock`] it is used with.
///
/// ```
/// use async_trait::async_trait;
/// use beseda_api::{Clock, ManualClock, Timer};
/// use jiff::Timestamp;
///
/// /// Moves its clock instead of waiting.
/// struct Instant(ManualClock);
///
/// #[async_trait]
/// impl Timer for Instant {
///     async fn sleep_until(&self, moment: Timestamp) {
///         self.0.set(moment.max(self.0.now()));
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let timer = Instant(ManualClock::new(Timestamp::UNIX_EPOCH));
/// timer.sleep_until(Timestamp::MAX).await;
/// assert_eq!(timer.0.now(), Timestamp::MAX);
/// # }
/// ```
#[async_trait]
pub trait Timer: Send + Sync {
    /// Waits until this time; returns immediately if it has passed. Cancel safe.
    async fn sleep_until(&self, moment: Timestamp);
}

/// System clock.
///
/// ```
/// use beseda_api::{Clock, SystemClock};
///
/// let earlier = SystemClock.now();
/// assert!(earlier > jiff::Timestamp::UNIX_EPOCH);
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// Clock that stands still until it is moved, with microsecond resolution.
///
/// ```
/// use std::time::Duration;
///
/// use beseda_api::{Clock, ManualClock};
/// use jiff::Timestamp;
///
/// let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
/// clock.advance(Duration::from_secs(3600));
/// assert_eq!(clock.now().to_string(), "1970-01-01T01:00:00Z");
/// ```
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// Creates a clock that shows this time.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self(AtomicI64::new(now.as_microsecond()))
    }

    /// Advances the clock.
    pub fn advance(&self, by: std::time::Duration) {
        let by = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        self.0.fetch_add(by, Ordering::Relaxed);
    }

    /// Sets the clock.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.as_microsecond(), Ordering::Relaxed);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_microsecond(self.0.load(Ordering::Relaxed)).unwrap_or(Timestamp::MAX)
    }
}

#[cfg(feature = "tokio")]
mod system {
    use std::time::{Duration, Instant};

    use async_trait::async_trait;
    use jiff::Timestamp;

    use super::{Clock, SystemClock, Timer};

    /// Maximum time between two looks at the system clock, which may be set forward or stop during a suspend.
    const MAX_SLEEP: Duration = Duration::from_secs(60);

    /// Timer of the [`SystemClock`], on tokio's timer.
    ///
    /// ```
    /// use beseda_api::{Clock, SystemClock, SystemTimer, Timer};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// SystemTimer.sleep_until(SystemClock.now()).await; // returns immediately
    /// # }
    /// ```
    #[derive(Debug, Clone, Copy, Default)]
    pub struct SystemTimer;

    #[async_trait]
    impl Timer for SystemTimer {
        async fn sleep_until(&self, moment: Timestamp) {
            let left = || Duration::try_from(moment.duration_since(SystemClock.now())).ok();
            let (longest, started) = (left().unwrap_or_default(), Instant::now());
            while let Some(left) = left() {
                // A clock that is set back must not prolong the wait.
                let sleep = left.min(longest.saturating_sub(started.elapsed())).min(MAX_SLEEP);
                if sleep.is_zero() {
                    return;
                }
                tokio::time::sleep(sleep).await;
            }
        }
    }
}

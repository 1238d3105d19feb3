//! Waiting for a moment of the machine's clock, for all who wait. What happens then is not decided here.
//!
//! ```
//! use beseda_alarm::SystemAlarm;
//! use beseda_api::{Alarm, Clock, SystemClock};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! SystemAlarm.until(SystemClock.now()).await; // a moment that has come is not waited for
//! # }
//! ```

use std::time::{Duration, Instant};

use async_trait::async_trait;
use beseda_api::{Clock, SystemClock, Timer};
use jiff::Timestamp;

/// The longest nap before the machine's clock is asked again: it may have been set forward, or have slept.
const NAP: Duration = Duration::from_secs(60);

/// Goes by [`SystemClock`].
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemAlarm;

#[async_trait]
impl Timer for SystemAlarm {
    async fn sleep_until(&self, moment: Timestamp) {
        let left = || Duration::try_from(moment.duration_since(SystemClock.now())).ok();
        let (longest, began) = (left().unwrap_or_default(), Instant::now());
        while let Some(left) = left() {
            // A clock that was set back doesn't make the wait longer.
            let nap = left.min(longest.saturating_sub(began.elapsed())).min(NAP);
            if nap.is_zero() {
                return;
            }
            tokio::time::sleep(nap).await;
        }
    }
}

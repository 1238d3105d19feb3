//! Waiting for a moment of a clock that may be another than the machine's. What happens then is not decided here.

use std::time::Duration;

use async_trait::async_trait;
use beseda_api::{Clock, SystemClock};
use jiff::Timestamp;

/// Wakes whoever waits for a moment. It goes by the same time as the [`Clock`] it is given along with.
#[async_trait]
pub trait Alarm: Send + Sync {
    /// Comes back at this moment, at once if it is past. Being dropped in between is fine.
    async fn until(&self, moment: Timestamp);
}

/// The longest nap before the machine's clock is asked again: it may have been set, or have slept.
const NAP: Duration = Duration::from_secs(60);

/// Goes by [`SystemClock`].
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemAlarm;

#[async_trait]
impl Alarm for SystemAlarm {
    async fn until(&self, moment: Timestamp) {
        while let Ok(left) = Duration::try_from(moment.duration_since(SystemClock.now())) {
            if left.is_zero() {
                return;
            }
            tokio::time::sleep(left.min(NAP)).await;
        }
    }
}

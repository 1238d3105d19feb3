//! Waiting for a moment of the machine's clock.

use std::time::Duration;

use async_trait::async_trait;
use beseda_api::{Alarm, Clock, SystemClock};
use jiff::Timestamp;

/// The longest nap before the machine's clock is asked again: it may have been set, or have slept.
const NAP: Duration = Duration::from_secs(60);

/// Goes by [`SystemClock`].
pub(super) struct SystemAlarm;

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

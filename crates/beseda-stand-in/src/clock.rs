//! Clock of the stand-in: follows system time, runs with an offset, or stands still until moved.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use beseda_api::Clock;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

/// Mode of the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClockMode {
    /// Runs at normal speed.
    Real,
    /// Moves only on request.
    Manual,
}

/// Mode and time of the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockReading {
    /// Mode.
    pub mode: ClockMode,
    /// Current time.
    pub now: Timestamp,
}

/// Adjustable clock, shared by all parts of a stand-in.
#[derive(Debug)]
pub struct StandInClock {
    state: Mutex<ClockState>,
    /// Number of changes; wakes waiting tasks.
    changes: watch::Sender<u64>,
}

/// Reading `base` at `running_since`; a stopped clock has no `running_since`.
#[derive(Debug, Clone, Copy)]
struct ClockState {
    base: Timestamp,
    running_since: Option<Instant>,
}

impl ClockState {
    fn now(self) -> Timestamp {
        match self.running_since {
            Some(running_since) => saturating_add(self.base, running_since.elapsed()),
            None => self.base,
        }
    }
}

impl StandInClock {
    /// Creates a clock that shows system time.
    #[must_use]
    pub fn real() -> Self {
        Self::with_state(ClockState { base: Timestamp::now(), running_since: Some(Instant::now()) })
    }

    /// Creates a stopped clock.
    #[must_use]
    pub fn manual(now: Timestamp) -> Self {
        Self::with_state(ClockState { base: now, running_since: None })
    }

    fn with_state(state: ClockState) -> Self {
        Self { state: Mutex::new(state), changes: watch::Sender::new(0) }
    }

    /// Returns mode and time.
    #[must_use]
    pub fn reading(&self) -> ClockReading {
        let state = *self.state();
        let mode = if state.running_since.is_some() { ClockMode::Real } else { ClockMode::Manual };
        ClockReading { mode, now: state.now() }
    }

    /// Stops the clock at this time.
    pub fn set(&self, now: Timestamp) {
        self.update(|_| ClockState { base: now, running_since: None });
    }

    /// Sets the clock to this time and lets it run.
    pub fn set_running(&self, now: Timestamp) {
        self.update(|_| ClockState { base: now, running_since: Some(Instant::now()) });
    }

    /// Stops the clock at its current time.
    pub fn stop(&self) {
        self.update(|state| ClockState { base: state.now(), running_since: None });
    }

    /// Moves the clock forward and keeps its mode.
    pub fn advance(&self, by: Duration) {
        self.update(|state| ClockState { base: saturating_add(state.base, by), ..state });
    }

    /// Lets the clock run on from its current time.
    pub fn resume(&self) {
        self.update(|state| ClockState { base: state.now(), running_since: Some(Instant::now()) });
    }

    /// Resets the clock to system time.
    pub fn reset(&self) {
        self.set_running(Timestamp::now());
    }

    /// Waits until the clock shows this time or a later one.
    pub async fn wait_until(&self, moment: Timestamp) {
        let mut changes = self.changes.subscribe();
        loop {
            changes.mark_unchanged();
            let ClockReading { mode, now } = self.reading();
            if now >= moment {
                return;
            }
            match mode {
                // The sender is part of `self`, so `changed` can't fail.
                ClockMode::Manual => drop(changes.changed().await),
                ClockMode::Real => {
                    let left = Duration::try_from(moment.duration_since(now)).unwrap_or_default();
                    // Timers have a resolution of one millisecond; one more ensures that the time
                    // has passed.
                    let left = left.saturating_add(Duration::from_millis(1));
                    drop(tokio::time::timeout(left, changes.changed()).await);
                }
            }
        }
    }

    fn update(&self, next: impl FnOnce(ClockState) -> ClockState) {
        {
            let mut state = self.state();
            *state = next(*state);
        }
        self.changes.send_modify(|changes| *changes += 1);
    }

    fn state(&self) -> MutexGuard<'_, ClockState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn saturating_add(from: Timestamp, by: Duration) -> Timestamp {
    let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
    from.checked_add(by).unwrap_or(Timestamp::MAX)
}

#[async_trait::async_trait]
impl beseda_api::Timer for StandInClock {
    async fn sleep_until(&self, moment: Timestamp) {
        Self::wait_until(self, moment).await;
    }
}

impl Clock for StandInClock {
    fn now(&self) -> Timestamp {
        self.reading().now
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use super::{ClockMode, StandInClock};

    fn moment(text: &str) -> jiff::Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_manual_clock_shows_the_time_it_was_set_to() {
        let clock = StandInClock::manual(moment("2026-01-01T00:00:00Z"));
        clock.advance(Duration::from_secs(3_600));
        assert_eq!(clock.reading().now, moment("2026-01-01T01:00:00Z"));
        clock.set(moment("2025-01-01T00:00:00Z"));
        assert_eq!(clock.reading().now, moment("2025-01-01T00:00:00Z"));
        assert_eq!(clock.reading().mode, ClockMode::Manual);
    }

    #[test]
    fn a_resumed_clock_runs_on_from_its_current_time() {
        let clock = StandInClock::manual(moment("2030-01-01T00:00:00Z"));
        clock.resume();
        let first = clock.reading();
        assert_eq!(first.mode, ClockMode::Real);
        assert!(first.now >= moment("2030-01-01T00:00:00Z"));
        assert!(first.now < moment("2030-01-01T00:05:00Z"));
        assert!(clock.reading().now >= first.now);
    }

    #[tokio::test]
    async fn waiting_tasks_wake_when_the_clock_passes_their_time_and_not_before() {
        let clock = Arc::new(StandInClock::manual(moment("2026-01-01T00:00:00Z")));
        let mut waiting = wait_for(&clock, "2026-01-15T00:00:00Z");
        clock.advance(Duration::from_secs(13 * 86_400));
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        clock.advance(Duration::from_secs(86_400));
        (&mut waiting).await.unwrap();
    }

    #[tokio::test]
    async fn waiting_for_a_past_time_returns_at_once() {
        StandInClock::real().wait_until(moment("2020-01-01T00:00:00Z")).await;
    }

    fn wait_for(clock: &Arc<StandInClock>, until: &str) -> tokio::task::JoinHandle<()> {
        let (clock, until) = (Arc::clone(clock), moment(until));
        tokio::spawn(async move { clock.wait_until(until).await })
    }
}

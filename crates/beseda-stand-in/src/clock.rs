//! The stand-in's time: the machine's, shifted, or standing still until it is moved. It never moves by itself in manual mode.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use beseda_api::Clock;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

/// How time passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// As outside.
    Real,
    /// Only when it is told to.
    Manual,
}

/// What the clock shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// How time passes.
    pub mode: Mode,
    /// The moment it is.
    pub now: Timestamp,
}

/// A clock that everything in a stand-in asks, and that can be moved while it is asked.
#[derive(Debug)]
pub struct StandInClock {
    hand: Mutex<Hand>,
    /// Counts every move, so that those who wait look again.
    moves: watch::Sender<u64>,
}

/// Where the hand stands: at `base` since `since`, or for good if there is no `since`.
#[derive(Debug, Clone, Copy)]
struct Hand {
    base: Timestamp,
    since: Option<Instant>,
}

impl Hand {
    fn now(self) -> Timestamp {
        match self.since {
            Some(since) => shifted(self.base, since.elapsed()),
            None => self.base,
        }
    }
}

impl StandInClock {
    /// A clock that shows the machine's time and goes with it.
    #[must_use]
    pub fn real() -> Self {
        Self::at(Hand { base: Timestamp::now(), since: Some(Instant::now()) })
    }

    /// A clock that stands still at this moment.
    #[must_use]
    pub fn manual(now: Timestamp) -> Self {
        Self::at(Hand { base: now, since: None })
    }

    fn at(hand: Hand) -> Self {
        Self { hand: Mutex::new(hand), moves: watch::Sender::new(0) }
    }

    /// What it shows and how it goes.
    #[must_use]
    pub fn reading(&self) -> Reading {
        let hand = *self.hand();
        let mode = if hand.since.is_some() { Mode::Real } else { Mode::Manual };
        Reading { mode, now: hand.now() }
    }

    /// Makes it stand still at this moment.
    pub fn set(&self, now: Timestamp) {
        self.change(|_| Hand { base: now, since: None });
    }

    /// Lets it go on from this moment, as fast as outside.
    pub fn set_going(&self, now: Timestamp) {
        self.change(|_| Hand { base: now, since: Some(Instant::now()) });
    }

    /// Makes it stand still where it is.
    pub fn stop(&self) {
        self.change(|hand| Hand { base: hand.now(), since: None });
    }

    /// Moves it forward; it goes on as it did.
    pub fn advance(&self, by: Duration) {
        self.change(|hand| Hand { base: shifted(hand.base, by), ..hand });
    }

    /// Lets it go again, from the moment it shows.
    pub fn resume(&self) {
        self.change(|hand| Hand { base: hand.now(), since: Some(Instant::now()) });
    }

    /// Shows the machine's time again.
    pub fn reset(&self) {
        self.set_going(Timestamp::now());
    }

    /// Ready as soon as it shows this moment or a later one, moved or by itself.
    pub async fn until(&self, moment: Timestamp) {
        let mut moves = self.moves.subscribe();
        loop {
            moves.mark_unchanged();
            let Reading { mode, now } = self.reading();
            if now >= moment {
                return;
            }
            match mode {
                // The sender lives in `self`, so there is always another move to hope for.
                Mode::Manual => drop(moves.changed().await),
                Mode::Real => {
                    let left = Duration::try_from(moment.duration_since(now)).unwrap_or_default();
                    // Timers end at whole milliseconds: one more, so that the hand has passed.
                    let left = left.saturating_add(Duration::from_millis(1));
                    drop(tokio::time::timeout(left, moves.changed()).await);
                }
            }
        }
    }

    fn change(&self, next: impl FnOnce(Hand) -> Hand) {
        {
            let mut hand = self.hand();
            *hand = next(*hand);
        }
        self.moves.send_modify(|moves| *moves += 1);
    }

    fn hand(&self) -> MutexGuard<'_, Hand> {
        self.hand.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn shifted(from: Timestamp, by: Duration) -> Timestamp {
    let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
    from.checked_add(by).unwrap_or(Timestamp::MAX)
}

#[async_trait::async_trait]
impl beseda_push::Timer for StandInClock {
    async fn sleep_until(&self, moment: Timestamp) {
        Self::until(self, moment).await;
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

    use super::{Mode, StandInClock};

    fn moment(text: &str) -> jiff::Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_manual_clock_shows_exactly_what_it_was_told() {
        let clock = StandInClock::manual(moment("2026-01-01T00:00:00Z"));
        clock.advance(Duration::from_secs(3_600));
        assert_eq!(clock.reading().now, moment("2026-01-01T01:00:00Z"));
        clock.set(moment("2025-01-01T00:00:00Z"));
        assert_eq!(clock.reading().now, moment("2025-01-01T00:00:00Z"));
        assert_eq!(clock.reading().mode, Mode::Manual);
    }

    #[test]
    fn a_resumed_clock_goes_on_from_where_it_stood() {
        let clock = StandInClock::manual(moment("2030-01-01T00:00:00Z"));
        clock.resume();
        let first = clock.reading();
        assert_eq!(first.mode, Mode::Real);
        assert!(first.now >= moment("2030-01-01T00:00:00Z"));
        assert!(first.now < moment("2030-01-01T00:05:00Z"));
        assert!(clock.reading().now >= first.now);
    }

    #[tokio::test]
    async fn those_who_wait_are_woken_when_the_hand_passes_their_moment_and_not_before() {
        let clock = Arc::new(StandInClock::manual(moment("2026-01-01T00:00:00Z")));
        let mut waiting = wait_for(&clock, "2026-01-15T00:00:00Z");
        clock.advance(Duration::from_secs(13 * 86_400));
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        clock.advance(Duration::from_secs(86_400));
        (&mut waiting).await.unwrap();
    }

    #[tokio::test]
    async fn a_moment_that_is_past_is_not_waited_for() {
        StandInClock::real().until(moment("2020-01-01T00:00:00Z")).await;
    }

    fn wait_for(clock: &Arc<StandInClock>, until: &str) -> tokio::task::JoinHandle<()> {
        let (clock, until) = (Arc::clone(clock), moment(until));
        tokio::spawn(async move { clock.until(until).await })
    }
}

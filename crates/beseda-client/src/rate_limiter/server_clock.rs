//! Lower bound of the service's time: the latest `Date` header plus the time passed since by the
//! local clock.

use jiff::{SignedDuration, Timestamp};

/// Resolution of `Date`.
const GRAIN: SignedDuration = SignedDuration::from_secs(1);
/// Minimum change of the clock that wakes waiting calls.
const STEP: SignedDuration = SignedDuration::from_secs(2);

/// Minimum offset of the service's clock from the local one.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ServerClock {
    ahead: Option<SignedDuration>,
}

impl ServerClock {
    /// Returns the earliest time the service's clock can show at local time `now`.
    pub(super) fn at_least(self, now: Timestamp) -> Timestamp {
        let shown = now.checked_add(self.ahead.unwrap_or_default());
        shown.unwrap_or(now)
    }

    /// Returns the local time at which the service's clock certainly shows `moment`.
    pub(super) fn here(self, moment: Timestamp) -> Timestamp {
        moment.checked_sub(self.ahead.unwrap_or_default()).unwrap_or(moment)
    }

    /// Records the `Date` of a response to a call between two local times. Returns true if the
    /// service's clock moved so far that waits must be recomputed.
    pub(super) fn learn(&mut self, date: Timestamp, sent: Timestamp, came: Timestamp) -> bool {
        let least = date.duration_since(came);
        let most = date.duration_since(sent).saturating_add(GRAIN);
        let before = self.ahead.unwrap_or_default();
        match self.ahead {
            // The highest lower bound is the best, unless one of the clocks was set.
            Some(known) if known >= least && known <= most => {}
            _ => self.ahead = Some(least),
        }
        (self.ahead.unwrap_or_default() - before).abs() >= STEP
    }
}

#[cfg(test)]
mod tests {
    use super::{ServerClock, Timestamp};

    fn at(text: &str) -> Timestamp {
        format!("2026-11-21T{text}Z").parse().unwrap()
    }

    #[test]
    fn the_services_clock_is_never_taken_for_later_than_it_said() {
        let mut time = ServerClock::default();
        time.learn(at("10:00:00"), at("10:00:00.2"), at("10:00:00.6"));
        assert_eq!(time.at_least(at("10:00:00.6")), at("10:00:00"));
        time.learn(at("10:00:01"), at("10:00:00.9"), at("10:00:01.1"));
        assert_eq!(time.at_least(at("10:00:01.1")), at("10:00:01"));
        time.learn(at("10:00:01"), at("10:00:01.4"), at("10:00:01.9"));
        assert_eq!(time.at_least(at("10:00:01.9")), at("10:00:01.8"), "what is certain stays");
        assert_eq!(time.here(at("11:00:00")), at("11:00:00.1"));
    }

    #[test]
    fn a_clock_that_was_set_is_followed_both_ways() {
        let mut time = ServerClock::default();
        assert!(time.learn(at("12:00:00"), at("10:00:00"), at("10:00:00")));
        assert_eq!(time.here(at("13:00:00")), at("11:00:00"));
        assert!(time.learn(at("10:30:00"), at("10:00:01"), at("10:00:01")));
        assert_eq!(time.here(at("11:00:00")), at("10:30:01"));
        assert!(!time.learn(at("10:30:01"), at("10:00:02"), at("10:00:02")));
    }
}

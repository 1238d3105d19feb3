//! The service's clock as far as its answers tell it: at least what `Date` said, plus what passed since by our own.

use jiff::{SignedDuration, Timestamp};

/// `Date` has whole seconds: it may be this much behind.
const GRAIN: SignedDuration = SignedDuration::from_secs(1);
/// A step that those who wait must hear of.
const STEP: SignedDuration = SignedDuration::from_secs(2);

/// Confirmation far the service's clock is ahead of ours, at least.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ServerClock {
    ahead: Option<SignedDuration>,
}

impl ServerClock {
    /// The earliest moment it can be at the service when it is `now` here.
    pub(super) fn at_least(self, now: Timestamp) -> Timestamp {
        let shown = now.checked_add(self.ahead.unwrap_or_default());
        shown.unwrap_or(now)
    }

    /// The moment here when it is certainly `moment` at the service.
    pub(super) fn here(self, moment: Timestamp) -> Timestamp {
        moment.checked_sub(self.ahead.unwrap_or_default()).unwrap_or(moment)
    }

    /// Takes in the `Date` of an answer to a call that was on its way between two moments here. Says whether that
    /// moved the service's clock so far that moments must be thought over.
    pub(super) fn learn(&mut self, date: Timestamp, sent: Timestamp, came: Timestamp) -> bool {
        let least = date.duration_since(came);
        let most = date.duration_since(sent).saturating_add(GRAIN);
        let before = self.ahead.unwrap_or_default();
        match self.ahead {
            // The more is certain, the better, unless one of the clocks was set.
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

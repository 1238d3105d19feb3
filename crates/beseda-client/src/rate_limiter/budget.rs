//! Hourly budget of one operation in one cabinet: remaining requests according to the service, and
//! calls in flight. Pure arithmetic without clock or waiting.

use std::{collections::BTreeMap, sync::Arc};

use beseda_api::RateLimit;
use jiff::{SignedDuration, Timestamp};

use super::{Priority, waiter::Waiter};

/// Maximum remaining length of an hour; the service's clock is known to a few seconds.
const LONGEST: SignedDuration = SignedDuration::from_mins(61);

/// Known hour and its remaining requests.
#[derive(Debug, Clone, Copy)]
struct HourWindow {
    until: Timestamp,
    limit: u32,
    left: u32,
    /// True if the service reported the figure; otherwise it is the published limit.
    told: bool,
    /// Number of the last call in flight when `left` was reported.
    updated_at: u64,
}

/// Effect of a call's outcome on the budget.
#[derive(Debug, Clone, Copy)]
pub(super) enum CallOutcome {
    /// The call never reached the service.
    Unsent,
    /// The call may have been counted; nothing more is known.
    Lost,
    /// The response was sent before counting or by a proxy; its figures are ignored.
    Uncounted,
    /// The service failed: the call may have been counted, and the figures may be right.
    Broken(Option<RateLimit>),
    /// The call was counted; these requests are left.
    Counted(RateLimit),
    /// The call succeeded; these requests are left. A service that still reports the full limit
    /// counts late.
    Done(RateLimit),
    /// The service reports no limits.
    Silent {
        /// Published requests per hour.
        hourly: u32,
    },
    /// The call was refused because the hour is used up.
    UsedUp(RateLimit),
}

/// Decision about the next call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admission {
    /// The call may be sent.
    Allowed,
    /// Nothing is known about this hour, and its first call is in flight.
    LimitUnknown,
    /// Calls in flight may use up the remaining requests.
    CallsInFlight,
    /// The hour is used up until this time by the service's clock.
    UsedUp(Timestamp),
}

/// Budget of one operation with its queues of waiting calls.
#[derive(Debug, Default)]
pub(super) struct Budget {
    window: Option<HourWindow>,
    /// Call whose response will report an unknown hour.
    asking: Option<u64>,
    in_flight: u32,
    /// Calls that ended without knowing whether they were counted.
    uncertain: u32,
    doubted_at: u64,
    /// True if the service reports what was left before the call.
    late: bool,
    /// True for long calls: in an unknown hour they don't wait for the first response.
    slow: bool,
    pub(super) lines: [BTreeMap<u64, Arc<Waiter>>; 2],
    /// Time until which the calls of each queue were last reported to wait.
    pub(super) blocked: [Option<Timestamp>; 2],
}

impl Budget {
    pub(super) fn new(slow: bool) -> Self {
        Self { slow, ..Self::default() }
    }

    /// Decides whether a call of this priority may be sent at this time of the service's clock.
    pub(super) fn admit(&mut self, priority: Priority, reserve: u32, now: Timestamp) -> Admission {
        if self.window.is_some_and(|window| window.until <= now) {
            self.window = None;
            self.uncertain = 0;
        }
        let Some(window) = self.window else {
            return if self.asking.is_some() && !self.slow {
                Admission::LimitUnknown
            } else {
                Admission::Allowed
            };
        };
        let kept = match priority {
            Priority::Interactive => 0,
            Priority::Background => kept(window.limit, reserve),
        };
        let left = self.left(&window).saturating_sub(kept);
        match left {
            0 => Admission::UsedUp(window.until),
            left if left <= self.in_flight => Admission::CallsInFlight,
            _ => Admission::Allowed,
        }
    }

    /// Records that a call is sent.
    pub(super) fn start(&mut self, call: u64) {
        self.in_flight += 1;
        if self.window.is_none() {
            self.asking = Some(call);
        }
    }

    /// Records the outcome of a call. `latest` is the number of the last call sent, `now` a lower
    /// bound of the service's time.
    pub(super) fn arrive(&mut self, call: u64, outcome: CallOutcome, latest: u64, now: Timestamp) {
        self.in_flight = self.in_flight.saturating_sub(1);
        if self.asking == Some(call) {
            self.asking = None;
        }
        match outcome {
            CallOutcome::Unsent | CallOutcome::Uncounted => {}
            CallOutcome::Lost => self.doubt(latest),
            CallOutcome::Broken(Some(state)) if self.is_lower(state) => {
                self.learn(call, state, latest, now);
            }
            CallOutcome::Broken(_) => self.doubt(latest),
            CallOutcome::Silent { hourly } => match self.window {
                Some(_) => self.doubt(latest),
                None => self.guess(hourly, latest, now),
            },
            CallOutcome::Done(state) => {
                self.late |= state.remaining == state.limit && state.limit > 0;
                self.learn(call, state, latest, now);
            }
            CallOutcome::Counted(state) => self.learn(call, state, latest, now),
            CallOutcome::UsedUp(state) => {
                self.learn(call, state, latest, now);
                self.end_early(call, state, now);
            }
        }
    }

    /// Marks the hour as used up because a later call was refused, whatever other responses report.
    fn end_early(&mut self, call: u64, state: RateLimit, now: Timestamp) {
        if let Some(known) = &mut self.window
            && now < state.until
            && state.until < known.until
            && call > known.updated_at
        {
            known.left = 0;
        }
    }

    /// Returns the end of the known window by the service's clock.
    pub(super) fn until(&self) -> Option<Timestamp> {
        self.window.map(|window| window.until)
    }

    /// Returns the known limit, the requests left besides calls in flight, and the end of the
    /// window.
    pub(super) fn known(&self) -> Option<RateLimit> {
        self.window.map(|window| RateLimit {
            limit: window.limit,
            remaining: self.left(&window).saturating_sub(self.in_flight),
            until: window.until,
        })
    }

    pub(super) fn in_flight(&self) -> u32 {
        self.in_flight
    }

    /// Returns the number of waiting calls.
    pub(super) fn queued(&self) -> usize {
        self.lines.iter().map(BTreeMap::len).sum()
    }

    fn left(&self, window: &HourWindow) -> u32 {
        window.left.saturating_sub(u32::from(self.late)).saturating_sub(self.uncertain)
    }

    fn doubt(&mut self, latest: u64) {
        self.uncertain += 1;
        self.doubted_at = latest;
    }

    /// Returns true if the reported figure is lower than the known one.
    fn is_lower(&self, state: RateLimit) -> bool {
        let known = self.window.filter(|known| known.told && known.until == state.until);
        known.is_some_and(|known| state.remaining < known.left)
    }

    /// Assumes the published limit and an hour by the clock, for a service that reports nothing.
    fn guess(&mut self, hourly: u32, latest: u64, now: Timestamp) {
        const HOUR: i64 = 3_600;
        let end = (now.as_second().div_euclid(HOUR) + 1) * HOUR;
        let until = Timestamp::from_second(end).unwrap_or(Timestamp::MAX);
        let left = hourly.saturating_sub(1);
        self.window =
            Some(HourWindow { until, limit: hourly, left, told: false, updated_at: latest });
    }

    fn learn(&mut self, call: u64, state: RateLimit, latest: u64, now: Timestamp) {
        if state.until <= now {
            // Reported for an hour that has ended.
            return;
        }
        // No hour lasts longer than an hour, whatever is reported.
        let until =
            now.checked_add(LONGEST).map_or(state.until, |longest| state.until.min(longest));
        let state = RateLimit { until, ..state };
        let fresh = HourWindow {
            until: state.until,
            limit: state.limit,
            left: state.remaining,
            told: true,
            updated_at: latest,
        };
        match self.window {
            Some(known) if known.told && state.until < known.until => {}
            Some(known) if known.told && state.until == known.until => {
                // Responses arrive out of order, so only the lowest figure is valid. A higher one
                // for a call that was sent after the lowest was known means that the service
                // restarted its count.
                let anew = state.remaining > known.left && call > known.updated_at;
                let lower = state.remaining < known.left;
                if call > self.doubted_at && (lower || anew || state.remaining == known.left) {
                    self.uncertain = 0;
                }
                if lower || anew {
                    self.window = Some(fresh);
                }
            }
            _ => {
                self.uncertain = 0;
                self.window = Some(fresh);
            }
        }
    }
}

/// Returns the number of requests reserved for other than background calls.
fn kept(limit: u32, percent: u32) -> u32 {
    u32::try_from(u64::from(limit) * u64::from(percent) / 100).unwrap_or(limit)
}

#[cfg(test)]
mod tests {
    use super::{Admission, Budget, CallOutcome, Priority, RateLimit, Timestamp};

    const WHO: Priority = Priority::Interactive;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn now() -> Timestamp {
        at("2026-11-21T10:20:00Z")
    }

    fn left(remaining: u32) -> CallOutcome {
        left_of(remaining, "2026-11-21T11:00:00Z")
    }

    fn left_of(remaining: u32, until: &str) -> CallOutcome {
        CallOutcome::Counted(RateLimit { limit: 1_000, remaining, until: at(until) })
    }

    /// Returns a budget whose first call reported the remaining requests.
    fn told(remaining: u32) -> Budget {
        let mut budget = Budget::default();
        budget.start(1);
        budget.arrive(1, left(remaining), 1, now());
        budget
    }

    fn admit(budget: &mut Budget) -> Admission {
        budget.admit(WHO, 10, now())
    }

    #[test]
    fn in_an_unknown_hour_one_call_goes_and_the_others_wait_for_its_answer() {
        let mut budget = Budget::default();
        assert_eq!(admit(&mut budget), Admission::Allowed);
        budget.start(1);
        assert_eq!(admit(&mut budget), Admission::LimitUnknown);
        budget.arrive(1, CallOutcome::Lost, 1, now());
        assert_eq!(admit(&mut budget), Admission::Allowed, "the next one asks");
        budget.start(2);
        budget.arrive(2, left(998), 2, now());
        assert_eq!(admit(&mut budget), Admission::Allowed);
    }

    #[test]
    fn who_is_told_that_the_hour_is_used_up_believes_it_though_others_were_told_more() {
        let mut budget = told(900);
        let used_up = |until| CallOutcome::UsedUp(RateLimit { limit: 1_000, remaining: 0, until });
        budget.start(2);
        // Another machine of the service, whose hours end a second earlier.
        budget.arrive(2, used_up(at("2026-11-21T10:59:59Z")), 2, now());
        assert_eq!(admit(&mut budget), Admission::UsedUp(at("2026-11-21T11:00:00Z")));

        let mut budget = told(900);
        budget.start(2);
        budget.start(3);
        budget.arrive(3, left_of(999, "2026-11-21T12:00:00Z"), 3, at("2026-11-21T10:59:59Z"));
        budget.arrive(2, used_up(at("2026-11-21T11:00:00Z")), 3, at("2026-11-21T10:59:59Z"));
        assert_eq!(admit(&mut budget), Admission::Allowed, "it was said of the hour before");
    }

    #[test]
    fn no_hour_ends_in_years() {
        let mut budget = Budget::default();
        budget.start(1);
        budget.arrive(1, left_of(0, "2096-11-21T11:00:00Z"), 1, now());
        assert_eq!(admit(&mut budget), Admission::UsedUp(at("2026-11-21T11:21:00Z")));
    }

    #[test]
    fn slow_calls_dont_wait_for_each_others_answers() {
        let mut budget = Budget::new(true);
        budget.start(1);
        assert_eq!(admit(&mut budget), Admission::Allowed);
    }

    #[test]
    fn no_more_leave_than_are_left_however_the_answers_are_ordered() {
        let mut budget = told(3);
        for call in 2..5 {
            assert_eq!(admit(&mut budget), Admission::Allowed);
            budget.start(call);
        }
        assert_eq!(admit(&mut budget), Admission::CallsInFlight);
        budget.arrive(4, left(0), 4, now());
        assert_eq!(admit(&mut budget), Admission::UsedUp(at("2026-11-21T11:00:00Z")));
        budget.arrive(2, left(2), 4, now());
        budget.arrive(3, left(1), 4, now());
        assert_eq!(admit(&mut budget), Admission::UsedUp(at("2026-11-21T11:00:00Z")));
    }

    #[test]
    fn a_late_answer_gives_back_what_was_held_for_its_call() {
        let mut budget = told(10);
        (2..5).for_each(|call| budget.start(call));
        budget.arrive(4, left(7), 4, now());
        assert_eq!(budget.known().unwrap().remaining, 5, "two may be counted yet");
        budget.arrive(2, left(9), 4, now());
        budget.arrive(3, left(8), 4, now());
        assert_eq!(budget.known().unwrap().remaining, 7, "both were counted before");
    }

    #[test]
    fn a_call_without_an_answer_counts_until_a_later_one_tells() {
        let mut budget = told(10);
        budget.start(2);
        budget.arrive(2, CallOutcome::Lost, 2, now());
        assert_eq!(budget.known().unwrap().remaining, 9);
        budget.start(3);
        budget.arrive(3, left(9), 3, now());
        assert_eq!(budget.known().unwrap().remaining, 9, "it was never counted");
    }

    #[test]
    fn what_others_use_is_seen_by_the_figures() {
        let mut budget = told(900);
        budget.start(2);
        budget.arrive(2, left(100), 2, now());
        assert_eq!(budget.known().unwrap().remaining, 100);
    }

    #[test]
    fn a_new_hour_begins_unknown_and_answers_of_the_old_one_say_nothing_of_it() {
        let mut budget = told(0);
        budget.start(2);
        let later = at("2026-11-21T11:00:00Z");
        assert_eq!(budget.admit(WHO, 10, later), Admission::Allowed);
        budget.start(3);
        budget.arrive(2, left(0), 3, later);
        assert_eq!(budget.admit(WHO, 10, later), Admission::LimitUnknown);
        budget.arrive(3, left_of(999, "2026-11-21T12:00:00Z"), 3, later);
        assert_eq!(budget.known().unwrap().remaining, 999);
    }

    #[test]
    fn background_work_leaves_a_part_to_the_others() {
        let mut budget = told(100);
        let waits = Admission::UsedUp(at("2026-11-21T11:00:00Z"));
        assert_eq!(budget.admit(Priority::Background, 10, now()), waits);
        assert_eq!(budget.admit(Priority::Background, 9, now()), Admission::Allowed);
        assert_eq!(admit(&mut budget), Admission::Allowed);
    }

    #[test]
    fn without_figures_the_published_ones_hold_for_an_hour_by_the_clock() {
        let mut budget = Budget::default();
        for call in 1..=3 {
            assert_eq!(admit(&mut budget), Admission::Allowed);
            budget.start(call);
            budget.arrive(call, CallOutcome::Silent { hourly: 3 }, call, now());
        }
        assert_eq!(admit(&mut budget), Admission::UsedUp(at("2026-11-21T11:00:00Z")));
    }

    #[test]
    fn a_service_that_shows_what_was_left_before_the_call_is_believed_one_less() {
        let mut budget = Budget::default();
        let state =
            |remaining| RateLimit { limit: 3, remaining, until: at("2026-11-21T11:00:00Z") };
        for (call, remaining) in [(1, 3), (2, 2), (3, 1)] {
            assert_eq!(admit(&mut budget), Admission::Allowed);
            budget.start(call);
            budget.arrive(call, CallOutcome::Done(state(remaining)), call, now());
        }
        assert_eq!(admit(&mut budget), Admission::UsedUp(at("2026-11-21T11:00:00Z")));
    }

    #[test]
    fn a_service_that_counts_anew_is_believed() {
        let mut budget = told(5);
        budget.start(2);
        budget.arrive(2, left(999), 2, now());
        assert_eq!(budget.known().unwrap().remaining, 999);
    }
}

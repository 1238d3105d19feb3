//! When a failed notification is tried again, as the published service does it. It asks no clock.

use jiff::{SignedDuration, Timestamp};

/// The steps: until so long after the first failure, so far from one attempt to the next.
const LADDER: [(SignedDuration, SignedDuration); 3] = [
    (SignedDuration::from_hours(1), SignedDuration::from_mins(1)),
    (SignedDuration::from_hours(24), SignedDuration::from_mins(15)),
    (SignedDuration::from_hours(24 * 14), SignedDuration::from_hours(1)),
];

/// The attempt after one that failed at `at`; `None` if it has been failing for 14 days.
pub(crate) fn next(failing_since: Timestamp, at: Timestamp) -> Option<Timestamp> {
    let failing = at.duration_since(failing_since);
    let (_, step) = LADDER.into_iter().find(|(until, _)| failing < *until)?;
    at.checked_add(step).ok()
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::next;

    #[test]
    fn each_minute_for_an_hour_each_quarter_for_a_day_then_hourly_and_off_after_14_days() {
        let start = Timestamp::UNIX_EPOCH;
        let mut at = start;
        let mut minutes = vec![0];
        while let Some(later) = next(start, at) {
            at = later;
            minutes.push(at.duration_since(start).as_mins());
        }
        let first_hour = 0..60;
        let first_day = (60..24 * 60).step_by(15);
        let rest = (24 * 60..=14 * 24 * 60).step_by(60);
        let wanted: Vec<i64> = first_hour.chain(first_day).chain(rest).collect();
        assert_eq!(minutes, wanted);
    }

    #[test]
    fn a_clock_that_was_set_back_begins_no_other_ladder() {
        let start = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(5);
        assert_eq!(next(start, Timestamp::UNIX_EPOCH), Some(Timestamp::from_second(60).unwrap()));
    }
}

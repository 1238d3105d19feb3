//! Published retry schedule.

use jiff::{SignedDuration, Timestamp};

/// Steps: time since the first failure, and interval until then.
const STEPS: [(SignedDuration, SignedDuration); 3] = [
    (SignedDuration::from_hours(1), SignedDuration::from_mins(1)),
    (SignedDuration::from_hours(24), SignedDuration::from_mins(15)),
    (SignedDuration::from_hours(24 * 14), SignedDuration::from_hours(1)),
];

/// Returns the time of the next attempt after one failed at `at`; `None` after 14 days of failures.
pub(crate) fn next(failing_since: Timestamp, at: Timestamp) -> Option<Timestamp> {
    let failing = at.duration_since(failing_since);
    let (_, step) = STEPS.into_iter().find(|(until, _)| failing < *until)?;
    at.checked_add(step).ok()
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::next;

    #[test]
    fn the_schedule_is_every_minute_then_every_quarter_then_hourly_until_14_days() {
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
    fn a_clock_set_back_does_not_restart_the_schedule() {
        let start = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(5);
        assert_eq!(next(start, Timestamp::UNIX_EPOCH), Some(Timestamp::from_second(60).unwrap()));
    }
}

//! Moments at which tests are run. They are derived from the current day, so they are never in the
//! past.

use std::time::Duration;

use jiff::{SignedDuration, Span, Timestamp, Zoned, civil, tz::TimeZone};

/// Zone with UTC+12.
const KAMCHATKA: &str = "Asia/Kamchatka";
/// Zone with UTC−10.
const HONOLULU: &str = "Pacific/Honolulu";

/// Point in time and time zone.
pub(crate) struct Moment {
    /// Name, as it follows the word "tests".
    pub(crate) name: &'static str,
    /// Value of `TZ`; `None` for the zone of the machine.
    pub(crate) zone: Option<&'static str>,
    at: Timestamp,
    /// Fraction of a test's duration after which the moment is reached; 0 if the test starts at it.
    after: f64,
}

impl Moment {
    /// Returns the shift of the clock for a test that starts now and has this expected duration.
    pub(crate) fn ahead(&self, now: Timestamp, expected: Duration) -> SignedDuration {
        let before = SignedDuration::try_from(expected.mul_f64(self.after)).unwrap_or_default();
        self.at.duration_since(now) - before
    }
}

/// Returns all moments. The first one is no change of date; it measures how long each test takes.
pub(crate) fn all(now: Timestamp) -> Vec<Moment> {
    let today = now.to_zoned(TimeZone::UTC);
    let (month, year) = (next_month(today.date()), civil::date(today.year() + 1, 1, 1));
    let begin = |name, at| Moment { name, zone: None, at, after: 0.0 };
    let edge = |name, at, after| Moment { name, zone: None, at, after };
    let midnight = |name, zone, after| {
        let at = next_midnight(now, zone);
        Moment { name, zone: Some(zone), at, after }
    };
    // Each is also a change of the hour, and lies at another fraction of a test.
    vec![
        begin("a day later", at_utc(&today, Span::new().days(1))),
        edge("over the edge of an hour", next_hour(now), 0.6),
        edge("over the edge of a month", start_of(month), 0.5),
        edge("over the edge of a year", start_of(year), 0.7),
        begin("on 29 February", start_of(next_leap_day(today.date()))),
        midnight("over midnight in Kamchatka", KAMCHATKA, 0.4),
        midnight("over midnight in Honolulu", HONOLULU, 0.8),
        begin("five years on", at_utc(&today, Span::new().years(5))),
    ]
}

fn at_utc(today: &Zoned, span: Span) -> Timestamp {
    today.saturating_add(span).timestamp()
}

fn start_of(day: civil::Date) -> Timestamp {
    day.to_zoned(TimeZone::UTC).map_or(Timestamp::MAX, |zoned| zoned.timestamp())
}

fn next_month(day: civil::Date) -> civil::Date {
    day.first_of_month().saturating_add(Span::new().months(1))
}

fn next_leap_day(day: civil::Date) -> civil::Date {
    let years = day.year()..;
    let mut days = years.filter_map(|year| civil::Date::new(year, 2, 29).ok());
    days.find(|leap| *leap > day).unwrap_or(day)
}

fn next_hour(now: Timestamp) -> Timestamp {
    let hour = SignedDuration::from_hours(1).as_secs();
    Timestamp::from_second((now.as_second() / hour + 1) * hour).unwrap_or(Timestamp::MAX)
}

/// Returns the next midnight in the zone. An unknown zone is detected by `verify` before the tests
/// run.
fn next_midnight(now: Timestamp, zone: &str) -> Timestamp {
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    let tomorrow = now.to_zoned(zone.clone()).date().saturating_add(Span::new().days(1));
    tomorrow.to_zoned(zone).map_or(Timestamp::MAX, |zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;

    use super::{Moment, all};

    fn seen_from(now: &str) -> Vec<String> {
        all(now.parse().unwrap()).iter().map(|moment| moment.at.to_string()).collect()
    }

    #[test]
    fn every_moment_follows_from_the_day_it_is() {
        assert_eq!(
            seen_from("2026-11-26T16:39:43Z"),
            [
                "2026-11-27T16:39:43Z",
                "2026-11-26T17:00:00Z",
                "2026-12-01T00:00:00Z",
                "2027-01-01T00:00:00Z",
                "2028-02-29T00:00:00Z",
                "2026-11-27T12:00:00Z",
                "2026-11-27T10:00:00Z",
                "2031-11-26T16:39:43Z",
            ]
        );
    }

    #[test]
    fn on_the_edges_themselves_the_next_ones_are_taken() {
        let seen = seen_from("2028-02-29T00:00:00Z");
        assert_eq!(seen[1], "2028-02-29T01:00:00Z");
        assert_eq!(seen[2], "2028-03-01T00:00:00Z");
        assert_eq!(seen[4], "2032-02-29T00:00:00Z");
        assert_eq!(seen[7], "2033-02-28T00:00:00Z");
        assert_eq!(seen_from("2027-12-31T23:59:59Z")[3], "2028-01-01T00:00:00Z");
    }

    #[test]
    fn the_edge_comes_while_the_test_runs() {
        let now: Timestamp = "2026-11-26T16:00:00Z".parse().unwrap();
        let at = "2026-11-26T17:00:00Z".parse().unwrap();
        let edge = Moment { name: "", zone: None, at, after: 0.5 };
        let ahead = edge.ahead(now, Duration::from_secs(4));
        assert_eq!((now + ahead).to_string(), "2026-11-26T16:59:58Z");
    }
}

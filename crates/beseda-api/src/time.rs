//! A moment as the API writes it: ISO 8601 with an offset from UTC. It never asks what time it is.

use std::fmt;

use jiff::{
    Timestamp,
    fmt::{
        StdFmtWrite,
        temporal::{DateTimeParser, DateTimePrinter},
    },
    tz::{Offset, TimeZone},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

const SECONDS: DateTimePrinter = DateTimePrinter::new().precision(Some(0));
const MILLIS: DateTimePrinter = DateTimePrinter::new().precision(Some(3));
const MICROS: DateTimePrinter = DateTimePrinter::new().precision(Some(6));
const NANOS: DateTimePrinter = DateTimePrinter::new().precision(Some(9));

/// A date and time with the offset it was written with (published as `date-time`).
///
/// Two values are equal if they are the same moment written the same way; order is by the moment.
/// Encodes with none, three, six or nine fractional digits, whichever is exact; `Z` only where it was read as `Z`.
///
/// ```
/// use beseda_api::Time;
/// let time: Time = "2026-05-31T10:30:17+03:00".parse()?;
/// assert_eq!(time.to_string(), "2026-05-31T10:30:17+03:00");
/// assert_eq!(time.timestamp().to_string(), "2026-05-31T07:30:17Z");
/// # Ok::<(), jiff::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Time {
    moment: Timestamp,
    /// `None` is written as `Z`.
    offset: Option<Offset>,
}

impl Time {
    /// A moment written with Moscow's offset, as the published samples are.
    #[must_use]
    pub fn moscow(moment: Timestamp) -> Self {
        Self { moment, offset: Some(Offset::constant(3)) }
    }

    /// A moment written with `Z`, as push notifications are.
    #[must_use]
    pub fn utc(moment: Timestamp) -> Self {
        Self { moment, offset: None }
    }

    /// The moment itself.
    #[must_use]
    pub fn timestamp(self) -> Timestamp {
        self.moment
    }
}

impl PartialOrd for Time {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Time {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let key = |t: &Self| (t.moment, t.offset.map(Offset::seconds));
        key(self).cmp(&key(other))
    }
}

impl std::str::FromStr for Time {
    type Err = jiff::Error;

    fn from_str(text: &str) -> Result<Self, jiff::Error> {
        static PARSER: DateTimeParser = DateTimeParser::new();
        let moment = PARSER.parse_timestamp(text)?;
        if text.ends_with(['Z', 'z']) {
            return Ok(Self { moment, offset: None });
        }
        let written = PARSER.parse_datetime(text)?;
        let apart = written.to_zoned(TimeZone::UTC)?.timestamp().as_second() - moment.as_second();
        let offset = i32::try_from(apart).ok().and_then(|s| Offset::from_seconds(s).ok());
        Ok(Self { moment, offset })
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Three, six or nine digits of a second, never one: old parsers know no other lengths.
        let printer = match self.moment.subsec_nanosecond() {
            0 => SECONDS,
            nanos if nanos % 1_000_000 == 0 => MILLIS,
            nanos if nanos % 1_000 == 0 => MICROS,
            _ => NANOS,
        };
        let out = StdFmtWrite(f);
        let printed = match self.offset {
            None => printer.print_timestamp(&self.moment, out),
            Some(offset) => printer.print_timestamp_with_offset(&self.moment, offset, out),
        };
        printed.map_err(|_| fmt::Error)
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for Time {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .format(Some(utoipa::openapi::SchemaFormat::KnownFormat(
                utoipa::openapi::KnownFormat::DateTime,
            )))
            .into()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for Time {}

#[cfg(test)]
mod tests {
    use super::Time;

    #[test]
    fn every_documented_form_of_a_date_comes_back_as_it_was() {
        for text in [
            "2017-11-21T00:00:00+03:00",
            "2025-01-16T10:09:49.759084017Z",
            "2026-06-01T00:00:00Z",
            "2026-06-01T00:00:00.500-04:30",
            "2026-05-31T10:30:17.058070+03:00",
        ] {
            let time: Time = text.parse().unwrap();
            assert_eq!(time.to_string(), text);
        }
    }

    #[test]
    fn a_date_without_offset_is_refused() {
        assert!("2026-06-01T00:00:00".parse::<Time>().is_err());
        assert!("yesterday".parse::<Time>().is_err());
    }
}

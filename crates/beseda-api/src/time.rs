//! Date and time as the API writes it: ISO 8601 with an offset from UTC.

use std::fmt;

use jiff::{
    Timestamp,
    fmt::temporal::DateTimeParser,
    tz::{Offset, TimeZone},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

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
    /// Offset from UTC; `None` is written as `Z`.
    offset: Option<Offset>,
}

impl Time {
    /// Creates a time with Moscow's offset, as in the published samples.
    #[must_use]
    pub fn moscow(moment: Timestamp) -> Self {
        Self { moment, offset: Some(Offset::constant(3)) }
    }

    /// Creates a time that is written with `Z`, as in push notifications.
    #[must_use]
    pub fn utc(moment: Timestamp) -> Self {
        Self { moment, offset: None }
    }

    /// Creates a time with an offset in seconds east of UTC, or with `Z`. An offset of more than a
    /// day is replaced by `Z`.
    #[must_use]
    pub fn with_offset(moment: Timestamp, offset_seconds: Option<i32>) -> Self {
        Self { moment, offset: offset_seconds.and_then(|s| Offset::from_seconds(s).ok()) }
    }

    /// Returns the offset in seconds east of UTC, or `None` for `Z`.
    #[must_use]
    pub fn offset_seconds(self) -> Option<i32> {
        self.offset.map(Offset::seconds)
    }

    /// Returns the instant.
    #[must_use]
    pub fn timestamp(self) -> Timestamp {
        self.moment
    }
}

impl Time {
    /// Appends the text to a buffer.
    pub fn write_to(self, out: &mut Vec<u8>) {
        match self.write(&mut [0; 40]) {
            Some(text) => out.extend_from_slice(text.as_bytes()),
            None => out.extend_from_slice(self.to_string().as_bytes()),
        }
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

/// Buffer for the longest form: `2026-05-31T10:30:17.000000000+03:00:00`.
type Written = [u8; 40];

impl Time {
    /// Formats the time, faster than jiff's general formatter, since histories are mostly dates.
    /// Returns `None` for years without four digits and offsets that are not whole minutes.
    fn write(self, out: &mut Written) -> Option<&str> {
        let offset = self.offset.unwrap_or(Offset::UTC);
        let local = offset.to_datetime(self.moment);
        let year = u32::try_from(local.year()).ok()?;
        if offset.seconds() % 60 != 0 {
            return None;
        }
        let mut end = 0;
        let mut put = |bytes: &[u8]| {
            out[end..end + bytes.len()].copy_from_slice(bytes);
            end += bytes.len();
        };
        put(&two(year / 100));
        put(&two(year % 100));
        for (mark, part) in [
            (b"-", local.month()),
            (b"-", local.day()),
            (b"T", local.hour()),
            (b":", local.minute()),
            (b":", local.second()),
        ] {
            put(mark);
            put(&two(part.unsigned_abs().into()));
        }
        let nanos = local.subsec_nanosecond().unsigned_abs();
        if nanos > 0 {
            let mut digits = [b'0'; 9];
            let mut rest = nanos;
            for place in digits.iter_mut().rev() {
                *place = digit(rest);
                rest /= 10;
            }
            // Three, six or nine digits: some old parsers accept no other lengths.
            let kept = match nanos {
                _ if nanos.is_multiple_of(1_000_000) => 3,
                _ if nanos.is_multiple_of(1_000) => 6,
                _ => 9,
            };
            put(b".");
            put(&digits[..kept]);
        }
        match self.offset {
            None => put(b"Z"),
            Some(offset) => {
                let seconds = offset.seconds();
                let apart = seconds.unsigned_abs();
                put(if seconds < 0 { b"-" } else { b"+" });
                put(&two(apart / 3600));
                put(b":");
                put(&two(apart / 60 % 60));
            }
        }
        std::str::from_utf8(&out[..end]).ok()
    }
}

fn two(number: u32) -> [u8; 2] {
    [digit(number / 10), digit(number)]
}

fn digit(number: u32) -> u8 {
    b'0' + u8::try_from(number % 10).unwrap_or(0)
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.write(&mut [0; 40]), self.offset) {
            (Some(text), _) => f.write_str(text),
            (None, None) => self.moment.fmt(f),
            (None, Some(offset)) => self.moment.display_with_offset(offset).fmt(f),
        }
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.write(&mut [0; 40]) {
            Some(text) => serializer.serialize_str(text),
            None => serializer.collect_str(self),
        }
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
            assert_eq!(Time::with_offset(time.timestamp(), time.offset_seconds()), time);
        }
    }

    #[test]
    fn a_date_without_offset_is_refused() {
        assert!("2026-06-01T00:00:00".parse::<Time>().is_err());
        assert!("yesterday".parse::<Time>().is_err());
    }
}

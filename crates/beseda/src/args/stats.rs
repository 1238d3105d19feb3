//! `beseda stats`: filters, working hours and charts of response times.

use std::path::PathBuf;

use beseda_api::{BusinessId, CampaignId};
use clap::{Args, ValueEnum};
use jiff::tz::Offset;

use super::filter::{ExistingArchive, TimeRange};

/// Language of a chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LanguageArg {
    En,
    Ru,
}

/// `beseda stats`.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "A customer's turn starts with an unanswered message and ends with the shop's next message. It is counted in the hour and day in which it started; --since and --until refer to that time too.\n\nExamples:\n  beseda stats --archive ~/chats --since 30d\n  beseda stats --archive ~/chats --working-hours 9-21 --json\n  beseda stats --archive ~/chats --svg answers.svg --png answers.png --lang ru"
)]
pub(crate) struct StatsArgs {
    #[command(flatten)]
    pub(crate) archive: ExistingArchive,
    /// Only this cabinet; may be repeated.
    #[arg(long, env = "BESEDA_BUSINESS_ID", value_name = "ID", value_delimiter = ',')]
    pub(crate) business: Vec<BusinessId>,
    /// Only orders and returns of this campaign (shop); may be repeated.
    #[arg(long, value_name = "ID")]
    pub(crate) campaign: Vec<CampaignId>,
    #[command(flatten)]
    pub(crate) span: TimeRange,
    /// Count time only within these local hours of each day, such as 9-21.
    #[arg(long, value_name = "HOURS", value_parser = hours)]
    pub(crate) working_hours: Option<(u8, u8)>,
    /// Local time as an offset from UTC.
    #[arg(long, value_name = "OFFSET", default_value = "+03:00", allow_hyphen_values = true, value_parser = offset)]
    pub(crate) timezone: i32,
    /// Write a chart of response times by hour to this SVG file.
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
    /// Write the same chart to this PNG file.
    #[arg(long, value_name = "FILE")]
    pub(crate) png: Option<PathBuf>,
    /// Language of the chart [default: from LC_ALL or LANG].
    #[arg(long, value_name = "LANGUAGE")]
    pub(crate) lang: Option<LanguageArg>,
}

fn hours(text: &str) -> Result<(u8, u8), String> {
    let wrong = || "two hours of a day, the earlier one first, such as 9-21".to_owned();
    let (from, to) = text.split_once('-').ok_or_else(wrong)?;
    let (from, to): (u8, u8) =
        (from.parse().map_err(|_| wrong())?, to.parse().map_err(|_| wrong())?);
    if from < to && to <= 24 { Ok((from, to)) } else { Err(wrong()) }
}

fn offset(text: &str) -> Result<i32, String> {
    let wrong = || "an offset from UTC, such as +03:00".to_owned();
    if text.eq_ignore_ascii_case("utc") || text == "Z" {
        return Ok(0);
    }
    let (sign, rest) = match text.split_at_checked(1) {
        Some(("+", rest)) => (1, rest),
        Some(("-", rest)) => (-1, rest),
        _ => return Err(wrong()),
    };
    let (hours, minutes) = rest.split_once(':').unwrap_or((rest, "0"));
    let hours: u8 = hours.parse().map_err(|_| wrong())?;
    let minutes: u8 = minutes.parse().map_err(|_| wrong())?;
    if hours > 14 || minutes > 59 {
        return Err(wrong());
    }
    let seconds = sign * (i32::from(hours) * 3_600 + i32::from(minutes) * 60);
    Offset::from_seconds(seconds).map(Offset::seconds).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::{hours, offset};

    #[test]
    fn working_hours_and_offsets_are_read_or_refused() {
        assert_eq!(hours("9-21"), Ok((9, 21)));
        assert_eq!(offset("+03:00"), Ok(10_800));
        assert_eq!(offset("-3:30"), Ok(-12_600));
        assert_eq!(offset("utc"), Ok(0));
        for wrong in ["21-9", "9-25", "9", "", "a-b"] {
            assert!(hours(wrong).is_err(), "{wrong}");
        }
        for wrong in ["", "3", "+", "+15:00", "Moscow", "я"] {
            assert!(offset(wrong).is_err(), "{wrong}");
        }
    }
}

//! Options that select an archive and filter its messages, shared by several commands.

use std::path::PathBuf;

use beseda_api::{
    BusinessId, CampaignId, ChatId, ChatStatus, Clock, ContextType, Sender, SystemClock, Time,
};
use beseda_archive::ArchiveFilter;
use clap::Args;
use jiff::{
    SignedDuration, Timestamp,
    civil::Date,
    tz::{Offset, TimeZone},
};

use super::one_of;

/// Folder of an existing archive.
#[derive(Debug, Clone, Args)]
pub(crate) struct ExistingArchive {
    /// Folder of the archive, filled by `beseda sync`.
    #[arg(long, env = "BESEDA_ARCHIVE", value_name = "DIR")]
    pub(crate) archive: PathBuf,
}

/// Time range.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct TimeRange {
    /// Only from this time on: a date (midnight in Moscow), a date and time with offset, or an age
    /// (90m, 24h, 7d, 4w).
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    pub(crate) since: Option<Timestamp>,
    /// Only before this time.
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    pub(crate) until: Option<Timestamp>,
}

/// Filter of messages.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct MessageFilter {
    /// Only this cabinet; may be repeated.
    #[arg(long, env = "BESEDA_BUSINESS_ID", value_name = "ID", value_delimiter = ',')]
    pub(crate) business: Vec<BusinessId>,
    /// Only orders and returns of this campaign (shop); may be repeated.
    #[arg(long, value_name = "ID")]
    pub(crate) campaign: Vec<CampaignId>,
    /// Only this chat; may be repeated.
    #[arg(long, value_name = "ID")]
    pub(crate) chat: Vec<ChatId>,
    /// Only chats that have this status now; may be repeated.
    #[arg(long, value_name = "STATUS", ignore_case = true, value_parser = one_of::<ChatStatus>(ChatStatus::ALL.iter().map(ChatStatus::as_str)))]
    pub(crate) status: Vec<ChatStatus>,
    /// Only chats about orders, returns or neither; may be repeated.
    #[arg(long, value_name = "TYPE", ignore_case = true, value_parser = one_of::<ContextType>(ContextType::ALL.iter().map(ContextType::as_str)))]
    pub(crate) context_type: Vec<ContextType>,
    /// Only messages of this sender; may be repeated.
    #[arg(long, value_name = "SENDER", ignore_case = true, value_parser = one_of::<Sender>(Sender::ALL.iter().map(Sender::as_str)))]
    pub(crate) sender: Vec<Sender>,
    #[command(flatten)]
    pub(crate) span: TimeRange,
}

impl From<MessageFilter> for ArchiveFilter {
    fn from(among: MessageFilter) -> Self {
        Self {
            businesses: among.business,
            campaigns: among.campaign,
            chats: among.chat,
            senders: among.sender,
            statuses: among.status,
            context_types: among.context_type,
            since: among.span.since,
            until: among.span.until,
        }
    }
}

fn moment(text: &str) -> Result<Timestamp, String> {
    moment_from(text, SystemClock.now())
}

fn moment_from(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    const FORMS: &str =
        "expected a date (2026-11-21), a date and time (2026-11-21T10:00:00+03:00) or an age (7d)";
    if let Ok(time) = text.parse::<Time>() {
        return Ok(time.timestamp());
    }
    if let Ok(date) = text.parse::<Date>() {
        let moscow = TimeZone::fixed(Offset::constant(3));
        return date.to_zoned(moscow).map(|day| day.timestamp()).map_err(|_| FORMS.to_owned());
    }
    let (number, unit) = text.split_at(text.len() - text.chars().last().map_or(0, char::len_utf8));
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 7 * 86_400,
        _ => return Err(FORMS.to_owned()),
    };
    let ago = number.parse::<u32>().map_err(|_| FORMS.to_owned())?;
    let ago = SignedDuration::from_secs(i64::from(ago) * seconds);
    now.checked_sub(ago).map_err(|_| FORMS.to_owned())
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::moment_from;

    #[test]
    fn a_moment_is_a_date_a_time_or_how_long_ago() {
        let now: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
        for (text, moment) in [
            ("2026-11-21", "2026-11-20T21:00:00Z"),
            ("2026-11-21T10:00:00+03:00", "2026-11-21T07:00:00Z"),
            ("90m", "2026-11-21T10:30:00Z"),
            ("7d", "2026-11-14T12:00:00Z"),
        ] {
            assert_eq!(moment_from(text, now).unwrap().to_string(), moment, "{text}");
        }
        for wrong in ["", "d", "7", "yesterday", "7y", "-1d", "ж", "2026-13-01"] {
            assert!(moment_from(wrong, now).is_err(), "{wrong}");
        }
    }
}

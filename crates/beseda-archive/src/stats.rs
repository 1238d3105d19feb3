//! Response time statistics over the messages of an archive.

mod chart;
#[cfg(test)]
mod over_archive;
mod quantiles;
mod render;
mod response_times;

use std::collections::BTreeMap;

use beseda_api::{BusinessId, CampaignId, ChatId};
use jiff::{
    Timestamp,
    civil::Date,
    tz::{Offset, TimeZone},
};
use serde::Serialize;

pub use chart::ChartLanguage;
pub use quantiles::{Quantiles, Shop, StatsGroup};

use self::response_times::Conversations;
use crate::{Archive, ArchiveFilter, Result};

/// Statistics request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatsQuery {
    /// Filter of chats, and time range in which a customer's turn started. `senders` has no effect.
    pub filter: ArchiveFilter,
    /// Hours of a day that count, such as `(9, 21)`; all if `None`.
    pub working_hours: Option<(u8, u8)>,
    /// Local time in seconds east of UTC; 10800 for Moscow.
    pub offset: i32,
    /// Current time, up to which waiting customers are counted.
    pub now: Timestamp,
}

/// Offset of Moscow in seconds east of UTC.
pub const MOSCOW: i32 = 10_800;

/// Response time statistics.
///
/// A customer's turn starts with an unanswered message and ends with the shop's next message;
/// messages of Market and support end nothing. Its duration counts from its first message.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stats {
    /// Messages of customers.
    pub customer_messages: u64,
    /// Messages of the shop.
    pub shop_messages: u64,
    /// Messages of Market and support.
    pub other_messages: u64,
    /// All turns.
    pub all: StatsGroup,
    /// By local hour in which a turn started: 24 groups.
    pub by_hour: Vec<StatsGroup>,
    /// By local day, without days that have no turns.
    pub by_day: Vec<StatsGroup>,
    /// By shop; chats without a shop come last.
    pub by_shop: Vec<StatsGroup>,
    /// By operator; "—" if unknown.
    pub by_operator: Vec<StatsGroup>,
    /// Customers waiting now.
    pub backlog: Backlog,
}

/// Open chats in which the customer's last turn is unanswered.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Backlog {
    /// Number of waiting chats and how long they have been waiting, in seconds.
    pub waiting: Quantiles,
    /// Chats waiting longest, at most 20.
    pub longest: Vec<WaitingChat>,
}

/// Waiting customer.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WaitingChat {
    /// Cabinet id.
    pub business_id: BusinessId,
    /// Chat id.
    pub chat_id: ChatId,
    /// Campaign (shop) of the chat.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub campaign_id: Option<CampaignId>,
    /// Start of the wait.
    pub since: Timestamp,
    /// Duration of the wait in seconds.
    pub seconds: f64,
}

impl Archive {
    /// Computes the statistics in one pass over all messages. Memory grows with the number of chats
    /// and answers, not with texts.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn stats(&self, question: &StatsQuery) -> Result<Stats> {
        let talks = self.read(|connection| Conversations::read(connection, question))?;
        Ok(quantiles::stats(&talks, question))
    }
}

impl Stats {
    /// Draws a chart of response times and turns by hour as SVG.
    #[must_use]
    pub fn svg(&self, language: ChartLanguage) -> String {
        render::svg(&chart::by_hour(self, language))
    }

    /// Draws the same chart as PNG.
    ///
    /// # Errors
    ///
    /// If it can't be encoded.
    pub fn png(&self, language: ChartLanguage) -> Result<Vec<u8>> {
        Ok(render::png(&chart::by_hour(self, language))?)
    }
}

impl StatsQuery {
    /// Requests statistics of the whole archive up to this time, in Moscow's time.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self { filter: ArchiveFilter::default(), working_hours: None, offset: MOSCOW, now }
    }

    /// Returns the local hour and day of a time in nanoseconds.
    fn hour_and_day(&self, nanos: i64) -> (u8, i64) {
        let local = nanos.div_euclid(SECOND).saturating_add(self.offset.into());
        let hour = u8::try_from(local.rem_euclid(DAY) / 3_600).unwrap_or(0);
        (hour, local.div_euclid(DAY))
    }

    /// Returns the seconds that count between two times in nanoseconds.
    fn seconds(&self, from: i64, to: i64) -> f64 {
        let Some((begin, end)) = self.working_hours else {
            return seconds(to.saturating_sub(from));
        };
        let (begin, end) = (i64::from(begin) * 3_600, i64::from(end) * 3_600);
        let offset = i64::from(self.offset) * SECOND;
        let worked = |nanos: i64| {
            let local = nanos.saturating_add(offset);
            let (day, time) = (local.div_euclid(DAY * SECOND), local.rem_euclid(DAY * SECOND));
            let today = time.clamp(begin * SECOND, end * SECOND) - begin * SECOND;
            day * (end - begin) * SECOND + today
        };
        seconds(worked(to) - worked(from))
    }
}

const SECOND: i64 = 1_000_000_000;
const DAY: i64 = 86_400;

/// Converts nanoseconds to seconds; negative values become 0.
fn seconds(nanos: i64) -> f64 {
    std::time::Duration::from_nanos(u64::try_from(nanos).unwrap_or(0)).as_secs_f64()
}

/// Returns the name of a day counted from 1970.
fn day_name(day: i64) -> String {
    let midnight = Timestamp::from_second(day.saturating_mul(DAY)).unwrap_or(Timestamp::UNIX_EPOCH);
    let date: Date = TimeZone::fixed(Offset::UTC).to_datetime(midnight).date();
    date.to_string()
}

/// Names of campaigns by id.
type Shops = BTreeMap<i64, String>;

#[cfg(test)]
mod tests {
    use super::StatsQuery;

    const HOUR: i64 = 3_600_000_000_000;

    #[test]
    fn only_working_hours_count_if_asked_for() {
        let mut question = StatsQuery::new(jiff::Timestamp::UNIX_EPOCH);
        // 20:00 in Moscow to 10:00 of the next day.
        let (from, to) = (17 * HOUR, 31 * HOUR);
        assert!((question.seconds(from, to) - 14.0 * 3600.0).abs() < 0.001);
        question.working_hours = Some((9, 21));
        assert!((question.seconds(from, to) - 2.0 * 3600.0).abs() < 0.001);
        assert!(question.seconds(19 * HOUR, 20 * HOUR) < 0.001, "at night no time passes");
        assert_eq!(question.hour_and_day(22 * HOUR), (1, 1));
    }
}

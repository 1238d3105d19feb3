//! How fast the shop answers, and who waits: figures over the messages of an archive. It only reads.

mod chart;
mod draw;
mod figures;
#[cfg(test)]
mod over_archive;
mod talk;

use std::collections::BTreeMap;

use beseda_api::{BusinessId, CampaignId, ChatId};
use jiff::{
    Timestamp,
    civil::Date,
    tz::{Offset, TimeZone},
};
use serde::Serialize;

pub use chart::Language;
pub use figures::{Figures, Group, Shop};

use self::talk::Talks;
use crate::{Archive, Filter, Result};

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Which chats, and between which moments a customer's turn must have begun. `senders` filters nothing.
    pub filter: Filter,
    /// Only these hours of a day count as time passed, as `(9, 21)`; all of them if `None`.
    pub working_hours: Option<(u8, u8)>,
    /// The local time, in seconds east of UTC; Moscow's is 10800.
    pub offset: i32,
    /// The moment it is now, up to which customers have been waiting.
    pub now: Timestamp,
}

/// The local time of Moscow, in seconds east of UTC.
pub const MOSCOW: i32 = 10_800;

/// The answers.
///
/// A customer's turn begins with a message nobody has answered yet, and ends with the shop's next message; what Market or
/// support write ends nothing. Its time counts from its first message.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stats {
    /// Messages by customers.
    pub customer_messages: u64,
    /// Messages by the shop.
    pub shop_messages: u64,
    /// Messages by Market and support.
    pub other_messages: u64,
    /// All turns.
    pub all: Group,
    /// By the local hour in which a turn began: 24 of them.
    pub by_hour: Vec<Group>,
    /// By the local day, those without turns left out.
    pub by_day: Vec<Group>,
    /// By the shop; chats about no shop come last.
    pub by_shop: Vec<Group>,
    /// By who answered; "—" where no program told.
    pub by_operator: Vec<Group>,
    /// Who waits now.
    pub backlog: Backlog,
}

/// Chats in which the customer's last turn has not ended and which are not finished.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Backlog {
    /// How many, and for how long they have been waiting, in seconds.
    pub waiting: Figures,
    /// The ones waiting longest, at most 20.
    pub longest: Vec<Waiting>,
}

/// A customer who waits.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Waiting {
    /// The cabinet.
    pub business_id: BusinessId,
    /// The chat.
    pub chat_id: ChatId,
    /// The shop, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub campaign_id: Option<CampaignId>,
    /// Since when.
    pub since: Timestamp,
    /// For how long, in seconds.
    pub seconds: f64,
}

impl Archive {
    /// Reads all messages once and reckons. Takes memory by the number of chats and answers, not by texts.
    ///
    /// # Errors
    /// If the database fails.
    pub fn stats(&self, question: &Question) -> Result<Stats> {
        let talks = self.read(|connection| Talks::read(connection, question))?;
        Ok(figures::stats(&talks, question))
    }
}

impl Stats {
    /// A chart of the time to answer by hour, and of how many turns began then, as an SVG document.
    #[must_use]
    pub fn svg(&self, language: Language) -> String {
        draw::svg(&chart::by_hour(self, language))
    }

    /// The same as a PNG picture.
    ///
    /// # Errors
    /// If it can't be encoded.
    pub fn png(&self, language: Language) -> Result<Vec<u8>> {
        Ok(draw::png(&chart::by_hour(self, language))?)
    }
}

impl Question {
    /// Everything in Moscow's time up to this moment.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self { filter: Filter::default(), working_hours: None, offset: MOSCOW, now }
    }

    /// The local hour and day of a moment in nanoseconds.
    fn hour_and_day(&self, nanos: i64) -> (u8, i64) {
        let local = nanos.div_euclid(SECOND).saturating_add(self.offset.into());
        let hour = u8::try_from(local.rem_euclid(DAY) / 3_600).unwrap_or(0);
        (hour, local.div_euclid(DAY))
    }

    /// The seconds that count between two moments in nanoseconds.
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

/// Nanoseconds as seconds, to the millisecond.
fn seconds(nanos: i64) -> f64 {
    std::time::Duration::from_nanos(u64::try_from(nanos).unwrap_or(0)).as_secs_f64()
}

/// The name of a day counted from 1970.
fn day_name(day: i64) -> String {
    let midnight = Timestamp::from_second(day.saturating_mul(DAY)).unwrap_or(Timestamp::UNIX_EPOCH);
    let date: Date = TimeZone::fixed(Offset::UTC).to_datetime(midnight).date();
    date.to_string()
}

/// Names of shops by their ids.
type Shops = BTreeMap<i64, String>;

#[cfg(test)]
mod tests {
    use super::Question;

    const HOUR: i64 = 3_600_000_000_000;

    #[test]
    fn only_working_hours_count_if_asked_for() {
        let mut question = Question::new(jiff::Timestamp::UNIX_EPOCH);
        // 20:00 in Moscow to 10:00 of the next day.
        let (from, to) = (17 * HOUR, 31 * HOUR);
        assert!((question.seconds(from, to) - 14.0 * 3600.0).abs() < 0.001);
        question.working_hours = Some((9, 21));
        assert!((question.seconds(from, to) - 2.0 * 3600.0).abs() < 0.001);
        assert!(question.seconds(19 * HOUR, 20 * HOUR) < 0.001, "at night no time passes");
        assert_eq!(question.hour_and_day(22 * HOUR), (1, 1));
    }
}

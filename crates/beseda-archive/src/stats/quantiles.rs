//! Quantiles: exact percentiles, mean and maximum of a set of durations.

use std::collections::BTreeMap;

use beseda_api::CampaignId;
use jiff::Timestamp;
use serde::Serialize;

use super::{
    Backlog, Stats, StatsQuery, WaitingChat, day_name,
    response_times::{AnsweredTurn, Conversations, TurnStart},
};
use crate::archive::from_nanos;

/// Maximum number of listed waiting chats.
const NAMED: usize = 20;

/// Quantiles of a set of durations, in seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Quantiles {
    /// Number of durations. The other fields are 0 if there are none.
    pub count: u64,
    /// Median.
    pub p50: f64,
    /// 90th percentile.
    pub p90: f64,
    /// Mean.
    pub mean: f64,
    /// Maximum.
    pub max: f64,
}

/// Statistics of a group of turns.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StatsGroup {
    /// Name: an hour such as `09`, a day such as `2026-11-21`, a shop, an operator, or `all`.
    pub name: String,
    /// Shop of the group, if grouped by shop.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shop: Option<Shop>,
    /// Turns that started, answered or not; for an operator, those answered.
    pub turns: u64,
    /// Time from a chat's first message of the customer to the shop's first answer.
    pub first_answer: Quantiles,
    /// Time from the start of a turn to its answer, first answers included.
    pub answer: Quantiles,
}

/// Shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Shop {
    /// Campaign id.
    pub campaign_id: CampaignId,
}

impl Quantiles {
    /// Computes the quantiles of durations in any order.
    #[must_use]
    pub fn of(mut times: Vec<f32>) -> Self {
        times.sort_unstable_by(f32::total_cmp);
        let Some(max) = times.last() else { return Self::default() };
        let count = times.len();
        // Nearest-rank percentile.
        let at =
            |percent: usize| round_to_precision(times[(count * percent).div_ceil(100).max(1) - 1]);
        let sum: f64 = times.iter().map(|time| f64::from(*time)).sum();
        let many = u32::try_from(count).map_or(f64::MAX, f64::from);
        let mean = (sum / many * 1_000.0).round() / 1_000.0;
        Self { count: count as u64, p50: at(50), p90: at(90), mean, max: round_to_precision(*max) }
    }
}

/// Rounds to milliseconds; from 10,000 seconds on, to tenths of a second.
fn round_to_precision(time: f32) -> f64 {
    let digits = if time < 10_000.0 { 1_000.0 } else { 10.0 };
    (f64::from(time) * digits).round() / digits
}

pub(super) fn stats(talks: &Conversations, question: &StatsQuery) -> Stats {
    let groups = |name: fn(&AnsweredTurn) -> TurnStart| {
        let mut found: BTreeMap<TurnStart, Vec<&AnsweredTurn>> = BTreeMap::new();
        for answer in &talks.answers {
            found.entry(name(answer)).or_default().push(answer);
        }
        found
    };
    let group = |name: String, began: TurnStart, answers: Option<&Vec<&AnsweredTurn>>| {
        let turns = talks.began.get(&began).copied().unwrap_or(0);
        figured(name, turns, answers.map_or(&[][..], Vec::as_slice))
    };
    let hours = groups(|answer| TurnStart::Hour(answer.hour));
    let by_hour = (0..24).map(|hour| {
        group(format!("{hour:02}"), TurnStart::Hour(hour), hours.get(&TurnStart::Hour(hour)))
    });
    let days = groups(|answer| TurnStart::Day(answer.day));
    let by_day = talks.began.keys().filter_map(|began| match began {
        TurnStart::Day(day) => Some(group(day_name(*day), *began, days.get(began))),
        _ => None,
    });
    let shops = groups(|answer| TurnStart::Shop(answer.shop));
    let mut by_shop: Vec<StatsGroup> = talks
        .began
        .keys()
        .filter_map(|began| match began {
            TurnStart::Shop(shop) => Some((began, *shop)),
            _ => None,
        })
        .map(|(began, shop)| {
            let campaign_id = shop.and_then(|shop| CampaignId::new(shop).ok());
            let name = shop.and_then(|shop| talks.shops.get(&shop).cloned());
            let name = name.or_else(|| shop.map(|shop| shop.to_string()));
            let group = group(name.unwrap_or_else(|| "—".to_owned()), *began, shops.get(began));
            StatsGroup { shop: campaign_id.map(|campaign_id| Shop { campaign_id }), ..group }
        })
        .collect();
    by_shop.sort_by_key(|group| (group.shop.is_none(), std::cmp::Reverse(group.turns)));
    Stats {
        customer_messages: talks.customer,
        shop_messages: talks.shop,
        other_messages: talks.other,
        all: figured("all".into(), talks.turns, &talks.answers.iter().collect::<Vec<_>>()),
        by_hour: by_hour.collect(),
        by_day: by_day.collect(),
        by_shop,
        by_operator: by_operator(talks),
        backlog: backlog(talks, question),
    }
}

fn by_operator(talks: &Conversations) -> Vec<StatsGroup> {
    let mut found: Vec<Vec<&AnsweredTurn>> = vec![Vec::new(); talks.operators.len()];
    for answer in &talks.answers {
        found[answer.operator as usize].push(answer);
    }
    let named = talks.operators.iter().zip(&found).filter(|(_, answers)| !answers.is_empty());
    let mut groups: Vec<StatsGroup> =
        named.map(|(name, answers)| figured(name.clone(), answers.len() as u64, answers)).collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.turns));
    groups
}

fn figured(name: String, turns: u64, answers: &[&AnsweredTurn]) -> StatsGroup {
    let times = |first: bool| {
        let meant = answers.iter().filter(|answer| answer.first || !first);
        Quantiles::of(meant.map(|answer| answer.seconds).collect())
    };
    StatsGroup { name, shop: None, turns, first_answer: times(true), answer: times(false) }
}

fn backlog(talks: &Conversations, question: &StatsQuery) -> Backlog {
    let now = crate::archive::to_nanos(question.now);
    let waited = |since: i64| question.seconds(since, now.max(since));
    #[expect(clippy::cast_possible_truncation, reason = "seven digits are enough for a time")]
    let times = talks.open.iter().map(|open| waited(open.since) as f32).collect();
    let longest = talks.open.iter().take(NAMED).filter_map(|open| {
        Some(WaitingChat {
            business_id: open.business.try_into().ok()?,
            chat_id: open.chat.try_into().ok()?,
            campaign_id: open.shop.and_then(|shop| shop.try_into().ok()),
            since: {
                let since: Timestamp = from_nanos(open.since);
                since
            },
            seconds: (waited(open.since) * 1_000.0).round() / 1_000.0,
        })
    });
    Backlog { waiting: Quantiles::of(times), longest: longest.collect() }
}

#[cfg(test)]
mod tests {
    use super::Quantiles;

    #[test]
    fn quantiles_are_times_that_were_there() {
        let figures = Quantiles::of((1..=10_u8).map(f32::from).collect());
        assert_eq!((figures.p50, figures.p90, figures.max), (5.0, 9.0, 10.0));
        assert_eq!((figures.count, figures.mean), (10, 5.5));
        assert_eq!(Quantiles::of(vec![7.25]).p90, 7.25);
        assert_eq!(Quantiles::of(Vec::new()), Quantiles::default());
    }
}

//! What a set of times comes to: exact quantiles, mean and longest. No time is measured here.

use std::collections::BTreeMap;

use beseda_api::CampaignId;
use jiff::Timestamp;
use serde::Serialize;

use super::{
    Backlog, Question, Stats, Waiting, day_name,
    talk::{Answer, Began, Talks},
};
use crate::archive::moment_of;

/// So many of the longest waiting are named.
const NAMED: usize = 20;

/// What a set of times comes to, in seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Figures {
    /// How many times there are. The rest is 0 if there are none.
    pub count: u64,
    /// Half of them are not longer.
    pub p50: f64,
    /// Nine of ten are not longer.
    pub p90: f64,
    /// Their mean.
    pub mean: f64,
    /// The longest.
    pub max: f64,
}

/// Turns that have something in common.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    /// What: an hour as `09`, a day as `2026-11-21`, a shop, an operator, or `all`.
    pub name: String,
    /// The shop, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shop: Option<Shop>,
    /// Turns that began, answered or not; of an operator, those answered.
    pub turns: u64,
    /// From a chat's first message by the customer to the shop's first one after it.
    pub first_answer: Figures,
    /// From the beginning of a turn to its answer; the first ones included.
    pub answer: Figures,
}

/// A shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Shop {
    /// Its id.
    pub campaign_id: CampaignId,
}

impl Figures {
    /// Of these times, in any order.
    #[must_use]
    pub fn of(mut times: Vec<f32>) -> Self {
        times.sort_unstable_by(f32::total_cmp);
        let Some(max) = times.last() else { return Self::default() };
        let count = times.len();
        // The smallest time that so many in a hundred are not longer than.
        let at = |percent: usize| exact(times[(count * percent).div_ceil(100).max(1) - 1]);
        let sum: f64 = times.iter().map(|time| f64::from(*time)).sum();
        let many = u32::try_from(count).map_or(f64::MAX, f64::from);
        let mean = (sum / many * 1_000.0).round() / 1_000.0;
        Self { count: count as u64, p50: at(50), p90: at(90), mean, max: exact(*max) }
    }
}

/// As many digits as are known: thousandths of a second, of a day or more whole seconds.
fn exact(time: f32) -> f64 {
    let digits = if time < 10_000.0 { 1_000.0 } else { 10.0 };
    (f64::from(time) * digits).round() / digits
}

pub(super) fn stats(talks: &Talks, question: &Question) -> Stats {
    let groups = |name: fn(&Answer) -> Began| {
        let mut found: BTreeMap<Began, Vec<&Answer>> = BTreeMap::new();
        for answer in &talks.answers {
            found.entry(name(answer)).or_default().push(answer);
        }
        found
    };
    let group = |name: String, began: Began, answers: Option<&Vec<&Answer>>| {
        let turns = talks.began.get(&began).copied().unwrap_or(0);
        figured(name, turns, answers.map_or(&[][..], Vec::as_slice))
    };
    let hours = groups(|answer| Began::Hour(answer.hour));
    let by_hour = (0..24)
        .map(|hour| group(format!("{hour:02}"), Began::Hour(hour), hours.get(&Began::Hour(hour))));
    let days = groups(|answer| Began::Day(answer.day));
    let by_day = talks.began.keys().filter_map(|began| match began {
        Began::Day(day) => Some(group(day_name(*day), *began, days.get(began))),
        _ => None,
    });
    let shops = groups(|answer| Began::Shop(answer.shop));
    let mut by_shop: Vec<Group> = talks
        .began
        .keys()
        .filter_map(|began| match began {
            Began::Shop(shop) => Some((began, *shop)),
            _ => None,
        })
        .map(|(began, shop)| {
            let campaign_id = shop.and_then(|shop| CampaignId::new(shop).ok());
            let name = shop.and_then(|shop| talks.shops.get(&shop).cloned());
            let name = name.or_else(|| shop.map(|shop| shop.to_string()));
            let group = group(name.unwrap_or_else(|| "—".to_owned()), *began, shops.get(began));
            Group { shop: campaign_id.map(|campaign_id| Shop { campaign_id }), ..group }
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

fn by_operator(talks: &Talks) -> Vec<Group> {
    let mut found: Vec<Vec<&Answer>> = vec![Vec::new(); talks.operators.len()];
    for answer in &talks.answers {
        found[answer.operator as usize].push(answer);
    }
    let named = talks.operators.iter().zip(&found).filter(|(_, answers)| !answers.is_empty());
    let mut groups: Vec<Group> =
        named.map(|(name, answers)| figured(name.clone(), answers.len() as u64, answers)).collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.turns));
    groups
}

fn figured(name: String, turns: u64, answers: &[&Answer]) -> Group {
    let times = |first: bool| {
        let meant = answers.iter().filter(|answer| answer.first || !first);
        Figures::of(meant.map(|answer| answer.seconds).collect())
    };
    Group { name, shop: None, turns, first_answer: times(true), answer: times(false) }
}

fn backlog(talks: &Talks, question: &Question) -> Backlog {
    let now = crate::archive::nanos(question.now);
    let waited = |since: i64| question.seconds(since, now.max(since));
    #[expect(clippy::cast_possible_truncation, reason = "seven digits are enough for a time")]
    let times = talks.open.iter().map(|open| waited(open.since) as f32).collect();
    let longest = talks.open.iter().take(NAMED).filter_map(|open| {
        Some(Waiting {
            business_id: open.business.try_into().ok()?,
            chat_id: open.chat.try_into().ok()?,
            campaign_id: open.shop.and_then(|shop| shop.try_into().ok()),
            since: {
                let since: Timestamp = moment_of(open.since);
                since
            },
            seconds: (waited(open.since) * 1_000.0).round() / 1_000.0,
        })
    });
    Backlog { waiting: Figures::of(times), longest: longest.collect() }
}

#[cfg(test)]
mod tests {
    use super::Figures;

    #[test]
    fn quantiles_are_times_that_were_there() {
        let figures = Figures::of((1..=10_u8).map(f32::from).collect());
        assert_eq!((figures.p50, figures.p90, figures.max), (5.0, 9.0, 10.0));
        assert_eq!((figures.count, figures.mean), (10, 5.5));
        assert_eq!(Figures::of(vec![7.25]).p90, 7.25);
        assert_eq!(Figures::of(Vec::new()), Figures::default());
    }
}

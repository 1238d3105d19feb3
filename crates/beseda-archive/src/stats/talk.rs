//! One pass over the messages in the order of time: who waited how long for whom. What comes of it is reckoned elsewhere.

use std::collections::{BTreeMap, HashMap};

use rusqlite::{Connection, Result, Row};

use super::{Question, Shops};
use crate::{Filter, archive::nanos, export::conditions};

/// A turn of a customer that the shop ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Answer {
    pub(super) seconds: f32,
    /// Whether it was the first of its chat.
    pub(super) first: bool,
    pub(super) hour: u8,
    pub(super) day: i64,
    pub(super) shop: Option<i64>,
    /// Its place in [`Talks::operators`].
    pub(super) operator: u32,
}

/// A turn as it began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Began {
    Hour(u8),
    Day(i64),
    Shop(Option<i64>),
}

/// A chat that has been waiting for an answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Open {
    pub(super) business: i64,
    pub(super) chat: i64,
    pub(super) shop: Option<i64>,
    pub(super) since: i64,
}

/// What the pass found.
#[derive(Debug, Default)]
pub(super) struct Talks {
    pub(super) customer: u64,
    pub(super) shop: u64,
    pub(super) other: u64,
    pub(super) turns: u64,
    pub(super) began: BTreeMap<Began, u64>,
    pub(super) answers: Vec<Answer>,
    pub(super) open: Vec<Open>,
    /// The first is of whom nothing is known.
    pub(super) operators: Vec<String>,
    pub(super) shops: Shops,
}

#[derive(Default)]
struct Chat {
    /// Whether the first turn of the customer was answered.
    answered: bool,
    waiting: Option<i64>,
    shop: Option<i64>,
    finished: bool,
}

impl Talks {
    pub(super) fn read(connection: &Connection, question: &Question) -> Result<Self> {
        let mut talks = Self { operators: vec!["—".to_owned()], ..Self::default() };
        let shops = "SELECT campaign, name FROM campaigns WHERE name IS NOT NULL";
        let mut statement = connection.prepare_cached(shops)?;
        talks.shops = statement
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_>>()?;
        // The whole history: a turn that began before the span is none of it, but one has to know.
        let filter =
            Filter { since: None, until: None, senders: Vec::new(), ..question.filter.clone() };
        let only = conditions(&filter, "m.created_at", true);
        let mut statement = connection.prepare(&format!(
            "SELECT m.business, m.chat, m.created_at, m.sender, c.campaign, c.status, a.operator
             FROM messages m CROSS JOIN chats c ON c.business = m.business AND c.chat = m.chat
             LEFT JOIN authors a
               ON a.business = m.business AND a.chat = m.chat AND a.message = m.message
             WHERE {only} ORDER BY m.doc"
        ))?;
        let mut chats: HashMap<(i64, i64), Chat> = HashMap::new();
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let chat = chats.entry((row.get(0)?, row.get(1)?)).or_default();
            talks.message(question, chat, row)?;
        }
        for ((business, chat), Chat { waiting, shop, finished, .. }) in chats {
            if let Some(since) = waiting.filter(|_| !finished) {
                talks.open.push(Open { business, chat, shop, since });
            }
        }
        talks.open.sort_unstable_by_key(|open| (open.since, open.business, open.chat));
        Ok(talks)
    }

    fn message(&mut self, question: &Question, chat: &mut Chat, row: &Row<'_>) -> Result<()> {
        let at: i64 = row.get(2)?;
        chat.shop = row.get(4)?;
        chat.finished = row.get_ref(5)?.as_str()? == "FINISHED";
        let counts = u64::from(meant(question, at));
        match row.get_ref(3)?.as_str()? {
            "CUSTOMER" => {
                self.customer += counts;
                if chat.waiting.is_none() {
                    chat.waiting = Some(at);
                    self.begin(question, at, chat.shop);
                }
            }
            "PARTNER" => {
                self.shop += counts;
                if let Some(since) = chat.waiting.take() {
                    let first = !std::mem::replace(&mut chat.answered, true);
                    if meant(question, since) {
                        let operator = self.operator(row.get_ref(6)?.as_str_or_null()?);
                        self.answer(question, (since, at), first, chat.shop, operator);
                    }
                }
            }
            _ => self.other += counts,
        }
        Ok(())
    }

    fn begin(&mut self, question: &Question, at: i64, shop: Option<i64>) {
        if meant(question, at) {
            let (hour, day) = question.hour_and_day(at);
            self.turns += 1;
            for began in [Began::Hour(hour), Began::Day(day), Began::Shop(shop)] {
                *self.began.entry(began).or_default() += 1;
            }
        }
    }

    fn answer(
        &mut self,
        question: &Question,
        (since, at): (i64, i64),
        first: bool,
        shop: Option<i64>,
        operator: u32,
    ) {
        let (hour, day) = question.hour_and_day(since);
        #[expect(clippy::cast_possible_truncation, reason = "seven digits are enough for a time")]
        let seconds = question.seconds(since, at) as f32;
        self.answers.push(Answer { seconds, first, hour, day, shop, operator });
    }

    fn operator(&mut self, name: Option<&str>) -> u32 {
        let Some(name) = name else { return 0 };
        let place = self.operators.iter().skip(1).position(|known| known == name);
        let place = place.map_or_else(
            || {
                self.operators.push(name.to_owned());
                self.operators.len() - 1
            },
            |place| place + 1,
        );
        u32::try_from(place).unwrap_or(0)
    }
}

/// Whether a turn that began then is asked for.
fn meant(question: &Question, at: i64) -> bool {
    let Filter { since, until, .. } = &question.filter;
    since.is_none_or(|since| at >= nanos(since)) && until.is_none_or(|until| at < nanos(until))
}

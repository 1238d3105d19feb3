//! Single pass over the messages in time order, which measures how long customers waited for
//! answers.

use std::collections::{BTreeMap, HashMap};

use rusqlite::{Connection, Result, Row};

use super::{Shops, StatsQuery};
use crate::{ArchiveFilter, archive::to_nanos, export::conditions};

/// Turn of a customer that the shop answered.
#[derive(Debug, Clone, Copy)]
pub(super) struct AnsweredTurn {
    pub(super) seconds: f32,
    /// True for the first turn of its chat.
    pub(super) first: bool,
    pub(super) hour: u8,
    pub(super) day: i64,
    pub(super) shop: Option<i64>,
    /// Index in [`Conversations::operators`].
    pub(super) operator: u32,
}

/// Start of a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum TurnStart {
    Hour(u8),
    Day(i64),
    Shop(Option<i64>),
}

/// Chat that waits for an answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct OpenTurn {
    pub(super) business: i64,
    pub(super) chat: i64,
    pub(super) shop: Option<i64>,
    pub(super) since: i64,
}

/// Result of the pass.
#[derive(Debug, Default)]
pub(super) struct Conversations {
    pub(super) customer: u64,
    pub(super) shop: u64,
    pub(super) other: u64,
    pub(super) turns: u64,
    pub(super) began: BTreeMap<TurnStart, u64>,
    pub(super) answers: Vec<AnsweredTurn>,
    pub(super) open: Vec<OpenTurn>,
    /// The first one stands for unknown authors.
    pub(super) operators: Vec<String>,
    pub(super) shops: Shops,
}

#[derive(Default)]
struct ChatTurns {
    /// True if the customer's first turn was answered.
    answered: bool,
    waiting: Option<i64>,
    shop: Option<i64>,
    finished: bool,
}

impl Conversations {
    pub(super) fn read(connection: &Connection, question: &StatsQuery) -> Result<Self> {
        let mut talks = Self { operators: vec!["—".to_owned()], ..Self::default() };
        let shops = "SELECT campaign, name FROM campaigns WHERE name IS NOT NULL";
        let mut statement = connection.prepare_cached(shops)?;
        talks.shops = statement
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_>>()?;
        // Read the whole history: a turn that started before the range is not counted, but must be
        // known.
        let filter = ArchiveFilter {
            since: None,
            until: None,
            senders: Vec::new(),
            ..question.filter.clone()
        };
        let only = conditions(&filter, "m.created_at", true);
        let mut statement = connection.prepare(&format!(
            "SELECT m.business, m.chat, m.created_at, m.sender, c.campaign, c.status, a.operator
             FROM messages m CROSS JOIN chats c ON c.business = m.business AND c.chat = m.chat
             LEFT JOIN authors a
               ON a.business = m.business AND a.chat = m.chat AND a.message = m.message
             WHERE {only} ORDER BY m.doc"
        ))?;
        let mut chats: HashMap<(i64, i64), ChatTurns> = HashMap::new();
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let chat = chats.entry((row.get(0)?, row.get(1)?)).or_default();
            talks.message(question, chat, row)?;
        }
        for ((business, chat), ChatTurns { waiting, shop, finished, .. }) in chats {
            if let Some(since) = waiting.filter(|_| !finished) {
                talks.open.push(OpenTurn { business, chat, shop, since });
            }
        }
        talks.open.sort_unstable_by_key(|open| (open.since, open.business, open.chat));
        Ok(talks)
    }

    fn message(
        &mut self,
        question: &StatsQuery,
        chat: &mut ChatTurns,
        row: &Row<'_>,
    ) -> Result<()> {
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
                        let (hour, day) = question.hour_and_day(since);
                        #[expect(
                            clippy::cast_possible_truncation,
                            reason = "seven digits are enough for a time"
                        )]
                        let seconds = question.seconds(since, at) as f32;
                        let shop = chat.shop;
                        self.answers.push(AnsweredTurn {
                            seconds,
                            first,
                            hour,
                            day,
                            shop,
                            operator,
                        });
                    }
                }
            }
            _ => self.other += counts,
        }
        Ok(())
    }

    fn begin(&mut self, question: &StatsQuery, at: i64, shop: Option<i64>) {
        if meant(question, at) {
            let (hour, day) = question.hour_and_day(at);
            self.turns += 1;
            for began in [TurnStart::Hour(hour), TurnStart::Day(day), TurnStart::Shop(shop)] {
                *self.began.entry(began).or_default() += 1;
            }
        }
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

/// Returns true if a turn that started then is in the range.
fn meant(question: &StatsQuery, at: i64) -> bool {
    let ArchiveFilter { since, until, .. } = &question.filter;
    since.is_none_or(|since| at >= to_nanos(since))
        && until.is_none_or(|until| at < to_nanos(until))
}

//! The rows of an export: their columns, and how they are read. How they are written stands beside it.

use beseda_api::Time;
use rusqlite::{Connection, Result, Row as SqlRow, params};

use super::What;
use crate::{
    Filter,
    archive::{moment_of, nanos},
};

/// So many rows are read at a time.
pub(super) const SOME: usize = 1_000;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Number,
    Text,
    /// A moment, in two columns of the statement.
    Time,
    Json,
}

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cell {
    Nothing,
    Number(i64),
    Text(String),
    Time(i64, Time),
    Json(String),
}

/// A row; its cursor is its first cell too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) cursor: i64,
    pub(super) cells: Vec<Cell>,
}

/// The columns of an export: name, kind, and where it comes from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Table {
    pub(super) columns: &'static [(&'static str, Kind, &'static str)],
    tables: &'static str,
    /// The table whose rows these are.
    main: char,
}

const MESSAGES: Table = Table {
    columns: &[
        ("cursor", Kind::Number, "m.seq"),
        ("businessId", Kind::Number, "m.business"),
        ("chatId", Kind::Number, "m.chat"),
        ("chatType", Kind::Text, "c.type"),
        ("chatStatus", Kind::Text, "c.status"),
        ("contextType", Kind::Text, "c.context_type"),
        ("orderId", Kind::Number, "coalesce(c.context_order, c.order_id)"),
        ("returnId", Kind::Number, "c.context_return"),
        ("campaignId", Kind::Number, "c.campaign"),
        ("shop", Kind::Text, "k.name"),
        ("customerName", Kind::Text, "c.customer_name"),
        ("customerPublicId", Kind::Text, "c.customer_public_id"),
        ("messageId", Kind::Number, "m.message"),
        ("createdAt", Kind::Time, "m.created_at, m.created_offset"),
        ("sender", Kind::Text, "m.sender"),
        ("operator", Kind::Text, "a.operator"),
        ("text", Kind::Text, "m.text"),
        ("attachments", Kind::Json, "m.payload"),
    ],
    tables: "messages m JOIN chats c ON c.business = m.business AND c.chat = m.chat \
             LEFT JOIN campaigns k ON k.campaign = c.campaign LEFT JOIN authors a \
             ON a.business = m.business AND a.chat = m.chat AND a.message = m.message",
    main: 'm',
};

const CHATS: Table = Table {
    columns: &[
        ("cursor", Kind::Number, "c.seq"),
        ("businessId", Kind::Number, "c.business"),
        ("chatId", Kind::Number, "c.chat"),
        ("chatType", Kind::Text, "c.type"),
        ("chatStatus", Kind::Text, "c.status"),
        ("contextType", Kind::Text, "c.context_type"),
        ("orderId", Kind::Number, "coalesce(c.context_order, c.order_id)"),
        ("returnId", Kind::Number, "c.context_return"),
        ("campaignId", Kind::Number, "c.campaign"),
        ("shop", Kind::Text, "k.name"),
        ("customerName", Kind::Text, "c.customer_name"),
        ("customerPublicId", Kind::Text, "c.customer_public_id"),
        ("createdAt", Kind::Time, "c.created_at, c.created_offset"),
        ("updatedAt", Kind::Time, "c.updated_at, c.updated_offset"),
        ("lastMessageId", Kind::Number, "c.last_message"),
    ],
    tables: "chats c LEFT JOIN campaigns k ON k.campaign = c.campaign",
    main: 'c',
};

impl Table {
    pub(super) fn of(what: What) -> Self {
        match what {
            What::Messages => MESSAGES,
            What::Chats => CHATS,
        }
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.columns.iter().map(|(name, ..)| *name)
    }

    /// The next rows after a cursor.
    pub(super) fn read(
        &self,
        connection: &Connection,
        filter: &Filter,
        after: i64,
    ) -> Result<Vec<Row>> {
        let columns: Vec<_> = self.columns.iter().map(|(_, _, sql)| *sql).collect();
        let (columns, tables, main) = (columns.join(", "), self.tables, self.main);
        let moment = if main == 'm' { "m.created_at" } else { "c.updated_at" };
        let only = conditions(filter, moment, main == 'm');
        let sql = format!(
            "SELECT {columns} FROM {tables} WHERE {main}.seq > ?1 AND {only} ORDER BY {main}.seq LIMIT {SOME}"
        );
        let mut statement = connection.prepare_cached(&sql)?;
        statement.query_map(params![after], |row| self.row(row))?.collect()
    }

    fn row(&self, row: &SqlRow<'_>) -> Result<Row> {
        let mut at = 0;
        let mut cells = Vec::with_capacity(self.columns.len());
        for (_, kind, _) in self.columns {
            cells.push(match kind {
                Kind::Number => row.get::<_, Option<i64>>(at)?.map_or(Cell::Nothing, Cell::Number),
                Kind::Text => row.get::<_, Option<String>>(at)?.map_or(Cell::Nothing, Cell::Text),
                Kind::Json => row.get::<_, Option<String>>(at)?.map_or(Cell::Nothing, Cell::Json),
                Kind::Time => {
                    let nanos = row.get(at)?;
                    at += 1;
                    Cell::Time(nanos, Time::with_offset(moment_of(nanos), row.get(at)?))
                }
            });
            at += 1;
        }
        Ok(Row { cursor: row.get(0)?, cells })
    }
}

/// A filter as SQL over chats `c` and, where there are any, messages `m`. Texts in it are quoted, the rest is numbers.
pub(crate) fn conditions(filter: &Filter, moment: &str, messages: bool) -> String {
    let main = if messages { 'm' } else { 'c' };
    let mut all = vec!["1".to_owned()];
    let mut among = |column: String, values: Vec<String>| {
        if !values.is_empty() {
            all.push(format!("{column} IN ({})", values.join(", ")));
        }
    };
    let quoted = |word: &str| format!("'{}'", word.replace('\'', "''").replace('\0', ""));
    among(format!("{main}.business"), filter.businesses.iter().map(ToString::to_string).collect());
    among(format!("{main}.chat"), filter.chats.iter().map(ToString::to_string).collect());
    among("c.campaign".into(), filter.campaigns.iter().map(ToString::to_string).collect());
    among("c.status".into(), filter.statuses.iter().map(|word| quoted(word.as_str())).collect());
    among(
        "c.context_type".into(),
        filter.context_types.iter().map(|word| quoted(word.as_str())).collect(),
    );
    if messages {
        among("m.sender".into(), filter.senders.iter().map(|word| quoted(word.as_str())).collect());
    }
    all.extend(filter.since.map(|since| format!("{moment} >= {}", nanos(since))));
    all.extend(filter.until.map(|until| format!("{moment} < {}", nanos(until))));
    all.join(" AND ")
}

//! Rows of an export: their columns and the statement that reads them.

use beseda_api::Time;
use rusqlite::{Connection, Result, Row as SqlRow, params};

use super::ExportKind;
use crate::{
    ArchiveFilter,
    archive::{from_nanos, to_nanos},
};

/// Number of rows read at a time.
pub(super) const SOME: usize = 1_000;

/// Type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ColumnKind {
    Number,
    Text,
    /// Time, stored in two columns.
    Time,
    Json,
}

/// Value of a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum CellValue {
    Nothing,
    Number(i64),
    Text(String),
    Time(i64, Time),
    Json(String),
}

/// Row; its first cell is its cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ExportRow {
    pub(super) cursor: i64,
    pub(super) cells: Vec<CellValue>,
}

/// Columns of an export: name, type, and source.
#[derive(Debug, Clone, Copy)]
pub(super) struct ExportTable {
    pub(super) columns: &'static [(&'static str, ColumnKind, &'static str)],
    tables: &'static str,
    /// Alias of the table whose rows are exported.
    main: char,
}

const MESSAGES: ExportTable = ExportTable {
    columns: &[
        ("cursor", ColumnKind::Number, "m.seq"),
        ("businessId", ColumnKind::Number, "m.business"),
        ("chatId", ColumnKind::Number, "m.chat"),
        ("chatType", ColumnKind::Text, "c.type"),
        ("chatStatus", ColumnKind::Text, "c.status"),
        ("contextType", ColumnKind::Text, "c.context_type"),
        ("orderId", ColumnKind::Number, "coalesce(c.context_order, c.order_id)"),
        ("returnId", ColumnKind::Number, "c.context_return"),
        ("campaignId", ColumnKind::Number, "c.campaign"),
        ("shop", ColumnKind::Text, "k.name"),
        ("customerName", ColumnKind::Text, "c.customer_name"),
        ("customerPublicId", ColumnKind::Text, "c.customer_public_id"),
        ("messageId", ColumnKind::Number, "m.message"),
        ("createdAt", ColumnKind::Time, "m.created_at, m.created_offset"),
        ("sender", ColumnKind::Text, "m.sender"),
        ("operator", ColumnKind::Text, "a.operator"),
        ("text", ColumnKind::Text, "m.text"),
        ("attachments", ColumnKind::Json, "m.payload"),
    ],
    tables: "messages m JOIN chats c ON c.business = m.business AND c.chat = m.chat \
             LEFT JOIN campaigns k ON k.campaign = c.campaign LEFT JOIN authors a \
             ON a.business = m.business AND a.chat = m.chat AND a.message = m.message",
    main: 'm',
};

const CHATS: ExportTable = ExportTable {
    columns: &[
        ("cursor", ColumnKind::Number, "c.seq"),
        ("businessId", ColumnKind::Number, "c.business"),
        ("chatId", ColumnKind::Number, "c.chat"),
        ("chatType", ColumnKind::Text, "c.type"),
        ("chatStatus", ColumnKind::Text, "c.status"),
        ("contextType", ColumnKind::Text, "c.context_type"),
        ("orderId", ColumnKind::Number, "coalesce(c.context_order, c.order_id)"),
        ("returnId", ColumnKind::Number, "c.context_return"),
        ("campaignId", ColumnKind::Number, "c.campaign"),
        ("shop", ColumnKind::Text, "k.name"),
        ("customerName", ColumnKind::Text, "c.customer_name"),
        ("customerPublicId", ColumnKind::Text, "c.customer_public_id"),
        ("createdAt", ColumnKind::Time, "c.created_at, c.created_offset"),
        ("updatedAt", ColumnKind::Time, "c.updated_at, c.updated_offset"),
        ("lastMessageId", ColumnKind::Number, "c.last_message"),
    ],
    tables: "chats c LEFT JOIN campaigns k ON k.campaign = c.campaign",
    main: 'c',
};

impl ExportTable {
    pub(super) fn of(what: ExportKind) -> Self {
        match what {
            ExportKind::Messages => MESSAGES,
            ExportKind::Chats => CHATS,
        }
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.columns.iter().map(|(name, ..)| *name)
    }

    /// Returns the next rows after a cursor.
    pub(super) fn read(
        &self,
        connection: &Connection,
        filter: &ArchiveFilter,
        after: i64,
    ) -> Result<Vec<ExportRow>> {
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

    fn row(&self, row: &SqlRow<'_>) -> Result<ExportRow> {
        let mut at = 0;
        let mut cells = Vec::with_capacity(self.columns.len());
        for (_, kind, _) in self.columns {
            cells.push(match kind {
                ColumnKind::Number => {
                    row.get::<_, Option<i64>>(at)?.map_or(CellValue::Nothing, CellValue::Number)
                }
                ColumnKind::Text => {
                    row.get::<_, Option<String>>(at)?.map_or(CellValue::Nothing, CellValue::Text)
                }
                ColumnKind::Json => {
                    row.get::<_, Option<String>>(at)?.map_or(CellValue::Nothing, CellValue::Json)
                }
                ColumnKind::Time => {
                    let nanos = row.get(at)?;
                    at += 1;
                    CellValue::Time(nanos, Time::with_offset(from_nanos(nanos), row.get(at)?))
                }
            });
            at += 1;
        }
        Ok(ExportRow { cursor: row.get(0)?, cells })
    }
}

/// Converts a filter to SQL over chats `c` and, if present, messages `m`. Texts are quoted;
/// everything else is numbers.
pub(crate) fn conditions(filter: &ArchiveFilter, moment: &str, messages: bool) -> String {
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
    all.extend(filter.since.map(|since| format!("{moment} >= {}", to_nanos(since))));
    all.extend(filter.until.map(|until| format!("{moment} < {}", to_nanos(until))));
    all.join(" AND ")
}

//! Execution of a search: queries the index, newest first, and checks what the index can't decide.
//! The work per search is bounded.

use beseda_api::{ChatStatus, ContextType, Sender};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Result, Row, params};

use super::{
    ArchiveFilter, Hit, Search, SearchResults, highlight::QueryMatcher, plan::plan, query::Query,
    tables::file_names,
};
use crate::archive::{time_of, to_nanos};

/// Default number of results.
const LIMIT: usize = 20;
/// Maximum number of results.
const MOST: usize = 1_000;
/// Maximum number of non-matching messages read before a search ends early.
const MOST_READ: usize = 400;
/// Maximum distance between document numbers of messages with the same time.
const APART: i64 = 1_000_000;

/// Finds messages.
pub(crate) fn run(
    connection: &Connection,
    query: &Query,
    search: &Search,
) -> Result<SearchResults> {
    let plan = plan(connection, query, &search.filter)?;
    let mut found = SearchResults::default();
    let Some(expression) = plan.expression else { return Ok(found) };
    let wanted = QueryMatcher::new(query);
    let limit = if search.limit == 0 { LIMIT } else { search.limit.min(MOST) };
    let (from, to) = range(search);
    let mut statement = connection.prepare_cached(
        "SELECT rowid FROM tokens WHERE tokens MATCH ?1 AND rowid >= ?2 AND rowid < ?3
         ORDER BY rowid DESC",
    )?;
    let mut docs = statement.query(params![expression, from, to])?;
    let (mut left, mut room) = (MOST_READ, String::new());
    while let Some(row) = docs.next()? {
        let doc: i64 = row.get(0)?;
        if found.hits.len() == limit {
            found.next = found.hits.last().map(|hit| hit.cursor);
            break;
        }
        let checked = Checked { filter: &search.filter, status: plan.check_status };
        let hit = if !wanted.has_to_read() || speaks(connection, doc, &wanted, &mut room)? {
            read(connection, doc, &wanted, &checked)?
        } else {
            None
        };
        match hit {
            Some(hit) => found.hits.push(hit),
            None if left == 0 => {
                found.ended_early = true;
                found.next = Some(doc);
                break;
            }
            None => left -= 1,
        }
    }
    Ok(found)
}

/// Returns the range of document numbers to search, end exclusive.
fn range(search: &Search) -> (i64, i64) {
    let from = search.filter.since.map_or(i64::MIN, |moment| moment.as_microsecond());
    let until = search.filter.until.map(|moment| moment.as_microsecond().saturating_add(APART));
    let to = until.into_iter().chain(search.before).min().unwrap_or(i64::MAX);
    (from, to)
}

/// Returns true if a message has what the index can't decide. Most have not, so only texts are
/// read.
fn speaks(
    connection: &Connection,
    doc: i64,
    wanted: &QueryMatcher,
    room: &mut String,
) -> Result<bool> {
    let mut statement =
        connection.prepare_cached("SELECT text, payload FROM messages WHERE doc = ?1")?;
    statement.query_row([doc], |row| {
        let files = file_names(row.get_ref(1)?.as_str_or_null()?);
        let text = row.get_ref(0)?.as_str_or_null()?;
        let texts: Vec<&str> = text.into_iter().chain(files.iter().map(String::as_str)).collect();
        Ok(wanted.stands_in(&texts, room))
    })
}

/// Conditions that the index can't decide.
struct Checked<'a> {
    filter: &'a ArchiveFilter,
    status: bool,
}

/// Reads a message, or returns `None` if it does not match.
fn read(
    connection: &Connection,
    doc: i64,
    wanted: &QueryMatcher,
    checked: &Checked<'_>,
) -> Result<Option<Hit>> {
    let mut statement = connection.prepare_cached(
        "SELECT m.business, m.chat, m.message, m.created_at, m.created_offset, m.sender, m.text,
                m.payload, a.operator, c.context_type, c.status, c.campaign,
                coalesce(c.context_order, c.order_id), c.context_return, c.customer_name
         FROM messages m
         JOIN chats c ON c.business = m.business AND c.chat = m.chat
         LEFT JOIN authors a ON a.business = m.business AND a.chat = m.chat AND a.message = m.message
         WHERE m.doc = ?1",
    )?;
    let hit = statement.query_row([doc], |row| hit(row, doc, wanted, checked)).optional()?;
    Ok(hit.flatten())
}

fn hit(
    row: &Row<'_>,
    doc: i64,
    wanted: &QueryMatcher,
    checked: &Checked<'_>,
) -> Result<Option<Hit>> {
    let created: i64 = row.get(3)?;
    let ArchiveFilter { since, until, statuses, .. } = checked.filter;
    let early = |since: &Timestamp| created < to_nanos(*since);
    let late = |until: &Timestamp| created >= to_nanos(*until);
    if since.as_ref().is_some_and(early) || until.as_ref().is_some_and(late) {
        return Ok(None);
    }
    let status = ChatStatus::from(row.get_ref(10)?.as_str()?);
    if checked.status && !statuses.contains(&status) {
        return Ok(None);
    }
    let text: Option<&str> = row.get_ref(6)?.as_str_or_null()?;
    let files = file_names(row.get_ref(7)?.as_str_or_null()?);
    let snippet = match text {
        Some(text) => wanted.snippet(text),
        None => wanted.snippet(&files.join(", ")),
    };
    let maybe = |column| row.get::<_, Option<i64>>(column);
    let (Ok(business_id), Ok(chat_id), Ok(message_id)) = (
        row.get::<_, i64>(0)?.try_into(),
        row.get::<_, i64>(1)?.try_into(),
        row.get::<_, i64>(2)?.try_into(),
    ) else {
        return Ok(None);
    };
    Ok(Some(Hit {
        business_id,
        chat_id,
        message_id,
        created_at: time_of(row, 3)?,
        sender: Sender::from(row.get_ref(5)?.as_str()?),
        operator: row.get(8)?,
        context_type: ContextType::from(row.get_ref(9)?.as_str()?),
        status,
        campaign_id: maybe(11)?.and_then(|id| id.try_into().ok()),
        order_id: maybe(12)?.and_then(|id| id.try_into().ok()),
        return_id: maybe(13)?.and_then(|id| id.try_into().ok()),
        customer_name: row.get(14)?,
        files,
        snippet,
        cursor: doc,
    }))
}

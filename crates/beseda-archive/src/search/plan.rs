//! Search plan: the expression for the full-text index, and what remains to be checked per message.

use std::collections::BTreeSet;

use rusqlite::{Connection, Result, params};

use super::{
    ArchiveFilter,
    highlight::SHORTEST_PART,
    index::{business_mark, campaign_mark, chat_mark, context_mark, sender_mark},
    numbers::national,
    query::{Exclusion, GroupedNumber, Query},
    stems::Stems,
    symbols::SymbolRun,
};

/// Maximum number of stems for a part of a word, oldest (usually most frequent) first.
const MOST_STEMS: usize = 48;
/// Maximum number of dictionary words examined for a part of a word.
const MOST_WORDS: i64 = 400;
/// Maximum number of chats in an index expression; more are checked per message.
const MOST_CHATS: i64 = 200;

/// Search plan.
pub(crate) struct Plan {
    /// Expression for the index; `None` if nothing can match.
    pub(crate) expression: Option<String>,
    /// True if the chat's status must be checked per message.
    pub(crate) check_status: bool,
}

/// Creates a plan. Reads the dictionary and the chats named by numbers.
pub(crate) fn plan(connection: &Connection, query: &Query, filter: &ArchiveFilter) -> Result<Plan> {
    let stems = Stems::new();
    let mut groups: Vec<BTreeSet<String>> = Vec::new();
    for word in &query.words {
        groups.push(forms_and_parts(connection, &stems, word)?);
    }
    for word in query.phrases.iter().flatten() {
        groups.push(BTreeSet::from([stems.of(word).into_owned()]));
    }
    groups.extend(
        query.signs.iter().flat_map(SymbolRun::tokens).map(|token| BTreeSet::from([token])),
    );
    let mut numbers = Vec::new();
    for number in &query.numbers {
        numbers.push(in_groups(connection, &stems, number)?);
    }
    let check_status = filtered(connection, filter, &mut groups)?;
    if groups.is_empty() && numbers.is_empty() {
        let mut statement = connection.prepare_cached("SELECT business FROM cabinets")?;
        let all = statement.query_map([], |row| row.get(0).map(business_mark))?;
        groups.push(all.collect::<Result<_>>()?);
    }
    if groups.iter().any(BTreeSet::is_empty) {
        return Ok(Plan { expression: None, check_status });
    }
    let mut expression = groups.iter().map(any_of).chain(numbers).collect::<Vec<_>>().join(" AND ");
    if !query.unwanted.is_empty() {
        let unwanted = query.unwanted.iter().map(|part| all_of(&stems, part));
        expression = format!("({expression}) NOT ({})", unwanted.collect::<Vec<_>>().join(" OR "));
    }
    Ok(Plan { expression: Some(expression), check_status })
}

/// Returns the tokens of a word: its forms, words that contain it, and the chats with this number.
fn forms_and_parts(connection: &Connection, stems: &Stems, word: &str) -> Result<BTreeSet<String>> {
    let mut group = BTreeSet::from_iter(stems.all(word));
    if word.chars().count() >= SHORTEST_PART {
        parts(connection, word, &mut group)?;
    }
    group.extend(national(word).map(str::to_owned));
    if let Ok(number) = word.parse() {
        numbered(connection, number, &mut group)?;
    }
    Ok(group)
}

/// Returns the expression of a grouped number: any grouping, or its groups as separate numbers.
fn in_groups(connection: &Connection, stems: &Stems, number: &GroupedNumber) -> Result<String> {
    let as_one = any_of(&forms_and_parts(connection, stems, &number.digits)?);
    if number.is_phone() {
        return Ok(as_one);
    }
    let mut groups = Vec::new();
    for group in &number.groups {
        groups.push(any_of(&forms_and_parts(connection, stems, group)?));
    }
    Ok(format!("({as_one} OR ({}))", groups.join(" AND ")))
}

/// Returns the expression of an exclusion.
fn all_of(stems: &Stems, part: &Exclusion) -> String {
    let words = part.words.iter().map(|word| {
        any_of(&stems.all(word).into_iter().chain(national(word).map(str::to_owned)).collect())
    });
    let numbers = part.numbers.iter().map(|number| {
        let written = [Some(number.digits.as_str()), national(&number.digits)];
        any_of(&written.into_iter().flatten().map(str::to_owned).collect())
    });
    let signs = part.signs.iter().flat_map(SymbolRun::tokens).map(|token| format!("\"{token}\""));
    format!("({})", words.chain(numbers).chain(signs).collect::<Vec<_>>().join(" AND "))
}

/// Tokens contain only letters, digits and the mark prefix, so none can close the quotes.
fn any_of(group: &BTreeSet<String>) -> String {
    let quoted: Vec<_> = group.iter().map(|token| format!("\"{token}\"")).collect();
    format!("({})", quoted.join(" OR "))
}

/// Adds stems of words with this part, those that start with it first.
fn parts(connection: &Connection, part: &str, group: &mut BTreeSet<String>) -> Result<()> {
    let letters: Vec<char> = part.chars().collect();
    let triples: Vec<String> =
        letters.windows(3).map(|triple| format!("\"{}\"", String::from_iter(triple))).collect();
    let mut statement = connection.prepare_cached(
        "SELECT w.word, w.stem FROM parts p CROSS JOIN words w ON w.id = p.rowid
         WHERE parts MATCH ?1 LIMIT ?2",
    )?;
    let found = statement.query_map(params![triples.join(" AND "), MOST_WORDS], two)?;
    let mut found: Vec<(String, String)> = found.collect::<Result<_>>()?;
    let mut statement = connection.prepare_cached(
        "SELECT word, stem FROM words WHERE word >= ?1 AND word < ?1 || char(1114111) LIMIT ?2",
    )?;
    let more = statement.query_map(params![part, MOST_WORDS], two)?;
    found.extend(more.collect::<Result<Vec<_>>>()?);
    found.retain(|(word, _)| word.contains(part));
    let (begin, inside): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|(word, _)| word.starts_with(part));
    for (_, stem) in begin.into_iter().chain(inside) {
        if group.len() >= MOST_STEMS {
            break;
        }
        group.insert(stem);
    }
    Ok(())
}

fn two(row: &rusqlite::Row<'_>) -> Result<(String, String)> {
    Ok((row.get(0)?, row.get(1)?))
}

/// Adds the chats with this number as id, order or return.
fn numbered(connection: &Connection, number: i64, group: &mut BTreeSet<String>) -> Result<()> {
    let mut statement = connection.prepare_cached(
        "SELECT business, chat FROM chats WHERE context_order = ?1
         UNION SELECT business, chat FROM chats WHERE context_return = ?1
         UNION SELECT business, chat FROM chats WHERE order_id = ?1
         UNION SELECT c.business, c.chat FROM cabinets b CROSS JOIN chats c
                 ON c.business = b.business AND c.chat = ?1
         LIMIT ?2",
    )?;
    let found = statement.query_map(params![number, MOST_CHATS], mark)?;
    group.extend(found.collect::<Result<Vec<_>>>()?);
    Ok(())
}

fn mark(row: &rusqlite::Row<'_>) -> Result<String> {
    Ok(chat_mark(row.get(0)?, row.get(1)?))
}

/// Adds a filter as far as the index knows it. Returns true if the status remains to be checked.
fn filtered(
    connection: &Connection,
    filter: &ArchiveFilter,
    groups: &mut Vec<BTreeSet<String>>,
) -> Result<bool> {
    let mut add = |group: BTreeSet<String>| {
        if !group.is_empty() {
            groups.push(group);
        }
    };
    add(filter.businesses.iter().map(|id| business_mark(id.get())).collect());
    add(filter.campaigns.iter().map(|id| campaign_mark(id.get())).collect());
    add(filter.senders.iter().map(|word| sender_mark(word.as_str())).collect());
    add(filter.context_types.iter().map(|word| context_mark(word.as_str())).collect());
    if !filter.chats.is_empty() {
        let mut marks = BTreeSet::new();
        let mut statement = connection.prepare_cached(
            "SELECT c.business, c.chat FROM cabinets b CROSS JOIN chats c
               ON c.business = b.business AND c.chat = ?1",
        )?;
        for chat in &filter.chats {
            let found = statement.query_map([chat.get()], mark)?;
            marks.extend(found.collect::<Result<Vec<_>>>()?);
        }
        groups.push(marks);
    }
    if filter.statuses.is_empty() {
        return Ok(false);
    }
    let statuses = filter.status_list();
    let sql = "SELECT business, chat FROM chats WHERE status IN (SELECT value FROM json_each(?1)) LIMIT ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement.query_map(params![statuses, MOST_CHATS + 1], mark)?;
    let marks: BTreeSet<String> = found.collect::<Result<_>>()?;
    if i64::try_from(marks.len()).is_ok_and(|found| found > MOST_CHATS) {
        return Ok(true);
    }
    groups.push(marks);
    Ok(false)
}

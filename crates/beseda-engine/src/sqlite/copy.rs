//! All tables read at once, and all replaced at once. What the rows mean is not asked here beyond the schema's own rules.

use beseda_api::{Error, Result};
use rusqlite::{
    Connection, params_from_iter,
    types::{Value, ValueRef},
};

use super::writer::{Failed, Group};
use crate::state::{Cell, State, Table};

/// Tables that belong to the folder and not to the state: what is on its way in.
const STAY: &str = "'uploads'";

/// Every table, as of one moment.
pub(super) fn dump(connection: &Connection) -> rusqlite::Result<State> {
    if !connection.is_autocommit() {
        return rows(connection);
    }
    // Reads within it see one moment; nothing is to be kept of it.
    let snapshot = connection.unchecked_transaction()?;
    rows(&snapshot)
}

/// Every table, within a transaction that somebody else has begun.
fn rows(snapshot: &Connection) -> rusqlite::Result<State> {
    let schema = snapshot.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let mut state = State { schema, ..State::default() };
    for name in tables(snapshot)? {
        let only = if name == "meta" { " WHERE name != 'secret'" } else { "" };
        let mut statement = snapshot.prepare(&format!("SELECT * FROM {name}{only}"))?;
        let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
        let width = columns.len();
        let read =
            |row: &rusqlite::Row<'_>| (0..width).map(|at| Ok(cell(row.get_ref(at)?))).collect();
        let rows = statement.query_map([], read)?.collect::<Result<_, _>>()?;
        state.tables.insert(name, Table { columns, rows });
    }
    Ok(state)
}

/// The tables of the state, those that others refer to first.
fn tables(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let sql = format!(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT IN ({STAY}) ORDER BY rowid"
    );
    connection.prepare(&sql)?.query_map([], |row| row.get(0))?.collect()
}

fn cell(value: ValueRef<'_>) -> Cell {
    match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(number) => Cell::Integer(number),
        // No table has such a column.
        ValueRef::Real(number) => Cell::Text(number.to_string()),
        ValueRef::Text(text) => Cell::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => Cell::blob(bytes),
    }
}

/// Puts a state in the place of all rows. A refusal is said before anything is written; rows that break the
/// schema's rules undo the whole group.
pub(super) fn replace(group: &mut Group, state: &State) -> Result<(), Failed> {
    let known = rows(&group.connection)?;
    if state.schema != known.schema {
        return Err(refused(format!(
            "schema: this is version {}, and the stand-in has version {}",
            state.schema, known.schema
        )));
    }
    if let Some(name) = state.tables.keys().find(|name| !known.tables.contains_key(*name)) {
        return Err(refused(format!("tables: there is no table '{name}'")));
    }
    let mut filled = Vec::new();
    for name in tables(&group.connection)? {
        let Some(table) = state.tables.get(&name) else {
            return Err(refused(format!("tables: the table '{name}' is missing")));
        };
        if table.columns != known.tables[&name].columns {
            let columns = known.tables[&name].columns.join(", ");
            return Err(refused(format!("tables.{name}.columns: they must be {columns}")));
        }
        filled.push((values(&name, table)?, name));
    }
    write(&group.connection, &filled)?;
    group.start_anew()?;
    Ok(())
}

fn refused(text: String) -> Failed {
    Failed::Refused(Error::bad_request(text))
}

/// The values of a table, as the database takes them.
fn values(name: &str, table: &Table) -> Result<Vec<Vec<Value>>, Failed> {
    let mut rows = Vec::with_capacity(table.rows.len());
    for (number, row) in table.rows.iter().enumerate() {
        if row.len() != table.columns.len() {
            let (has, wants) = (row.len(), table.columns.len());
            let text = format!("tables.{name}.rows[{number}]: {has} values for {wants} columns");
            return Err(refused(text));
        }
        let value = |cell: &Cell| match cell {
            Cell::Null => Ok(Value::Null),
            Cell::Integer(number) => Ok(Value::Integer(*number)),
            Cell::Text(text) => Ok(Value::Text(text.clone())),
            Cell::Blob { base64 } => Cell::bytes(base64)
                .map(Value::Blob)
                .map_err(|error| refused(format!("tables.{name}.rows[{number}]: {error}"))),
        };
        rows.push(row.iter().map(value).collect::<Result<_, _>>()?);
    }
    Ok(rows)
}

fn write(connection: &Connection, filled: &[(Vec<Vec<Value>>, String)]) -> rusqlite::Result<()> {
    connection.execute_batch("PRAGMA defer_foreign_keys = ON")?;
    for (_, name) in filled.iter().rev() {
        let only = if name == "meta" { " WHERE name != 'secret'" } else { "" };
        connection.execute(&format!("DELETE FROM {name}{only}"), [])?;
    }
    for (rows, name) in filled.iter().filter(|(_, name)| name != "sqlite_sequence") {
        let Some(width) = rows.first().map(Vec::len) else { continue };
        let places = vec!["?"; width].join(", ");
        let mut statement = connection.prepare(&format!("INSERT INTO {name} VALUES ({places})"))?;
        for row in rows {
            statement.execute(params_from_iter(row))?;
        }
    }
    // The counters belong to the state, and filling the tables has moved them.
    if let Some((rows, _)) = filled.iter().find(|(_, name)| name == "sqlite_sequence") {
        connection.execute("DELETE FROM sqlite_sequence", [])?;
        for row in rows {
            let sql = "INSERT INTO sqlite_sequence VALUES (?, ?)";
            connection.execute(sql, params_from_iter(row))?;
        }
    }
    Ok(())
}

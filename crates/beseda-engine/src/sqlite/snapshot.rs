//! Snapshots of all tables: taken in one transaction, restored in one transaction. Rows are checked by the schema only.

use beseda_api::{Error, Result};
use rusqlite::{
    Connection, params_from_iter,
    types::{Value, ValueRef},
};

use super::transaction::{WriteError, WriteTransaction};
use crate::snapshot::{ColumnValue, Snapshot, TableRows};

/// Tables that aren't part of a snapshot: uploads in progress belong to the folder.
const EXCLUDED: &str = "'uploads'";

/// Reads all tables as of one moment.
pub(super) fn take(connection: &Connection) -> rusqlite::Result<Snapshot> {
    if !connection.is_autocommit() {
        return rows(connection);
    }
    // A read transaction, which is rolled back.
    let transaction = connection.unchecked_transaction()?;
    rows(&transaction)
}

/// Reads all tables in the caller's transaction.
fn rows(connection: &Connection) -> rusqlite::Result<Snapshot> {
    let schema = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let mut snapshot = Snapshot { schema, ..Snapshot::default() };
    for name in tables(connection)? {
        let only = if name == "meta" { " WHERE name != 'secret'" } else { "" };
        let mut statement = connection.prepare(&format!("SELECT * FROM {name}{only}"))?;
        let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
        let width = columns.len();
        let read = |row: &rusqlite::Row<'_>| {
            (0..width).map(|column| Ok(cell(row.get_ref(column)?))).collect()
        };
        let rows = statement.query_map([], read)?.collect::<Result<_, _>>()?;
        snapshot.tables.insert(name, TableRows { columns, rows });
    }
    Ok(snapshot)
}

/// Returns the tables of a snapshot. A referenced table precedes those that refer to it.
fn tables(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let sql = format!(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT IN ({EXCLUDED}) ORDER BY rowid"
    );
    connection.prepare(&sql)?.query_map([], |row| row.get(0))?.collect()
}

fn cell(value: ValueRef<'_>) -> ColumnValue {
    match value {
        ValueRef::Null => ColumnValue::Null,
        ValueRef::Integer(number) => ColumnValue::Integer(number),
        // No table has a column of this type.
        ValueRef::Real(number) => ColumnValue::Text(number.to_string()),
        ValueRef::Text(text) => ColumnValue::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => ColumnValue::blob(bytes),
    }
}

/// Replaces all rows by those of a snapshot. An invalid snapshot is rejected before anything is written; rows that violate a
/// constraint roll the transaction back.
pub(super) fn restore(
    transaction: &mut WriteTransaction,
    snapshot: &Snapshot,
) -> Result<(), WriteError> {
    let current = rows(&transaction.connection)?;
    if snapshot.schema != current.schema {
        return Err(rejected(format!(
            "schema: the snapshot has version {}, the store has version {}",
            snapshot.schema, current.schema
        )));
    }
    if let Some(name) = snapshot.tables.keys().find(|name| !current.tables.contains_key(*name)) {
        return Err(rejected(format!("tables: unknown table '{name}'")));
    }
    let mut tables_to_write = Vec::new();
    for name in tables(&transaction.connection)? {
        let Some(table) = snapshot.tables.get(&name) else {
            return Err(rejected(format!("tables: missing table '{name}'")));
        };
        if table.columns != current.tables[&name].columns {
            let columns = current.tables[&name].columns.join(", ");
            return Err(rejected(format!("tables.{name}.columns: expected {columns}")));
        }
        tables_to_write.push((values(&name, table)?, name));
    }
    write(&transaction.connection, &tables_to_write)?;
    transaction.reload()?;
    Ok(())
}

fn rejected(text: String) -> WriteError {
    WriteError::Rejected(Error::bad_request(text))
}

/// Converts the rows of a table to SQLite values.
fn values(name: &str, table: &TableRows) -> Result<Vec<Vec<Value>>, WriteError> {
    let mut rows = Vec::with_capacity(table.rows.len());
    for (number, row) in table.rows.iter().enumerate() {
        if row.len() != table.columns.len() {
            let (values, columns) = (row.len(), table.columns.len());
            let text =
                format!("tables.{name}.rows[{number}]: {values} values for {columns} columns");
            return Err(rejected(text));
        }
        let value = |cell: &ColumnValue| match cell {
            ColumnValue::Null => Ok(Value::Null),
            ColumnValue::Integer(number) => Ok(Value::Integer(*number)),
            ColumnValue::Text(text) => Ok(Value::Text(text.clone())),
            ColumnValue::Blob { base64 } => ColumnValue::bytes(base64)
                .map(Value::Blob)
                .map_err(|error| rejected(format!("tables.{name}.rows[{number}]: {error}"))),
        };
        rows.push(row.iter().map(value).collect::<Result<_, _>>()?);
    }
    Ok(rows)
}

fn write(connection: &Connection, tables: &[(Vec<Vec<Value>>, String)]) -> rusqlite::Result<()> {
    connection.execute_batch("PRAGMA defer_foreign_keys = ON")?;
    for (_, name) in tables.iter().rev() {
        let only = if name == "meta" { " WHERE name != 'secret'" } else { "" };
        connection.execute(&format!("DELETE FROM {name}{only}"), [])?;
    }
    for (rows, name) in tables.iter().filter(|(_, name)| name != "sqlite_sequence") {
        let Some(width) = rows.first().map(Vec::len) else { continue };
        let placeholders = vec!["?"; width].join(", ");
        let mut statement =
            connection.prepare(&format!("INSERT INTO {name} VALUES ({placeholders})"))?;
        for row in rows {
            statement.execute(params_from_iter(row))?;
        }
    }
    // The autoincrement counters are part of the snapshot, and the inserts have changed them.
    if let Some((rows, _)) = tables.iter().find(|(_, name)| name == "sqlite_sequence") {
        connection.execute("DELETE FROM sqlite_sequence", [])?;
        for row in rows {
            let sql = "INSERT INTO sqlite_sequence VALUES (?, ?)";
            connection.execute(sql, params_from_iter(row))?;
        }
    }
    Ok(())
}

//! Conversions from columns to ids and timestamps.

use std::error::Error;

use jiff::Timestamp;
use rusqlite::{Result, Row, types::Type};

/// Reads an id with its checked constructor, for example `BusinessId::new`.
///
/// # Errors
/// If the column isn't an integer, or the constructor rejects it.
pub fn id<T, E: Error + Send + Sync + 'static>(
    row: &Row<'_>,
    column: usize,
    new: impl Fn(i64) -> std::result::Result<T, E>,
) -> Result<T> {
    new(row.get(column)?).map_err(|error| invalid_column(column, error))
}

/// Reads an id that may be `NULL`.
///
/// # Errors
/// If the column is neither an integer nor `NULL`, or the constructor rejects it.
pub fn optional_id<T, E: Error + Send + Sync + 'static>(
    row: &Row<'_>,
    column: usize,
    new: impl Fn(i64) -> std::result::Result<T, E>,
) -> Result<Option<T>> {
    let raw: Option<i64> = row.get(column)?;
    raw.map(|raw| new(raw).map_err(|error| invalid_column(column, error))).transpose()
}

/// Reads a timestamp in Unix microseconds.
///
/// # Errors
/// If the column isn't an integer, or out of the range of [`Timestamp`].
pub fn timestamp(row: &Row<'_>, column: usize) -> Result<Timestamp> {
    id(row, column, Timestamp::from_microsecond)
}

/// Reads a timestamp in Unix microseconds that may be `NULL`.
///
/// # Errors
/// If the column is neither an integer nor `NULL`, or out of the range of [`Timestamp`].
pub fn optional_timestamp(row: &Row<'_>, column: usize) -> Result<Option<Timestamp>> {
    optional_id(row, column, Timestamp::from_microsecond)
}

/// Returns the error of a column whose value this program can't have written.
pub fn invalid_column(column: usize, error: impl Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Integer, Box::new(error))
}

#[cfg(test)]
mod tests {
    use beseda_api::ChatId;
    use rusqlite::{Connection, Result, Row};

    fn select<T>(value: &str, read: impl FnOnce(&Row<'_>) -> Result<T>) -> Result<T> {
        let connection = Connection::open_in_memory()?;
        connection.query_row(&format!("SELECT {value}"), [], read)
    }

    #[test]
    fn ids_and_timestamps_are_checked() {
        assert_eq!(select("42", |row| super::id(row, 0, ChatId::new)).unwrap().get(), 42);
        let invalid = select("-1", |row| super::id(row, 0, ChatId::new)).unwrap_err();
        assert!(matches!(invalid, rusqlite::Error::FromSqlConversionFailure(0, ..)), "{invalid}");
        assert_eq!(select("NULL", |row| super::optional_id(row, 0, ChatId::new)).unwrap(), None);
        let second = select("1000000", |row| super::timestamp(row, 0)).unwrap();
        assert_eq!(second.as_second(), 1);
        select("9223372036854775807", |row| super::timestamp(row, 0)).unwrap_err();
        select("NULL", |row| super::timestamp(row, 0)).unwrap_err();
        assert_eq!(select("NULL", |row| super::optional_timestamp(row, 0)).unwrap(), None);
    }
}

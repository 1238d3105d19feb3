//! Database schema of an archive, by version.

use rusqlite::{Connection, Result, TransactionBehavior};

use crate::search::tables;

/// Migrations in order. A released migration is never changed.
const MIGRATIONS: [&str; 2] =
    [include_str!("migrations/0001_archive.sql"), include_str!("migrations/0002_search_index.sql")];

/// Migrates a database to the current version. Returns its version if that is newer than this
/// program.
pub(crate) fn migrate(connection: &mut Connection) -> Result<Option<i64>> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let known = usize::try_from(version).ok().and_then(|version| MIGRATIONS.get(version..));
    let Some(missing) = known else {
        return Ok(Some(version));
    };
    for (migration, number) in missing.iter().zip(version + 1..) {
        transaction.execute_batch(migration)?;
        transaction.pragma_update(None, "user_version", number)?;
    }
    let newer = tables::renew(&transaction)?;
    if newer.is_none() {
        transaction.commit()?;
    }
    Ok(newer)
}

#[cfg(test)]
mod tests {
    use super::migrate;
    use rusqlite::Connection;

    #[test]
    fn an_empty_database_becomes_an_archive_and_stays_one() {
        let mut connection = Connection::open_in_memory().unwrap();
        for _ in 0..2 {
            assert_eq!(migrate(&mut connection).unwrap(), None);
        }
        let seq: i64 =
            connection.query_row("SELECT seq FROM archive", [], |row| row.get(0)).unwrap();
        assert_eq!(seq, 0);
    }

    #[test]
    fn a_newer_database_is_left_alone() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.pragma_update(None, "user_version", 99).unwrap();
        assert_eq!(migrate(&mut connection).unwrap(), Some(99));
    }
}

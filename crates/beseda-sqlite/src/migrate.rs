//! Schema migrations, counted by `PRAGMA user_version`.

use std::fmt;

use rusqlite::{Connection, Transaction, TransactionBehavior};

/// Database written by a newer version of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewerSchema {
    /// Schema version of the database.
    pub found: i64,
    /// Newest schema version that this program supports.
    pub supported: i64,
}

impl fmt::Display for NewerSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the database has schema version {}, this program supports versions up to {}: \
             start the newer program that wrote it",
            self.found, self.supported
        )
    }
}

impl std::error::Error for NewerSchema {}

/// Error of a migration. Nothing of the migration is kept.
#[derive(Debug)]
pub enum MigrateError {
    /// A newer version of the program wrote the database.
    Newer(NewerSchema),
    /// A statement failed.
    Sqlite(rusqlite::Error),
}

impl fmt::Display for MigrateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Newer(newer) => newer.fmt(f),
            Self::Sqlite(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for MigrateError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Newer(_) => None,
            Self::Sqlite(error) => error.source(),
        }
    }
}

impl From<rusqlite::Error> for MigrateError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

/// Applies the missing migrations in one transaction.
///
/// `migrations` lists all of them, oldest first. `user_version` is the number of migrations that have been applied.
/// A released migration must never change.
///
/// # Errors
/// [`MigrateError::Newer`] if the database has more migrations than the program. On any error the database stays as it was.
pub fn migrate(connection: &mut Connection, migrations: &[&str]) -> Result<(), MigrateError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    apply_migrations(&transaction, migrations)?;
    Ok(transaction.commit()?)
}

/// Applies the missing migrations in the caller's transaction, which must be an immediate one.
///
/// # Errors
/// As those of [`migrate`]; the caller must then roll back.
pub fn apply_migrations(
    transaction: &Transaction<'_>,
    migrations: &[&str],
) -> Result<(), MigrateError> {
    let found: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let missing = usize::try_from(found).ok().and_then(|found| migrations.get(found..));
    let Some(missing) = missing else {
        let supported = i64::try_from(migrations.len()).unwrap_or(i64::MAX);
        return Err(MigrateError::Newer(NewerSchema { found, supported }));
    };
    for (migration, version) in missing.iter().zip(found + 1..) {
        transaction.execute_batch(migration)?;
        transaction.pragma_update(None, "user_version", version)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{MigrateError, NewerSchema, migrate};
    use rusqlite::Connection;

    const FIRST: &str = "CREATE TABLE one (id INTEGER)";
    const SECOND: &str = "CREATE TABLE two (id INTEGER)";

    fn version(connection: &Connection) -> i64 {
        connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
    }

    #[test]
    fn missing_migrations_are_applied_once() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection, &[FIRST]).unwrap();
        assert_eq!(version(&connection), 1);
        for _ in 0..2 {
            migrate(&mut connection, &[FIRST, SECOND]).unwrap();
            assert_eq!(version(&connection), 2);
        }
        connection.execute("INSERT INTO two SELECT count(*) FROM one", []).unwrap();
    }

    #[test]
    fn a_newer_database_is_refused_and_left_as_it_is() {
        for found in [2, -1] {
            let mut connection = Connection::open_in_memory().unwrap();
            connection.pragma_update(None, "user_version", found).unwrap();
            let refused = migrate(&mut connection, &[FIRST]).unwrap_err();
            let MigrateError::Newer(newer) = refused else { panic!("{refused}") };
            assert_eq!(newer, NewerSchema { found, supported: 1 });
            assert_eq!(version(&connection), found);
        }
    }

    #[test]
    fn a_failing_migration_leaves_nothing() {
        let mut connection = Connection::open_in_memory().unwrap();
        let failed = migrate(&mut connection, &[FIRST, "nonsense"]).unwrap_err();
        assert!(matches!(failed, MigrateError::Sqlite(_)), "{failed}");
        assert_eq!(version(&connection), 0);
        migrate(&mut connection, &[FIRST]).unwrap();
    }
}

//! Opens and migrates the database. The tables are described in the migrations.

use std::{path::Path, time::Duration};

use beseda_sqlite::{MigrateError, OpeningLock, migrate, private};
use rusqlite::Connection;

use crate::{Error, Result};

/// Migrations in order; released ones never change.
const MIGRATIONS: [&str; 1] = [include_str!("migrations/0001_outbox.sql")];

/// Maximum time to wait for a write of another process.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);

/// Opens the database, creating it with mode 0600.
pub(crate) fn open(path: &Path) -> Result<Connection> {
    let _lock = OpeningLock::acquire(path.parent().unwrap_or(path))?;
    private::create_file(path)?;
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    migrate(&mut connection, &MIGRATIONS).map_err(|error| match error {
        MigrateError::Newer(newer) => Error::NewerSchema(newer.found),
        MigrateError::Sqlite(error) => error.into(),
    })?;
    Ok(connection)
}

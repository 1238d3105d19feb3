//! The database of an outbox: opened with the durability it promises, and brought to the newest version. Its tables are told in the migrations.

use std::{path::Path, time::Duration};

use beseda_sqlite::{MigrateError, OpeningLock, migrate, private};
use rusqlite::Connection;

use crate::{Error, Result};

/// One after the other; none is ever changed once it was released.
const MIGRATIONS: [&str; 1] = [include_str!("migrations/0001_outbox.sql")];

/// How long a write waits for another process.
const PATIENCE: Duration = Duration::from_secs(30);

/// Opens the database, creating it for its owner's eyes only.
pub(crate) fn open(path: &Path) -> Result<Connection> {
    let _lock = OpeningLock::acquire(path.parent().unwrap_or(path))?;
    private::create_file(path)?;
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(PATIENCE)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    migrate(&mut connection, &MIGRATIONS).map_err(|error| match error {
        MigrateError::Newer(newer) => Error::Newer(newer.found),
        MigrateError::Sqlite(error) => error.into(),
    })?;
    Ok(connection)
}

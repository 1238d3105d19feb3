//! Database connections: settings and schema migrations.

use std::{path::Path, time::Duration};

use beseda_sqlite::{migrate, private};
use rusqlite::{Connection, OpenFlags, config::DbConfig};

use crate::EngineOpenError;

/// All migrations, oldest first. Their number is the schema version.
const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/sqlite/0001_conversations.sql"),
    include_str!("../migrations/sqlite/0002_notifications.sql"),
    include_str!("../migrations/sqlite/0003_announced.sql"),
];

/// Number of prepared statements that a connection caches.
const CACHED_STATEMENTS: usize = 64;

/// Opens the write connection, creating the file and applying missing migrations.
pub(super) fn open_writer(path: &Path) -> Result<Connection, EngineOpenError> {
    private::create_or_restrict_database(path)?;
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(Duration::from_secs(10))?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA wal_autocheckpoint = 0;
         PRAGMA foreign_keys = ON;
         PRAGMA cache_size = -8192;",
    )?;
    cache_plans(&connection)?;
    migrate(&mut connection, MIGRATIONS)?;
    Ok(connection)
}

/// Opens a read connection. The first 12 MiB of the file are memory-mapped; more would count as this process's memory.
pub(super) fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(Duration::from_secs(10))?;
    connection.execute_batch("PRAGMA mmap_size = 12582912; PRAGMA cache_size = -4096;")?;
    cache_plans(&connection)?;
    Ok(connection)
}

/// Caches prepared statements with stable query plans. Without them SQLite plans a range query anew for each bound value,
/// which costs more than running it.
fn cache_plans(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(|_| ())
}

//! Opening a database file: settings of a connection, and migrations that are part of the program. No statements on conversations.

use std::{fmt, path::Path, time::Duration};

use rusqlite::{Connection, OpenFlags, TransactionBehavior, config::DbConfig};

/// Every migration, oldest first. Their number is the version of the schema.
const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/sqlite/0001_conversations.sql"),
    include_str!("../migrations/sqlite/0002_notifications.sql"),
    include_str!("../migrations/sqlite/0003_announced.sql"),
];

/// Statements a connection keeps prepared.
const STATEMENTS: usize = 64;

/// A database that was written by a newer version of this program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewerSchema {
    /// The version found in the file.
    pub found: u32,
    /// The newest version this program knows.
    pub known: u32,
}

impl fmt::Display for NewerSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the database has schema version {} and this program knows versions up to {}: \
             start the newer program that wrote it",
            self.found, self.known
        )
    }
}

impl std::error::Error for NewerSchema {}

/// Opens the one connection that writes; makes the file and brings its schema up to date.
pub(super) fn open_writer(path: &Path) -> Result<Connection, crate::OpenError> {
    crate::private::database(path)?;
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(Duration::from_secs(10))?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA wal_autocheckpoint = 0;
         PRAGMA foreign_keys = ON;
         PRAGMA cache_size = -8192;",
    )?;
    keep_plans(&connection)?;
    migrate(&mut connection)?;
    Ok(connection)
}

/// Opens a connection that only reads. Small files are read through the memory map, large ones mostly not:
/// mapped pages would count as this process's memory.
pub(super) fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(Duration::from_secs(10))?;
    connection.execute_batch("PRAGMA mmap_size = 12582912; PRAGMA cache_size = -4096;")?;
    keep_plans(&connection)?;
    Ok(connection)
}

/// Keeps prepared statements prepared. Without stable plans a statement with a range is planned anew for each
/// value it is given, which costs more than running it.
fn keep_plans(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(|_| ())
}

fn migrate(connection: &mut Connection) -> Result<(), crate::OpenError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found: u32 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let known = MIGRATIONS.len() as u32;
    if found > known {
        return Err(NewerSchema { found, known }.into());
    }
    for migration in &MIGRATIONS[found as usize..] {
        transaction.execute_batch(migration)?;
    }
    if found < known {
        transaction.pragma_update(None, "user_version", known)?;
    }
    Ok(transaction.commit()?)
}

//! The database of an outbox: opened with the durability it promises, and brought to the newest version. Its tables are told in the migrations.

use std::{fs::File, io::ErrorKind, os::unix::fs::OpenOptionsExt, path::Path, time::Duration};

use rusqlite::{Connection, TransactionBehavior};

use crate::{Error, Result};

/// One after the other; none is ever changed once it was released.
const MIGRATIONS: [&str; 1] = [include_str!("migrations/0001_outbox.sql")];

/// How long a write waits for another process.
const PATIENCE: Duration = Duration::from_secs(30);

/// Opens the database, creating it for its owner's eyes only.
pub(crate) fn open(path: &Path) -> Result<Connection> {
    // One at a time: SQLite lets nobody wait who changes a file to its write-ahead log while another does.
    let lock = path.with_file_name("opening.lock");
    let alone = File::options().create(true).append(true).mode(0o600).open(lock)?;
    alone.lock()?;
    // A file that is there is never opened here: closing it would take SQLite's own locks away from this process.
    match File::options().create_new(true).append(true).mode(0o600).open(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error.into()),
        _ => {}
    }
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(PATIENCE)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    migrate(&mut connection)?;
    Ok(connection)
}

fn migrate(connection: &mut Connection) -> Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let known = usize::try_from(version).ok().and_then(|version| MIGRATIONS.get(version..));
    let missing = known.ok_or(Error::Newer(version))?;
    for (migration, number) in missing.iter().zip(version + 1..) {
        transaction.execute_batch(migration)?;
        transaction.pragma_update(None, "user_version", number)?;
    }
    transaction.commit()?;
    Ok(())
}

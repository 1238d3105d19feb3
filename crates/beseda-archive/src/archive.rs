//! The archive: one SQLite file in a folder, with one writing connection and a few reading ones.

mod lock;
mod read;
mod rows;
mod sync_state;
mod write;

use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use tokio::sync::watch;

pub(crate) use lock::SyncLock;
pub use read::{ArchiveCounts, CabinetSummary};
pub use rows::{ArchivedAttachment, ArchivedChat, ArchivedMessage, ChatKey};
pub(crate) use rows::{
    CHAT_COLUMNS, MESSAGE_COLUMNS, MESSAGE_TABLES, chat as chat_of, from_nanos, time as time_of,
    to_nanos,
};
pub(crate) use sync_state::{ListingResult, SECOND, SyncState};
pub(crate) use write::{ArchiveTransaction, ChatDiff, HistoryProgress};

use crate::{Error, Result, schema, search::index::Indexer};

/// Time a statement waits for another writing process.
const BUSY: Duration = Duration::from_secs(30);
/// Maximum number of idle reading connections.
const IDLE_READERS: usize = 4;

/// A local copy of the chats of any number of cabinets. Cloning it is cheap and shares the connections.
///
/// Calls block for as long as the disk takes. Several processes may have the same archive open.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let folder = tempfile::tempdir()?;
/// let archive = beseda_archive::Archive::open(folder.path())?;
/// assert_eq!(archive.counts(None)?.messages, 0);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Archive {
    shared: Arc<ArchiveState>,
}

struct ArchiveState {
    folder: PathBuf,
    database: PathBuf,
    writer: Mutex<Writer>,
    readers: Mutex<Vec<Connection>>,
    /// Last sequence number of this process.
    written: watch::Sender<i64>,
}

struct Writer {
    connection: Connection,
    indexer: Indexer,
}

impl std::fmt::Debug for Archive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Archive").field("folder", &self.shared.folder).finish_non_exhaustive()
    }
}

impl Archive {
    /// Opens the archive in a folder, creating both if missing. New files are readable by their
    /// owner only.
    ///
    /// # Errors
    ///
    /// If the folder or its database is unusable.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self> {
        let folder = folder.as_ref();
        make_private(folder).map_err(|source| Error::Folder { folder: folder.into(), source })?;
        let unusable = |source| Error::Folder { folder: folder.into(), source };
        let _alone = open_lock(folder).map_err(unusable)?;
        let database = folder.join("archive.sqlite");
        make_private_file(&database).map_err(unusable)?;
        let mut writer = Connection::open(&database)?;
        writer.busy_timeout(BUSY)?;
        // Read marks and authors exist nowhere else, so every commit is fsynced; the syncer's
        // transactions are large enough that this costs little.
        writer.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -8192;
             PRAGMA journal_size_limit = 67108864; PRAGMA temp_store = MEMORY;",
        )?;
        if let Some(version) = schema::migrate(&mut writer)? {
            return Err(Error::Newer(version));
        }
        let seq = last_seq(&writer)?;
        let shared = ArchiveState {
            folder: folder.to_owned(),
            database,
            writer: Mutex::new(Writer { connection: writer, indexer: Indexer::new() }),
            readers: Mutex::default(),
            written: watch::Sender::new(seq),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Returns the folder of the archive.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.shared.folder
    }

    /// Runs a read on its own connection. Each statement sees one snapshot.
    pub(crate) fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T> {
        let free = self.readers().pop();
        let connection = match free {
            Some(connection) => connection,
            None => self.open_reader()?,
        };
        let done = work(&connection);
        let mut readers = self.readers();
        if readers.len() < IDLE_READERS {
            readers.push(connection);
        }
        Ok(done?)
    }

    /// Runs a write in its own transaction, committed if it succeeds.
    pub(crate) fn write<T>(
        &self,
        work: impl FnOnce(&mut ArchiveTransaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T> {
        let mut writer = self.shared.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let Writer { connection, indexer } = &mut *writer;
        let done = commit(connection, indexer, work);
        if done.is_err() {
            indexer.forget();
        }
        drop(writer);
        let (done, seq) = done?;
        self.shared.written.send_if_modified(|last| seq > std::mem::replace(last, seq.max(*last)));
        Ok(done)
    }

    /// Returns a channel that reports new changes of this process.
    pub(crate) fn follow(&self) -> watch::Receiver<i64> {
        self.shared.written.subscribe()
    }

    fn readers(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.shared.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open_reader(&self) -> Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.shared.database, flags)?;
        connection.busy_timeout(BUSY)?;
        connection.set_prepared_statement_cache_capacity(32);
        connection.execute_batch(
            "PRAGMA query_only = ON; PRAGMA cache_size = -4096; PRAGMA temp_store = MEMORY;",
        )?;
        Ok(connection)
    }
}

/// Runs the work and returns its result and the last sequence number.
fn commit<T>(
    connection: &mut Connection,
    indexer: &mut Indexer,
    work: impl FnOnce(&mut ArchiveTransaction<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<(T, i64)> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let before = last_seq(&transaction)?;
    let mut write = ArchiveTransaction::new(&transaction, indexer, before);
    let done = work(&mut write)?;
    let seq = write.seq();
    if seq != before {
        transaction.prepare_cached("UPDATE archive SET seq = ?1")?.execute([seq])?;
    }
    transaction.commit()?;
    Ok((done, seq))
}

fn last_seq(connection: &Connection) -> rusqlite::Result<i64> {
    connection.prepare_cached("SELECT seq FROM archive")?.query_row([], |row| row.get(0))
}

#[cfg(unix)]
pub(crate) fn make_private(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;

    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(not(unix))]
pub(crate) fn make_private(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)
}

/// Locks the opening of the archive against other processes: SQLite fails at once, instead of waiting, if two of them switch
/// a file to its write-ahead log.
fn open_lock(folder: &Path) -> std::io::Result<File> {
    let file = File::options().create(true).append(true).open(folder.join("opening.lock"))?;
    file.lock()?;
    Ok(file)
}

/// Creates a file that only its owner can read, if it is missing; SQLite gives its other files the same mode. An existing
/// file is not opened: closing it would release the locks of SQLite's connections in this process.
#[cfg(unix)]
fn make_private_file(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;

    made(File::options().create_new(true).append(true).mode(0o600).open(path))
}

#[cfg(not(unix))]
fn make_private_file(path: &Path) -> std::io::Result<()> {
    made(File::options().create_new(true).append(true).open(path))
}

fn made(file: std::io::Result<File>) -> std::io::Result<()> {
    match file {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        made => made.map(drop),
    }
}

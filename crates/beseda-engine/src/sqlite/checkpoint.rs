//! Moves committed pages from the log into the database file, on a thread of its own so that commits don't wait for it.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc,
    },
    thread::JoinHandle,
    time::Duration,
};

use rusqlite::Connection;

/// Groups between two steps. A group is at most a few hundred pages.
const STEP: usize = 16;
/// A log longer than this many pages (64 MiB) is brought back to its beginning, between two groups.
const LONG: i64 = 16_384;

/// A handle on the thread that checkpoints.
pub(super) struct Checkpointer {
    wake: Option<mpsc::SyncSender<()>>,
    groups: AtomicUsize,
    long: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Checkpointer {
    pub(super) fn start(path: &Path) -> Result<Self, crate::OpenError> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(Duration::from_millis(100))?;
        // What is lost of a checkpoint is still in the log, but the file must be on disk before the log starts anew.
        connection.execute_batch("PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;")?;
        let long = Arc::new(AtomicBool::new(false));
        let (wake, woken) = mpsc::sync_channel(1);
        let seen = Arc::clone(&long);
        let run = move || {
            while woken.recv().is_ok() {
                match checkpoint(&connection, "PASSIVE") {
                    Ok(pages) => seen.store(pages > LONG, Ordering::Relaxed),
                    Err(error) => tracing::warn!(%error, "a checkpoint failed"),
                }
            }
        };
        let thread = std::thread::Builder::new().name("beseda-checkpoint".to_owned()).spawn(run)?;
        Ok(Self { wake: Some(wake), groups: AtomicUsize::new(0), long, thread: Some(thread) })
    }

    /// Tells of a committed group. Called by the writer, with its connection.
    pub(super) fn wrote(&self, connection: &Connection) {
        if self.groups.fetch_add(1, Ordering::Relaxed) % STEP == STEP - 1
            && let Some(wake) = &self.wake
        {
            // A step is under way already if this is full.
            let _ = wake.try_send(());
        }
        if self.long.swap(false, Ordering::Relaxed)
            && let Err(error) = checkpoint(connection, "RESTART")
        {
            tracing::warn!(%error, "the log could not be started anew");
        }
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.wake = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the checkpointing thread ended with a panic");
        }
    }
}

/// Runs a checkpoint; returns how many pages the log has.
fn checkpoint(connection: &Connection, mode: &str) -> rusqlite::Result<i64> {
    connection.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |row| row.get(1))
}

//! WAL checkpoints on a separate thread, so that commits don't wait for them.

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

/// Number of groups between two checkpoints. A group has at most a few hundred pages.
const INTERVAL: usize = 16;
/// Length of the WAL in pages (64 MiB) above which it is restarted from the beginning, between two groups.
const MAX_WAL_PAGES: i64 = 16_384;

/// Handle of the checkpoint thread.
pub(super) struct Checkpointer {
    wake: Option<mpsc::SyncSender<()>>,
    groups: AtomicUsize,
    needs_restart: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Checkpointer {
    pub(super) fn start(path: &Path) -> Result<Self, crate::EngineOpenError> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(Duration::from_millis(100))?;
        // An interrupted checkpoint is still in the WAL, but the database must be fsynced before the WAL is restarted.
        connection.execute_batch("PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;")?;
        let needs_restart = Arc::new(AtomicBool::new(false));
        let (wake, wakeups) = mpsc::sync_channel(1);
        let flag = Arc::clone(&needs_restart);
        let run = move || {
            while wakeups.recv().is_ok() {
                match checkpoint(&connection, "PASSIVE") {
                    Ok(pages) => flag.store(pages > MAX_WAL_PAGES, Ordering::Relaxed),
                    Err(error) => tracing::warn!(%error, "a checkpoint failed"),
                }
            }
        };
        let thread = std::thread::Builder::new().name("beseda-checkpoint".to_owned()).spawn(run)?;
        Ok(Self {
            wake: Some(wake),
            groups: AtomicUsize::new(0),
            needs_restart,
            thread: Some(thread),
        })
    }

    /// Counts a committed group, and checkpoints if necessary. Called by the writer with its connection.
    pub(super) fn group_committed(&self, connection: &Connection) {
        if self.groups.fetch_add(1, Ordering::Relaxed) % INTERVAL == INTERVAL - 1
            && let Some(wake) = &self.wake
        {
            // A full channel means that a checkpoint is already requested.
            let _ = wake.try_send(());
        }
        if self.needs_restart.swap(false, Ordering::Relaxed)
            && let Err(error) = checkpoint(connection, "RESTART")
        {
            tracing::warn!(%error, "failed to restart the WAL");
        }
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.wake = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the checkpoint thread panicked");
        }
    }
}

/// Runs a checkpoint; returns the length of the WAL in pages.
fn checkpoint(connection: &Connection, mode: &str) -> rusqlite::Result<i64> {
    connection.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |row| row.get(1))
}

//! Connections that read, one per core, used by whichever task comes. They see the last commit and never wait for the writer.

use std::{
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError, TryLockError},
};

use rusqlite::Connection;

/// A set of reading connections.
pub(super) struct Readers {
    connections: Vec<Mutex<Connection>>,
}

impl Readers {
    pub(super) fn open(path: &Path) -> rusqlite::Result<Self> {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        let open = |_| super::schema::open_reader(path).map(Mutex::new);
        Ok(Self { connections: (0..cores.clamp(2, 16)).map(open).collect::<Result<_, _>>()? })
    }

    /// Runs a short read. Statements inside see one snapshot each, or one together in a transaction.
    pub(super) fn read<T>(&self, work: impl FnOnce(&Connection) -> T) -> T {
        work(&self.free())
    }

    /// A connection nobody uses, or the first one as soon as it is free.
    fn free(&self) -> MutexGuard<'_, Connection> {
        for connection in &self.connections {
            match connection.try_lock() {
                Ok(free) => return free,
                Err(TryLockError::Poisoned(poisoned)) => return poisoned.into_inner(),
                Err(TryLockError::WouldBlock) => {}
            }
        }
        self.connections[0].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

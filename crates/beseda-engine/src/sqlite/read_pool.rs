//! Pool of read connections, one per core. Reads see the last commit and never wait for the writer.

use std::{
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, TryLockError,
        atomic::{AtomicUsize, Ordering},
    },
};

use rusqlite::Connection;

use super::lease::WriterLease;

thread_local! {
    /// Index of the connection that this thread tries first. Threads start at different ones to avoid contention.
    static PREFERRED: usize = {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        NEXT.fetch_add(1, Ordering::Relaxed)
    };
}

/// Pool of read connections, or the connection of an exclusive transaction.
pub(super) enum ReadPool {
    /// Connections that see the last commit.
    Connections(Vec<Mutex<Connection>>),
    /// Connection that sees the changes of its transaction.
    Lease(Arc<WriterLease>),
}

impl ReadPool {
    pub(super) fn open(path: &Path) -> rusqlite::Result<Self> {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        let open = |_| super::schema::open_reader(path).map(Mutex::new);
        Ok(Self::Connections((0..cores.clamp(2, 16)).map(open).collect::<Result<_, _>>()?))
    }

    /// Runs a short read on the calling thread. In the pool each statement sees its own snapshot.
    pub(super) fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        match self {
            Self::Connections(connections) => work(&acquire(connections)),
            Self::Lease(lease) => lease.read(work),
        }
    }
}

/// Returns an idle connection, or waits for the thread's preferred one.
fn acquire(connections: &[Mutex<Connection>]) -> MutexGuard<'_, Connection> {
    let preferred = PREFERRED.with(|index| index % connections.len());
    let (before, from_preferred) = connections.split_at(preferred);
    for connection in from_preferred.iter().chain(before) {
        match connection.try_lock() {
            Ok(guard) => return guard,
            Err(TryLockError::Poisoned(poisoned)) => return poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => {}
        }
    }
    connections[preferred].lock().unwrap_or_else(PoisonError::into_inner)
}

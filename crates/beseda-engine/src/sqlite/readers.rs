//! Connections that read, one per core, used by whichever task comes. They see the last commit and never wait for the writer.

use std::{
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, TryLockError,
        atomic::{AtomicUsize, Ordering},
    },
};

use rusqlite::Connection;

use super::transaction::Lent;

thread_local! {
    /// Where this thread looks first, so that threads don't all reach for the same connection.
    static FIRST: usize = {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        NEXT.fetch_add(1, Ordering::Relaxed)
    };
}

/// A set of reading connections, or the one connection of a transaction.
pub(super) enum Readers {
    /// They see the last commit.
    Pool(Vec<Mutex<Connection>>),
    /// It sees what the transaction has written.
    Transaction(Arc<Lent>),
}

impl Readers {
    pub(super) fn open(path: &Path) -> rusqlite::Result<Self> {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        let open = |_| super::schema::open_reader(path).map(Mutex::new);
        Ok(Self::Pool((0..cores.clamp(2, 16)).map(open).collect::<Result<_, _>>()?))
    }

    /// Runs a short read. Statements inside see one snapshot each, or one together in a transaction.
    pub(super) fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        match self {
            Self::Pool(connections) => work(&free(connections)),
            Self::Transaction(lent) => lent.read(work),
        }
    }
}

/// A connection nobody uses, or this thread's own as soon as it is free.
fn free(connections: &[Mutex<Connection>]) -> MutexGuard<'_, Connection> {
    let first = FIRST.with(|first| first % connections.len());
    let (later, sooner) = connections.split_at(first);
    for connection in sooner.iter().chain(later) {
        match connection.try_lock() {
            Ok(free) => return free,
            Err(TryLockError::Poisoned(poisoned)) => return poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => {}
        }
    }
    connections[first].lock().unwrap_or_else(PoisonError::into_inner)
}

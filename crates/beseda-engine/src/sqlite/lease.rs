//! Lease of the writer thread's connection to an exclusive transaction of several calls.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
    mpsc,
};

use beseda_api::{Error, Result};
use rusqlite::{Connection, ffi};
use tokio::sync::oneshot;

use super::transaction::{CommitResult, WriteError, WriteTransaction};

const ENDED: &str = "the transaction has ended";

/// Connection of the writer thread, returned with the requested end.
pub(super) struct ReturnedLease {
    pub(super) transaction: WriteTransaction,
    pub(super) end: LeaseEnd,
}

/// Requested end of an exclusive transaction.
pub(super) enum LeaseEnd {
    /// Commit, and report the outcome.
    Commit(oneshot::Sender<CommitResult>),
    /// Roll back.
    RollBack,
}

/// Open transaction on the writer thread's connection. Dropped before a commit, it is rolled back.
pub(super) struct WriterLease {
    transaction: Mutex<Option<WriteTransaction>>,
    return_to: mpsc::SyncSender<ReturnedLease>,
    /// `true` if a statement failed, which prevents the commit.
    has_failed: AtomicBool,
}

impl WriterLease {
    pub(super) fn new(
        transaction: WriteTransaction,
        return_to: mpsc::SyncSender<ReturnedLease>,
    ) -> Self {
        let transaction = Mutex::new(Some(transaction));
        Self { transaction, return_to, has_failed: AtomicBool::new(false) }
    }

    fn transaction(&self) -> MutexGuard<'_, Option<WriteTransaction>> {
        self.transaction.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a write in the transaction. It is durable after the commit.
    pub(super) fn write<T>(
        &self,
        work: impl FnOnce(&mut WriteTransaction) -> Result<T, WriteError>,
    ) -> Result<T> {
        let mut transaction = self.transaction();
        let transaction = transaction.as_mut().ok_or_else(|| Error::internal(ENDED))?;
        work(transaction).map_err(|error| {
            let error = match error {
                WriteError::Rejected(rejection) => return rejection,
                WriteError::Sqlite(error) => Error::internal(error),
                WriteError::RolledBack => Error::internal("the transaction was rolled back"),
            };
            self.has_failed.store(true, Ordering::Release);
            error
        })
    }

    /// Runs a read that sees the changes of the transaction.
    pub(super) fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let mut transaction = self.transaction();
        let Some(transaction) = transaction.as_mut() else {
            let code = ffi::Error::new(ffi::SQLITE_MISUSE);
            return Err(rusqlite::Error::SqliteFailure(code, Some(ENDED.to_owned())));
        };
        transaction.flush_rows()?;
        work(&transaction.connection)
    }

    /// Commits the transaction.
    pub(super) async fn commit(&self) -> Result<()> {
        if self.has_failed.load(Ordering::Acquire) {
            let text = "a write of the transaction failed, so it was rolled back";
            return Err(Error::internal(text));
        }
        let (reply, committed) = oneshot::channel();
        if !self.return_connection(LeaseEnd::Commit(reply)) {
            return Err(Error::internal(ENDED));
        }
        let committed = committed.await.map_err(|_| Error::internal("the store is closed"))?;
        committed.map_err(Error::internal)
    }

    /// Rolls the transaction back, unless it has ended.
    pub(super) fn roll_back(&self) {
        self.return_connection(LeaseEnd::RollBack);
    }

    /// Returns the connection to the writer thread; `false` if it was returned before.
    fn return_connection(&self, end: LeaseEnd) -> bool {
        let Some(transaction) = self.transaction().take() else { return false };
        // The thread waits for the connection, unless the store is closed.
        self.return_to.send(ReturnedLease { transaction, end }).is_ok()
    }
}

impl Drop for WriterLease {
    fn drop(&mut self) {
        self.roll_back();
    }
}

//! One transaction over many calls: the writing thread lends what it writes with, and goes on when it has it back.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
    mpsc,
};

use async_trait::async_trait;
use beseda_api::{Error, Result};
use rusqlite::{Connection, ffi};
use tokio::sync::oneshot;

use super::{
    SqliteStore,
    writer::{Committed, Failed, Group},
};
use crate::store::{Store, Transaction};

/// The group of the writing thread on its way back.
pub(super) struct Returned {
    pub(super) group: Group,
    pub(super) end: End,
}

/// What is to become of the transaction.
pub(super) enum End {
    /// It is to be kept; told is whether it was.
    Commit(oneshot::Sender<Committed>),
    /// It is to be undone.
    Abandon,
}

/// The group of the writing thread, with a transaction begun, until it is given back. Dropped, it undoes the transaction.
pub(super) struct Lent {
    group: Mutex<Option<Group>>,
    back: mpsc::SyncSender<Returned>,
    /// Whether the database failed at something in between, so that it can't be committed.
    failed: AtomicBool,
}

impl Lent {
    pub(super) fn new(group: Group, back: mpsc::SyncSender<Returned>) -> Self {
        Self { group: Mutex::new(Some(group)), back, failed: AtomicBool::new(false) }
    }

    fn group(&self) -> MutexGuard<'_, Option<Group>> {
        self.group.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does a piece of work inside the transaction. It is on disk only after the commit.
    pub(super) fn write<T>(&self, work: impl FnOnce(&mut Group) -> Result<T, Failed>) -> Result<T> {
        let mut group = self.group();
        let group = group.as_mut().ok_or_else(ended)?;
        work(group).map_err(|failed| {
            let error = match failed {
                Failed::Refused(refusal) => return refusal,
                Failed::Sql(error) => Error::internal(error),
                Failed::Undone => Error::internal("the transaction was undone"),
            };
            self.failed.store(true, Ordering::Release);
            error
        })
    }

    /// Reads what the transaction has written, together with what was there before.
    pub(super) fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let mut group = self.group();
        let Some(group) = group.as_mut() else {
            let code = ffi::Error::new(ffi::SQLITE_MISUSE);
            return Err(rusqlite::Error::SqliteFailure(code, Some(ENDED.to_owned())));
        };
        group.write_changed_heads()?;
        work(&group.connection)
    }

    /// Gives the group back; later work is refused. `false` if that was done before.
    fn give_back(&self, end: End) -> bool {
        let Some(group) = self.group().take() else { return false };
        // The thread waits for it. If it has ended after all, so has the store.
        self.back.send(Returned { group, end }).is_ok()
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        self.give_back(End::Abandon);
    }
}

const ENDED: &str = "the transaction has ended";

fn ended() -> Error {
    Error::internal(ENDED)
}

/// A transaction of a [`SqliteStore`].
pub(super) struct SqliteTransaction {
    store: Arc<SqliteStore>,
    lent: Arc<Lent>,
}

impl SqliteTransaction {
    pub(super) fn new(lent: Arc<Lent>) -> Self {
        Self { store: Arc::new(SqliteStore::within(&lent)), lent }
    }
}

#[async_trait]
impl Transaction for SqliteTransaction {
    fn store(&self) -> Arc<dyn Store> {
        Arc::<SqliteStore>::clone(&self.store)
    }

    async fn commit(self: Box<Self>) -> Result<()> {
        if self.lent.failed.load(Ordering::Acquire) {
            return Err(Error::internal(
                "a write of the transaction failed, so all of it was undone",
            ));
        }
        let (tell, told) = oneshot::channel();
        if !self.lent.give_back(End::Commit(tell)) {
            return Err(ended());
        }
        match told.await {
            Ok(None) => Ok(()),
            Ok(Some(error)) => Err(Error::internal(error)),
            Err(_) => Err(Error::internal("the store has been closed")),
        }
    }
}

impl Drop for SqliteTransaction {
    /// Undoes it unless it was committed, whoever may still hold its store.
    fn drop(&mut self) {
        self.lent.give_back(End::Abandon);
    }
}

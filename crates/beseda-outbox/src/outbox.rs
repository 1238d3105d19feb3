//! [`Outbox`]: enqueues, lists, retries and cancels messages.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use beseda_api::{BusinessId, Clock, SystemClock};
use beseda_client::OutgoingMessage;
use beseda_sqlite::private;
use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::Notify;

use crate::{
    Error, Item, ItemFilter, ItemState, NewItem, OutboxId, Result,
    files::{OutboxFiles, PendingFile},
    schema, table,
};

/// Interval at which changes by other processes are detected.
const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// Outbox in a folder. Clones share it, and any number of processes may open the same folder.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// use beseda_client::{OutgoingMessage, api::{BusinessId, ChatId}};
/// use beseda_outbox::{ItemState, NewItem, Outbox};
///
/// let outbox = Outbox::open(folder.path()).await?;
/// let message = OutgoingMessage::text("It leaves today")?;
/// let id = outbox.enqueue(NewItem::new(BusinessId::new(1)?, ChatId::new(42)?, message)).await?;
/// assert_eq!(outbox.get(id).await?.state, ItemState::Queued);
/// assert_eq!(outbox.cancel(id).await?.state, ItemState::Cancelled);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Outbox {
    inner: Arc<OutboxInner>,
}

struct OutboxInner {
    folder: PathBuf,
    files: OutboxFiles,
    clock: Arc<dyn Clock>,
    connection: Mutex<Connection>,
    /// Connection whose `data_version` changes with every write of another connection.
    version_connection: Mutex<Connection>,
    notify: Notify,
}

impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbox").field("folder", &self.inner.folder).finish_non_exhaustive()
    }
}

impl Outbox {
    /// Opens the outbox in a folder, creating `outbox.sqlite` and `outbox-files/` in it if
    /// necessary.
    ///
    /// # Errors
    ///
    /// If the folder or the database can't be opened, or was written by a newer version.
    pub async fn open(folder: impl Into<PathBuf>) -> Result<Self> {
        Self::open_with_clock(folder, Arc::new(SystemClock)).await
    }

    /// Opens the outbox with another clock than the system's.
    ///
    /// # Errors
    ///
    /// The errors of [`Outbox::open`].
    pub async fn open_with_clock(
        folder: impl Into<PathBuf>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self> {
        let folder = folder.into();
        blocking(move || {
            private::create_dir(&folder)?;
            let path = folder.join("outbox.sqlite");
            let connection = Mutex::new(schema::open(&path)?);
            let version_connection = Mutex::new(schema::open(&path)?);
            let files = OutboxFiles::new(folder.join("outbox-files"));
            let notify = Notify::new();
            Ok(Self {
                inner: Arc::new(OutboxInner {
                    folder,
                    files,
                    clock,
                    connection,
                    version_connection,
                    notify,
                }),
            })
        })
        .await
    }

    /// Enqueues a message. When this returns, the message is on disk and will be sent once.
    ///
    /// # Errors
    ///
    /// If it can't be written; then it is not enqueued.
    pub async fn enqueue(&self, new: NewItem) -> Result<OutboxId> {
        Ok(self.enqueue_all(vec![new]).await?[0])
    }

    /// Enqueues several messages in this order, all or none.
    ///
    /// # Errors
    ///
    /// If they can't be written.
    pub async fn enqueue_all(&self, new: Vec<NewItem>) -> Result<Vec<OutboxId>> {
        let ids = self
            .with_connection(move |inner, connection| {
                let pending = |new: &NewItem| match &new.message {
                    OutgoingMessage::Text(_) => Ok(None),
                    OutgoingMessage::File { content, .. } => inner.files.write(content).map(Some),
                };
                let pending_files: Vec<Option<PendingFile>> =
                    new.iter().map(pending).collect::<std::io::Result<_>>()?;
                let now = inner.clock.now();
                let transaction =
                    connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
                let mut ids = Vec::new();
                for (new, pending) in new.iter().zip(&pending_files) {
                    if let Some(pending) = pending {
                        inner.files.persist(pending)?;
                    }
                    ids.push(table::insert(&transaction, new, pending.as_ref(), now)?);
                }
                transaction.commit()?;
                Ok(ids)
            })
            .await?;
        self.inner.notify.notify_waiters();
        Ok(ids)
    }

    /// Returns a message.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if it doesn't exist, and errors of the database.
    pub async fn get(&self, id: OutboxId) -> Result<Item> {
        self.with_connection(move |_, connection| table::get(connection, id)).await
    }

    /// Returns the messages that match the filter, in the order in which they were enqueued.
    ///
    /// # Errors
    ///
    /// Errors of the database.
    pub async fn list(&self, filter: ItemFilter) -> Result<Vec<Item>> {
        self.with_connection(move |_, connection| table::list(connection, &filter)).await
    }

    /// Returns the number of messages in each state that has any.
    ///
    /// # Errors
    ///
    /// Errors of the database.
    pub async fn counts(&self, business: Option<BusinessId>) -> Result<Vec<(ItemState, u64)>> {
        self.with_connection(move |_, connection| table::counts(connection, business)).await
    }

    /// Queues a failed message again, behind the others of its chat. If it may be in the chat, the
    /// history is read before it is sent.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidState`] unless it has failed, [`Error::NotFound`] if it doesn't exist, and
    /// errors of the database.
    pub async fn retry(&self, id: OutboxId) -> Result<Item> {
        self.change(id, ItemState::Failed, "retried", move |inner, transaction| {
            table::requeue(transaction, id, inner.clock.now())
        })
        .await
    }

    /// Cancels a queued message, unless it may be in the chat already.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidState`] unless it is queued, [`Error::NotFound`] if it doesn't exist, and
    /// errors of the database.
    pub async fn cancel(&self, id: OutboxId) -> Result<Item> {
        let item = self
            .change(id, ItemState::Queued, "cancelled", move |inner, transaction| {
                let item = table::get(transaction, id)?;
                if item.uncertain {
                    let (required, operation) = (ItemState::Queued, "cancelled");
                    let state = ItemState::Sending;
                    return Err(Error::InvalidState { id, state, required, operation });
                }
                table::set_state(transaction, id, ItemState::Cancelled, None, inner.clock.now())
            })
            .await?;
        self.drop_file(&item).await?;
        Ok(item)
    }

    async fn change(
        &self,
        id: OutboxId,
        required: ItemState,
        operation: &'static str,
        change: impl FnOnce(&OutboxInner, &rusqlite::Transaction<'_>) -> Result<()> + Send + 'static,
    ) -> Result<Item> {
        let changed = self
            .with_connection(move |inner, connection| {
                let transaction =
                    connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
                let state = table::get(&transaction, id)?.state;
                if state != required {
                    return Err(Error::InvalidState { id, state, required, operation });
                }
                change(inner, &transaction)?;
                let item = table::get(&transaction, id)?;
                transaction.commit()?;
                Ok(item)
            })
            .await?;
        self.inner.notify.notify_waiters();
        Ok(changed)
    }

    /// Waits for a write after `version`, by this or another process, and returns the new version.
    /// Returns at once for version 0.
    ///
    /// # Errors
    ///
    /// Errors of the database.
    pub async fn changed(&self, version: i64) -> Result<i64> {
        loop {
            let notify = self.inner.notify.notified();
            let current = self.version().await?;
            if current != version {
                return Ok(current);
            }
            // A notification and a timeout both lead to another check.
            drop(tokio::time::timeout(POLL_INTERVAL, notify).await);
        }
    }

    /// As [`changed`](Self::changed), but checks for the first time after a notification or an
    /// interval.
    pub(crate) async fn changed_after_interval(&self, version: i64) -> Result<i64> {
        drop(tokio::time::timeout(POLL_INTERVAL, self.inner.notify.notified()).await);
        self.changed(version).await
    }

    async fn version(&self) -> Result<i64> {
        let inner = Arc::clone(&self.inner);
        blocking(move || {
            let version_connection =
                inner.version_connection.lock().unwrap_or_else(PoisonError::into_inner);
            Ok(version_connection.pragma_query_value(None, "data_version", |row| row.get(0))?)
        })
        .await
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.inner.folder
    }

    /// Reads the file of a message.
    pub(crate) async fn content(&self, sha256: String) -> Result<Vec<u8>> {
        let inner = Arc::clone(&self.inner);
        blocking(move || Ok(inner.files.read(&sha256)?)).await
    }

    /// Deletes the file of a completed message unless another one needs it.
    pub(crate) async fn drop_file(&self, item: &Item) -> Result<()> {
        let Some(file) = item.file.clone() else { return Ok(()) };
        self.drop_files(vec![file.sha256]).await
    }

    /// Deletes all files that no message needs.
    pub(crate) async fn clean_up(&self) -> Result<()> {
        let inner = Arc::clone(&self.inner);
        let names = blocking(move || Ok(inner.files.clean_up())).await?;
        if names.is_empty() { Ok(()) } else { self.drop_files(names).await }
    }

    /// Deletes within a transaction, so that no message with one of these files is enqueued
    /// meanwhile.
    async fn drop_files(&self, names: Vec<String>) -> Result<()> {
        self.with_connection(move |inner, connection| {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            for name in names {
                if !table::is_file_needed(&transaction, &name)? {
                    inner.files.remove(&name);
                }
            }
            Ok(())
        })
        .await
    }

    /// Runs a write transaction on a blocking thread.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&rusqlite::Transaction<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.with_connection(move |_, connection| {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let done = work(&transaction)?;
            transaction.commit()?;
            Ok(done)
        })
        .await
    }

    /// Reads the database on a blocking thread.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.with_connection(move |_, connection| work(connection)).await
    }

    async fn with_connection<T: Send + 'static>(
        &self,
        work: impl FnOnce(&OutboxInner, &mut Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let inner = Arc::clone(&self.inner);
        blocking(move || {
            let mut connection = inner.connection.lock().unwrap_or_else(PoisonError::into_inner);
            work(&inner, &mut connection)
        })
        .await
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        // The task panicked, or the runtime is shutting down.
        Err(error) => Err(std::io::Error::other(error).into()),
    }
}

//! An outbox: messages accepted onto disk, listed, tried again, taken back. Sending them is the runner's business.

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
    Error, Filter, Item, NewItem, OutboxId, Result, State,
    files::{Files, Part},
    schema, table,
};

/// How often other processes' writes are looked for.
const POLL: Duration = Duration::from_millis(200);

/// Messages on their way, in a folder. Cloning it is cheap; any number of processes may have the same folder open.
#[derive(Clone)]
pub struct Outbox {
    inner: Arc<Inner>,
}

struct Inner {
    folder: PathBuf,
    files: Files,
    clock: Arc<dyn Clock>,
    connection: Mutex<Connection>,
    /// Sees by `data_version` what anybody else writes, the connection above included.
    watcher: Mutex<Connection>,
    rung: Notify,
}

impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbox").field("folder", &self.inner.folder).finish_non_exhaustive()
    }
}

impl Outbox {
    /// Opens the outbox in this folder, creating both if they aren't there: `outbox.sqlite` and `outbox-files/`.
    ///
    /// # Errors
    /// If the folder or the database can't be used, or a newer program has written it.
    pub async fn open(folder: impl Into<PathBuf>) -> Result<Self> {
        Self::open_by(folder, Arc::new(SystemClock)).await
    }

    /// The same by another clock than the machine's.
    ///
    /// # Errors
    /// As [`Outbox::open`].
    pub async fn open_by(folder: impl Into<PathBuf>, clock: Arc<dyn Clock>) -> Result<Self> {
        let folder = folder.into();
        blocking(move || {
            private::create_dir(&folder)?;
            let path = folder.join("outbox.sqlite");
            let connection = Mutex::new(schema::open(&path)?);
            let watcher = Mutex::new(schema::open(&path)?);
            let files = Files::new(folder.join("outbox-files"));
            let rung = Notify::new();
            Ok(Self { inner: Arc::new(Inner { folder, files, clock, connection, watcher, rung }) })
        })
        .await
    }

    /// Accepts a message. When this comes back it is on disk, and will be sent once, whatever dies.
    ///
    /// # Errors
    /// If it can't be written; then it is not accepted.
    pub async fn enqueue(&self, new: NewItem) -> Result<OutboxId> {
        Ok(self.enqueue_all(vec![new]).await?[0])
    }

    /// Accepts several messages, all or none, in this order.
    ///
    /// # Errors
    /// If they can't be written.
    pub async fn enqueue_all(&self, new: Vec<NewItem>) -> Result<Vec<OutboxId>> {
        let ids = self
            .with(move |inner, connection| {
                let part = |new: &NewItem| match &new.what {
                    OutgoingMessage::Text(_) => Ok(None),
                    OutgoingMessage::File { content, .. } => inner.files.write(content).map(Some),
                };
                let parts: Vec<Option<Part>> =
                    new.iter().map(part).collect::<std::io::Result<_>>()?;
                let now = inner.clock.now();
                let begun = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
                let mut ids = Vec::new();
                for (new, part) in new.iter().zip(&parts) {
                    if let Some(part) = part {
                        inner.files.keep(part)?;
                    }
                    ids.push(table::insert(&begun, new, part.as_ref(), now)?);
                }
                begun.commit()?;
                Ok(ids)
            })
            .await?;
        self.inner.rung.notify_waiters();
        Ok(ids)
    }

    /// One message.
    ///
    /// # Errors
    /// [`Error::Unknown`] if it isn't here.
    pub async fn get(&self, id: OutboxId) -> Result<Item> {
        self.with(move |_, connection| table::get(connection, id)).await
    }

    /// The messages that match, in the order they were accepted.
    ///
    /// # Errors
    /// Only breakages.
    pub async fn list(&self, filter: Filter) -> Result<Vec<Item>> {
        self.with(move |_, connection| table::list(connection, &filter)).await
    }

    /// How many messages are in each state that has any.
    ///
    /// # Errors
    /// Only breakages.
    pub async fn counts(&self, business: Option<BusinessId>) -> Result<Vec<(State, u64)>> {
        self.with(move |_, connection| table::counts(connection, business)).await
    }

    /// Puts a failed message at the end of its chat's line. If it may be in the chat nevertheless, the history is asked
    /// before it is sent.
    ///
    /// # Errors
    /// [`Error::NotNow`] unless it failed, [`Error::Unknown`] if it isn't here.
    pub async fn retry(&self, id: OutboxId) -> Result<Item> {
        self.change(id, State::Failed, "tried again", move |inner, transaction| {
            table::queue_again(transaction, id, inner.clock.now())
        })
        .await
    }

    /// Takes back a message that is queued. One that may be in the chat already can't be taken back.
    ///
    /// # Errors
    /// [`Error::NotNow`] unless it is queued, [`Error::Unknown`] if it isn't here.
    pub async fn cancel(&self, id: OutboxId) -> Result<Item> {
        let item = self
            .change(id, State::Queued, "cancelled", move |inner, transaction| {
                let item = table::get(transaction, id)?;
                if item.doubt {
                    let (wanted, what) = (State::Queued, "cancelled");
                    return Err(Error::NotNow { id, state: State::Sending, wanted, what });
                }
                table::set_state(transaction, id, State::Cancelled, None, inner.clock.now())
            })
            .await?;
        self.drop_file(&item).await?;
        Ok(item)
    }

    async fn change(
        &self,
        id: OutboxId,
        wanted: State,
        what: &'static str,
        change: impl FnOnce(&Inner, &rusqlite::Transaction<'_>) -> Result<()> + Send + 'static,
    ) -> Result<Item> {
        let changed = self
            .with(move |inner, connection| {
                let begun = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
                let state = table::get(&begun, id)?.state;
                if state != wanted {
                    return Err(Error::NotNow { id, state, wanted, what });
                }
                change(inner, &begun)?;
                let item = table::get(&begun, id)?;
                begun.commit()?;
                Ok(item)
            })
            .await?;
        self.inner.rung.notify_waiters();
        Ok(changed)
    }

    /// Waits until somebody, in this process or another, has written something since `seen`, and tells what to wait
    /// from next; 0 comes back at once.
    ///
    /// # Errors
    /// Only breakages.
    pub async fn changed(&self, seen: i64) -> Result<i64> {
        loop {
            let rung = self.inner.rung.notified();
            let version = self.version().await?;
            if version != seen {
                return Ok(version);
            }
            // Either means that it is time to look.
            drop(tokio::time::timeout(POLL, rung).await);
        }
    }

    /// The same, but never at once: for whoever writes all the time.
    pub(crate) async fn changed_later(&self, seen: i64) -> Result<i64> {
        drop(tokio::time::timeout(POLL, self.inner.rung.notified()).await);
        self.changed(seen).await
    }

    async fn version(&self) -> Result<i64> {
        let inner = Arc::clone(&self.inner);
        blocking(move || {
            let watcher = inner.watcher.lock().unwrap_or_else(PoisonError::into_inner);
            Ok(watcher.pragma_query_value(None, "data_version", |row| row.get(0))?)
        })
        .await
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.inner.folder
    }

    /// The bytes of a message's file.
    pub(crate) async fn content(&self, sha256: String) -> Result<Vec<u8>> {
        let inner = Arc::clone(&self.inner);
        blocking(move || Ok(inner.files.read(&sha256)?)).await
    }

    /// Takes the file of a message that is over away, unless another one needs it.
    pub(crate) async fn drop_file(&self, item: &Item) -> Result<()> {
        let Some(file) = item.file.clone() else { return Ok(()) };
        self.drop_files(vec![file.sha256]).await
    }

    /// Takes away every file that nothing needs.
    pub(crate) async fn sweep(&self) -> Result<()> {
        let inner = Arc::clone(&self.inner);
        let names = blocking(move || Ok(inner.files.sweep())).await?;
        if names.is_empty() { Ok(()) } else { self.drop_files(names).await }
    }

    /// Inside of a transaction, so that nobody accepts a message with one of these meanwhile.
    async fn drop_files(&self, names: Vec<String>) -> Result<()> {
        self.with(move |inner, connection| {
            let begun = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            for name in names {
                if !table::needs_file(&begun, &name)? {
                    inner.files.remove(&name);
                }
            }
            Ok(())
        })
        .await
    }

    /// Does something with the tables in one transaction, off the runtime's threads.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&rusqlite::Transaction<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.with(move |_, connection| {
            let begun = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let done = work(&begun)?;
            begun.commit()?;
            Ok(done)
        })
        .await
    }

    /// Reads the tables, off the runtime's threads.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.with(move |_, connection| work(connection)).await
    }

    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner, &mut Connection) -> Result<T> + Send + 'static,
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
        // It panicked, or the runtime ends.
        Err(error) => Err(std::io::Error::other(error).into()),
    }
}

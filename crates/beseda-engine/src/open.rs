//! Opening an engine: its settings, the data folder, and what is put in order at a start.

use std::{fs::File, path::Path, path::PathBuf, sync::Arc};

use beseda_api::{BusinessId, Clock, Error, NotificationQueue, notification::Notification};

use crate::{Engine, Files, NewerSchema, SqliteStore, private, store::Store, token::Sealer};

/// What may differ between installations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Where this server is reached from outside, without a slash at its end: file links begin with it.
    pub public_url: String,
    /// Whether an order must have been registered.
    pub orders: Orders,
    /// Where a dispute is held.
    pub disputes: Disputes,
    /// Whether a chat that a buyer opened stays `NEW` until the shop has answered.
    /// Otherwise a buyer's words make it `WAITING_FOR_PARTNER`.
    pub new_until_answered: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            public_url: "http://127.0.0.1:8080".to_owned(),
            orders: Orders::Strict,
            disputes: Disputes::OwnChat,
            new_until_answered: false,
        }
    }
}

/// Whether an order must have been registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Orders {
    /// It must: any other is not found.
    Strict,
    /// Any order id belongs to the cabinet that names it.
    Open,
}

/// Where a dispute is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disputes {
    /// In a chat of its own, beside the talk.
    OwnChat,
    /// In the talk itself, whose type changes.
    InPlace,
}

/// Why an engine can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A newer version of this program wrote the database.
    #[error(transparent)]
    NewerSchema(#[from] NewerSchema),
    /// Another server uses the data folder.
    #[error("the data folder {} is in use by another server: stop it first, or choose another folder", .0.display())]
    InUse(PathBuf),
    /// The database can't be used.
    #[error("the database can't be used: {0}")]
    Database(#[from] rusqlite::Error),
    /// The files can't be used.
    #[error("the folder of files can't be used: {0}")]
    Files(#[from] object_store::Error),
    /// A folder or a lock can't be used.
    #[error("the data folder can't be used: {0}")]
    Folder(#[from] std::io::Error),
    /// The store doesn't answer.
    #[error("the store doesn't answer: {0}")]
    Store(#[from] Error),
}

/// A folder with everything a server keeps: `beseda.sqlite`, `files/` and a lock. Only its owner may read it (0700, files
/// 0600); a folder that was there before is closed to others, and what lies in it beside ours stays as it is.
#[derive(Debug)]
pub struct DataFolder {
    path: PathBuf,
    /// Held as long as a server runs on the folder.
    _lock: Option<File>,
}

impl DataFolder {
    /// Takes the folder for a server, making it if there is none.
    ///
    /// # Errors
    /// [`OpenError::InUse`] if another server has it.
    pub fn take(path: &Path) -> Result<Self, OpenError> {
        let mut folder = Self::share(path)?;
        let lock = private::lock(&path.join("lock"))?;
        lock.try_lock().map_err(|error| match error {
            std::fs::TryLockError::WouldBlock => OpenError::InUse(path.to_owned()),
            std::fs::TryLockError::Error(error) => OpenError::Folder(error),
        })?;
        folder._lock = Some(lock);
        Ok(folder)
    }

    /// Uses the folder beside a server, for administration only.
    ///
    /// # Errors
    /// If the folder can't be made.
    pub fn share(path: &Path) -> Result<Self, OpenError> {
        private::folder(path)?;
        Ok(Self { path: path.to_owned(), _lock: None })
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.path.join("beseda.sqlite")
    }

    fn files(&self) -> PathBuf {
        self.path.join("files")
    }
}

impl Engine {
    /// An engine on SQLite and a folder of files, as the only server on the folder.
    ///
    /// # Errors
    /// If the folder is in use, or what is in it can't be used.
    pub async fn open_sqlite(
        path: &Path,
        settings: Settings,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OpenError> {
        let folder = DataFolder::take(path)?;
        let engine = Self::in_folder(folder, settings, clock).await?;
        engine.sweep_uploads().await?;
        Ok(engine)
    }

    /// An engine for administration of a folder that a server may be using.
    ///
    /// # Errors
    /// If what is in the folder can't be used.
    pub async fn share_sqlite(path: &Path, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        Self::in_folder(DataFolder::share(path)?, Settings::default(), clock).await
    }

    async fn in_folder(
        folder: DataFolder,
        settings: Settings,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OpenError> {
        let store = SqliteStore::open(&folder.database())?;
        let files = Files::in_folder(&folder.files())?;
        let mut engine = Self::new(Arc::new(store), files, settings, clock).await?;
        engine.folder = Some(folder);
        Ok(engine)
    }

    /// An engine on any store.
    ///
    /// # Errors
    /// If the store doesn't answer.
    pub async fn new(
        store: Arc<dyn Store>,
        files: Files,
        settings: Settings,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OpenError> {
        let sealer = Sealer::new(&store.shared_secret().await?);
        Ok(Self { store, files, settings, clock, sealer, folder: None })
    }

    /// What waits for the subscriptions of all cabinets. Whoever holds it must be done before the engine goes.
    #[must_use]
    pub fn outbox(&self) -> Arc<dyn NotificationQueue> {
        Arc::<dyn Store>::clone(&self.store)
    }

    /// Passes a notification on that was received from elsewhere: to every subscription of the cabinet, durably, in order,
    /// once for each event. Says whether it did; see [`Outbox::announce`] for when it doesn't.
    ///
    /// # Errors
    /// 400 if the notification is about another cabinet; [`Error::Internal`](beseda_api::Error) if it can't be kept.
    pub async fn announce(
        &self,
        business: BusinessId,
        notification: Notification,
    ) -> beseda_api::Result<bool> {
        self.store.publish(business, notification).await
    }

    /// Takes away the files of uploads that a crash cut off.
    async fn sweep_uploads(&self) -> Result<(), OpenError> {
        for file in self.store.stale_uploads(jiff::Timestamp::MAX).await? {
            crate::engine::discard(self.store.as_ref(), &self.files, &file).await?;
        }
        Ok(())
    }
}

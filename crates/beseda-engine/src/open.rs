//! Opening an engine on a store and a folder.

use std::{path::Path, sync::Arc};

use beseda_api::{BusinessId, Clock, NotificationQueue, notification::Notification};

use crate::{
    DataFolder, Engine, EngineOpenError, EngineSettings, FileStore, SqliteStore,
    page_token::PageTokenSigner, pending_upload, store::Store,
};

impl Engine {
    /// Opens an engine on SQLite and a folder of attachments, as the only server of the data folder. Removes the files of
    /// uploads that a crash interrupted.
    ///
    /// # Errors
    /// If another server uses the folder, or its contents can't be used.
    pub async fn open_sqlite(
        path: &Path,
        settings: EngineSettings,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, EngineOpenError> {
        let engine = Self::open_in(DataFolder::lock(path)?, settings, clock).await?;
        engine.remove_stale_uploads().await?;
        Ok(engine)
    }

    /// Opens an engine for administration of a folder that a server may be using.
    ///
    /// # Errors
    /// If the contents of the folder can't be used.
    pub async fn share_sqlite(path: &Path, clock: Arc<dyn Clock>) -> Result<Self, EngineOpenError> {
        Self::open_in(DataFolder::share(path)?, EngineSettings::default(), clock).await
    }

    async fn open_in(
        folder: DataFolder,
        settings: EngineSettings,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, EngineOpenError> {
        let store = SqliteStore::open(&folder.database())?;
        let files = FileStore::in_folder(&folder.files())?;
        let mut engine = Self::new(Arc::new(store), files, settings, clock).await?;
        engine.folder = Some(folder);
        Ok(engine)
    }

    /// Creates an engine on any store.
    ///
    /// # Errors
    /// If the store doesn't respond.
    pub async fn new(
        store: Arc<dyn Store>,
        files: FileStore,
        settings: EngineSettings,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, EngineOpenError> {
        let page_tokens = PageTokenSigner::new(&store.shared_secret().await?);
        Ok(Self { store, files, settings, clock, page_tokens, folder: None })
    }

    /// Returns the notification queue of all cabinets. It must be dropped before the engine, which holds the lock.
    #[must_use]
    pub fn notification_queue(&self) -> Arc<dyn NotificationQueue> {
        Arc::<dyn Store>::clone(&self.store)
    }

    /// Enqueues a notification received from another service for every subscription of the cabinet, durably and in order.
    /// Returns `false` if nothing was enqueued: see [`NotificationQueue::publish`].
    ///
    /// # Errors
    /// 400 if the notification is about another cabinet; [`Error::Internal`](beseda_api::Error) if the store fails.
    pub async fn forward_notification(
        &self,
        business: BusinessId,
        notification: Notification,
    ) -> beseda_api::Result<bool> {
        self.store.publish(business, notification).await
    }

    /// Removes the files of uploads that a crash interrupted.
    async fn remove_stale_uploads(&self) -> Result<(), EngineOpenError> {
        for file in self.store.stale_uploads(jiff::Timestamp::MAX).await? {
            pending_upload::discard(self.store.as_ref(), &self.files, &file).await?;
        }
        Ok(())
    }
}

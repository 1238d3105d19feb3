//! Several calls of an engine in one transaction, for seeds.

use std::sync::{Arc, Mutex, PoisonError};

use beseda_api::{BusinessId, ChatId, Clock, Error, FileName, FileUpload, Message, Result, Sender};

use crate::{
    Engine, EngineSettings,
    pending_upload::PendingUpload,
    store::{Store, StoreTransaction},
};

/// Engine inside a transaction. Other writes wait until it ends; other reads don't see its changes. Dropped before
/// [`EngineTransaction::commit`], it is rolled back.
pub struct EngineTransaction {
    // Fields are dropped in this order: the writer's lease is returned before other users of the store are dropped.
    inner: Box<dyn StoreTransaction>,
    engine: Engine,
    files: Mutex<Vec<PendingUpload>>,
    /// Store whose writer is leased; it must outlive the lease.
    _store: Arc<dyn Store>,
}

/// Uploaded file for a message of a transaction. Dropped without a message, it is removed.
pub struct StagedFile {
    upload: PendingUpload,
    name: FileName,
}

impl Engine {
    /// Uploads a file for [`EngineTransaction::write_file`]. Must be called before the transaction begins.
    ///
    /// # Errors
    /// 400 for a file that is too large.
    pub async fn stage_file(&self, file: FileUpload) -> Result<StagedFile> {
        let FileUpload { name, content } = file;
        let upload = PendingUpload::write(&self.store, &self.files, content, self.now()).await?;
        Ok(StagedFile { upload, name })
    }

    /// Begins a transaction with its own settings and clock.
    ///
    /// # Errors
    /// Internal errors only.
    pub async fn begin(
        &self,
        settings: EngineSettings,
        clock: Arc<dyn Clock>,
    ) -> Result<EngineTransaction> {
        let inner = self.store.begin().await?;
        let engine = Self {
            store: inner.store(),
            files: self.files.clone(),
            settings,
            clock,
            page_tokens: self.page_tokens.clone(),
            folder: None,
        };
        let _store = Arc::clone(&self.store);
        Ok(EngineTransaction { inner, engine, files: Mutex::default(), _store })
    }
}

impl EngineTransaction {
    /// Returns the engine inside the transaction. Files must be written with [`EngineTransaction::write_file`]: an upload
    /// of the engine itself would leave its content on disk if the process were killed.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Writes the message of a file, of any sender.
    ///
    /// # Errors
    /// As those of [`MarketSide::write_file`](beseda_api::MarketSide::write_file).
    pub async fn write_file(
        &self,
        business: BusinessId,
        chat: ChatId,
        sender: Sender,
        file: StagedFile,
    ) -> Result<Message> {
        if !sender.is_known() {
            return Err(Error::illegal_input("sender"));
        }
        let StagedFile { upload, name } = file;
        let message = self.engine.file_message(sender, &upload, &name);
        let written = self.engine.store.append(business, chat, message).await?;
        self.files.lock().unwrap_or_else(PoisonError::into_inner).push(upload);
        Ok(self.engine.message(written))
    }

    /// Commits the transaction; it is durable on return. Dropping the future doesn't cancel the commit.
    ///
    /// # Errors
    /// Internal errors only; then the transaction is rolled back.
    pub async fn commit(self) -> Result<()> {
        let task = tokio::spawn(async move {
            let Self { inner, engine, files, _store } = self;
            let committed = inner.commit().await;
            drop(engine);
            let files = files.into_inner().unwrap_or_else(PoisonError::into_inner);
            if committed.is_ok() {
                files.into_iter().for_each(PendingUpload::keep);
            }
            committed
        });
        task.await.map_err(Error::internal)?
    }
}

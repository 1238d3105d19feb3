//! Uploaded file without a message yet.

use std::sync::Arc;

use beseda_api::{BusinessId, ChatId, Error, FileId, FileStream, Result};
use jiff::Timestamp;

use crate::{
    FileStore,
    rows::MessageRow,
    store::{NewMessage, Store},
};

/// Uploaded file without a message yet. Dropped before [`PendingUpload::keep`], the file is removed.
pub(crate) struct PendingUpload {
    store: Arc<dyn Store>,
    files: FileStore,
    file: FileId,
    size: i64,
    is_kept: bool,
}

impl PendingUpload {
    /// Registers an upload, then writes its content to disk.
    pub(crate) async fn write(
        store: &Arc<dyn Store>,
        files: &FileStore,
        content: FileStream,
        at: Timestamp,
    ) -> Result<Self> {
        let file = FileId::new(rand::random());
        store.begin_upload(&file, at).await?;
        let (store, files) = (Arc::clone(store), files.clone());
        let mut upload = Self { store, files, file, size: 0, is_kept: false };
        upload.size = upload.files.write(&upload.file, content).await?;
        Ok(upload)
    }

    pub(crate) fn id(&self) -> &FileId {
        &self.file
    }

    /// Returns the size in bytes.
    pub(crate) fn size(&self) -> i64 {
        self.size
    }

    /// Keeps the file: its message is committed.
    pub(crate) fn keep(mut self) {
        self.is_kept = true;
    }

    /// Appends the message of the file. Dropping the future no longer cancels the write.
    pub(crate) async fn append(
        self,
        business: BusinessId,
        chat_id: ChatId,
        message: NewMessage,
    ) -> Result<MessageRow> {
        let task = tokio::spawn(async move {
            let mut upload = self;
            let written = upload.store.append(business, chat_id, message).await;
            upload.is_kept = written.is_ok();
            written
        });
        task.await.map_err(Error::internal)?
    }
}

impl Drop for PendingUpload {
    fn drop(&mut self) {
        if self.is_kept {
            return;
        }
        let (store, files, file) = (Arc::clone(&self.store), self.files.clone(), self.file.clone());
        // Without a runtime the process is exiting; the next start removes the file.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                if let Err(error) = discard(store.as_ref(), &files, &file).await {
                    tracing::warn!(%error, "failed to remove an unfinished upload; the next start retries");
                }
            });
        }
    }
}

/// Removes the file of an unfinished upload, then its registration.
pub(crate) async fn discard(store: &dyn Store, files: &FileStore, file: &FileId) -> Result<()> {
    files.remove(file).await?;
    store.forget_upload(file).await
}

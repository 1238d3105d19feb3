//! Many calls of the engine as one: all of what they do is there after the commit, or nothing of it ever.

use std::sync::{Arc, Mutex, PoisonError};

use beseda_api::{BusinessId, ChatId, Clock, Error, FileUpload, Message, Result, Sender};

use crate::{
    Engine, Settings,
    engine::Incoming,
    store::{self, Draft, FileRow, Store},
};

/// An engine inside of a transaction. Other writes wait until it has ended, reads outside see nothing of it. Dropped before
/// its commit it leaves nothing.
pub struct Transaction {
    // Dropped in this order: what is lent goes back before anything else is done with the store.
    inner: Box<dyn store::Transaction>,
    engine: Engine,
    files: Mutex<Vec<Incoming>>,
    /// Must outlive what it lent.
    _outside: Arc<dyn Store>,
}

/// A file whose bytes are on disk and that no message has yet. Dropped before it has one, it is taken away again.
pub struct TakenFile {
    incoming: Incoming,
    name: String,
    size: i64,
}

impl Engine {
    /// Takes a file in for [`Transaction::write_file`]. It must be done before the transaction begins.
    ///
    /// # Errors
    /// 400 for a file that is too large.
    pub async fn take_file(&self, upload: FileUpload) -> Result<TakenFile> {
        let (incoming, size) = self.incoming(upload.content).await?;
        Ok(TakenFile { incoming, name: upload.name.as_str().to_owned(), size })
    }

    /// Begins a transaction, with settings and a clock of its own.
    ///
    /// # Errors
    /// Only breakages.
    pub async fn begin(&self, settings: Settings, clock: Arc<dyn Clock>) -> Result<Transaction> {
        let inner = self.store.begin().await?;
        let engine = Self {
            store: inner.store(),
            files: self.files.clone(),
            settings,
            clock,
            sealer: self.sealer.clone(),
            folder: None,
        };
        let _outside = Arc::clone(&self.store);
        Ok(Transaction { inner, engine, files: Mutex::default(), _outside })
    }
}

impl Transaction {
    /// The engine as the transaction sees it. Files are written with [`Transaction::write_file`] only: an upload of the
    /// engine itself would leave its bytes behind if the process were killed.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Writes the message of a file, of whichever side.
    ///
    /// # Errors
    /// As those of [`MarketSide::write_file`](beseda_api::MarketSide::write_file).
    pub async fn write_file(
        &self,
        business: BusinessId,
        chat: ChatId,
        sender: Sender,
        file: TakenFile,
    ) -> Result<Message> {
        if !sender.is_known() {
            return Err(Error::illegal_input("sender"));
        }
        let TakenFile { incoming, name, size } = file;
        let row = FileRow { file: incoming.id().clone(), name, size };
        let draft = Draft { file: Some(row), ..self.engine.draft(sender) };
        let written = self.engine.store.append(business, chat, draft).await?;
        self.files.lock().unwrap_or_else(PoisonError::into_inner).push(incoming);
        Ok(self.engine.message(written))
    }

    /// Keeps everything; it is durable on return. It is done even if the caller goes away.
    ///
    /// # Errors
    /// Only breakages; then nothing is kept.
    pub async fn commit(self) -> Result<()> {
        let task = tokio::spawn(async move {
            let Self { inner, engine, files, _outside } = self;
            let committed = inner.commit().await;
            drop(engine);
            let files = files.into_inner().unwrap_or_else(PoisonError::into_inner);
            if committed.is_ok() {
                files.into_iter().for_each(Incoming::settle);
            }
            committed
        });
        task.await.map_err(Error::internal)?
    }
}

//! The seller's side over a store: what every operation of the Chats API means. Statuses are in `rules.rs`, statements in the stores.

use std::sync::Arc;

use async_trait::async_trait;
use beseda_api::{
    Attachment, BusinessId, ByteRange, Chat, ChatContext, ChatFilter, ChatId, ChatPage, ChatStatus,
    ChatType, ChatsApi, Clock, ContextType, Download, Downloads, Error, FileId, FileName,
    FileStream, FileUpload, FullContext, HistoryFrom, Message, MessageId, MessagePage, MessageText,
    Model, Order, OrderId, PageRequest, Paging, Result, Sender, Time,
};

use jiff::Timestamp;

use crate::{
    DataFolder, Disputes, Files, Orders, Settings,
    rules::Event,
    store::{ChatQuery, ChatRow, Draft, FileRow, MessageRow, NewChat, Reuse, Store, Subject},
    token::Sealer,
};

/// The Chats API over a store.
pub struct Engine {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) files: Files,
    pub(crate) settings: Settings,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) sealer: Sealer,
    /// Kept for its lock; dropped after the store.
    pub(crate) folder: Option<DataFolder>,
}

#[async_trait]
impl ChatsApi for Engine {
    async fn get_chats(
        &self,
        business: BusinessId,
        filter: ChatFilter,
        page: PageRequest<20>,
    ) -> Result<ChatPage> {
        let after = page.token.map(|token| self.sealer.read_chats(business, &token)).transpose()?;
        let limit = page.limit.unwrap_or_default().get() as usize;
        let query = ChatQuery { filter, after, limit: limit + 1 };
        let mut rows = self.store.chats(business, query).await?;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let last = rows.last().filter(|_| more);
        let next_page_token = last.map(|row| self.sealer.chats(business, row.place()));
        Ok(ChatPage {
            chats: rows.into_iter().map(chat).collect(),
            paging: Paging { next_page_token },
        })
    }

    async fn get_chat(&self, business: BusinessId, chat_id: ChatId) -> Result<Chat> {
        self.row(business, chat_id).await.map(chat)
    }

    async fn get_chat_history(
        &self,
        business: BusinessId,
        chat_id: ChatId,
        from: HistoryFrom,
    ) -> Result<MessagePage> {
        let token = from.page.token.map(|token| self.sealer.read_history(chat_id, &token));
        // A token is a later place in the same walk, so it decides.
        let first = token.transpose()?.or(from.message_id_from.map(MessageId::get)).unwrap_or(1);
        let limit = from.page.limit.unwrap_or_default().get() as usize;
        let found = self.store.history(business, chat_id, first, limit + 1).await?;
        let (row, mut rows) = found.ok_or_else(|| Error::chat_not_found(chat_id))?;
        let next = rows.get(limit).map(|row| row.message.get());
        rows.truncate(limit);
        let context = context(row.subject);
        Ok(MessagePage {
            order_id: context.order_id,
            context,
            messages: rows.into_iter().map(|row| self.message(row)).collect(),
            paging: Paging { next_page_token: next.map(|next| self.sealer.history(chat_id, next)) },
        })
    }

    async fn get_chat_message(
        &self,
        business: BusinessId,
        chat_id: ChatId,
        message: MessageId,
    ) -> Result<Message> {
        if let Some(row) = self.store.message(business, chat_id, message).await? {
            return Ok(self.message(row));
        }
        self.row(business, chat_id).await?;
        Err(Error::message_not_found(chat_id, message))
    }

    async fn create_chat(&self, business: BusinessId, context: ChatContext) -> Result<ChatId> {
        let subject = self.subject(business, context).await?;
        let (row, _) = self.store.create_chat(self.talk(business, subject)).await?;
        Ok(row.chat)
    }

    async fn send_message_to_chat(
        &self,
        business: BusinessId,
        chat_id: ChatId,
        text: MessageText,
    ) -> Result<()> {
        let draft = self.text(Sender::Partner, text);
        self.store.append(business, chat_id, draft).await.map(|_| ())
    }

    async fn send_file_to_chat(
        &self,
        business: BusinessId,
        chat_id: ChatId,
        file: FileUpload,
    ) -> Result<()> {
        self.attach(business, chat_id, Sender::Partner, file).await.map(|_| ())
    }
}

impl Engine {
    /// Counts the chats that a filter finds, up to `most`.
    ///
    /// # Errors
    /// If the store can't be read.
    pub async fn count_chats(
        &self,
        business: BusinessId,
        filter: ChatFilter,
        most: usize,
    ) -> Result<usize> {
        let query = ChatQuery { filter, after: None, limit: most };
        Ok(self.store.chats(business, query).await?.len())
    }

    /// The moment it is now, as exact as it is kept: in microseconds.
    pub(crate) fn now(&self) -> Timestamp {
        let now = self.clock.now();
        Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
    }

    /// The row of a chat, or 404.
    pub(crate) async fn row(&self, business: BusinessId, chat_id: ChatId) -> Result<ChatRow> {
        let found = self.store.chat(business, chat_id).await?;
        found.ok_or_else(|| Error::chat_not_found(chat_id))
    }

    /// A talk about something, found if there is one.
    pub(crate) fn talk(&self, business: BusinessId, subject: Subject) -> NewChat {
        let reuse = match self.settings.disputes {
            Disputes::OwnChat => Reuse::SameType,
            Disputes::InPlace => Reuse::AnyType,
        };
        NewChat {
            business,
            chat_type: ChatType::Chat,
            status: ChatStatus::New,
            subject,
            at: self.now(),
            reuse,
            first: None,
        }
    }

    /// What a chat about this order or return is about, or 404.
    pub(crate) async fn subject(
        &self,
        business: BusinessId,
        context: ChatContext,
    ) -> Result<Subject> {
        match context {
            ChatContext::Order(order) => {
                Ok(Subject::of_order(self.order(business, order).await?, None))
            }
            ChatContext::Return(id) => {
                let found = self.store.ret(business, id).await?;
                let ret = found.ok_or_else(|| Error::return_not_found(id))?;
                let order = self.order(business, ret.order_id).await?;
                if order.model == Model::Dbs {
                    return Err(Error::bad_request(format!(
                        "Chats about returns are not available for DBS orders (return {id})"
                    )));
                }
                Ok(Subject::of_order(order, Some(id)))
            }
        }
    }

    /// A registered order, or 404; with open orders any order.
    pub(crate) async fn order(&self, business: BusinessId, order: OrderId) -> Result<Order> {
        match (self.store.order(business, order).await?, self.settings.orders) {
            (Some(order), _) => Ok(order),
            (None, Orders::Strict) => Err(Error::order_not_found(order)),
            (None, Orders::Open) => {
                let campaigns = self.store.campaigns(&[business]).await?;
                let campaign_id = campaigns.into_iter().find_map(|campaign| campaign.id);
                let order =
                    Order { order_id: order, campaign_id, model: Model::Fbs, customer: None };
                self.store.put_order(business, order).await
            }
        }
    }

    /// A text to be written now.
    pub(crate) fn text(&self, sender: Sender, text: MessageText) -> Draft {
        Draft { text: Some(text.into_string()), ..self.draft(sender) }
    }

    /// A message with nothing in it, to be written now.
    pub(crate) fn draft(&self, sender: Sender) -> Draft {
        let stays_new = self.settings.new_until_answered;
        let event = Event::Written { sender: sender.clone(), waiting_for: None, stays_new };
        Draft { at: self.now(), event, sender, text: None, file: None }
    }

    /// Takes in a file and writes its message. Either both are there afterwards or neither.
    pub(crate) async fn attach(
        &self,
        business: BusinessId,
        chat_id: ChatId,
        sender: Sender,
        upload: FileUpload,
    ) -> Result<MessageRow> {
        let row = self.row(business, chat_id).await?;
        if row.status == ChatStatus::Finished {
            return Err(Error::chat_closed(chat_id));
        }
        let (incoming, size) = self.incoming(upload.content).await?;
        let name = upload.name.as_str().to_owned();
        let kept = FileRow { file: incoming.file.clone(), name, size };
        let draft = Draft { file: Some(kept), ..self.draft(sender) };
        incoming.append(business, chat_id, draft).await
    }

    /// Brings the bytes of a file onto disk; gives its size with it.
    pub(crate) async fn incoming(&self, content: FileStream) -> Result<(Incoming, i64)> {
        let incoming = Incoming::begin(self).await?;
        let size = self.files.write(&incoming.file, content).await?;
        Ok((incoming, size))
    }

    /// The settings it was opened with.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// A message as the API shows it.
    pub(crate) fn message(&self, row: MessageRow) -> Message {
        let link = |file: FileRow| Attachment {
            url: file.file.url(&self.settings.public_url),
            name: file.name,
            size: i32::try_from(file.size).unwrap_or(i32::MAX),
        };
        Message {
            message_id: row.message,
            created_at: Time::moscow(row.created_at),
            sender: row.sender,
            message: row.text,
            payload: row.file.map(|file| vec![link(file)]),
        }
    }
}

/// A file that no message has yet. Dropped before it has one, it is taken away again.
pub(crate) struct Incoming {
    store: Arc<dyn Store>,
    files: Files,
    file: FileId,
    settled: bool,
}

impl Incoming {
    async fn begin(engine: &Engine) -> Result<Self> {
        let file = FileId::new(rand::random());
        engine.store.begin_upload(&file, engine.now()).await?;
        let (store, files) = (Arc::clone(&engine.store), engine.files.clone());
        Ok(Self { store, files, file, settled: false })
    }

    pub(crate) fn id(&self) -> &FileId {
        &self.file
    }

    /// It has its message, so it stays.
    pub(crate) fn settle(mut self) {
        self.settled = true;
    }

    /// Gives it its message. From here on a caller who goes away changes nothing: the write is on its way.
    async fn append(
        self,
        business: BusinessId,
        chat_id: ChatId,
        draft: Draft,
    ) -> Result<MessageRow> {
        let task = tokio::spawn(async move {
            let mut incoming = self;
            let written = incoming.store.append(business, chat_id, draft).await;
            incoming.settled = written.is_ok();
            written
        });
        task.await.map_err(Error::internal)?
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        if self.settled {
            return;
        }
        let (store, files, file) = (Arc::clone(&self.store), self.files.clone(), self.file.clone());
        // Without a runtime the process is ending, and the next start sweeps.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                if let Err(error) = discard(store.as_ref(), &files, &file).await {
                    tracing::warn!(%error, "an unfinished upload stays until the next start");
                }
            });
        }
    }
}

/// Takes away the bytes of an upload that came to nothing, then forgets it.
pub(crate) async fn discard(store: &dyn Store, files: &Files, file: &FileId) -> Result<()> {
    files.remove(file).await?;
    store.forget_upload(file).await
}

/// A chat as the API shows it.
pub(crate) fn chat(row: ChatRow) -> Chat {
    let context = context(row.subject);
    Chat {
        chat_id: row.chat,
        order_id: context.order_id,
        context,
        chat_type: row.chat_type,
        status: row.status,
        created_at: Time::moscow(row.created_at),
        updated_at: Time::moscow(row.updated_at),
    }
}

fn context(subject: Subject) -> FullContext {
    debug_assert!(subject.context_type != ContextType::Direct || subject.order.is_none());
    FullContext {
        context_type: subject.context_type,
        customer: subject.customer,
        campaign_id: subject.campaign,
        order_id: subject.order,
        return_id: subject.ret,
    }
}

#[async_trait]
impl Downloads for Engine {
    async fn open_file(&self, file: &FileId, range: Option<ByteRange>) -> Result<Option<Download>> {
        let Some((_, kept)) = self.store.file(file).await? else { return Ok(None) };
        let size = u64::try_from(kept.size).map_err(Error::internal)?;
        let range = match range {
            None => 0..size,
            Some(asked) => asked.within(size).unwrap_or(0..0),
        };
        let content = self.files.read(file, range.clone()).await?;
        Ok(Some(Download { name: FileName::new(&kept.name), size, range, content }))
    }

    async fn file_business(&self, file: &FileId) -> Result<Option<BusinessId>> {
        Ok(self.store.file(file).await?.map(|(business, _)| business))
    }
}

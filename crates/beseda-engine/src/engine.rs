//! `ChatsApi` and `Downloads` over a store and a file store.

use std::sync::Arc;

use async_trait::async_trait;
use beseda_api::{
    Attachment, BusinessId, ByteRange, Chat, ChatContext, ChatFilter, ChatId, ChatPage, ChatStatus,
    ChatType, ChatsApi, Clock, Download, Downloads, Error, FileId, FileName, FileUpload,
    FullContext, HistoryFrom, Message, MessageId, MessagePage, MessageText, Model, Order, OrderId,
    PageRequest, Paging, Result, Sender, Time, WaitingFor,
};

use jiff::Timestamp;

use crate::{
    DataFolder, Disputes, EngineSettings, FileStore, Orders,
    lifecycle::{ChatAction, Reuse},
    page_token::PageTokenSigner,
    pending_upload::PendingUpload,
    rows::{ChatRow, FileRow, MessageRow, Subject},
    store::{ChatQuery, NewChat, NewMessage, Store},
};

/// Chats API over a store: the seller's side, the marketplace's side and administration.
pub struct Engine {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) files: FileStore,
    pub(crate) settings: EngineSettings,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) page_tokens: PageTokenSigner,
    /// Data folder and its lock, dropped after the store.
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
        let after =
            page.token.map(|token| self.page_tokens.verify_chats(business, &token)).transpose()?;
        let limit = page.limit.unwrap_or_default().get() as usize;
        let query = ChatQuery { filter, after, limit: limit + 1 };
        let mut rows = self.store.chats(business, query).await?;
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        let last = rows.last().filter(|_| has_more);
        let next_page_token = last.map(|row| self.page_tokens.sign_chats(business, row.cursor()));
        Ok(ChatPage {
            chats: rows.into_iter().map(Chat::from).collect(),
            paging: Paging { next_page_token },
        })
    }

    async fn get_chat(&self, business: BusinessId, chat_id: ChatId) -> Result<Chat> {
        self.row(business, chat_id).await.map(Chat::from)
    }

    async fn get_chat_history(
        &self,
        business: BusinessId,
        chat_id: ChatId,
        from: HistoryFrom,
    ) -> Result<MessagePage> {
        let token = from.page.token.map(|token| self.page_tokens.verify_history(chat_id, &token));
        // A token is a later position of the same traversal, so it takes precedence over `messageIdFrom`.
        let first = token.transpose()?.or(from.message_id_from.map(MessageId::get)).unwrap_or(1);
        let limit = from.page.limit.unwrap_or_default().get() as usize;
        let found = self.store.history(business, chat_id, first, limit + 1).await?;
        let (row, mut rows) = found.ok_or_else(|| Error::chat_not_found(chat_id))?;
        let next = rows.get(limit).map(|row| row.message.get());
        rows.truncate(limit);
        let context = FullContext::from(row.subject);
        let next_page_token = next.map(|next| self.page_tokens.sign_history(chat_id, next));
        Ok(MessagePage {
            order_id: context.order_id,
            context,
            messages: rows.into_iter().map(|row| self.message(row)).collect(),
            paging: Paging { next_page_token },
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
        let (row, _) = self.store.create_chat(self.new_chat(business, subject)).await?;
        Ok(row.chat)
    }

    async fn send_message_to_chat(
        &self,
        business: BusinessId,
        chat_id: ChatId,
        text: MessageText,
    ) -> Result<()> {
        let message = self.text_message(Sender::Partner, text);
        self.store.append(business, chat_id, message).await.map(|_| ())
    }

    async fn send_file_to_chat(
        &self,
        business: BusinessId,
        chat_id: ChatId,
        file: FileUpload,
    ) -> Result<()> {
        self.send_file(business, chat_id, Sender::Partner, file).await.map(|_| ())
    }
}

impl Engine {
    /// Counts the chats that match a filter, up to `max`.
    ///
    /// # Errors
    /// If the store can't be read.
    pub async fn count_chats(
        &self,
        business: BusinessId,
        filter: ChatFilter,
        max: usize,
    ) -> Result<usize> {
        let query = ChatQuery { filter, after: None, limit: max };
        Ok(self.store.chats(business, query).await?.len())
    }

    /// Returns the current time in the precision of the store: microseconds.
    pub(crate) fn now(&self) -> Timestamp {
        let now = self.clock.now();
        Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
    }

    /// Returns the row of a chat, or 404.
    pub(crate) async fn row(&self, business: BusinessId, chat_id: ChatId) -> Result<ChatRow> {
        let found = self.store.chat(business, chat_id).await?;
        found.ok_or_else(|| Error::chat_not_found(chat_id))
    }

    /// Returns a request for a chat about a subject, which reuses an existing one.
    pub(crate) fn new_chat(&self, business: BusinessId, subject: Subject) -> NewChat {
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
            action: None,
            message: None,
        }
    }

    /// Returns the subject of a chat about an order or return, or 404.
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

    /// Returns an order, or 404. With [`Orders::Open`] an unregistered order is registered.
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

    /// Returns a message with a text, created now.
    pub(crate) fn text_message(&self, sender: Sender, text: MessageText) -> NewMessage {
        self.new_message(sender, None, Some(text.into_string()), None)
    }

    /// Returns a message with a file, created now.
    pub(crate) fn file_message(
        &self,
        sender: Sender,
        upload: &PendingUpload,
        name: &FileName,
    ) -> NewMessage {
        let name = name.as_str().to_owned();
        let file = FileRow { file: upload.id().clone(), name, size: upload.size() };
        self.new_message(sender, None, None, Some(file))
    }

    /// Returns a message, created now. Without text and file it is a sticker.
    pub(crate) fn new_message(
        &self,
        sender: Sender,
        waiting_for: Option<WaitingFor>,
        text: Option<String>,
        file: Option<FileRow>,
    ) -> NewMessage {
        let action = ChatAction::Write {
            sender: sender.clone(),
            waiting_for,
            stays_new: self.settings.new_until_answered,
            is_sticker: text.is_none() && file.is_none(),
        };
        NewMessage { at: self.now(), action, sender, text, file }
    }

    /// Stores a file and its message: both, or neither.
    pub(crate) async fn send_file(
        &self,
        business: BusinessId,
        chat_id: ChatId,
        sender: Sender,
        file: FileUpload,
    ) -> Result<MessageRow> {
        let row = self.row(business, chat_id).await?;
        if row.status == ChatStatus::Finished {
            return Err(Error::chat_closed(chat_id));
        }
        let FileUpload { name, content } = file;
        let upload = PendingUpload::write(&self.store, &self.files, content, self.now()).await?;
        let message = self.file_message(sender, &upload, &name);
        upload.append(business, chat_id, message).await
    }

    /// Returns the settings.
    #[must_use]
    pub fn settings(&self) -> &EngineSettings {
        &self.settings
    }

    /// Converts a row to a message of the API, with links to its files.
    pub(crate) fn message(&self, row: MessageRow) -> Message {
        let attachment = |file: FileRow| Attachment {
            url: file.file.url(&self.settings.public_url),
            name: file.name,
            size: i32::try_from(file.size).unwrap_or(i32::MAX),
        };
        Message {
            message_id: row.message,
            created_at: Time::moscow(row.created_at),
            sender: row.sender,
            message: row.text,
            payload: row.file.map(|file| vec![attachment(file)]),
        }
    }
}

#[async_trait]
impl Downloads for Engine {
    async fn open_file(&self, file: &FileId, range: Option<ByteRange>) -> Result<Option<Download>> {
        let Some((_, row)) = self.store.file(file).await? else { return Ok(None) };
        let size = u64::try_from(row.size).map_err(Error::internal)?;
        let range = ByteRange::resolve(range, size);
        let content = self.files.read(file, range.clone()).await?;
        Ok(Some(Download { name: FileName::new(&row.name), size, range, content }))
    }

    async fn file_business(&self, file: &FileId) -> Result<Option<BusinessId>> {
        Ok(self.store.file(file).await?.map(|(business, _)| business))
    }
}

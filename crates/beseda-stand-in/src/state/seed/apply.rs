//! Applies a seed within an engine transaction, through the public traits. The first error aborts
//! and names its path.

use std::collections::VecDeque;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use beseda_api::{
    Administration, BusinessId, ChatId, ChatOpening, ChatsApi, Clock, DisputeOpening, Error,
    FileUpload, ManualClock, MarketMessage, MarketSide, MessageText, NewCabinet, NewKey, Result,
    Sender,
};
use beseda_engine::{Engine, EngineTransaction, StagedFile};

use super::{
    PathSegment, Seed, SeedCabinet, SeedChat, SeedError, SeedFile, SeedMessage, SeedSummary,
};

/// Adds the path to an error.
trait AtPath<T> {
    fn at(self, path: &[PathSegment]) -> Result<T, SeedError>;
}

impl<T> AtPath<T> for Result<T> {
    fn at(self, path: &[PathSegment]) -> Result<T, SeedError> {
        self.map_err(|error| SeedError { path: path.to_vec(), error })
    }
}

/// Returns the path extended by a field, and by an index if given.
fn child_path(
    path: &[PathSegment],
    field: &'static str,
    number: Option<usize>,
) -> Vec<PathSegment> {
    let mut path = path.to_vec();
    path.push(PathSegment::Field(field));
    path.extend(number.map(PathSegment::Item));
    path
}

/// Number of messages after which the task yields and reports progress.
const YIELD_INTERVAL: usize = 256;

/// Stores the files of a seed on disk, in the order in which [`apply`] uses them.
pub(crate) async fn store_files(seed: &Seed, engine: &Engine) -> Result<StoredFiles, SeedError> {
    let mut files = StoredFiles::new();
    for (number, cabinet) in seed.cabinets.iter().enumerate() {
        let path = child_path(&[], "cabinets", Some(number));
        for (number, chat) in cabinet.chats.iter().enumerate() {
            let path = child_path(&path, "chats", Some(number));
            store_files_of(&chat.messages, engine, &path, &mut files).await?;
            if let Some(dispute) = &chat.dispute {
                let path = child_path(&path, "dispute", None);
                store_files_of(&dispute.messages, engine, &path, &mut files).await?;
            }
        }
    }
    Ok(files)
}

/// Stored files that have no message yet.
pub(crate) type StoredFiles = VecDeque<StagedFile>;

async fn store_files_of(
    messages: &[SeedMessage],
    engine: &Engine,
    path: &[PathSegment],
    files: &mut StoredFiles,
) -> Result<(), SeedError> {
    for (number, message) in messages.iter().enumerate() {
        let Some(file) = &message.file else { continue };
        let item_path = child_path(path, "messages", Some(number));
        let upload = to_upload(message, file).at(&item_path)?;
        files.push_back(engine.stage_file(upload).await.at(&item_path)?);
    }
    Ok(())
}

fn to_upload(message: &SeedMessage, file: &SeedFile) -> Result<FileUpload> {
    if message.message.is_some() || message.sticker {
        return Err(Error::bad_request(
            "a message with a file must not have `message` or `sticker`",
        ));
    }
    let bytes = match (&file.base64, &file.text) {
        (Some(base64), None) => BASE64_STANDARD
            .decode(base64)
            .map_err(|error| Error::bad_request(format!("file.base64: {error}")))?,
        (None, text) => text.clone().unwrap_or_default().into_bytes(),
        (Some(_), Some(_)) => {
            return Err(Error::bad_request("file: give only one of `base64` and `text`"));
        }
    };
    Ok(FileUpload::from_bytes(&file.name, bytes))
}

/// Applies a seed and reports the number of messages written to `progress`.
pub(crate) async fn apply(
    seed: &Seed,
    files: StoredFiles,
    transaction: &EngineTransaction,
    clock: &ManualClock,
    progress: &(dyn Fn(usize) + Send + Sync),
) -> Result<SeedSummary, SeedError> {
    let start = clock.now();
    let engine = transaction.engine();
    let mut writer =
        SeedWriter { transaction, engine, clock, files, progress, summary: SeedSummary::default() };
    for (number, cabinet) in seed.cabinets.iter().enumerate() {
        let path = child_path(&[], "cabinets", Some(number));
        writer.cabinet(cabinet, &path).await?;
        clock.set(start);
    }
    Ok(writer.summary)
}

struct SeedWriter<'a> {
    transaction: &'a EngineTransaction,
    engine: &'a Engine,
    clock: &'a ManualClock,
    files: StoredFiles,
    progress: &'a (dyn Fn(usize) + Send + Sync),
    summary: SeedSummary,
}

impl SeedWriter<'_> {
    async fn cabinet(
        &mut self,
        cabinet: &SeedCabinet,
        path: &[PathSegment],
    ) -> Result<(), SeedError> {
        let (engine, business) = (self.engine, cabinet.business_id);
        let existing = engine.list_cabinets().await.at(path)?;
        if !existing.iter().any(|existing| existing.business_id == business) {
            let name = cabinet.name.clone();
            let name = name.ok_or_else(|| Error::null_field("name")).at(path)?;
            let new = NewCabinet { business_id: Some(business), name };
            engine.create_cabinet(new).await.at(path)?;
            self.summary.cabinets += 1;
        }
        for (number, campaign) in cabinet.campaigns.iter().enumerate() {
            let item_path = child_path(path, "campaigns", Some(number));
            engine.create_campaign(business, campaign.clone()).await.at(&item_path)?;
        }
        for (number, key) in cabinet.keys.iter().enumerate() {
            let item_path = child_path(path, "keys", Some(number));
            let new = NewKey { name: key.name.clone(), scopes: key.scopes.clone() };
            engine.import_key(business, new, &key.api_key).await.at(&item_path)?;
        }
        for (number, order) in cabinet.orders.iter().enumerate() {
            let item_path = child_path(path, "orders", Some(number));
            engine.register_order(business, order.clone()).await.at(&item_path)?;
            self.summary.orders += 1;
        }
        for (number, ret) in cabinet.returns.iter().enumerate() {
            let item_path = child_path(path, "returns", Some(number));
            engine.register_return(business, *ret).await.at(&item_path)?;
        }
        for (number, chat) in cabinet.chats.iter().enumerate() {
            self.chat(business, chat, &child_path(path, "chats", Some(number))).await?;
        }
        Ok(())
    }

    async fn chat(
        &mut self,
        business: BusinessId,
        seed: &SeedChat,
        path: &[PathSegment],
    ) -> Result<(), SeedError> {
        // A chat starts with its first message.
        if let Some(at) = seed.messages.first().and_then(|first| first.at) {
            self.clock.set(at);
        }
        let opening = ChatOpening {
            context: seed.context.clone(),
            customer: seed.customer.clone(),
            ..ChatOpening::default()
        };
        let chat = self.engine.open_chat(business, opening).await.at(path)?.chat_id;
        self.summary.chats += 1;
        self.messages(business, chat, &seed.messages, path).await?;
        if let Some(dispute) = &seed.dispute {
            let item_path = child_path(path, "dispute", None);
            if let Some(at) = dispute.messages.first().and_then(|first| first.at) {
                self.clock.set(at);
            }
            let opening = DisputeOpening { chat_id: Some(chat), ..DisputeOpening::default() };
            let opened = self.engine.open_dispute(business, opening).await.at(&item_path)?.chat_id;
            self.summary.chats += usize::from(opened != chat);
            self.messages(business, opened, &dispute.messages, &item_path).await?;
            if dispute.resolved {
                self.engine.resolve_dispute(business, opened).await.at(&item_path)?;
            }
        }
        if seed.closed {
            self.engine.close_chat(business, chat).await.at(path)?;
        }
        Ok(())
    }

    async fn messages(
        &mut self,
        business: BusinessId,
        chat: ChatId,
        messages: &[SeedMessage],
        path: &[PathSegment],
    ) -> Result<(), SeedError> {
        for (number, message) in messages.iter().enumerate() {
            let item_path = child_path(path, "messages", Some(number));
            if let Some(at) = message.at {
                self.clock.set(at);
            }
            self.message(business, chat, message).await.at(&item_path)?;
            self.summary.messages += 1;
            if self.summary.messages.is_multiple_of(YIELD_INTERVAL) {
                (self.progress)(self.summary.messages);
                tokio::task::yield_now().await;
            }
        }
        Ok(())
    }

    async fn message(
        &mut self,
        business: BusinessId,
        chat: ChatId,
        message: &SeedMessage,
    ) -> Result<()> {
        let (engine, sender) = (self.engine, message.sender.clone());
        if message.file.is_some() {
            let file =
                self.files.pop_front().ok_or_else(|| Error::internal("a file is missing"))?;
            return self.transaction.write_file(business, chat, sender, file).await.map(drop);
        }
        if sender == Sender::Partner {
            let text = message.message.clone().ok_or_else(|| Error::null_field("message"))?;
            return engine.send_message_to_chat(business, chat, MessageText::new(text)?).await;
        }
        let written = MarketMessage {
            sender,
            message: message.message.clone(),
            sticker: message.sticker,
            waiting_for: message.waiting_for.clone(),
        };
        engine.write_message(business, chat, written).await.map(drop)
    }
}

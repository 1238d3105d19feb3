//! `beseda chats`: one subcommand per operation of the API.

use std::path::Path;

use beseda_api::{
    ChatContext, ChatFilter, ChatId, ChatsApi, ChatsLimit, HistoryFrom, HistoryLimit, MessageId,
    MessageText, PageRequest, PageToken, Paging, wire::CreatedChat,
};
use beseda_client::{ChatsExt, OutgoingMessage};
use futures::TryStreamExt;
use serde::Serialize;
use serde_json::json;

use super::outbox;
use crate::{
    args::{ChatsArgs, ChatsCommand, ConnectionArgs, CreateArgs, HistoryArgs, ListArgs},
    connect::ShopClient,
    exit_status::SendFailed,
    file_io,
    output::Output,
    tables,
};

pub(crate) async fn run(args: ChatsArgs, out: Output) -> anyhow::Result<()> {
    let trusted = match &args.command {
        ChatsCommand::Download { trusted, .. } => trusted.as_slice(),
        _ => &[],
    };
    let connection = &args.connection;
    let queued = match &args.command {
        ChatsCommand::Send { safe, .. } | ChatsCommand::SendFile { safe, .. } => {
            safe.safe && safe.archive.is_some()
        }
        _ => false,
    };
    let reached = if queued { connection.for_outbox_worker() } else { connection.clone() };
    let shop = ShopClient::connect(&reached, &args.cabinet, trusted).await?;
    match args.command {
        ChatsCommand::List(list) => shop.list(out, list).await,
        ChatsCommand::Get { chat } => {
            let chat = shop.client.get_chat(shop.business, chat).await?;
            out.show(&chat, |out| tables::chat(out, &chat))
        }
        ChatsCommand::History(history) => shop.history(out, history).await,
        ChatsCommand::Message { chat, message } => {
            let message = shop.client.get_chat_message(shop.business, chat, message).await?;
            out.show(&message, |_| tables::message(&message))
        }
        ChatsCommand::Create(create) => shop.create(out, &create).await,
        ChatsCommand::Send { chat, text, safe } if safe.safe => {
            let what = OutgoingMessage::text(file_io::text(text, connection).await?)?;
            outbox::send(out, shop, chat, what, &safe, connection).await
        }
        ChatsCommand::Send { chat, text, .. } => shop.send(out, chat, text, connection).await,
        ChatsCommand::SendFile { chat, file, name, safe } if safe.safe => {
            let file = file_io::upload(&file, name.as_deref(), connection, out).await?;
            let what = file_io::read_whole(file).await?;
            outbox::send(out, shop, chat, what, &safe, connection).await
        }
        ChatsCommand::SendFile { chat, file, name, .. } => {
            let file = file_io::upload(&file, name.as_deref(), connection, out).await?;
            let sent = shop.client.send_file_to_chat(shop.business, chat, file).await;
            sent.map_err(|error| SendFailed { chat, error })?;
            out.done("sent")
        }
        ChatsCommand::Download { chat, message, output, .. } => {
            shop.download(out, chat, message, &output).await
        }
    }
}

impl ShopClient {
    async fn list(&self, out: Output, args: ListArgs) -> anyhow::Result<()> {
        let all = args.all;
        let page = PageRequest {
            limit: args.limit.map(ChatsLimit::new).transpose()?,
            token: args.page_token.as_deref().map(PageToken::new),
        };
        let filter = filter(args);
        if !all {
            let page = self.client.get_chats(self.business, filter, page).await?;
            out.show(&page, |out| tables::chats(out, &page.chats))?;
            note_next_page(out, &page.paging);
            return Ok(());
        }
        if out.is_json() {
            let mut chats = self.client.chats(self.business, filter);
            while let Some(chat) = chats.try_next().await? {
                out.line(&chat)?;
            }
            return Ok(());
        }
        let chats = self.client.chats_sorted(self.business, filter).await?;
        out.table(tables::chats(out, &chats))
    }

    async fn history(&self, out: Output, args: HistoryArgs) -> anyhow::Result<()> {
        if !args.all {
            let page = PageRequest {
                limit: args.limit.map(HistoryLimit::new).transpose()?,
                token: args.page_token.map(PageToken::new),
            };
            let from = HistoryFrom { message_id_from: args.from, page };
            let page = self.client.get_chat_history(self.business, args.chat, from).await?;
            out.show(&page, |out| tables::messages(out, &page.messages))?;
            note_next_page(out, &page.paging);
            return Ok(());
        }
        if out.is_json() {
            let mut messages = self.client.history(self.business, args.chat, args.from);
            while let Some(message) = messages.try_next().await? {
                out.line(&message)?;
            }
            return Ok(());
        }
        let messages = self.client.history_sorted(self.business, args.chat, args.from).await?;
        out.table(tables::messages(out, &messages))
    }

    async fn create(&self, out: Output, args: &CreateArgs) -> anyhow::Result<()> {
        let by_order = args.order.map(ChatContext::Order);
        let Some(context) = by_order.or(args.ret.map(ChatContext::Return)) else {
            anyhow::bail!("give --order or --return");
        };
        let chat_id = self.client.create_chat(self.business, context).await?;
        out.show(&CreatedChat { chat_id }, |_| tables::properties(&[("chat", chat_id.to_string())]))
    }

    async fn send(
        &self,
        out: Output,
        chat: ChatId,
        text: String,
        connection: &ConnectionArgs,
    ) -> anyhow::Result<()> {
        let text = MessageText::new(file_io::text(text, connection).await?)?;
        let sent = self.client.send_message_to_chat(self.business, chat, text).await;
        sent.map_err(|error| SendFailed { chat, error })?;
        out.done("sent")
    }

    async fn download(
        &self,
        out: Output,
        chat: ChatId,
        message: MessageId,
        folder: &Path,
    ) -> anyhow::Result<()> {
        #[derive(Serialize)]
        struct SavedFile {
            name: String,
            path: String,
            size: u64,
        }
        let message = self.client.get_chat_message(self.business, chat, message).await?;
        let mut files = Vec::new();
        for attachment in message.payload.unwrap_or_default() {
            let download = self.client.download(&attachment.url).await?;
            let (path, size) = file_io::save_download(download, folder, &attachment.name).await?;
            let path = path.display().to_string();
            files.push(SavedFile { name: attachment.name, path, size });
        }
        if out.is_json() {
            return out.document(&json!({ "files": files }));
        }
        if files.is_empty() {
            out.note("the message has no attachments");
        }
        files.iter().try_for_each(|file| out.say(&file.path))
    }
}

fn filter(args: ListArgs) -> ChatFilter {
    let orders = args.order.into_iter().map(ChatContext::Order);
    let returns = args.ret.into_iter().map(ChatContext::Return);
    ChatFilter {
        order_ids: Vec::new(),
        contexts: orders.chain(returns).collect(),
        context_types: args.context_type,
        types: args.types,
        statuses: args.status,
    }
}

/// Notes that there is another page.
fn note_next_page(out: Output, paging: &Paging) {
    if let Some(token) = &paging.next_page_token {
        let token = token.as_str();
        out.note(format_args!(
            "more results: --page-token {token} shows the next page, --all shows all pages"
        ));
    }
}

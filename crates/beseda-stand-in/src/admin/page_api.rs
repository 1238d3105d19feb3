//! `/__admin/page/…`: private endpoints of the page, which bypass faults, limits and journal.
//! Programs use the published API and the marketplace side instead.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Query, State, rejection::QueryRejection},
    routing::{get, post},
};
use beseda_api::{
    Administration, BusinessId, Cabinet, Chat, ChatFilter, ChatId, ChatOpening, ChatsApi,
    DisputeOpening, Error, HistoryFrom, MarketMessage, MarketSide, Message, MessageText,
    PageRequest, PageToken, Result, Sender, WaitingFor,
};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{
    parse,
    response::{self, AdminResult},
};
use crate::Control;

/// Returns the routes; the caller adds authentication.
pub(super) fn routes() -> Router<Arc<Control>> {
    Router::new()
        .route("/page/cabinets", get(cabinets))
        .route("/page/chats", get(chats).post(open))
        .route("/page/chats/close", post(close))
        .route("/page/messages", get(messages).post(write))
        .route("/page/disputes", post(dispute))
        .route("/page/disputes/resolve", post(resolve))
}

#[derive(Serialize)]
struct CabinetsPage {
    cabinets: Vec<Cabinet>,
}

async fn cabinets(State(control): State<Arc<Control>>) -> AdminResult {
    let _guard = control.state_lock.read().await;
    response::ok(CabinetsPage { cabinets: control.engine.list_cabinets().await? })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PageQuery {
    business_id: BusinessId,
    #[serde(default)]
    chat_id: Option<ChatId>,
    #[serde(default)]
    page_token: Option<String>,
}

impl PageQuery {
    fn page<const MAX: u32>(&self) -> PageRequest<MAX> {
        let token = self.page_token.as_deref().filter(|token| !token.is_empty());
        PageRequest { token: token.map(PageToken::new), ..PageRequest::default() }
    }
}

/// Parsed query, or its rejection.
type PageQueryResult = std::result::Result<Query<PageQuery>, QueryRejection>;

fn page_query(query: PageQueryResult) -> Result<PageQuery> {
    query.map(|Query(query)| query).map_err(|error| Error::bad_request(error.body_text()))
}

async fn chats(State(control): State<Arc<Control>>, query: PageQueryResult) -> AdminResult {
    let query = page_query(query)?;
    let _guard = control.state_lock.read().await;
    let filter = ChatFilter::default();
    response::ok(control.engine.get_chats(query.business_id, filter, query.page()).await?)
}

#[derive(Serialize)]
struct ChatWithHistory {
    chat: Chat,
    #[serde(flatten)]
    history: beseda_api::MessagePage,
}

async fn messages(State(control): State<Arc<Control>>, query: PageQueryResult) -> AdminResult {
    let query = page_query(query)?;
    let chat_id = query.chat_id.ok_or_else(|| Error::null_field("chatId"))?;
    let _guard = control.state_lock.read().await;
    let chat = control.engine.get_chat(query.business_id, chat_id).await?;
    let from = HistoryFrom { message_id_from: None, page: query.page() };
    let history = control.engine.get_chat_history(query.business_id, chat_id, from).await?;
    response::ok(ChatWithHistory { chat, history })
}

/// Message by any participant.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct MessageRequest {
    business_id: BusinessId,
    chat_id: ChatId,
    sender: Sender,
    message: String,
    #[serde(default)]
    waiting_for: Option<WaitingFor>,
}

#[derive(Serialize)]
struct WrittenMessage {
    /// `None` for the shop, whose operation returns no message.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Message>,
}

async fn write(State(control): State<Arc<Control>>, body: Bytes) -> AdminResult {
    let MessageRequest { business_id, chat_id, sender, message, waiting_for } = parse::json(&body)?;
    let _guard = control.state_lock.read().await;
    if sender == Sender::Partner {
        let text = MessageText::new(message)?;
        control.notifier.send_message_to_chat(business_id, chat_id, text).await?;
        return response::ok(WrittenMessage { message: None });
    }
    let message = MarketMessage { sender, message: Some(message), sticker: false, waiting_for };
    let message = control.notifier.write_message(business_id, chat_id, message).await?;
    response::ok(WrittenMessage { message: Some(message) })
}

/// Chat to be opened by a buyer.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OpenChatRequest {
    business_id: BusinessId,
    #[serde(flatten)]
    opening: ChatOpening,
}

async fn open(State(control): State<Arc<Control>>, body: Bytes) -> AdminResult {
    let OpenChatRequest { business_id, opening } = parse::json(&body)?;
    let _guard = control.state_lock.read().await;
    response::ok(control.notifier.open_chat(business_id, opening).await?)
}

/// Chat and its cabinet.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ChatTarget {
    business_id: BusinessId,
    chat_id: ChatId,
}

async fn close(State(control): State<Arc<Control>>, body: Bytes) -> AdminResult {
    let ChatTarget { business_id, chat_id } = parse::json(&body)?;
    let _guard = control.state_lock.read().await;
    response::ok(control.notifier.close_chat(business_id, chat_id).await?)
}

async fn dispute(State(control): State<Arc<Control>>, body: Bytes) -> AdminResult {
    let ChatTarget { business_id, chat_id } = parse::json(&body)?;
    let _guard = control.state_lock.read().await;
    let opening = DisputeOpening { chat_id: Some(chat_id), ..DisputeOpening::default() };
    response::ok(control.notifier.open_dispute(business_id, opening).await?)
}

async fn resolve(State(control): State<Arc<Control>>, body: Bytes) -> AdminResult {
    let ChatTarget { business_id, chat_id } = parse::json(&body)?;
    let _guard = control.state_lock.read().await;
    response::ok(control.notifier.resolve_dispute(business_id, chat_id).await?)
}

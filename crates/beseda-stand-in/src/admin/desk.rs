//! `/__admin/page/…`: what the page in the browser shows and does with conversations, past faults, limits and journal.
//! Programs have the published API and the marketplace's side for that.

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
    read,
    reply::{self, Answer},
};
use crate::Control;

/// The paths, to be put behind the key.
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
struct Cabinets {
    cabinets: Vec<Cabinet>,
}

async fn cabinets(State(control): State<Arc<Control>>) -> Answer {
    let _turn = control.turn.read().await;
    reply::ok(Cabinets { cabinets: control.engine.list_cabinets().await? })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Shown {
    business_id: BusinessId,
    #[serde(default)]
    chat_id: Option<ChatId>,
    #[serde(default)]
    page_token: Option<String>,
}

impl Shown {
    fn page<const MAX: u32>(&self) -> PageRequest<MAX> {
        let token = self.page_token.as_deref().filter(|token| !token.is_empty());
        PageRequest { token: token.map(PageToken::new), ..PageRequest::default() }
    }
}

/// What a query says, or 400.
type Asked = std::result::Result<Query<Shown>, QueryRejection>;

fn asked(query: Asked) -> Result<Shown> {
    query.map(|Query(shown)| shown).map_err(|error| Error::bad_request(error.body_text()))
}

async fn chats(State(control): State<Arc<Control>>, query: Asked) -> Answer {
    let shown = asked(query)?;
    let _turn = control.turn.read().await;
    let filter = ChatFilter::default();
    reply::ok(control.engine.get_chats(shown.business_id, filter, shown.page()).await?)
}

#[derive(Serialize)]
struct Conversation {
    chat: Chat,
    #[serde(flatten)]
    history: beseda_api::MessagePage,
}

async fn messages(State(control): State<Arc<Control>>, query: Asked) -> Answer {
    let shown = asked(query)?;
    let chat_id = shown.chat_id.ok_or_else(|| Error::null_field("chatId"))?;
    let _turn = control.turn.read().await;
    let chat = control.engine.get_chat(shown.business_id, chat_id).await?;
    let from = HistoryFrom { message_id_from: None, page: shown.page() };
    let history = control.engine.get_chat_history(shown.business_id, chat_id, from).await?;
    reply::ok(Conversation { chat, history })
}

/// Something said in a chat, by anyone.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Said {
    business_id: BusinessId,
    chat_id: ChatId,
    sender: Sender,
    message: String,
    #[serde(default)]
    waiting_for: Option<WaitingFor>,
}

#[derive(Serialize)]
struct Written {
    /// The shop's own operation tells nothing of what it wrote.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Message>,
}

async fn write(State(control): State<Arc<Control>>, body: Bytes) -> Answer {
    let Said { business_id, chat_id, sender, message, waiting_for } = read::json(&body)?;
    let _turn = control.turn.read().await;
    if sender == Sender::Partner {
        let text = MessageText::new(message)?;
        control.observed.send_message_to_chat(business_id, chat_id, text).await?;
        return reply::ok(Written { message: None });
    }
    let message = MarketMessage { sender, message: Some(message), sticker: false, waiting_for };
    let message = control.observed.write_message(business_id, chat_id, message).await?;
    reply::ok(Written { message: Some(message) })
}

/// A chat that a buyer opens, with its cabinet.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Opened {
    business_id: BusinessId,
    #[serde(flatten)]
    opening: ChatOpening,
}

async fn open(State(control): State<Arc<Control>>, body: Bytes) -> Answer {
    let Opened { business_id, opening } = read::json(&body)?;
    let _turn = control.turn.read().await;
    reply::ok(control.observed.open_chat(business_id, opening).await?)
}

/// A chat, by its cabinet and its number.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Named {
    business_id: BusinessId,
    chat_id: ChatId,
}

async fn close(State(control): State<Arc<Control>>, body: Bytes) -> Answer {
    let Named { business_id, chat_id } = read::json(&body)?;
    let _turn = control.turn.read().await;
    reply::ok(control.observed.close_chat(business_id, chat_id).await?)
}

async fn dispute(State(control): State<Arc<Control>>, body: Bytes) -> Answer {
    let Named { business_id, chat_id } = read::json(&body)?;
    let _turn = control.turn.read().await;
    let opening = DisputeOpening { chat_id: Some(chat_id), ..DisputeOpening::default() };
    reply::ok(control.observed.open_dispute(business_id, opening).await?)
}

async fn resolve(State(control): State<Arc<Control>>, body: Bytes) -> Answer {
    let Named { business_id, chat_id } = read::json(&body)?;
    let _turn = control.turn.read().await;
    reply::ok(control.observed.resolve_dispute(business_id, chat_id).await?)
}

//! The marketplace's side over HTTP: `/market/v1/businesses/{businessId}/…`, with a key of its own and no limits. Sellers never come here.

use std::sync::Arc;

use beseda_api::{BusinessId, ChatId, MarketSide, Result, Sender};
use http::Method;

use crate::{
    body::Kind,
    call::Call,
    docs, query,
    reply::{self, Answer},
    upload,
};

/// What can be done, by the path after the cabinet.
#[derive(Debug, Clone, Copy)]
enum Action<'a> {
    RegisterOrder,
    RegisterReturn,
    OpenChat,
    WriteMessage(&'a str),
    WriteFile(&'a str),
    CloseChat(&'a str),
    OpenDispute,
    ResolveDispute(&'a str),
}

fn recognise(rest: &str) -> Option<(&str, Action<'_>)> {
    let segments: Vec<&str> = rest.split('/').collect();
    let ["businesses", business, below @ ..] = segments.as_slice() else { return None };
    let action = match *below {
        ["orders"] => Action::RegisterOrder,
        ["returns"] => Action::RegisterReturn,
        ["chats"] => Action::OpenChat,
        ["chats", chat, "messages"] => Action::WriteMessage(chat),
        ["chats", chat, "files"] => Action::WriteFile(chat),
        ["chats", chat, "close"] => Action::CloseChat(chat),
        ["disputes"] => Action::OpenDispute,
        ["disputes", chat, "resolve"] => Action::ResolveDispute(chat),
        _ => return None,
    };
    Some((business, action))
}

/// Answers below `/market/v1/`; 404 if there is no marketplace's side here.
pub(crate) async fn handle(call: Call<'_>, rest: &str) -> Result<Answer> {
    let market = call.server.services.market.as_ref().filter(|_| call.server.gate.has_market_key());
    let market = Arc::clone(market.ok_or_else(reply::resource_not_found)?);
    if rest == docs::DOCUMENT {
        return docs::market(&call);
    }
    let (business, action) = recognise(rest).ok_or_else(reply::resource_not_found)?;
    if call.parts.method != Method::POST {
        return Ok(reply::method_not_allowed(&call.parts.method, "POST"));
    }
    call.server.gate.admit_market(&call.parts.headers)?;
    let business: BusinessId = query::id("businessId", query::parse(business)?)?;
    act(call, market.as_ref(), business, action).await
}

async fn act(
    mut call: Call<'_>,
    market: &dyn MarketSide,
    business: BusinessId,
    action: Action<'_>,
) -> Result<Answer> {
    match action {
        Action::WriteFile(chat) => return write_file(call, market, business, chat).await,
        Action::CloseChat(chat) => {
            return reply::ok(market.close_chat(business, id(chat)?).await?);
        }
        Action::ResolveDispute(chat) => {
            return reply::ok(market.resolve_dispute(business, id(chat)?).await?);
        }
        _ => call.check_type(Kind::Json)?,
    }
    match action {
        Action::RegisterOrder => {
            reply::ok(market.register_order(business, call.own_json().await?).await?)
        }
        Action::RegisterReturn => {
            reply::ok(market.register_return(business, call.own_json().await?).await?)
        }
        Action::OpenChat => reply::ok(market.open_chat(business, call.own_json().await?).await?),
        Action::WriteMessage(chat) => {
            let chat = id(chat)?;
            reply::ok(market.write_message(business, chat, call.own_json().await?).await?)
        }
        _ => reply::ok(market.open_dispute(business, call.own_json().await?).await?),
    }
}

/// The sender stands in the query or in a part before the file; a buyer if it stands nowhere.
async fn write_file(
    mut call: Call<'_>,
    market: &dyn MarketSide,
    business: BusinessId,
    chat: &str,
) -> Result<Answer> {
    let (chat, named) = (id(chat)?, call.query().text("sender"));
    let incoming = upload::find(&mut call).await?;
    let sender = named.as_deref().or(incoming.sender.as_deref());
    let sender = sender.map_or(Sender::Customer, Sender::from);
    reply::ok(incoming.pass(|file| market.write_file(business, chat, sender, file)).await?)
}

fn id(segment: &str) -> Result<ChatId> {
    query::id("chatId", query::parse(segment)?)
}

//! Marketplace API over HTTP: `/market/v1/businesses/{businessId}/…`, authenticated by the market
//! key and without rate limits.

use std::sync::Arc;

use beseda_api::{BusinessId, ChatId, MarketSide, Result, Sender};
use http::Method;

use crate::{
    body::BodyKind,
    docs, query,
    request::RequestContext,
    response::{self, ApiResponse},
    upload,
};

/// Action of the marketplace, by the path after the cabinet.
#[derive(Debug, Clone, Copy)]
enum MarketRoute<'a> {
    RegisterOrder,
    RegisterReturn,
    OpenChat,
    WriteMessage(&'a str),
    WriteFile(&'a str),
    CloseChat(&'a str),
    OpenDispute,
    ResolveDispute(&'a str),
}

fn match_path(rest: &str) -> Option<(&str, MarketRoute<'_>)> {
    let segments: Vec<&str> = rest.split('/').collect();
    let ["businesses", business, below @ ..] = segments.as_slice() else { return None };
    let action = match *below {
        ["orders"] => MarketRoute::RegisterOrder,
        ["returns"] => MarketRoute::RegisterReturn,
        ["chats"] => MarketRoute::OpenChat,
        ["chats", chat, "messages"] => MarketRoute::WriteMessage(chat),
        ["chats", chat, "files"] => MarketRoute::WriteFile(chat),
        ["chats", chat, "close"] => MarketRoute::CloseChat(chat),
        ["disputes"] => MarketRoute::OpenDispute,
        ["disputes", chat, "resolve"] => MarketRoute::ResolveDispute(chat),
        _ => return None,
    };
    Some((business, action))
}

/// Handles a request below `/market/v1/`; 404 if the marketplace API is disabled.
pub(crate) async fn handle(call: RequestContext<'_>, rest: &str) -> Result<ApiResponse> {
    let market = call.server.services.market.as_ref().filter(|_| call.server.auth.has_market_key());
    let market = Arc::clone(market.ok_or_else(response::resource_not_found)?);
    if rest == docs::DOCUMENT {
        return docs::market(&call);
    }
    let (business, action) = match_path(rest).ok_or_else(response::resource_not_found)?;
    if call.parts.method != Method::POST {
        return Ok(response::method_not_allowed(&call.parts.method, "POST"));
    }
    call.server.auth.authorize_market(&call.parts.headers)?;
    let business: BusinessId = query::id("businessId", query::parse(business)?)?;
    act(call, market.as_ref(), business, action).await
}

async fn act(
    mut call: RequestContext<'_>,
    market: &dyn MarketSide,
    business: BusinessId,
    action: MarketRoute<'_>,
) -> Result<ApiResponse> {
    match action {
        MarketRoute::WriteFile(chat) => return write_file(call, market, business, chat).await,
        MarketRoute::CloseChat(chat) => {
            return response::ok(market.close_chat(business, id(chat)?).await?);
        }
        MarketRoute::ResolveDispute(chat) => {
            return response::ok(market.resolve_dispute(business, id(chat)?).await?);
        }
        _ => call.check_type(BodyKind::Json)?,
    }
    match action {
        MarketRoute::RegisterOrder => {
            response::ok(market.register_order(business, call.own_json().await?).await?)
        }
        MarketRoute::RegisterReturn => {
            response::ok(market.register_return(business, call.own_json().await?).await?)
        }
        MarketRoute::OpenChat => {
            response::ok(market.open_chat(business, call.own_json().await?).await?)
        }
        MarketRoute::WriteMessage(chat) => {
            let chat = id(chat)?;
            response::ok(market.write_message(business, chat, call.own_json().await?).await?)
        }
        _ => response::ok(market.open_dispute(business, call.own_json().await?).await?),
    }
}

/// The sender is a query parameter or a part before the file; defaults to the buyer.
async fn write_file(
    mut call: RequestContext<'_>,
    market: &dyn MarketSide,
    business: BusinessId,
    chat: &str,
) -> Result<ApiResponse> {
    let (chat, named) = (id(chat)?, call.query().text("sender"));
    let incoming = upload::find(&mut call).await?;
    let sender = named.as_deref().or(incoming.sender.as_deref());
    let sender = sender.map_or(Sender::Customer, Sender::from);
    response::ok(incoming.pass(|file| market.write_file(business, chat, sender, file)).await?)
}

fn id(segment: &str) -> Result<ChatId> {
    query::id("chatId", query::parse(segment)?)
}

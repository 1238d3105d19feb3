//! Marketplace API over HTTP: `/market/v1/businesses/{businessId}/…`, authenticated by the market
//! key and without rate limits.

use std::{borrow::Cow, sync::Arc};

use axum::{
    Router,
    extract::{FromRequest, Request},
    routing::post,
};
use beseda_api::{ChatId, MarketSide, Result, Sender};
use serde::de::DeserializeOwned;

use crate::{
    Server,
    body::BodyKind,
    own_request::{ErrorReply, HandlerResult, OwnRequest, PathParams, Routes, cabinet},
    query, response, upload,
};

/// Returns the routes below `/market/v1`.
pub(crate) fn routes() -> Routes {
    let of_business = Router::new()
        .route("/orders", post(register_order))
        .route("/returns", post(register_return))
        .route("/chats", post(open_chat))
        .route("/chats/{chat}/messages", post(write_message))
        .route("/chats/{chat}/files", post(write_file))
        .route("/chats/{chat}/close", post(close_chat))
        .route("/disputes", post(open_dispute))
        .route("/disputes/{chat}/resolve", post(resolve_dispute));
    Router::new().nest("/businesses/{business}", of_business)
}

/// Request with the market key.
struct MarketRequest {
    request: OwnRequest,
    market: Arc<dyn MarketSide>,
}

impl FromRequest<Arc<Server>> for MarketRequest {
    type Rejection = ErrorReply;

    async fn from_request(request: Request, server: &Arc<Server>) -> Result<Self, ErrorReply> {
        let market = server.services.market.clone().ok_or_else(response::resource_not_found)?;
        server.auth.authorize_market(request.headers())?;
        Ok(Self { request: OwnRequest::new(server, request), market })
    }
}

impl MarketRequest {
    /// Deserializes the JSON body.
    async fn json<T: DeserializeOwned>(&mut self) -> Result<T> {
        let mut call = self.request.context();
        call.check_type(BodyKind::Json)?;
        call.own_json().await
    }
}

type BusinessPath = PathParams<String>;
type ChatPath = PathParams<(String, String)>;

async fn register_order(path: BusinessPath, mut call: MarketRequest) -> HandlerResult {
    let business = cabinet(&path.0)?;
    let order = call.json().await?;
    Ok(response::ok(call.market.register_order(business, order).await?)?)
}

async fn register_return(path: BusinessPath, mut call: MarketRequest) -> HandlerResult {
    let business = cabinet(&path.0)?;
    let returned = call.json().await?;
    Ok(response::ok(call.market.register_return(business, returned).await?)?)
}

async fn open_chat(path: BusinessPath, mut call: MarketRequest) -> HandlerResult {
    let business = cabinet(&path.0)?;
    let opening = call.json().await?;
    Ok(response::ok(call.market.open_chat(business, opening).await?)?)
}

async fn write_message(
    PathParams((business, chat)): ChatPath,
    mut call: MarketRequest,
) -> HandlerResult {
    let (business, chat) = (cabinet(&business)?, id(&chat)?);
    let message = call.json().await?;
    Ok(response::ok(call.market.write_message(business, chat, message).await?)?)
}

/// Stores a file. The sender is a query parameter or a part before the file; defaults to the buyer.
async fn write_file(
    PathParams((business, chat)): ChatPath,
    mut call: MarketRequest,
) -> HandlerResult {
    let (business, chat) = (cabinet(&business)?, id(&chat)?);
    let mut context = call.request.context();
    let named = context.query().text("sender").map(Cow::into_owned);
    let incoming = upload::find(&mut context).await?;
    let sender = named.as_deref().or(incoming.sender.as_deref());
    let sender = sender.map_or(Sender::Customer, Sender::from);
    let market = &call.market;
    Ok(response::ok(incoming.pass(|file| market.write_file(business, chat, sender, file)).await?)?)
}

async fn close_chat(PathParams((business, chat)): ChatPath, call: MarketRequest) -> HandlerResult {
    let (business, chat) = (cabinet(&business)?, id(&chat)?);
    Ok(response::ok(call.market.close_chat(business, chat).await?)?)
}

async fn open_dispute(path: BusinessPath, mut call: MarketRequest) -> HandlerResult {
    let business = cabinet(&path.0)?;
    let opening = call.json().await?;
    Ok(response::ok(call.market.open_dispute(business, opening).await?)?)
}

async fn resolve_dispute(
    PathParams((business, chat)): ChatPath,
    call: MarketRequest,
) -> HandlerResult {
    let (business, chat) = (cabinet(&business)?, id(&chat)?);
    Ok(response::ok(call.market.resolve_dispute(business, chat).await?)?)
}

fn id(segment: &str) -> Result<ChatId> {
    query::id("chatId", query::parse(segment)?)
}

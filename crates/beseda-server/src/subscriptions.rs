//! Webhook subscriptions over HTTP, below a cabinet of `/admin/v1/`.

use std::sync::Arc;

use axum::{
    Router,
    extract::{FromRequest, Request},
    routing::{delete, get, post},
};
use beseda_api::{Result, Subscription, Subscriptions};
use serde::Serialize;

use crate::{
    Server,
    own_request::{ErrorReply, HandlerResult, OwnRequest, PathParams, Routes, cabinet},
    query::parse,
    response,
};

/// Returns the routes below `/cabinets/{business}/subscriptions`.
pub(crate) fn routes() -> Routes {
    Router::new()
        .route("/", get(list).post(create))
        .route("/{id}", delete(remove))
        .route("/{id}/pause", post(pause))
        .route("/{id}/resume", post(resume))
        .route("/{id}/deliveries", get(list_deliveries))
        .route("/{id}/deliveries/{delivery}/replay", post(replay))
}

/// Request with the admin key; 404 if the server sends no webhooks.
struct SubscriptionRequest {
    request: OwnRequest,
    subscriptions: Arc<dyn Subscriptions>,
}

impl FromRequest<Arc<Server>> for SubscriptionRequest {
    type Rejection = ErrorReply;

    async fn from_request(request: Request, server: &Arc<Server>) -> Result<Self, ErrorReply> {
        let request = OwnRequest::of_administrator(server, request)?;
        let subscriptions = server.services.subscriptions.clone();
        let subscriptions = subscriptions.ok_or_else(response::resource_not_found)?;
        Ok(Self { request, subscriptions })
    }
}

#[derive(Serialize)]
struct CabinetSubscriptions {
    subscriptions: Vec<Subscription>,
}

type SubscriptionPath = PathParams<(String, String)>;

async fn list(business: PathParams<String>, call: SubscriptionRequest) -> HandlerResult {
    let subscriptions = call.subscriptions.list_subscriptions(cabinet(&business.0)?).await?;
    Ok(response::ok(CabinetSubscriptions { subscriptions })?)
}

async fn create(business: PathParams<String>, mut call: SubscriptionRequest) -> HandlerResult {
    let business = cabinet(&business.0)?;
    let new = call.request.context().own_json().await?;
    Ok(response::ok(call.subscriptions.create_subscription(business, new).await?)?)
}

async fn remove(
    PathParams((business, id)): SubscriptionPath,
    call: SubscriptionRequest,
) -> HandlerResult {
    call.subscriptions.delete(cabinet(&business)?, parse(&id)?).await?;
    Ok(response::done()?)
}

async fn pause(
    PathParams((business, id)): SubscriptionPath,
    call: SubscriptionRequest,
) -> HandlerResult {
    Ok(response::ok(call.subscriptions.pause(cabinet(&business)?, parse(&id)?).await?)?)
}

async fn resume(
    PathParams((business, id)): SubscriptionPath,
    call: SubscriptionRequest,
) -> HandlerResult {
    Ok(response::ok(call.subscriptions.resume(cabinet(&business)?, parse(&id)?).await?)?)
}

async fn list_deliveries(
    PathParams((business, id)): SubscriptionPath,
    mut call: SubscriptionRequest,
) -> HandlerResult {
    let business = cabinet(&business)?;
    let page = call.request.context().query().page()?;
    Ok(response::ok(call.subscriptions.deliveries(business, parse(&id)?, page).await?)?)
}

async fn replay(
    PathParams((business, id, delivery)): PathParams<(String, String, String)>,
    call: SubscriptionRequest,
) -> HandlerResult {
    call.subscriptions.replay(cabinet(&business)?, parse(&id)?, parse(&delivery)?).await?;
    Ok(response::done()?)
}

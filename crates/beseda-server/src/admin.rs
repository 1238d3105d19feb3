//! Administration over HTTP: `/admin/v1/…`, authenticated by the admin key and without rate limits.

use std::sync::Arc;

use axum::{
    Router,
    extract::{FromRequest, Request},
    routing::{delete, get, put},
};
use beseda_api::{Administration, Result};
use http::Method;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    Server,
    own_request::{ErrorReply, HandlerResult, OwnRequest, PathParams, Routes, cabinet},
    query::parse,
    response, subscriptions,
};

/// Returns the routes below `/admin/v1`.
pub(crate) fn routes() -> Routes {
    Router::new()
        .route("/cabinets", get(list_cabinets).post(create_cabinet))
        .route("/cabinets/{business}/campaigns", get(list_campaigns).post(create_campaign))
        .route("/cabinets/{business}/keys", get(list_keys).post(create_key))
        .route("/cabinets/{business}/keys/{key}", delete(revoke_key))
        .route("/users", get(list_users).post(create_user))
        .route("/users/{user}/cabinets/{business}", put(grant_access).delete(withdraw_access))
        .route("/users/{user}/tokens", get(list_tokens).post(create_token))
        .route("/users/{user}/tokens/{token}", delete(revoke_token))
        .nest("/cabinets/{business}/subscriptions", subscriptions::routes())
}

/// Request with the admin key.
struct AdminRequest {
    request: OwnRequest,
    admin: Arc<dyn Administration>,
    is_change: bool,
}

impl FromRequest<Arc<Server>> for AdminRequest {
    type Rejection = ErrorReply;

    async fn from_request(request: Request, server: &Arc<Server>) -> Result<Self, ErrorReply> {
        let admin = server.services.admin.clone().ok_or_else(response::resource_not_found)?;
        let is_change = request.method() != Method::GET;
        Ok(Self { request: OwnRequest::of_administrator(server, request)?, admin, is_change })
    }
}

impl Drop for AdminRequest {
    /// Invalidates the cached credentials, also after an error: the change may have been made.
    fn drop(&mut self) {
        if self.is_change {
            self.request.server.auth.invalidate();
        }
    }
}

impl AdminRequest {
    /// Deserializes the JSON body.
    async fn json<T: DeserializeOwned>(&mut self) -> Result<T> {
        self.request.context().own_json().await
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum AdminList<T> {
    Cabinets(T),
    Campaigns(T),
    Keys(T),
    Users(T),
    Tokens(T),
}

type Id = PathParams<String>;
type IdPair = PathParams<(String, String)>;

async fn list_cabinets(call: AdminRequest) -> HandlerResult {
    Ok(response::ok(AdminList::Cabinets(call.admin.list_cabinets().await?))?)
}

async fn create_cabinet(mut call: AdminRequest) -> HandlerResult {
    let new = call.json().await?;
    Ok(response::ok(call.admin.create_cabinet(new).await?)?)
}

async fn list_campaigns(business: Id, call: AdminRequest) -> HandlerResult {
    let campaigns = call.admin.list_campaigns(cabinet(&business.0)?).await?;
    Ok(response::ok(AdminList::Campaigns(campaigns))?)
}

async fn create_campaign(business: Id, mut call: AdminRequest) -> HandlerResult {
    let business = cabinet(&business.0)?;
    let new = call.json().await?;
    Ok(response::ok(call.admin.create_campaign(business, new).await?)?)
}

async fn list_keys(business: Id, call: AdminRequest) -> HandlerResult {
    Ok(response::ok(AdminList::Keys(call.admin.list_keys(cabinet(&business.0)?).await?))?)
}

async fn create_key(business: Id, mut call: AdminRequest) -> HandlerResult {
    let business = cabinet(&business.0)?;
    let new = call.json().await?;
    Ok(response::ok(call.admin.create_key(business, new).await?)?)
}

async fn revoke_key(PathParams((business, key)): IdPair, call: AdminRequest) -> HandlerResult {
    call.admin.revoke_key(cabinet(&business)?, parse(&key)?).await?;
    Ok(response::done()?)
}

async fn list_users(call: AdminRequest) -> HandlerResult {
    Ok(response::ok(AdminList::Users(call.admin.list_users().await?))?)
}

async fn create_user(mut call: AdminRequest) -> HandlerResult {
    let new = call.json().await?;
    Ok(response::ok(call.admin.create_user(new).await?)?)
}

async fn grant_access(PathParams((user, business)): IdPair, call: AdminRequest) -> HandlerResult {
    call.admin.grant_access(parse(&user)?, cabinet(&business)?).await?;
    Ok(response::done()?)
}

async fn withdraw_access(
    PathParams((user, business)): IdPair,
    call: AdminRequest,
) -> HandlerResult {
    call.admin.withdraw_access(parse(&user)?, cabinet(&business)?).await?;
    Ok(response::done()?)
}

async fn list_tokens(user: Id, call: AdminRequest) -> HandlerResult {
    Ok(response::ok(AdminList::Tokens(call.admin.list_tokens(parse(&user.0)?).await?))?)
}

async fn create_token(user: Id, call: AdminRequest) -> HandlerResult {
    Ok(response::ok(call.admin.create_token(parse(&user.0)?).await?)?)
}

async fn revoke_token(PathParams((user, token)): IdPair, call: AdminRequest) -> HandlerResult {
    call.admin.revoke_token(parse(&user)?, parse(&token)?).await?;
    Ok(response::done()?)
}

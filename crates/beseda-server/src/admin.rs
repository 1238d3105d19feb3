//! Administration over HTTP: `/admin/v1/…`, authenticated by the admin key and without rate limits.

use std::sync::Arc;

use beseda_api::{Administration, BusinessId, Result};
use http::Method;
use serde::Serialize;

use crate::{
    body::BodyKind,
    docs, query,
    request::RequestContext,
    response::{self, ApiResponse},
    subscriptions,
};

/// Resource of the administration, by path.
#[derive(Debug, Clone, Copy)]
enum AdminRoute<'a> {
    Cabinets,
    Campaigns(&'a str),
    Keys(&'a str),
    Key(&'a str, &'a str),
    Users,
    Right(&'a str, &'a str),
    Tokens(&'a str),
    Token(&'a str, &'a str),
    Subscriptions(&'a str, subscriptions::SubscriptionRoute<'a>),
}

impl<'a> AdminRoute<'a> {
    fn match_path(rest: &'a str) -> Option<Self> {
        let segments: Vec<&str> = rest.split('/').collect();
        Some(match *segments.as_slice() {
            ["cabinets"] => Self::Cabinets,
            ["cabinets", business, "campaigns"] => Self::Campaigns(business),
            ["cabinets", business, "keys"] => Self::Keys(business),
            ["cabinets", business, "keys", key] => Self::Key(business, key),
            ["cabinets", business, "subscriptions", ref rest @ ..] => {
                Self::Subscriptions(business, subscriptions::SubscriptionRoute::match_path(rest)?)
            }
            ["users"] => Self::Users,
            ["users", user, "cabinets", business] => Self::Right(user, business),
            ["users", user, "tokens"] => Self::Tokens(user),
            ["users", user, "tokens", token] => Self::Token(user, token),
            _ => return None,
        })
    }

    fn allow(self) -> &'static str {
        match self {
            Self::Cabinets | Self::Campaigns(_) | Self::Keys(_) | Self::Users | Self::Tokens(_) => {
                "GET, POST"
            }
            Self::Right(..) => "PUT, DELETE",
            Self::Subscriptions(_, thing) => thing.allow(),
            Self::Key(..) | Self::Token(..) => "DELETE",
        }
    }
}

/// Handles a request below `/admin/v1/`; 404 if administration is disabled.
pub(crate) async fn handle(mut call: RequestContext<'_>, rest: &str) -> Result<ApiResponse> {
    let admin = call.server.services.admin.as_ref().filter(|_| call.server.auth.has_admin_key());
    let admin = Arc::clone(admin.ok_or_else(response::resource_not_found)?);
    if rest == docs::DOCUMENT {
        return docs::administration(&call);
    }
    let thing = AdminRoute::match_path(rest).ok_or_else(response::resource_not_found)?;
    let method = call.parts.method.clone();
    if !thing.allow().split(", ").any(|allowed| allowed == method.as_str()) {
        return Ok(response::method_not_allowed(&method, thing.allow()));
    }
    call.server.auth.authorize_admin(&call.parts.headers)?;
    if method == Method::POST {
        call.check_type(BodyKind::Json)?;
    }
    if let AdminRoute::Subscriptions(business, thing) = thing {
        return subscriptions::handle(&mut call, business, thing).await;
    }
    if method == Method::GET {
        return list(admin.as_ref(), thing).await;
    }
    let changed = change(&mut call, admin.as_ref(), thing, &method).await;
    // Also after an error: the change may have been made.
    call.server.auth.invalidate();
    changed
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum Listed<T> {
    Cabinets(T),
    Campaigns(T),
    Keys(T),
    Users(T),
    Tokens(T),
}

async fn list(admin: &dyn Administration, thing: AdminRoute<'_>) -> Result<ApiResponse> {
    match thing {
        AdminRoute::Cabinets => response::ok(Listed::Cabinets(admin.list_cabinets().await?)),
        AdminRoute::Campaigns(business) => {
            response::ok(Listed::Campaigns(admin.list_campaigns(cabinet(business)?).await?))
        }
        AdminRoute::Keys(business) => {
            response::ok(Listed::Keys(admin.list_keys(cabinet(business)?).await?))
        }
        AdminRoute::Users => response::ok(Listed::Users(admin.list_users().await?)),
        AdminRoute::Tokens(user) => {
            response::ok(Listed::Tokens(admin.list_tokens(number(user)?).await?))
        }
        AdminRoute::Key(..)
        | AdminRoute::Right(..)
        | AdminRoute::Token(..)
        | AdminRoute::Subscriptions(..) => Err(response::resource_not_found()),
    }
}

async fn change(
    call: &mut RequestContext<'_>,
    admin: &dyn Administration,
    thing: AdminRoute<'_>,
    method: &Method,
) -> Result<ApiResponse> {
    match thing {
        AdminRoute::Cabinets => response::ok(admin.create_cabinet(call.own_json().await?).await?),
        AdminRoute::Campaigns(business) => {
            let business = cabinet(business)?;
            response::ok(admin.create_campaign(business, call.own_json().await?).await?)
        }
        AdminRoute::Keys(business) => {
            let business = cabinet(business)?;
            response::ok(admin.create_key(business, call.own_json().await?).await?)
        }
        AdminRoute::Key(business, key) => {
            admin.revoke_key(cabinet(business)?, number(key)?).await?;
            response::done()
        }
        AdminRoute::Users => response::ok(admin.create_user(call.own_json().await?).await?),
        AdminRoute::Right(user, business) => {
            let (user, business) = (number(user)?, cabinet(business)?);
            if *method == Method::PUT {
                admin.grant_access(user, business).await?;
            } else {
                admin.withdraw_access(user, business).await?;
            }
            response::done()
        }
        AdminRoute::Tokens(user) => response::ok(admin.create_token(number(user)?).await?),
        AdminRoute::Token(user, token) => {
            admin.revoke_token(number(user)?, number(token)?).await?;
            response::done()
        }
        AdminRoute::Subscriptions(..) => Err(response::resource_not_found()),
    }
}

fn cabinet(segment: &str) -> Result<BusinessId> {
    query::id("businessId", query::parse(segment)?)
}

fn number(segment: &str) -> Result<i64> {
    query::parse(segment)
}

//! Administration over HTTP: `/admin/v1/…`, with a key of its own and no limits. The shapes are ours: the published service has web pages only.

use std::sync::Arc;

use beseda_api::{Administration, BusinessId, Result};
use http::Method;
use serde::Serialize;

use crate::{
    body::Kind,
    call::Call,
    docs, query,
    reply::{self, Answer},
    subscriptions,
};

/// What can be administered, by the path.
#[derive(Debug, Clone, Copy)]
enum Thing<'a> {
    Cabinets,
    Campaigns(&'a str),
    Keys(&'a str),
    Key(&'a str, &'a str),
    Users,
    Right(&'a str, &'a str),
    Tokens(&'a str),
    Token(&'a str, &'a str),
    Subscriptions(&'a str, subscriptions::Thing<'a>),
}

impl<'a> Thing<'a> {
    fn recognise(rest: &'a str) -> Option<Self> {
        let segments: Vec<&str> = rest.split('/').collect();
        Some(match *segments.as_slice() {
            ["cabinets"] => Self::Cabinets,
            ["cabinets", business, "campaigns"] => Self::Campaigns(business),
            ["cabinets", business, "keys"] => Self::Keys(business),
            ["cabinets", business, "keys", key] => Self::Key(business, key),
            ["cabinets", business, "subscriptions", ref rest @ ..] => {
                Self::Subscriptions(business, subscriptions::Thing::recognise(rest)?)
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

/// Answers below `/admin/v1/`; 404 if there is no administration here.
pub(crate) async fn handle(mut call: Call<'_>, rest: &str) -> Result<Answer> {
    let admin = call.server.services.admin.as_ref().filter(|_| call.server.gate.has_admin_key());
    let admin = Arc::clone(admin.ok_or_else(reply::resource_not_found)?);
    if rest == docs::DOCUMENT {
        return docs::administration(&call);
    }
    let thing = Thing::recognise(rest).ok_or_else(reply::resource_not_found)?;
    let method = call.parts.method.clone();
    if !thing.allow().split(", ").any(|allowed| allowed == method.as_str()) {
        return Ok(reply::method_not_allowed(&method, thing.allow()));
    }
    call.server.gate.admit_admin(&call.parts.headers)?;
    if method == Method::POST {
        call.check_type(Kind::Json)?;
    }
    if let Thing::Subscriptions(business, thing) = thing {
        return subscriptions::handle(&mut call, business, thing).await;
    }
    if method == Method::GET {
        return list(admin.as_ref(), thing).await;
    }
    let changed = change(&mut call, admin.as_ref(), thing, &method).await;
    // Also after a failure: it may have happened all the same.
    call.server.gate.forget();
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

async fn list(admin: &dyn Administration, thing: Thing<'_>) -> Result<Answer> {
    match thing {
        Thing::Cabinets => reply::ok(Listed::Cabinets(admin.list_cabinets().await?)),
        Thing::Campaigns(business) => {
            reply::ok(Listed::Campaigns(admin.list_campaigns(cabinet(business)?).await?))
        }
        Thing::Keys(business) => {
            reply::ok(Listed::Keys(admin.list_keys(cabinet(business)?).await?))
        }
        Thing::Users => reply::ok(Listed::Users(admin.list_users().await?)),
        Thing::Tokens(user) => reply::ok(Listed::Tokens(admin.list_tokens(number(user)?).await?)),
        Thing::Key(..) | Thing::Right(..) | Thing::Token(..) | Thing::Subscriptions(..) => {
            Err(reply::resource_not_found())
        }
    }
}

async fn change(
    call: &mut Call<'_>,
    admin: &dyn Administration,
    thing: Thing<'_>,
    method: &Method,
) -> Result<Answer> {
    match thing {
        Thing::Cabinets => reply::ok(admin.create_cabinet(call.own_json().await?).await?),
        Thing::Campaigns(business) => {
            let business = cabinet(business)?;
            reply::ok(admin.create_campaign(business, call.own_json().await?).await?)
        }
        Thing::Keys(business) => {
            let business = cabinet(business)?;
            reply::ok(admin.create_key(business, call.own_json().await?).await?)
        }
        Thing::Key(business, key) => {
            admin.revoke_key(cabinet(business)?, number(key)?).await?;
            reply::done()
        }
        Thing::Users => reply::ok(admin.create_user(call.own_json().await?).await?),
        Thing::Right(user, business) => {
            let (user, business) = (number(user)?, cabinet(business)?);
            if *method == Method::PUT {
                admin.grant_access(user, business).await?;
            } else {
                admin.withdraw_access(user, business).await?;
            }
            reply::done()
        }
        Thing::Tokens(user) => reply::ok(admin.create_token(number(user)?).await?),
        Thing::Token(user, token) => {
            admin.revoke_token(number(user)?, number(token)?).await?;
            reply::done()
        }
        Thing::Subscriptions(..) => Err(reply::resource_not_found()),
    }
}

fn cabinet(segment: &str) -> Result<BusinessId> {
    query::id("businessId", query::parse(segment)?)
}

fn number(segment: &str) -> Result<i64> {
    query::parse(segment)
}

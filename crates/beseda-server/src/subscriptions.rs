//! Subscriptions over HTTP, below a cabinet of `/admin/v1/`. Who may come here was asked before; nothing is sent from here.

use std::sync::Arc;

use beseda_api::{BusinessId, Result, Subscription, Subscriptions};
use http::Method;
use serde::Serialize;

use crate::{
    call::Call,
    query,
    reply::{self, Answer},
};

/// What can be done, by the path behind `…/subscriptions`.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Thing<'a> {
    All,
    One(&'a str),
    Pause(&'a str),
    Resume(&'a str),
    Deliveries(&'a str),
    Replay(&'a str, &'a str),
}

impl<'a> Thing<'a> {
    pub(crate) fn recognise(segments: &[&'a str]) -> Option<Self> {
        Some(match *segments {
            [] => Self::All,
            [id] => Self::One(id),
            [id, "pause"] => Self::Pause(id),
            [id, "resume"] => Self::Resume(id),
            [id, "deliveries"] => Self::Deliveries(id),
            [id, "deliveries", delivery, "replay"] => Self::Replay(id, delivery),
            _ => return None,
        })
    }

    pub(crate) fn allow(self) -> &'static str {
        match self {
            Self::All => "GET, POST",
            Self::One(_) => "DELETE",
            Self::Deliveries(_) => "GET",
            Self::Pause(_) | Self::Resume(_) | Self::Replay(..) => "POST",
        }
    }
}

#[derive(Serialize)]
struct Listed {
    subscriptions: Vec<Subscription>,
}

/// Answers for a cabinet; 404 if nobody sends notifications here.
pub(crate) async fn handle(
    call: &mut Call<'_>,
    business: &str,
    thing: Thing<'_>,
) -> Result<Answer> {
    let desk = call.server.services.subscriptions.as_ref().ok_or_else(reply::resource_not_found)?;
    let desk: Arc<dyn Subscriptions> = Arc::clone(desk);
    let business: BusinessId = query::id("businessId", query::parse(business)?)?;
    match thing {
        Thing::All if call.parts.method == Method::POST => {
            reply::ok(desk.create_subscription(business, call.own_json().await?).await?)
        }
        Thing::All => reply::ok(Listed { subscriptions: desk.list_subscriptions(business).await? }),
        Thing::One(id) => {
            desk.delete(business, query::parse(id)?).await?;
            reply::done()
        }
        Thing::Pause(id) => reply::ok(desk.pause(business, query::parse(id)?).await?),
        Thing::Resume(id) => reply::ok(desk.resume(business, query::parse(id)?).await?),
        Thing::Deliveries(id) => {
            let page = call.query().page()?;
            reply::ok(desk.deliveries(business, query::parse(id)?, page).await?)
        }
        Thing::Replay(id, delivery) => {
            desk.replay(business, query::parse(id)?, query::parse(delivery)?).await?;
            reply::done()
        }
    }
}

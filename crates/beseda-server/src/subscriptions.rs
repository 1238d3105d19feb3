//! Webhook subscriptions over HTTP, below a cabinet of `/admin/v1/`.

use std::sync::Arc;

use beseda_api::{BusinessId, Result, Subscription, Subscriptions};
use http::Method;
use serde::Serialize;

use crate::{
    query,
    request::RequestContext,
    response::{self, ApiResponse},
};

/// Resource by the path after `…/subscriptions`.
#[derive(Debug, Clone, Copy)]
pub(crate) enum SubscriptionRoute<'a> {
    All,
    One(&'a str),
    Pause(&'a str),
    Resume(&'a str),
    Deliveries(&'a str),
    Replay(&'a str, &'a str),
}

impl<'a> SubscriptionRoute<'a> {
    pub(crate) fn match_path(segments: &[&'a str]) -> Option<Self> {
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

/// Handles a request of a cabinet; 404 if the server sends no webhooks.
pub(crate) async fn handle(
    call: &mut RequestContext<'_>,
    business: &str,
    thing: SubscriptionRoute<'_>,
) -> Result<ApiResponse> {
    let desk =
        call.server.services.subscriptions.as_ref().ok_or_else(response::resource_not_found)?;
    let desk: Arc<dyn Subscriptions> = Arc::clone(desk);
    let business: BusinessId = query::id("businessId", query::parse(business)?)?;
    match thing {
        SubscriptionRoute::All if call.parts.method == Method::POST => {
            response::ok(desk.create_subscription(business, call.own_json().await?).await?)
        }
        SubscriptionRoute::All => {
            response::ok(Listed { subscriptions: desk.list_subscriptions(business).await? })
        }
        SubscriptionRoute::One(id) => {
            desk.delete(business, query::parse(id)?).await?;
            response::done()
        }
        SubscriptionRoute::Pause(id) => {
            response::ok(desk.pause(business, query::parse(id)?).await?)
        }
        SubscriptionRoute::Resume(id) => {
            response::ok(desk.resume(business, query::parse(id)?).await?)
        }
        SubscriptionRoute::Deliveries(id) => {
            let page = call.query().page()?;
            response::ok(desk.deliveries(business, query::parse(id)?, page).await?)
        }
        SubscriptionRoute::Replay(id, delivery) => {
            desk.replay(business, query::parse(id)?, query::parse(delivery)?).await?;
            response::done()
        }
    }
}

//! `/__admin/subscriptions`: webhook subscriptions. Pausing, resuming and the delivery log are
//! under `/admin/v1`.

use std::sync::Arc;

use axum::extract::{Path, State};
use beseda_api::{
    Administration, BusinessId, Error, ErrorKind, NewSubscription, Subscription, Subscriptions,
};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{
    parse,
    response::{self, AdminResult},
};
use crate::Control;

#[derive(Serialize)]
struct SubscriptionList {
    subscriptions: Vec<Subscription>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewSubscriptionRequest {
    business_id: BusinessId,
    url: String,
    name: String,
}

fn subscriptions(control: &Control) -> beseda_api::Result<&dyn Subscriptions> {
    let none = || Error::new(ErrorKind::NotFound, "This stand-in sends no notifications");
    control.subscriptions.as_deref().ok_or_else(none)
}

async fn all(control: &Control) -> beseda_api::Result<Vec<Subscription>> {
    let mut all = Vec::new();
    for cabinet in control.engine.list_cabinets().await? {
        all.extend(subscriptions(control)?.list_subscriptions(cabinet.business_id).await?);
    }
    Ok(all)
}

/// Lists the subscriptions of all cabinets.
pub(super) async fn list(State(control): State<Arc<Control>>) -> AdminResult {
    response::ok(SubscriptionList { subscriptions: all(&control).await? })
}

pub(super) async fn add(State(control): State<Arc<Control>>, body: Bytes) -> AdminResult {
    let NewSubscriptionRequest { business_id, url, name } = parse::json(&body)?;
    let new = NewSubscription { url, name };
    response::ok(subscriptions(&control)?.create_subscription(business_id, new).await?)
}

/// Deletes all subscriptions.
pub(super) async fn clear(State(control): State<Arc<Control>>) -> AdminResult {
    for subscription in all(&control).await? {
        subscriptions(&control)?.delete(subscription.business_id, subscription.id).await?;
    }
    response::empty()
}

pub(super) async fn remove(
    State(control): State<Arc<Control>>,
    Path(id): Path<String>,
) -> AdminResult {
    let number = parse::number(&id)?;
    let found = all(&control)
        .await?
        .into_iter()
        .find(|subscription| u64::try_from(subscription.id) == Ok(number));
    let Some(found) = found else {
        return Err(Error::new(ErrorKind::NotFound, format!("Subscription not found: {id}")).into());
    };
    subscriptions(&control)?.delete(found.business_id, found.id).await?;
    response::empty()
}

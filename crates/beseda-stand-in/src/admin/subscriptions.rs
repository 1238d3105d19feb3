//! `/__admin/subscriptions`: who gets push notifications. Pausing, resuming and the log of deliveries are under `/admin/v1`.

use std::sync::Arc;

use axum::extract::{Path, State};
use beseda_api::{
    Administration, BusinessId, Error, ErrorKind, NewSubscription, Subscription, Subscriptions,
};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{
    read,
    reply::{self, Answer},
};
use crate::Control;

#[derive(Serialize)]
struct Listed {
    subscriptions: Vec<Subscription>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Wanted {
    business_id: BusinessId,
    url: String,
    name: String,
}

fn desk(control: &Control) -> beseda_api::Result<&dyn Subscriptions> {
    let none = || Error::new(ErrorKind::NotFound, "This stand-in sends no notifications");
    control.subscriptions.as_deref().ok_or_else(none)
}

async fn all(control: &Control) -> beseda_api::Result<Vec<Subscription>> {
    let mut all = Vec::new();
    for cabinet in control.engine.list_cabinets().await? {
        all.extend(desk(control)?.list_subscriptions(cabinet.business_id).await?);
    }
    Ok(all)
}

/// Those of all cabinets.
pub(super) async fn list(State(control): State<Arc<Control>>) -> Answer {
    reply::ok(Listed { subscriptions: all(&control).await? })
}

pub(super) async fn add(State(control): State<Arc<Control>>, body: Bytes) -> Answer {
    let Wanted { business_id, url, name } = read::json(&body)?;
    let new = NewSubscription { url, name };
    reply::ok(desk(&control)?.create_subscription(business_id, new).await?)
}

/// Takes all of them away.
pub(super) async fn clear(State(control): State<Arc<Control>>) -> Answer {
    for one in all(&control).await? {
        desk(&control)?.delete(one.business_id, one.id).await?;
    }
    reply::done()
}

pub(super) async fn remove(State(control): State<Arc<Control>>, Path(id): Path<String>) -> Answer {
    let wanted = read::number(&id)?;
    let found = all(&control).await?.into_iter().find(|one| u64::try_from(one.id) == Ok(wanted));
    let Some(found) = found else {
        return Err(Error::new(ErrorKind::NotFound, format!("Subscription not found: {id}")).into());
    };
    desk(&control)?.delete(found.business_id, found.id).await?;
    reply::done()
}

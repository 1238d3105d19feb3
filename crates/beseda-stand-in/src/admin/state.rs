//! `/__admin/reset`, `seed`, `snapshots`, `export`, `import`: the whole state at once.

use std::sync::Arc;

use axum::extract::{Path, State};
use beseda_api::Error;
use bytes::Bytes;
use http::{HeaderMap, header};
use serde::{Deserialize, Serialize};

use super::{
    progress, read,
    reply::{self, Answer},
};
use crate::Control;

pub(super) async fn reset(State(control): State<Arc<Control>>) -> Answer {
    control.reset().await?;
    reply::done()
}

/// Takes a seed in YAML or JSON. Who accepts `application/x-ndjson` is told the progress while it works.
pub(super) async fn seed(
    State(control): State<Arc<Control>>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let text = String::from_utf8(body.into())
        .map_err(|error| Error::bad_request(format!("the seed is no UTF-8 text: {error}")))?;
    let accepted = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    if accepted.is_some_and(|accept| accept.contains(progress::NDJSON)) {
        return Ok(progress::respond(move |told| async move {
            control.seed_with_progress(&text, &|done, all| told.tell(done, all)).await
        }));
    }
    reply::ok(control.seed(&text).await?)
}

#[derive(Serialize)]
struct Listed {
    snapshots: Vec<String>,
}

pub(super) async fn snapshots(State(control): State<Arc<Control>>) -> Answer {
    reply::ok(Listed { snapshots: control.snapshots() })
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    name: String,
}

pub(super) async fn snapshot(State(control): State<Arc<Control>>, body: Bytes) -> Answer {
    let named: Named = read::json(&body)?;
    control.snapshot(&named.name).await?;
    reply::ok(named)
}

pub(super) async fn restore(
    State(control): State<Arc<Control>>,
    Path(name): Path<String>,
) -> Answer {
    control.restore(&name).await?;
    reply::done()
}

pub(super) async fn forget(
    State(control): State<Arc<Control>>,
    Path(name): Path<String>,
) -> Answer {
    control.forget_snapshot(&name)?;
    reply::done()
}

/// The whole state, without an envelope: what comes out here goes into `import`.
pub(super) async fn export(State(control): State<Arc<Control>>) -> Answer {
    Ok(reply::bare(&control.export().await?))
}

pub(super) async fn import(State(control): State<Arc<Control>>, body: Bytes) -> Answer {
    control.import(read::json(&body)?).await?;
    reply::done()
}

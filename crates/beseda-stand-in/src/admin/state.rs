//! `/__admin/reset`, `seed`, `snapshots`, `export`, `import`: operations on the whole state.

use std::sync::Arc;

use axum::extract::{Path, State};
use beseda_api::Error;
use bytes::Bytes;
use http::{HeaderMap, header};
use serde::{Deserialize, Serialize};

use super::{
    parse, progress,
    response::{self, AdminResult},
};
use crate::Control;

pub(super) async fn reset(State(control): State<Arc<Control>>) -> AdminResult {
    control.reset().await?;
    response::empty()
}

/// Applies a seed in YAML or JSON. Reports progress to clients that accept `application/x-ndjson`.
pub(super) async fn seed(
    State(control): State<Arc<Control>>,
    headers: HeaderMap,
    body: Bytes,
) -> AdminResult {
    let text = String::from_utf8(body.into())
        .map_err(|error| Error::bad_request(format!("the seed is not valid UTF-8: {error}")))?;
    let accepted = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    if accepted.is_some_and(|accept| accept.contains(progress::NDJSON)) {
        return Ok(progress::respond(move |progress_sender| async move {
            control.seed_with_progress(&text, &|done, all| progress_sender.send(done, all)).await
        }));
    }
    response::ok(control.seed(&text).await?)
}

#[derive(Serialize)]
struct SnapshotList {
    snapshots: Vec<String>,
}

pub(super) async fn snapshots(State(control): State<Arc<Control>>) -> AdminResult {
    response::ok(SnapshotList { snapshots: control.snapshot_names() })
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SnapshotName {
    name: String,
}

pub(super) async fn snapshot(State(control): State<Arc<Control>>, body: Bytes) -> AdminResult {
    let body: SnapshotName = parse::json(&body)?;
    control.snapshot(&body.name).await?;
    response::ok(body)
}

pub(super) async fn restore(
    State(control): State<Arc<Control>>,
    Path(name): Path<String>,
) -> AdminResult {
    control.restore(&name).await?;
    response::empty()
}

pub(super) async fn delete_snapshot(
    State(control): State<Arc<Control>>,
    Path(name): Path<String>,
) -> AdminResult {
    control.delete_snapshot(&name)?;
    response::empty()
}

/// Returns the whole state without an envelope, ready for `import`.
pub(super) async fn export(State(control): State<Arc<Control>>) -> AdminResult {
    Ok(response::document(&control.export().await?))
}

pub(super) async fn import(State(control): State<Arc<Control>>, body: Bytes) -> AdminResult {
    control.import(parse::json(&body)?).await?;
    response::empty()
}

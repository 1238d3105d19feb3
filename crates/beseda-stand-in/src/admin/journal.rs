//! `/__admin/journal`: queries the request journal, or streams it.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::{Path, Query, State, rejection::QueryRejection},
    response::{
        IntoResponse, Sse,
        sse::{Event, KeepAlive},
    },
};
use beseda_api::{Error, ErrorKind};
use futures::{Stream, StreamExt, stream};
use serde::Serialize;
use tokio::sync::broadcast::error::RecvError;

use super::{
    parse,
    response::{self, AdminResult},
};
use crate::{
    Control, Journal,
    journal::{self, JournalEntry},
};

#[derive(Serialize)]
struct JournalPage {
    entries: Vec<JournalEntry>,
}

pub(super) async fn list(
    State(control): State<Arc<Control>>,
    query: Result<Query<journal::JournalQuery>, QueryRejection>,
) -> AdminResult {
    let Query(query) = query.map_err(|error| Error::bad_request(error.body_text()))?;
    response::ok(JournalPage { entries: control.journal.read(&query) })
}

pub(super) async fn get(
    State(control): State<Arc<Control>>,
    Path(id): Path<String>,
) -> AdminResult {
    response::ok(entry(&control, &id)?)
}

pub(super) async fn curl(
    State(control): State<Arc<Control>>,
    Path(id): Path<String>,
) -> AdminResult {
    Ok(response::text(format!("{}\n", entry(&control, &id)?.curl)))
}

fn entry(control: &Control, id: &str) -> beseda_api::Result<JournalEntry> {
    let found = control.journal.entry(parse::number(id)?);
    found.ok_or_else(|| Error::new(ErrorKind::NotFound, format!("Journal entry not found: {id}")))
}

pub(super) async fn clear(State(control): State<Arc<Control>>) -> AdminResult {
    control.journal.clear();
    response::empty()
}

/// Streams every new entry as a server-sent event with the entry's id, until the stand-in stops.
pub(super) async fn live(State(control): State<Arc<Control>>) -> AdminResult {
    let quiet = KeepAlive::new().interval(Duration::from_secs(15));
    let journal = Arc::clone(&control.journal);
    let live = entries(Arc::clone(&journal)).take_until(async move { journal.closed().await });
    Ok(Sse::new(live).keep_alive(quiet).into_response())
}

fn entries(journal: Arc<Journal>) -> impl Stream<Item = Result<Event, Infallible>> {
    let live = journal.follow();
    stream::unfold((live, journal), |(mut live, journal)| async move {
        let skipped = |count: u64| Event::default().event("skipped").data(count.to_string());
        let event = match live.recv().await {
            Ok(id) => match journal.entry(id) {
                Some(entry) => {
                    let data = serde_json::to_string(&entry).unwrap_or_default();
                    Event::default().id(id.to_string()).data(data)
                }
                None => skipped(1),
            },
            Err(RecvError::Lagged(count)) => skipped(count),
            Err(RecvError::Closed) => return None,
        };
        Some((Ok(event), (live, journal)))
    })
}

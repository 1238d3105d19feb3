//! Progress responses: newline-delimited JSON with a line at least every 500 ms and the result in
//! the last line.

use std::{convert::Infallible, future::Future, time::Duration};

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use beseda_api::{
    Result,
    wire::{Envelope, ErrorResponse},
};
use bytes::Bytes;
use futures::{StreamExt, stream};
use http::header;
use serde::Serialize;
use tokio::sync::watch;

use super::response;

/// Media type of progress responses.
pub(super) const NDJSON: &str = "application/x-ndjson";

/// Maximum time between two lines.
const INTERVAL: Duration = Duration::from_millis(500);

/// Line that reports progress.
#[derive(Debug, Clone, Copy, Default, Serialize)]
struct ProgressUpdate {
    done: usize,
    #[serde(rename = "all")]
    total: usize,
}

/// Sender of progress reports.
#[derive(Debug)]
pub(super) struct ProgressSender(watch::Sender<ProgressUpdate>);

impl ProgressSender {
    pub(super) fn send(&self, done: usize, total: usize) {
        self.0.send_replace(ProgressUpdate { done, total });
    }
}

/// Runs the work and streams its progress, then its result or error in the API's envelope.
///
/// Dropping the response body cancels the work.
pub(super) fn respond<T, F>(work: impl FnOnce(ProgressSender) -> F) -> Response
where
    T: Serialize,
    F: Future<Output = Result<T>> + Send + 'static,
{
    let (sender, progress) = watch::channel(ProgressUpdate::default());
    let work = Box::pin(work(ProgressSender(sender)));
    let lines = stream::unfold(Some((work, progress)), |running| async {
        let (mut work, progress) = running?;
        tokio::select! {
            biased;
            done = &mut work => Some((final_line(done), None)),
            () = tokio::time::sleep(INTERVAL) => {
                let now = *progress.borrow();
                Some((line(&now), Some((work, progress))))
            }
        }
    });
    let body = Body::from_stream(lines.map(Ok::<_, Infallible>));
    ([(header::CONTENT_TYPE, NDJSON)], body).into_response()
}

fn final_line<T: Serialize>(outcome: Result<T>) -> Bytes {
    match outcome {
        Ok(result) => line(&Envelope::ok(result)),
        Err(error) => line(&ErrorResponse::new(response::faults(&error))),
    }
}

fn line(value: &impl Serialize) -> Bytes {
    let mut line = serde_json::to_vec(value).unwrap_or_default();
    line.push(b'\n');
    line.into()
}

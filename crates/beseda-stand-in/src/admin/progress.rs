//! Answers that tell the progress of long work: newline-delimited JSON, one line now and then, the result in the last one.

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

/// The media type of such an answer.
pub(super) const NDJSON: &str = "application/x-ndjson";

/// A line comes at least this often, so that the other side knows the work goes on.
const INTERVAL: Duration = Duration::from_millis(500);

/// How much is done, of how much.
#[derive(Debug, Clone, Copy, Default, Serialize)]
struct ProgressLine {
    done: usize,
    total: usize,
}

/// Where the work tells its progress.
#[derive(Debug)]
pub(super) struct ProgressSender(watch::Sender<ProgressLine>);

impl ProgressSender {
    pub(super) fn send(&self, done: usize, total: usize) {
        self.0.send_replace(ProgressLine { done, total });
    }
}

/// Does the work and answers with its progress, then with its result or refusal in the API's envelope.
///
/// The work ends when the answer is no longer read.
pub(super) fn respond<T, F>(work: impl FnOnce(ProgressSender) -> F) -> Response
where
    T: Serialize,
    F: Future<Output = Result<T>> + Send + 'static,
{
    let (sender, progress) = watch::channel(ProgressLine::default());
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

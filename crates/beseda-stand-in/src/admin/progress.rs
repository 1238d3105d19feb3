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

use super::reply;

/// The media type of such an answer.
pub(super) const NDJSON: &str = "application/x-ndjson";

/// A line comes at least this often, so that the other side knows the work goes on.
const INTERVAL: Duration = Duration::from_millis(500);

/// How much is done, of how much.
#[derive(Debug, Clone, Copy, Default, Serialize)]
struct Progress {
    done: usize,
    all: usize,
}

/// Where the work tells its progress.
#[derive(Debug)]
pub(super) struct Told(watch::Sender<Progress>);

impl Told {
    pub(super) fn tell(&self, done: usize, all: usize) {
        self.0.send_replace(Progress { done, all });
    }
}

/// Does the work and answers with its progress, then with its result or refusal in the API's envelope.
///
/// The work ends when the answer is no longer read.
pub(super) fn respond<T, F>(work: impl FnOnce(Told) -> F) -> Response
where
    T: Serialize,
    F: Future<Output = Result<T>> + Send + 'static,
{
    let (told, progress) = watch::channel(Progress::default());
    let work = Box::pin(work(Told(told)));
    let lines = stream::unfold(Some((work, progress)), |running| async {
        let (mut work, progress) = running?;
        tokio::select! {
            biased;
            done = &mut work => Some((last(done), None)),
            () = tokio::time::sleep(INTERVAL) => {
                let now = *progress.borrow();
                Some((line(&now), Some((work, progress))))
            }
        }
    });
    let body = Body::from_stream(lines.map(Ok::<_, Infallible>));
    ([(header::CONTENT_TYPE, NDJSON)], body).into_response()
}

fn last<T: Serialize>(outcome: Result<T>) -> Bytes {
    match outcome {
        Ok(result) => line(&Envelope::ok(result)),
        Err(error) => line(&ErrorResponse::new(reply::faults(&error))),
    }
}

fn line(value: &impl Serialize) -> Bytes {
    let mut line = serde_json::to_vec(value).unwrap_or_default();
    line.push(b'\n');
    line.into()
}

//! Client of a stand-in's admin API under `/__admin`.

use std::{future::Future, time::Duration};

use beseda_api::{ApiError, ApiErrorItem, Error, ErrorKind, ResponseInfo, Result};
use reqwest::{Method, header::ACCEPT};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    ClientError,
    http::{self, HttpRequest, HttpTransport},
};

/// Timeout of a response with progress lines; silence between lines is limited by the request
/// timeout.
const WHOLE_DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Client of a stand-in's clock, faults, journal and state, as JSON. Reads are retried after
/// failures, other calls are not.
#[derive(Clone)]
pub struct StandInClient {
    pub(crate) transport: HttpTransport,
}

impl std::fmt::Debug for StandInClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StandInClient").field("url", &self.transport.base.as_str()).finish()
    }
}

/// Line of a response with progress.
#[derive(Deserialize)]
#[serde(untagged)]
enum ProgressMessage {
    Progress { done: u64, all: u64 },
    Done { result: Value },
    Refused { errors: Vec<ApiErrorItem> },
}

async fn within<T>(bound: Duration, step: impl Future<Output = reqwest::Result<T>>) -> Result<T> {
    match tokio::time::timeout(bound, step).await {
        Ok(done) => done.map_err(ClientError::of_transport),
        Err(elapsed) => Err(ClientError::Timeout(elapsed.into()).into()),
    }
}

/// Converts an error reported after the response started with 200.
fn refused(faults: Vec<ApiErrorItem>) -> Error {
    let code = faults.first().map(|fault| fault.code.clone()).unwrap_or_default();
    match ErrorKind::ALL.into_iter().find(|refusal| refusal.code() == code) {
        Some(refusal) => {
            Error::Api(Box::new(ApiError { kind: refusal, items: faults, response: None }))
        }
        None => {
            let body = faults.into_iter().find_map(|fault| fault.message).unwrap_or(code);
            ClientError::Undocumented { status: 500, body, answer: Box::default() }.into()
        }
    }
}

fn unreadable(reason: String) -> Error {
    let answer = Box::<ResponseInfo>::default();
    ClientError::Undecodable { status: 200, reason, body: String::new(), answer }.into()
}

fn path(resource: &str) -> String {
    format!("/__admin/{resource}")
}

impl StandInClient {
    /// Reads a resource, such as `clock`.
    ///
    /// # Errors
    ///
    /// API errors and network failures.
    pub async fn read(&self, resource: &str, query: &[(&'static str, String)]) -> Result<Value> {
        let mut call = HttpRequest::get(path(resource));
        for (name, value) in query {
            call = call.query(name, Some(value));
        }
        self.transport.result(&call).await
    }

    /// Reads a resource without an envelope.
    ///
    /// # Errors
    ///
    /// As [`StandInClient::read`].
    pub async fn read_bare(&self, resource: &str) -> Result<Value> {
        self.transport.bare(&HttpRequest::get(path(resource))).await
    }

    /// Posts a document to a resource.
    ///
    /// # Errors
    ///
    /// As [`StandInClient::read`].
    pub async fn post(&self, resource: &str, body: &Value) -> Result<Value> {
        self.transport.bare(&HttpRequest::post(path(resource)).json(body)?).await
    }

    /// Posts raw text, so that errors refer to its lines.
    ///
    /// # Errors
    ///
    /// As [`StandInClient::read`].
    pub async fn post_text(&self, resource: &str, text: Vec<u8>) -> Result<Value> {
        self.transport.bare(&HttpRequest::post(path(resource)).bytes(text)).await
    }

    /// Posts raw text to a resource that reports progress, and returns the result.
    ///
    /// `progress` is called with the finished and the total amount. There is no timeout for the whole call: the server
    /// reports every half second, and silence for the timeout of a request is an error.
    ///
    /// # Errors
    ///
    /// As [`StandInClient::read`].
    pub async fn post_with_progress(
        &self,
        resource: &str,
        text: Vec<u8>,
        mut progress: impl FnMut(u64, u64),
    ) -> Result<Value> {
        let request = self.transport.request(&HttpRequest::post(path(resource)).bytes(text));
        let request = request.header(ACCEPT, "application/x-ndjson").timeout(WHOLE_DAY);
        let silence = self.transport.timeout;
        let sent = within(self.transport.upload_timeout, request.send()).await?;
        if !sent.status().is_success() {
            return Err(http::error_of(sent).await.error);
        }
        let (mut response, mut buffer) = (sent, Vec::new());
        while let Some(piece) = within(silence, response.chunk()).await? {
            buffer.extend_from_slice(&piece);
            while let Some(end) = buffer.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = buffer.drain(..=end).collect();
                match serde_json::from_slice(&line)
                    .map_err(|error| unreadable(error.to_string()))?
                {
                    ProgressMessage::Progress { done, all } => progress(done, all),
                    ProgressMessage::Done { result } => return Ok(result),
                    ProgressMessage::Refused { errors } => return Err(refused(errors)),
                }
            }
        }
        Err(unreadable("it ended without a result".to_owned()))
    }

    /// Replaces a resource with a document.
    ///
    /// # Errors
    ///
    /// As [`StandInClient::read`].
    pub async fn put(&self, resource: &str, body: &Value) -> Result<Value> {
        self.transport.bare(&HttpRequest::new(Method::PUT, path(resource)).json(body)?).await
    }

    /// Deletes a resource.
    ///
    /// # Errors
    ///
    /// As [`StandInClient::read`].
    pub async fn delete(&self, resource: &str) -> Result<()> {
        self.transport.execute(&HttpRequest::new(Method::DELETE, path(resource))).await
    }
}

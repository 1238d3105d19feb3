//! The one place that sends: address, credential, limits, repetition, decoding. What is sent it doesn't know.

use std::time::{Duration, Instant};

use backon::{ExponentialBuilder, Retryable};
use beseda_api::{
    Answer, Error, FileUpload, MAX_FILE_BYTES, Refusal, Refused, Result,
    wire::{Envelope, Failure as RefusalBody, Status},
};
use bytes::Bytes;
use futures::StreamExt;
use jiff::Timestamp;
use reqwest::{
    Body, Method, RequestBuilder, Response,
    header::{CONTENT_TYPE, HeaderName, HeaderValue},
    multipart::{Form, Part},
};
use serde::{Serialize, de::DeserializeOwned};
use url::Url;

use crate::{
    Patience,
    failure::{Failure, LocalRead},
    limit,
};

/// The largest answer that is read: a page of 100 texts of 4096 escaped code points fits.
const MAX_ANSWER: u64 = 16 * 1024 * 1024;
/// How much of a body goes into an error.
const SHOWN: usize = 1024;

/// One request, ready to be sent as often as needed.
pub(crate) struct Call {
    method: Method,
    path: String,
    query: Vec<(&'static str, String)>,
    json: Option<Vec<u8>>,
    repeatable: bool,
}

impl Call {
    pub(crate) fn new(method: Method, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), query: Vec::new(), json: None, repeatable: false }
    }

    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path).reads()
    }

    pub(crate) fn post(path: impl Into<String>) -> Self {
        Self::new(Method::POST, path)
    }

    pub(crate) fn query(mut self, name: &'static str, value: Option<impl ToString>) -> Self {
        self.query.extend(value.map(|value| (name, value.to_string())));
        self
    }

    pub(crate) fn json(mut self, body: &impl Serialize) -> Result<Self> {
        self.json = Some(serde_json::to_vec(body).map_err(Error::broken)?);
        Ok(self)
    }

    pub(crate) fn bytes(mut self, body: Vec<u8>) -> Self {
        self.json = Some(body);
        self
    }

    /// Changes nothing at the service, so it may be repeated.
    pub(crate) fn reads(mut self) -> Self {
        self.repeatable = true;
        self
    }
}

/// A connection to one service with one credential.
#[derive(Clone)]
pub(crate) struct Transport {
    pub(crate) http: reqwest::Client,
    pub(crate) base: Url,
    /// Marked sensitive.
    pub(crate) credential: Option<(HeaderName, HeaderValue)>,
    pub(crate) integration: Option<HeaderValue>,
    pub(crate) timeout: Duration,
    pub(crate) upload_timeout: Duration,
    pub(crate) patience: Patience,
}

/// An answer that is a success by its status.
struct Reply {
    status: u16,
    answer: Answer,
    body: Bytes,
}

/// Why there is no [`Reply`], and how long the service says to wait.
pub(crate) struct Missed {
    pub(crate) error: Error,
    wait: Option<Duration>,
}

impl From<Error> for Missed {
    fn from(error: Error) -> Self {
        Self { error, wait: None }
    }
}

impl Transport {
    /// What stands in `result` of the answer.
    pub(crate) async fn result<T: DeserializeOwned>(&self, call: &Call) -> Result<T> {
        let reply = self.fetch(call).await?;
        reply.result()
    }

    /// The whole answer, for the operation that has no envelope.
    pub(crate) async fn whole<T: DeserializeOwned>(&self, call: &Call) -> Result<T> {
        let reply = self.fetch(call).await?;
        reply.decode()
    }

    /// That the answer is a success.
    pub(crate) async fn done(&self, call: &Call) -> Result<()> {
        let reply = self.fetch(call).await?;
        reply.accepted()
    }

    /// Sends a file, once, and takes what stands in `result`.
    pub(crate) async fn upload<T: DeserializeOwned>(
        &self,
        call: &Call,
        file: FileUpload,
    ) -> Result<T> {
        self.send_file(call, file).await?.result()
    }

    /// Sends a file, once.
    pub(crate) async fn upload_done(&self, call: &Call, file: FileUpload) -> Result<()> {
        self.send_file(call, file).await?.accepted()
    }

    async fn send_file(&self, call: &Call, file: FileUpload) -> Result<Reply> {
        let name = file.name.as_str().to_owned();
        let part = Part::stream(Body::wrap_stream(bounded(file))).file_name(name);
        let part = part.mime_str("application/octet-stream").map_err(Failure::of_transport)?;
        // Names go as UTF-8: `filename*` is forbidden in forms and not every server reads it.
        let form = Form::new().percent_encode_noop().part("file", part);
        let request = self.request(call).timeout(self.upload_timeout).multipart(form);
        self.once(request, call).await.map_err(|missed| missed.error)
    }

    async fn fetch(&self, call: &Call) -> Result<Reply> {
        let attempt = || self.once(self.request(call), call);
        let answered = if call.repeatable {
            let started = Instant::now();
            let limit = self.patience.longest;
            attempt
                .retry(self.patience.backoff())
                .when(|missed: &Missed| crate::ErrorExt::is_retryable(&missed.error))
                .adjust(move |missed: &Missed, pause| {
                    let pause = pause? + missed.wait.unwrap_or_default();
                    (started.elapsed() + pause <= limit).then_some(pause)
                })
                .await
        } else {
            attempt().await
        };
        answered.map_err(|missed| missed.error)
    }

    fn request(&self, call: &Call) -> RequestBuilder {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{}", self.base.path().trim_end_matches('/'), call.path));
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&call.query);
        }
        let mut request = self.http.request(call.method.clone(), url).timeout(self.timeout);
        if let Some((name, value)) = &self.credential {
            request = request.header(name, value);
        }
        if let Some(integration) = &self.integration {
            request = request.header("X-Market-Integration", integration);
        }
        if let Some(json) = &call.json {
            request = request.header(CONTENT_TYPE, "application/json").body(json.clone());
        }
        request
    }

    async fn once(&self, request: RequestBuilder, call: &Call) -> Result<Reply, Missed> {
        let response = request.send().await.map_err(Failure::of_transport)?;
        let status = response.status().as_u16();
        tracing::debug!(method = %call.method, path = %call.path, status, "answered");
        if !response.status().is_success() {
            return Err(refused(response).await);
        }
        let answer = limit::answer(response.headers());
        let body = read(response, MAX_ANSWER).await?;
        Ok(Reply { status, answer, body })
    }
}

impl Patience {
    fn backoff(&self) -> ExponentialBuilder {
        ExponentialBuilder::default()
            .with_jitter()
            .with_min_delay(self.first_pause)
            .with_max_delay(self.longest_pause)
            .with_max_times(self.repeats)
    }
}

impl Reply {
    fn decode<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_slice(&self.body).map_err(|error| self.undecodable(error.to_string()))
    }

    fn result<T: DeserializeOwned>(&self) -> Result<T> {
        let envelope: Envelope<T> = self.decode()?;
        match (envelope.status, envelope.result) {
            (Status::Ok, Some(result)) => Ok(result),
            (Status::Ok, None) => Err(self.undecodable("it has no result".to_owned())),
            (Status::Error, _) => Err(self.undecodable("it says ERROR".to_owned())),
        }
    }

    fn accepted(&self) -> Result<()> {
        if self.body.iter().all(u8::is_ascii_whitespace) {
            return Ok(());
        }
        let envelope: Envelope<serde::de::IgnoredAny> = self.decode()?;
        match envelope.status {
            Status::Ok => Ok(()),
            Status::Error => Err(self.undecodable("it says ERROR".to_owned())),
        }
    }

    fn undecodable(&self, reason: String) -> Error {
        let (body, answer) = (beginning(&self.body), Box::new(self.answer.clone()));
        Failure::Undecodable { status: self.status, reason, body, answer }.into()
    }
}

/// The error an answer with this status is; what its body says of it is for people.
pub(crate) async fn refused(response: Response) -> Missed {
    let status = response.status().as_u16();
    let answer = limit::answer(response.headers());
    let wait = limit::wait(response.headers(), Timestamp::now());
    let body = read_beginning(response).await;
    let Some(refusal) = Refusal::from_status(status) else {
        let (body, answer) = (beginning(&body), Box::new(answer));
        return Missed::from(Error::from(Failure::Undocumented { status, body, answer }));
    };
    let faults =
        serde_json::from_slice::<RefusalBody>(&body).map_or_else(|_| Vec::new(), |b| b.errors);
    let error = Error::Refused(Box::new(Refused { refusal, faults, answer: Some(answer) }));
    Missed { error, wait: wait.filter(|_| refusal == Refusal::LimitExceeded) }
}

/// The whole body, or an error if it is larger than the limit.
async fn read(mut response: Response, limit: u64) -> Result<Bytes> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(Failure::of_transport)? {
        if (body.len() + piece.len()) as u64 > limit {
            return Err(Failure::TooLarge { limit }.into());
        }
        body.extend_from_slice(&piece);
    }
    Ok(body.into())
}

/// As much of an error's body as is worth reading; a body that breaks off is no second error.
async fn read_beginning(mut response: Response) -> Vec<u8> {
    const ENOUGH: usize = 64 * 1024;
    let mut body = Vec::new();
    while let Ok(Some(piece)) = response.chunk().await {
        body.extend_from_slice(&piece);
        if body.len() > ENOUGH {
            body.truncate(ENOUGH);
            break;
        }
    }
    body
}

fn beginning(body: &[u8]) -> String {
    String::from_utf8_lossy(&body[..body.len().min(SHOWN)]).into_owned()
}

/// The bytes of a file, stopped with a clear error where they fail or become too many.
fn bounded(file: FileUpload) -> impl futures::Stream<Item = Result<Bytes, LocalRead>> {
    let mut sent: u64 = 0;
    file.content.map(move |piece| {
        let piece = piece.map_err(|error| LocalRead::Io(error.kind(), error.to_string()))?;
        sent += piece.len() as u64;
        if sent > MAX_FILE_BYTES { Err(LocalRead::TooLarge) } else { Ok(piece) }
    })
}

//! HTTP requests: URL, credential, rate limit, retries, decoding.

use std::time::{Duration, Instant};

use backon::{BackoffBuilder, ExponentialBuilder};
use beseda_api::{
    ApiError, BusinessId, Endpoint, Error, ErrorKind, FileUpload, Generation, MAX_FILE_BYTES,
    ResponseInfo, Result,
    wire::{Envelope, ErrorResponse as RefusalBody, Status},
};
use bytes::Bytes;
use futures::StreamExt;
use jiff::{SignedDuration, Timestamp};
use reqwest::{
    Body, Method, RequestBuilder, Response,
    header::{CONTENT_TYPE, HeaderName, HeaderValue},
    multipart::{Form, Part},
};
use serde::{Serialize, de::DeserializeOwned};
use url::Url;

use crate::{
    ErrorExt, Priority, RateLimiter, RetryPolicy,
    error::{ClientError, UploadReadError},
    headers,
    rate_limiter::{BudgetOwner, Permit},
};

/// Maximum size of a response in bytes; enough for a page of 100 texts of 4096 escaped code points.
const MAX_ANSWER: u64 = 16 * 1024 * 1024;
/// Maximum number of bytes of a body in an error.
const SHOWN: usize = 1024;

/// Request that can be sent repeatedly.
pub(crate) struct HttpRequest {
    method: Method,
    path: String,
    query: Vec<(&'static str, String)>,
    json: Option<Vec<u8>>,
    repeatable: bool,
    /// Budget that counts the request: index in [`Endpoint::ALL`] and cabinet.
    counted: Option<(usize, Option<BusinessId>)>,
}

impl HttpRequest {
    pub(crate) fn new(method: Method, path: impl Into<String>) -> Self {
        let path = path.into();
        Self { method, path, query: Vec::new(), json: None, repeatable: false, counted: None }
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
        self.json = Some(serde_json::to_vec(body).map_err(Error::internal)?);
        Ok(self)
    }

    pub(crate) fn bytes(mut self, body: Vec<u8>) -> Self {
        self.json = Some(body);
        self
    }

    /// Counts the request against the limit of an operation.
    pub(crate) fn counted(mut self, endpoint: &Endpoint, business: Option<BusinessId>) -> Self {
        self.counted = Some((endpoint.index(), business));
        self
    }

    /// Marks the request as read-only, so that it may be retried.
    pub(crate) fn reads(mut self) -> Self {
        self.repeatable = true;
        self
    }
}

/// Connection to one service with one credential.
#[derive(Clone)]
pub(crate) struct HttpTransport {
    pub(crate) http: reqwest::Client,
    pub(crate) base: Url,
    /// Header marked as sensitive.
    pub(crate) credential: Option<(HeaderName, HeaderValue)>,
    pub(crate) integration: Option<HeaderValue>,
    pub(crate) timeout: Duration,
    pub(crate) upload_timeout: Duration,
    pub(crate) retry_policy: RetryPolicy,
    pub(crate) lane: Option<RateLimitHandle>,
}

/// Access of a client to its rate limiter.
#[derive(Clone)]
pub(crate) struct RateLimitHandle {
    pub(crate) rate_limiter: RateLimiter,
    pub(crate) priority: Priority,
    /// Number of the credential in the rate limiter.
    pub(crate) credential: u64,
    pub(crate) generation: Generation,
}

/// Successful response.
struct HttpResponse {
    status: u16,
    answer: ResponseInfo,
    body: Bytes,
}

/// Failed attempt and the time of the next one.
pub(crate) struct AttemptError {
    pub(crate) error: Error,
    /// Wait requested by the service.
    wait: Option<Duration>,
    /// True if the rate limiter waits for the end of the hour.
    rate_limited: bool,
}

impl From<Error> for AttemptError {
    fn from(error: Error) -> Self {
        Self { error, wait: None, rate_limited: false }
    }
}

impl HttpTransport {
    /// Returns `result` of the response.
    pub(crate) async fn result<T: DeserializeOwned>(&self, call: &HttpRequest) -> Result<T> {
        let reply = self.fetch(call).await?;
        reply.result()
    }

    /// Returns the whole response, for the operation without an envelope.
    pub(crate) async fn whole<T: DeserializeOwned>(&self, call: &HttpRequest) -> Result<T> {
        let reply = self.fetch(call).await?;
        reply.decode()
    }

    /// That the answer is a success.
    pub(crate) async fn done(&self, call: &HttpRequest) -> Result<()> {
        let reply = self.fetch(call).await?;
        reply.accepted()
    }

    /// Sends a file, once, and takes what stands in `result`.
    pub(crate) async fn upload<T: DeserializeOwned>(
        &self,
        call: &HttpRequest,
        file: FileUpload,
    ) -> Result<T> {
        self.send_file(call, file).await?.result()
    }

    /// Sends a file, once.
    pub(crate) async fn upload_done(&self, call: &HttpRequest, file: FileUpload) -> Result<()> {
        self.send_file(call, file).await?.accepted()
    }

    async fn send_file(&self, call: &HttpRequest, file: FileUpload) -> Result<HttpResponse> {
        let name = file.name.as_str().to_owned();
        let part = Part::stream(Body::wrap_stream(bounded(file))).file_name(name);
        let part = part.mime_str("application/octet-stream").map_err(ClientError::of_transport)?;
        // Names go as UTF-8: `filename*` is forbidden in forms and not every server reads it.
        let form = Form::new().percent_encode_noop().part("file", part);
        let permit = self.permit(call, self.deadline()).await?;
        let request = self.request(call).timeout(self.upload_timeout).multipart(form);
        self.once(request, call, permit).await.map_err(|missed| missed.error)
    }

    async fn fetch(&self, call: &HttpRequest) -> Result<HttpResponse> {
        let (started, deadline) = (Instant::now(), self.deadline());
        let mut pauses = self.retry_policy.backoff().build();
        let mut permit = self.permit(call, deadline).await?;
        loop {
            let missed = match self.once(self.request(call), call, permit).await {
                Ok(reply) => return Ok(reply),
                Err(missed) => missed,
            };
            if !self.is_worth_repeating(call, &missed.error) {
                return Err(missed.error);
            }
            if !missed.rate_limited {
                let pause = pauses.next().map(|pause| pause + missed.wait.unwrap_or_default());
                let in_time =
                    |pause: &Duration| started.elapsed() + *pause <= self.retry_policy.deadline;
                let Some(pause) = pause.filter(in_time) else { return Err(missed.error) };
                tokio::time::sleep(pause).await;
            }
            // What the service said tells more than that there is no time to wait for another answer.
            let Ok(next) = self.permit(call, deadline).await else { return Err(missed.error) };
            permit = next;
        }
    }

    /// A refusal by a limit was certainly not done; anything else is repeated only if it changes nothing.
    fn is_worth_repeating(&self, call: &HttpRequest, error: &Error) -> bool {
        let limited = error.kind() == Some(ErrorKind::LimitExceeded);
        self.retry_policy.max_retries > 0 && (limited || call.repeatable && error.is_retryable())
    }

    /// The last moment a call may wait for, by the rate_limiter's clock.
    fn deadline(&self) -> Timestamp {
        let now = self.lane.as_ref().map_or(Timestamp::UNIX_EPOCH, |lane| lane.rate_limiter.now());
        let deadline = SignedDuration::try_from(self.retry_policy.deadline).ok();
        deadline.and_then(|deadline| now.checked_add(deadline).ok()).unwrap_or(Timestamp::MAX)
    }

    /// Waits for the leave to send a call, if anybody gives such.
    async fn permit(&self, call: &HttpRequest, deadline: Timestamp) -> Result<Option<Permit>> {
        let (Some(lane), Some((endpoint, business))) = (&self.lane, call.counted) else {
            return Ok(None);
        };
        let entity =
            business.map_or(BudgetOwner::Credential(lane.credential), BudgetOwner::Cabinet);
        let permit =
            lane.rate_limiter.permit(entity, endpoint, lane.generation, lane.priority, deadline);
        Ok(Some(permit.await?))
    }

    pub(crate) fn request(&self, call: &HttpRequest) -> RequestBuilder {
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

    /// Sends a call and reads its answer. The permit's slot is given back when that is over, however it ends.
    async fn once(
        &self,
        request: RequestBuilder,
        call: &HttpRequest,
        mut permit: Option<Permit>,
    ) -> Result<HttpResponse, AttemptError> {
        permit.iter_mut().for_each(Permit::sent);
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => {
                if error.is_connect() {
                    permit.iter_mut().for_each(Permit::unsent);
                }
                return Err(ClientError::of_transport(error).into());
            }
        };
        let status = response.status().as_u16();
        tracing::debug!(method = %call.method, path = %call.path, status, "answered");
        let shown = headers::shown(response.headers());
        let rate_limited = permit.as_mut().is_some_and(|permit| permit.answered(status, &shown));
        if !response.status().is_success() {
            let missed = refused(response).await;
            if let (Some(permit), Error::Api(refused)) = (&permit, &missed.error) {
                permit.refused(refused);
            }
            return Err(AttemptError { rate_limited, ..missed });
        }
        let answer = headers::answer(response.headers());
        let body = read(response, MAX_ANSWER).await?;
        Ok(HttpResponse { status, answer, body })
    }
}

impl RetryPolicy {
    fn backoff(&self) -> ExponentialBuilder {
        ExponentialBuilder::default()
            .with_jitter()
            .with_min_delay(self.initial_backoff)
            .with_max_delay(self.max_backoff)
            .with_max_times(self.max_retries)
    }
}

impl HttpResponse {
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
        ClientError::Undecodable { status: self.status, reason, body, answer }.into()
    }
}

/// The error an answer with this status is; what its body says of it is for people.
pub(crate) async fn refused(response: Response) -> AttemptError {
    let status = response.status().as_u16();
    let answer = headers::answer(response.headers());
    let wait = headers::wait(response.headers(), Timestamp::now());
    let body = read_beginning(response).await;
    let Some(refusal) = ErrorKind::from_status(status) else {
        let (body, answer) = (beginning(&body), Box::new(answer));
        return AttemptError::from(Error::from(ClientError::Undocumented { status, body, answer }));
    };
    let faults =
        serde_json::from_slice::<RefusalBody>(&body).map_or_else(|_| Vec::new(), |b| b.errors);
    let error =
        Error::Api(Box::new(ApiError { kind: refusal, items: faults, response: Some(answer) }));
    let wait = wait.filter(|_| refusal == ErrorKind::LimitExceeded);
    AttemptError { error, wait, rate_limited: false }
}

/// The whole body, or an error if it is larger than the limit.
async fn read(mut response: Response, limit: u64) -> Result<Bytes> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(ClientError::of_transport)? {
        if (body.len() + piece.len()) as u64 > limit {
            return Err(ClientError::TooLarge { limit }.into());
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
fn bounded(file: FileUpload) -> impl futures::Stream<Item = Result<Bytes, UploadReadError>> {
    let mut sent: u64 = 0;
    file.content.map(move |piece| {
        let piece = piece.map_err(|error| UploadReadError::Io(error.kind(), error.to_string()))?;
        sent += piece.len() as u64;
        if sent > MAX_FILE_BYTES { Err(UploadReadError::TooLarge) } else { Ok(piece) }
    })
}

//! HTTP requests: URL, credential, rate limit, retries, decoding.

use std::time::{Duration, Instant};

use backon::{BackoffBuilder, ExponentialBuilder};
use beseda_api::{
    ApiError, BusinessId, Endpoint, Error, ErrorKind, FileUpload, Generation, MAX_FILE_BYTES,
    ResponseInfo, Result,
    wire::{Envelope, ErrorResponse, Status},
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
const MAX_RESPONSE: u64 = 16 * 1024 * 1024;
/// Maximum number of bytes of a body in an error.
const MAX_ERROR_BODY: usize = 1024;

/// Request that can be sent repeatedly.
pub(crate) struct HttpRequest {
    method: Method,
    path: String,
    query: Vec<(&'static str, String)>,
    json: Option<Vec<u8>>,
    read_only: bool,
    /// Budget that counts the request: index in [`Endpoint::ALL`] and cabinet.
    budget: Option<(usize, Option<BusinessId>)>,
}

impl HttpRequest {
    pub(crate) fn new(method: Method, path: impl Into<String>) -> Self {
        let path = path.into();
        Self { method, path, query: Vec::new(), json: None, read_only: false, budget: None }
    }

    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path).read_only()
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
        self.budget = Some((endpoint.index(), business));
        self
    }

    /// Marks the request as read-only, so that it may be retried.
    pub(crate) fn read_only(mut self) -> Self {
        self.read_only = true;
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
    pub(crate) rate_limit: Option<RateLimitHandle>,
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
    info: ResponseInfo,
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
        let response = self.fetch(call).await?;
        response.result()
    }

    /// Returns the whole response, for the operation without an envelope.
    pub(crate) async fn bare<T: DeserializeOwned>(&self, call: &HttpRequest) -> Result<T> {
        let response = self.fetch(call).await?;
        response.decode()
    }

    /// Sends a request whose response has no result.
    pub(crate) async fn execute(&self, call: &HttpRequest) -> Result<()> {
        let response = self.fetch(call).await?;
        response.check_status()
    }

    /// Sends a file without retries and returns `result` of the response.
    pub(crate) async fn upload<T: DeserializeOwned>(
        &self,
        call: &HttpRequest,
        file: FileUpload,
    ) -> Result<T> {
        self.send_file(call, file).await?.result()
    }

    /// Sends a file without retries; the response has no result.
    pub(crate) async fn upload_without_result(
        &self,
        call: &HttpRequest,
        file: FileUpload,
    ) -> Result<()> {
        self.send_file(call, file).await?.check_status()
    }

    async fn send_file(&self, call: &HttpRequest, file: FileUpload) -> Result<HttpResponse> {
        let name = file.name.as_str().to_owned();
        let part = Part::stream(Body::wrap_stream(limited_content(file))).file_name(name);
        let part = part.mime_str("application/octet-stream").map_err(ClientError::of_transport)?;
        // Names go as UTF-8: `filename*` is forbidden in forms and not every server reads it.
        let form = Form::new().percent_encode_noop().part("file", part);
        let permit = self.permit(call, self.deadline()).await?;
        let request = self.request(call).timeout(self.upload_timeout).multipart(form);
        self.attempt(request, call, permit).await.map_err(|failure| failure.error)
    }

    async fn fetch(&self, call: &HttpRequest) -> Result<HttpResponse> {
        let (started, deadline) = (Instant::now(), self.deadline());
        let mut pauses = self.retry_policy.backoff().build();
        let mut permit = self.permit(call, deadline).await?;
        loop {
            let failure = match self.attempt(self.request(call), call, permit).await {
                Ok(response) => return Ok(response),
                Err(failure) => failure,
            };
            if !self.may_retry(call, &failure.error) {
                return Err(failure.error);
            }
            if !failure.rate_limited {
                let pause = pauses.next().map(|pause| pause + failure.wait.unwrap_or_default());
                let in_time =
                    |pause: &Duration| started.elapsed() + *pause <= self.retry_policy.deadline;
                let Some(pause) = pause.filter(in_time) else { return Err(failure.error) };
                tokio::time::sleep(pause).await;
            }
            // The service's error is more useful than the rate limiter's timeout.
            let Ok(next) = self.permit(call, deadline).await else { return Err(failure.error) };
            permit = next;
        }
    }

    /// Returns true if the request may be retried: after a 420, which has no effect, or if it only reads.
    fn may_retry(&self, call: &HttpRequest, error: &Error) -> bool {
        let limited = error.kind() == Some(ErrorKind::LimitExceeded);
        self.retry_policy.max_retries > 0 && (limited || call.read_only && error.is_retryable())
    }

    /// Returns the time until which a call may be queued, by the rate limiter's clock.
    fn deadline(&self) -> Timestamp {
        let now = self
            .rate_limit
            .as_ref()
            .map_or(Timestamp::UNIX_EPOCH, |handle| handle.rate_limiter.now());
        let deadline = SignedDuration::try_from(self.retry_policy.deadline).ok();
        deadline.and_then(|deadline| now.checked_add(deadline).ok()).unwrap_or(Timestamp::MAX)
    }

    /// Waits for a permit, if there is a rate limiter.
    async fn permit(&self, call: &HttpRequest, deadline: Timestamp) -> Result<Option<Permit>> {
        let (Some(handle), Some((endpoint, business))) = (&self.rate_limit, call.budget) else {
            return Ok(None);
        };
        let owner =
            business.map_or(BudgetOwner::Credential(handle.credential), BudgetOwner::Cabinet);
        let permit = handle.rate_limiter.permit(
            owner,
            endpoint,
            handle.generation,
            handle.priority,
            deadline,
        );
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

    /// Sends a request once and reads the response. The permit is released in any case.
    async fn attempt(
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
        tracing::debug!(method = %call.method, path = %call.path, status, "response");
        let shown = headers::shown(response.headers());
        let rate_limited = permit.as_mut().is_some_and(|permit| permit.answered(status, &shown));
        if !response.status().is_success() {
            let failure = error_of(response).await;
            if let (Some(permit), Error::Api(refused)) = (&permit, &failure.error) {
                permit.refused(refused);
            }
            return Err(AttemptError { rate_limited, ..failure });
        }
        let answer = headers::answer(response.headers());
        let body = read_body(response, MAX_RESPONSE).await?;
        Ok(HttpResponse { status, info: answer, body })
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
            (Status::Ok, None) => Err(self.undecodable("missing `result`".to_owned())),
            (Status::Error, _) => Err(self.undecodable("`status` is ERROR".to_owned())),
        }
    }

    fn check_status(&self) -> Result<()> {
        if self.body.iter().all(u8::is_ascii_whitespace) {
            return Ok(());
        }
        let envelope: Envelope<serde::de::IgnoredAny> = self.decode()?;
        match envelope.status {
            Status::Ok => Ok(()),
            Status::Error => Err(self.undecodable("`status` is ERROR".to_owned())),
        }
    }

    fn undecodable(&self, reason: String) -> Error {
        let (body, answer) = (prefix(&self.body), Box::new(self.info.clone()));
        ClientError::Undecodable { status: self.status, reason, body, answer }.into()
    }
}

/// Converts a response with an error status.
pub(crate) async fn error_of(response: Response) -> AttemptError {
    let status = response.status().as_u16();
    let answer = headers::answer(response.headers());
    let wait = headers::wait(response.headers(), Timestamp::now());
    let body = read_prefix(response).await;
    let Some(kind) = ErrorKind::from_status(status) else {
        let (body, answer) = (prefix(&body), Box::new(answer));
        return AttemptError::from(Error::from(ClientError::Undocumented { status, body, answer }));
    };
    let items =
        serde_json::from_slice::<ErrorResponse>(&body).map_or_else(|_| Vec::new(), |b| b.errors);
    let error = Error::Api(Box::new(ApiError { kind, items, response: Some(answer) }));
    let wait = wait.filter(|_| kind == ErrorKind::LimitExceeded);
    AttemptError { error, wait, rate_limited: false }
}

/// Reads a body of limited size.
///
/// # Errors
///
/// [`ClientError::TooLarge`] if it is larger.
async fn read_body(mut response: Response, limit: u64) -> Result<Bytes> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(ClientError::of_transport)? {
        if (body.len() + chunk.len()) as u64 > limit {
            return Err(ClientError::TooLarge { limit }.into());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.into())
}

/// Reads the beginning of an error's body; an incomplete body is not an error.
async fn read_prefix(mut response: Response) -> Vec<u8> {
    const MAX_PREFIX: usize = 64 * 1024;
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_PREFIX {
            body.truncate(MAX_PREFIX);
            break;
        }
    }
    body
}

fn prefix(body: &[u8]) -> String {
    String::from_utf8_lossy(&body[..body.len().min(MAX_ERROR_BODY)]).into_owned()
}

/// Returns the content of a file, ending with an error if it can't be read or is too large.
fn limited_content(
    file: FileUpload,
) -> impl futures::Stream<Item = Result<Bytes, UploadReadError>> {
    let mut sent: u64 = 0;
    file.content.map(move |chunk| {
        let chunk = chunk.map_err(|error| UploadReadError::Io(error.kind(), error.to_string()))?;
        sent += chunk.len() as u64;
        if sent > MAX_FILE_BYTES { Err(UploadReadError::TooLarge) } else { Ok(chunk) }
    })
}

//! Processing of every request: dispatch, timeout, panics, response headers, compression, metrics,
//! log line.

use std::{
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{body::Body, extract::Request, response::Response};
use beseda_api::{ChatsApi, Error, ErrorKind, RateLimit, Result};
use bytes::Bytes;
use futures::FutureExt;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Version, header, request::Parts};
use hyper::body::Body as _;
use jiff::Timestamp;

use crate::{
    AppState, auth,
    body::{self, BodyLimits},
    compression, docs, files, handlers, health,
    malformed::Malformed,
    metrics::RouteLabel,
    own_apis,
    per_call::{CallApi, CallContext},
    rate_limit::{self, LimitState, LimitedCall},
    request::RequestContext,
    request_id::{RequestIds, TRACEPARENT, X_REQUEST_ID},
    response::{self, ApiResponse},
    router::{self, Operation, Route},
};

static LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-resource-limit");
static UNTIL: HeaderName = HeaderName::from_static("x-ratelimit-resource-until");
static REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-resource-remaining");

/// Maximum bytes and time for reading a body that is not needed, so that its sender receives the
/// response.
const MAX_DISCARDED_BYTES: usize = 16 * 1024 * 1024;
const DISCARD_TIMEOUT: Duration = Duration::from_secs(5);

/// State of a request, used for its response and log line.
struct RequestState<'a> {
    route: Route<'a>,
    now: Timestamp,
    ids: RequestIds,
    limit_state: LimitState,
    label: RouteLabel,
    /// Start and timeout of the request.
    started: Instant,
    timeout: Duration,
    /// Per-call implementation, if there is one.
    call_api: Option<Arc<dyn CallApi>>,
    /// Rate limit reported by the implementation when it refused the call.
    reported_limit: Option<RateLimit>,
}

/// Handles a request; `replacement` is sent instead of calling a handler.
pub(crate) async fn handle(
    app: &AppState,
    request: Request,
    replacement: Option<http::Response<Bytes>>,
) -> Response {
    let started = Instant::now();
    let server = &app.server;
    let (parts, mut body) = request.into_parts();
    let route = router::match_path(parts.uri.path());
    let mut state = RequestState {
        route,
        now: server.services.clock.now(),
        ids: RequestIds::of(&parts.headers),
        limit_state: LimitState::NO_LIMIT,
        label: RouteLabel::of(route, &parts.method),
        started,
        timeout: Duration::ZERO,
        call_api: None,
        reported_limit: None,
    };
    let in_flight = server.metrics.begin();
    let outcome = match replacement {
        None => run_handler(app, &parts, &mut body, &mut state).await,
        Some(answer) => {
            if let (RouteLabel::Operation(operation), Route::Api { generation, .. }) =
                (state.label, route)
            {
                state.limit_state = server.limits.initial_state(operation, generation);
            }
            ApiResponse::Full(answer)
        }
    };
    let unread = parts.version < Version::HTTP_2 && !body.is_end_stream();
    if unread && !parts.headers.contains_key(header::EXPECT) {
        let bounds = BodyLimits { bytes: MAX_DISCARDED_BYTES, silence: Duration::from_secs(1) };
        // The response is sent even if this times out.
        let _ = tokio::time::timeout(DISCARD_TIMEOUT, body::drain(&mut body, bounds)).await;
    }
    let response = finish(outcome, &parts.headers, &state).await;
    drop(in_flight);
    let status = response.status();
    server.metrics.count(state.label, status, started.elapsed());
    log(&parts, status, started, &state);
    response
}

/// Calls the handler, and replaces its response if it panics or times out.
async fn run_handler(
    app: &AppState,
    parts: &Parts,
    body: &mut Body,
    state: &mut RequestState<'_>,
) -> ApiResponse {
    let request_id = state.ids.request_id.clone();
    let timeout = match state.label {
        RouteLabel::Operation(Operation::SendFileToChat) | RouteLabel::Market => {
            app.server.settings.upload_timeout()
        }
        _ => app.server.settings.request_timeout(),
    };
    state.timeout = timeout;
    let handled = dispatch(app, parts, body, state);
    let handled = AssertUnwindSafe(handled).catch_unwind();
    match tokio::time::timeout(timeout, handled).await {
        Ok(Ok(Ok(answer))) => answer,
        Ok(Ok(Err(error))) => ApiResponse::Full(response::error(&error, &request_id)),
        Ok(Err(panic)) => {
            let text = panic.downcast_ref::<&str>().copied().map(str::to_owned);
            let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
            let error = Error::internal(format!("panic: {}", text.unwrap_or_default()));
            ApiResponse::Full(response::error(&error, &request_id))
        }
        Err(_) => {
            let error = Error::internal("the request took too long");
            ApiResponse::Full(response::error(&error, &request_id))
        }
    }
}

async fn dispatch(
    app: &AppState,
    parts: &Parts,
    body: &mut Body,
    state: &mut RequestState<'_>,
) -> Result<ApiResponse> {
    let server = app.server.as_ref();
    let settings = &server.settings;
    if let Some(Malformed(status)) = parts.extensions.get() {
        return Ok(response::malformed(*status));
    }
    if too_many(&parts.headers, settings.max_headers, settings.max_header_bytes) {
        return Ok(response::too_many_headers());
    }
    let Route::Api { generation, resource, business } = state.route else {
        let chats = server.services.chats.as_ref();
        let generation = beseda_api::Generation::Y2026;
        let mut call = RequestContext { server, chats, parts, body, generation };
        return match state.route {
            Route::File(rest) => files::handle(&mut call, rest, state.now).await,
            Route::Market(_) | Route::Admin(_) => {
                own_apis::handle(app.own_apis.clone(), parts, body).await
            }
            Route::DocsFile(name) => docs::file(&call, name),
            Route::Page(page) => health::handle(&mut call, page).await,
            Route::Api { .. } | Route::Unknown => Err(response::resource_not_found()),
        };
    };
    let Some(operation) = resource.operation(&parts.method) else {
        return Ok(response::method_not_allowed(&parts.method, resource.allow()));
    };
    state.limit_state = server.limits.initial_state(operation, generation);
    let limit_state = &mut state.limit_state;
    let call = LimitedCall { operation, generation, now: state.now, limit_state };
    let caller = auth::authorize(server, &parts.headers, business, call).await?;
    let call_api = match &server.services.per_call {
        None => None,
        Some(per_call) => Some(per_call.begin_call(CallContext {
            access: &caller.access,
            business: caller.business,
            endpoint: operation.endpoint(),
            generation,
            headers: &parts.headers,
            request_id: &state.ids.request_id,
            deadline: state.started + state.timeout,
        })?),
    };
    state.call_api.clone_from(&call_api);
    let chats: &dyn ChatsApi = match &call_api {
        Some(call_api) => call_api.as_ref(),
        None => server.services.chats.as_ref(),
    };
    let call = RequestContext { server, chats, parts, body, generation };
    let answer = handlers::handle(operation, call, &caller).await;
    if let Err(error) = &answer {
        state.record_limit_error(error);
    }
    answer
}

impl RequestState<'_> {
    /// Records the rate limit of an implementation's own 420. The server's count is not the one
    /// that was exceeded, so without figures nothing is left. A per-call implementation reports its
    /// figures itself.
    fn record_limit_error(&mut self, error: &Error) {
        if error.kind() == Some(ErrorKind::LimitExceeded) {
            self.reported_limit = error.rate_limit();
            if self.reported_limit.is_none() && self.call_api.is_none() {
                self.limit_state.remaining = 0;
            }
        }
    }

    /// Returns the values of the three `X-RateLimit-Resource-*` headers.
    fn rate_limit_headers(&self) -> (u32, u32, HeaderValue) {
        let reported = self.call_api.as_ref().and_then(|call_api| call_api.rate_limit());
        match reported.or(self.reported_limit) {
            None => {
                let LimitState { limit, remaining } = self.limit_state;
                (limit, remaining, rate_limit::until(self.now))
            }
            Some(reported) => {
                (reported.limit, reported.remaining, rate_limit::moment(reported.until))
            }
        }
    }
}

fn too_many(headers: &HeaderMap, most: usize, most_bytes: usize) -> bool {
    let size = |(name, value): (&HeaderName, &HeaderValue)| name.as_str().len() + value.len() + 4;
    headers.len() > most || headers.iter().map(size).sum::<usize>() > most_bytes
}

/// Adds the headers of every response.
async fn finish(answer: ApiResponse, asked: &HeaderMap, state: &RequestState<'_>) -> Response {
    let mut response = match answer {
        ApiResponse::Streaming(response) => response,
        ApiResponse::Full(whole) => {
            let (mut parts, body) = whole.into_parts();
            let body: Bytes = compression::compress(body, asked, &mut parts.headers).await;
            Response::from_parts(parts, Body::from(body))
        }
    };
    let headers = response.headers_mut();
    let (limit, remaining, until) = state.rate_limit_headers();
    headers.insert(&LIMIT, HeaderValue::from(limit));
    headers.insert(&UNTIL, until);
    headers.insert(header::DATE, rate_limit::date(state.now));
    headers.insert(&REMAINING, HeaderValue::from(remaining));
    if let Some(call_api) = &state.call_api {
        call_api.headers(headers);
    }
    headers.insert(&X_REQUEST_ID, state.ids.request_id.clone());
    headers.insert(&TRACEPARENT, state.ids.traceparent.clone());
    response
}

/// Logs one line per request, without query, body and credential.
fn log(parts: &Parts, status: StatusCode, started: Instant, state: &RequestState<'_>) {
    tracing::info!(
        target: "beseda::request",
        method = %parts.method,
        path = parts.uri.path(),
        operation = state.label.as_str(),
        status = status.as_u16(),
        micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
        request_id = state.ids.request_id.to_str().unwrap_or("-"),
        "request"
    );
}

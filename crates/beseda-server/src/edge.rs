//! The one thing every request passes, in and out: names, bounds, limit headers, gzip, metrics, the log line, and nothing breaking through. It decides nothing about calls.

use std::{
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    body::Body,
    extract::{Request, State},
    response::Response,
};
use beseda_api::{ChatsApi, Error, ErrorKind, RateLimit, Result};
use bytes::Bytes;
use futures::FutureExt;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Version, header, request::Parts};
use hyper::body::Body as _;
use jiff::Timestamp;

use crate::{
    Server, admin,
    attend::{Attended, Visit},
    body::{self, Bounds},
    call::Call,
    files, gate,
    gate::limits::{self, Standing},
    gzip, health, intercept,
    malformed::Malformed,
    market,
    metrics::Label,
    reply::{self, Answer},
    route::{self, Operation, Route},
    routes,
    trace::{TRACEPARENT, Trace, X_REQUEST_ID},
};

static LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-resource-limit");
static UNTIL: HeaderName = HeaderName::from_static("x-ratelimit-resource-until");
static REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-resource-remaining");

/// How much of a body that nobody wants is still read, so that its sender gets the answer, and for how long.
const UNWANTED: usize = 16 * 1024 * 1024;
const UNWANTED_TIME: Duration = Duration::from_secs(5);

/// What is known of a request while it runs, and needed for its answer and its log line.
struct Exchange {
    now: Timestamp,
    trace: Trace,
    standing: Standing,
    label: Label,
    /// When it began, and how long it may take.
    started: Instant,
    patience: Duration,
    /// Who attended to it, if anybody did.
    attended: Option<Arc<dyn Attended>>,
    /// What the implementation said of a limit of its own when it refused.
    refused: Option<RateLimit>,
}

/// Answers one request, whatever it is.
pub(crate) async fn answer(State(server): State<Arc<Server>>, request: Request) -> Response {
    match &server.services.interceptor {
        None => serve(&server, request, None).await,
        Some(interceptor) => intercept::around(interceptor.as_ref(), &server, request).await,
    }
}

/// Answers one request, with what was put in place of its handling if there is such a thing.
pub(crate) async fn serve(
    server: &Arc<Server>,
    request: Request,
    instead: Option<http::Response<Bytes>>,
) -> Response {
    let started = Instant::now();
    let (parts, mut body) = request.into_parts();
    let route = route::recognise(parts.uri.path());
    let mut exchange = Exchange {
        now: server.services.clock.now(),
        trace: Trace::of(&parts.headers),
        standing: Standing::ELSEWHERE,
        label: Label::of(route, &parts.method),
        started,
        patience: Duration::ZERO,
        attended: None,
        refused: None,
    };
    let in_flight = server.metrics.begin();
    let outcome = match instead {
        None => guarded(server, &parts, &mut body, (route, &mut exchange)).await,
        Some(answer) => {
            if let (Label::Operation(operation), Route::Api { generation, .. }) =
                (exchange.label, route)
            {
                exchange.standing = server.limits.untouched(operation, generation);
            }
            Answer::Whole(answer)
        }
    };
    let unread = parts.version < Version::HTTP_2 && !body.is_end_stream();
    if unread && !parts.headers.contains_key(header::EXPECT) {
        let bounds = Bounds { bytes: UNWANTED, silence: Duration::from_secs(1) };
        // However it ends, the answer goes out now.
        let _ = tokio::time::timeout(UNWANTED_TIME, body::drain(&mut body, bounds)).await;
    }
    let response = finish(outcome, &parts.headers, &exchange).await;
    drop(in_flight);
    let status = response.status();
    server.metrics.count(exchange.label, status, started.elapsed());
    log(&parts, status, started, &exchange);
    response
}

/// The answer of the request's handler, or what stands for it if that panics or takes too long.
async fn guarded(
    server: &Arc<Server>,
    parts: &Parts,
    body: &mut Body,
    (route, exchange): (Route<'_>, &mut Exchange),
) -> Answer {
    let request_id = exchange.trace.request_id.clone();
    let patience = match exchange.label {
        Label::Operation(Operation::SendFileToChat) | Label::Market => {
            server.settings.upload_timeout()
        }
        _ => server.settings.request_timeout(),
    };
    exchange.patience = patience;
    let handled = dispatch(server, parts, body, (route, exchange));
    let handled = AssertUnwindSafe(handled).catch_unwind();
    match tokio::time::timeout(patience, handled).await {
        Ok(Ok(Ok(answer))) => answer,
        Ok(Ok(Err(error))) => Answer::Whole(reply::error(&error, &request_id)),
        Ok(Err(panic)) => {
            let text = panic.downcast_ref::<&str>().copied().map(str::to_owned);
            let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
            let error = Error::internal(format!("panic: {}", text.unwrap_or_default()));
            Answer::Whole(reply::error(&error, &request_id))
        }
        Err(_) => {
            let error = Error::internal("the request took too long");
            Answer::Whole(reply::error(&error, &request_id))
        }
    }
}

async fn dispatch(
    server: &Arc<Server>,
    parts: &Parts,
    body: &mut Body,
    (route, exchange): (Route<'_>, &mut Exchange),
) -> Result<Answer> {
    let settings = &server.settings;
    if let Some(Malformed(status)) = parts.extensions.get() {
        return Ok(reply::malformed(*status));
    }
    if too_many(&parts.headers, settings.max_headers, settings.max_header_bytes) {
        return Ok(reply::too_many_headers());
    }
    let Route::Api { generation, resource, business } = route else {
        let chats = server.services.chats.as_ref();
        let generation = beseda_api::Generation::Y2026;
        let mut call = Call { server, chats, parts, body, generation };
        return match route {
            Route::File(rest) => files::handle(&mut call, rest, exchange.now).await,
            Route::Market(rest) => market::handle(call, rest).await,
            Route::Admin(rest) => admin::handle(call, rest).await,
            Route::Page(page) => health::handle(&mut call, page).await,
            Route::Api { .. } | Route::Unknown => Err(reply::resource_not_found()),
        };
    };
    let Some(operation) = resource.operation(&parts.method) else {
        return Ok(reply::method_not_allowed(&parts.method, resource.allow()));
    };
    exchange.standing = server.limits.untouched(operation, generation);
    let counted = (exchange.now, &mut exchange.standing);
    let asked = (operation, generation);
    let caller = gate::admit(server, &parts.headers, asked, business, counted).await?;
    let attended = match &server.services.attendant {
        None => None,
        Some(attendant) => Some(attendant.attend(Visit {
            access: &caller.access,
            business: caller.business,
            endpoint: operation.endpoint(),
            generation,
            headers: &parts.headers,
            request_id: &exchange.trace.request_id,
            deadline: exchange.started + exchange.patience,
        })?),
    };
    exchange.attended.clone_from(&attended);
    let chats: &dyn ChatsApi = match &attended {
        Some(attended) => attended.as_ref(),
        None => server.services.chats.as_ref(),
    };
    let call = Call { server, chats, parts, body, generation };
    let answer = routes::handle(operation, call, &caller).await;
    if let Err(error) = &answer {
        exchange.hear(error);
    }
    answer
}

impl Exchange {
    /// Takes over what an implementation's own 420 says of its limit. Our count is not what it refused by, so without
    /// figures nothing is left. An attendant tells its figures itself.
    fn hear(&mut self, error: &Error) {
        if error.kind() == Some(ErrorKind::LimitExceeded) {
            self.refused = error.rate_limit();
            if self.refused.is_none() && self.attended.is_none() {
                self.standing.remaining = 0;
            }
        }
    }

    /// What the three `X-RateLimit-Resource-*` headers say.
    fn figures(&self) -> (u32, u32, HeaderValue) {
        let told = self.attended.as_ref().and_then(|attended| attended.standing());
        match told.or(self.refused) {
            None => {
                let Standing { limit, remaining } = self.standing;
                (limit, remaining, limits::until(self.now))
            }
            Some(told) => (told.limit, told.remaining, limits::moment(told.until)),
        }
    }
}

fn too_many(headers: &HeaderMap, most: usize, most_bytes: usize) -> bool {
    let size = |(name, value): (&HeaderName, &HeaderValue)| name.as_str().len() + value.len() + 4;
    headers.len() > most || headers.iter().map(size).sum::<usize>() > most_bytes
}

/// Puts the headers on that every answer has.
async fn finish(answer: Answer, asked: &HeaderMap, exchange: &Exchange) -> Response {
    let mut response = match answer {
        Answer::Streamed(response) => response,
        Answer::Whole(whole) => {
            let (mut parts, body) = whole.into_parts();
            let body: Bytes = gzip::shrink(body, asked, &mut parts.headers).await;
            Response::from_parts(parts, Body::from(body))
        }
    };
    let headers = response.headers_mut();
    let (limit, remaining, until) = exchange.figures();
    headers.insert(&LIMIT, HeaderValue::from(limit));
    headers.insert(&UNTIL, until);
    headers.insert(header::DATE, limits::date(exchange.now));
    headers.insert(&REMAINING, HeaderValue::from(remaining));
    if let Some(attended) = &exchange.attended {
        attended.headers(headers);
    }
    headers.insert(&X_REQUEST_ID, exchange.trace.request_id.clone());
    headers.insert(&TRACEPARENT, exchange.trace.traceparent.clone());
    response
}

/// One line a request. No query, no body and no credential is in it.
fn log(parts: &Parts, status: StatusCode, started: Instant, exchange: &Exchange) {
    tracing::info!(
        target: "beseda::request",
        method = %parts.method,
        path = parts.uri.path(),
        operation = exchange.label.as_str(),
        status = status.as_u16(),
        micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
        request_id = exchange.trace.request_id.to_str().unwrap_or("-"),
        "request"
    );
}

//! Interceptor around every request: applies faults, writes the journal, adds hints.

pub(crate) mod recorder;
mod tee_body;

use std::{sync::atomic::Ordering, time::Duration};

use async_trait::async_trait;
use axum::{body::Body, extract::Request, response::Response};
use beseda_api::{ErrorKind, wire::ErrorResponse};
use beseda_server::{Interceptor, Next, RequestInfo, ResetConnection};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode, header};
use hyper::ext::ReasonPhrase;

use crate::{
    Control,
    faults::{Fault, FaultKind, LimitKind, response},
    journal::JournalVerdict,
};
use recorder::{FaultOutcome, Recorder};

static HINT_HEADER: HeaderName = HeaderName::from_static("x-beseda-advice");
static REMAINING_HEADER: HeaderName = HeaderName::from_static("x-ratelimit-resource-remaining");

/// Delay of rules that give none.
const DEFAULT_DELAY_MS: u64 = 1_000;

#[async_trait]
impl Interceptor for Control {
    async fn intercept(&self, info: RequestInfo, request: Request, next: Next) -> Response {
        let triggered = self.faults.trigger(info.operation, info.business, info.at);
        let (mut parts, body) = request.into_parts();
        let mut recorder = Recorder::start(&self.journal, &info, &parts, &triggered);
        if !triggered.is_empty() {
            // A body that may be altered must not be compressed.
            parts.headers.remove(header::ACCEPT_ENCODING);
        }
        let body = recorder.tee_request(body);
        let request = Request::from_parts(parts, body);
        let (response, outcome) = self.handle(&info, request, next, &triggered).await;
        let (mut response, whole) = recorder::buffered(response).await;
        let status = response.status().as_u16();
        if outcome.is_none()
            && let Some(hint) = self.hint_for(&info, &recorder, status, whole.as_ref()).await
            && let Ok(value) = HeaderValue::from_str(&hint)
        {
            response.headers_mut().insert(&HINT_HEADER, value);
            recorder.set_hint(hint);
        }
        let (response, altered) = alter_response(response, whole.as_ref(), &triggered);
        let (response, whole) =
            if altered.is_some() { (response, whole) } else { recorder::buffered(response).await };
        recorder.finish(&response, whole.as_ref(), outcome.or(altered));
        response
    }
}

impl Control {
    /// Returns the response of the server, or of a fault that replaces it.
    async fn handle(
        &self,
        info: &RequestInfo,
        request: Request,
        next: Next,
        triggered: &[Fault],
    ) -> (Response, Option<FaultOutcome>) {
        for fault in triggered {
            let rule = &fault.rule;
            match rule.kind {
                FaultKind::Delay => tokio::time::sleep(delay(fault)).await,
                FaultKind::ResetBefore => {
                    return (reset(), fault_outcome("connection reset before execution"));
                }
                FaultKind::Status => {
                    let status = rule.status.unwrap_or(500);
                    let answer =
                        next.answer(request, status_response(status, rule.body.as_ref())).await;
                    return (
                        answer,
                        fault_outcome(&format!("answered {status} instead of the server")),
                    );
                }
                FaultKind::Limit => {
                    let kind = rule.limit.unwrap_or_default();
                    let mut answer = next.answer(request, limit_response(info, kind)).await;
                    if kind == LimitKind::Hourly {
                        answer.headers_mut().insert(&REMAINING_HEADER, HeaderValue::from(0));
                    }
                    return (answer, fault_outcome("answered 420 instead of the server"));
                }
                _ => {}
            }
        }
        let state_lock = self.state_lock.read().await;
        if self.snapshots.server_caches_stale.swap(false, Ordering::AcqRel) {
            next.reset();
        }
        let response = next.run(request).await;
        drop(state_lock);
        for fault in triggered {
            match fault.rule.kind {
                FaultKind::ResetAfter => {
                    return (reset(), fault_outcome("connection reset after execution"));
                }
                FaultKind::DelayAfter => tokio::time::sleep(delay(fault)).await,
                _ => {}
            }
        }
        (response, None)
    }
}

fn fault_outcome(text: &str) -> Option<FaultOutcome> {
    Some((JournalVerdict::Fault, text.to_owned()))
}

fn delay(fault: &Fault) -> Duration {
    Duration::from_millis(fault.rule.delay_ms.unwrap_or(DEFAULT_DELAY_MS))
}

/// Returns a response that makes the server reset the connection.
fn reset() -> Response {
    let mut response = Response::new(Body::empty());
    response.extensions_mut().insert(ResetConnection);
    response
}

/// Returns the response of a `status` rule: its body, or one in the API's envelope.
fn status_response(status: u16, body: Option<&serde_json::Value>) -> http::Response<Bytes> {
    let bytes = match body {
        Some(serde_json::Value::String(text)) => Bytes::from(text.clone()),
        Some(json) => Bytes::from(json.to_string()),
        None => error_body(status, "Injected by a fault rule"),
    };
    let kind = match body {
        Some(serde_json::Value::String(_)) => "text/plain; charset=utf-8",
        _ => "application/json; charset=utf-8",
    };
    json_response(status, bytes, kind)
}

fn json_response(status: u16, body: Bytes, kind: &'static str) -> http::Response<Bytes> {
    let mut response = http::Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    if status == 420 {
        response.extensions_mut().insert(ReasonPhrase::from_static(b"Enhance Your Calm"));
    }
    response
}

fn error_body(status: u16, text: &str) -> Bytes {
    let code = ErrorKind::from_status(status).map_or_else(
        || if status == 500 { "INTERNAL_ERROR".to_owned() } else { format!("HTTP_{status}") },
        |refusal| refusal.code().to_owned(),
    );
    let fault = beseda_api::ApiErrorItem { code, message: Some(text.to_owned()) };
    let body = if status < 400 {
        serde_json::to_vec(&serde_json::json!({ "status": "OK" }))
    } else {
        serde_json::to_vec(&ErrorResponse::new(vec![fault]))
    };
    Bytes::from(body.unwrap_or_default())
}

/// Returns a 420 response with the server's own text.
fn limit_response(info: &RequestInfo, kind: LimitKind) -> http::Response<Bytes> {
    let entity = info.business.map_or("userId 1".to_owned(), |id| format!("businessId {id}"));
    let endpoint = beseda_api::Endpoint::ALL.into_iter().find(|e| e.name == info.operation);
    let generation = info.generation.unwrap_or(beseda_api::Generation::Y2026);
    let text = match (kind, endpoint) {
        (LimitKind::Hourly, Some(endpoint)) => format!(
            "Hit rate limit of {} requests per 1 hour for resource {} for {entity}",
            endpoint.hourly(generation),
            endpoint.path
        ),
        _ => format!("Hit rate limit of 4 parallel requests for {entity}"),
    };
    json_response(420, error_body(420, &text), "application/json; charset=utf-8")
}

/// Applies the faults that alter the response body.
fn alter_response(
    response: Response,
    whole: Option<&Bytes>,
    triggered: &[Fault],
) -> (Response, Option<FaultOutcome>) {
    let (Some(whole), true) = (whole, response.extensions().get::<ResetConnection>().is_none())
    else {
        return (response, None);
    };
    let (mut parts, mut body) = response.into_parts();
    let (mut bytes, mut outcome) = (whole.clone(), None);
    for fault in triggered {
        let rule = &fault.rule;
        let altered = match rule.kind {
            FaultKind::UnknownWords => response::unknown_words(&bytes),
            FaultKind::ExtraFields => response::extra_fields(&bytes),
            FaultKind::Garbage => {
                outcome = fault_outcome("body replaced");
                Some(response::garbage(rule.body.as_ref()))
            }
            _ => None,
        };
        if let Some(altered) = altered {
            bytes = altered;
            body = Body::from(bytes.clone());
            parts.headers.remove(header::CONTENT_LENGTH);
        }
    }
    for fault in triggered {
        let rule = &fault.rule;
        body = match rule.kind {
            FaultKind::Truncate => {
                outcome = fault_outcome("body truncated");
                response::truncated(&bytes, rule.bytes)
            }
            FaultKind::SlowBody => {
                outcome = fault_outcome("body sent slowly");
                response::slow(&bytes, delay(fault))
            }
            _ => continue,
        };
        parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.len()));
    }
    (Response::from_parts(parts, body), outcome)
}

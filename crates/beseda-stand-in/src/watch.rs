//! What happens between a request and its answer: faults strike, the journal is written, advice is given. No rule of chats is here.

mod tee;
mod told;

use std::{sync::atomic::Ordering, time::Duration};

use async_trait::async_trait;
use axum::{body::Body, extract::Request, response::Response};
use beseda_api::{ErrorKind, wire::ErrorResponse};
use beseda_server::{Interceptor, Next, RequestInfo, Reset};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode, header};
use hyper::ext::ReasonPhrase;

use crate::{
    Control,
    faults::{Fault, Kind, LimitKind},
    journal::Verdict,
    spoil,
};
pub(crate) use told::{Pending, reason};

static ADVICE: HeaderName = HeaderName::from_static("x-beseda-advice");
static REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-resource-remaining");

/// The delay of a rule that names none.
const DELAY_MS: u64 = 1_000;

#[async_trait]
impl Interceptor for Control {
    async fn intercept(&self, arrival: RequestInfo, request: Request, next: Next) -> Response {
        let struck = self.faults.strike(arrival.operation, arrival.business, arrival.at);
        let (mut parts, body) = request.into_parts();
        let mut pending = Pending::begin(&self.journal, &arrival, &parts, &struck);
        if !struck.is_empty() {
            // What is to be altered must not be packed.
            parts.headers.remove(header::ACCEPT_ENCODING);
        }
        let body = pending.listen(body);
        let request = Request::from_parts(parts, body);
        let (response, decided) = self.handle(&arrival, request, next, &struck).await;
        let (mut response, whole) = told::seen(response).await;
        let status = response.status().as_u16();
        if decided.is_none()
            && let Some(advice) = self.advice(&arrival, &pending, status, whole.as_ref()).await
            && let Ok(value) = HeaderValue::from_str(&advice)
        {
            response.headers_mut().insert(&ADVICE, value);
            pending.advise(advice);
        }
        let (response, spoilt) = spoil_answer(response, whole.as_ref(), &struck);
        let (response, whole) =
            if spoilt.is_some() { (response, whole) } else { told::seen(response).await };
        pending.end(&response, whole.as_ref(), decided.or(spoilt));
        response
    }
}

/// What a fault did, in words for the journal.
pub(crate) type Done = (Verdict, String);

impl Control {
    /// The answer of the server, or of the fault that comes before it.
    async fn handle(
        &self,
        arrival: &RequestInfo,
        request: Request,
        next: Next,
        struck: &[Fault],
    ) -> (Response, Option<Done>) {
        for fault in struck {
            let rule = &fault.rule;
            match rule.kind {
                Kind::Delay => tokio::time::sleep(delay(fault)).await,
                Kind::ResetBefore => {
                    return (reset(), done("connection reset before anything was done"));
                }
                Kind::Status => {
                    let status = rule.status.unwrap_or(500);
                    let answer = next.answer(request, refused(status, rule.body.as_ref())).await;
                    return (answer, done(&format!("answered {status} in place of the server")));
                }
                Kind::Limit => {
                    let kind = rule.limit.unwrap_or_default();
                    let mut answer = next.answer(request, limited(arrival, kind)).await;
                    if kind == LimitKind::Hourly {
                        answer.headers_mut().insert(&REMAINING, HeaderValue::from(0));
                    }
                    return (answer, done("answered 420 in place of the server"));
                }
                _ => {}
            }
        }
        let turn = self.turn.read().await;
        if self.memory.stale.swap(false, Ordering::AcqRel) {
            next.reset();
        }
        let response = next.run(request).await;
        drop(turn);
        for fault in struck {
            match fault.rule.kind {
                Kind::ResetAfter => {
                    return (reset(), done("connection reset after everything was done"));
                }
                Kind::DelayAfter => tokio::time::sleep(delay(fault)).await,
                _ => {}
            }
        }
        (response, None)
    }
}

fn done(text: &str) -> Option<Done> {
    Some((Verdict::Fault, text.to_owned()))
}

fn delay(fault: &Fault) -> Duration {
    Duration::from_millis(fault.rule.delay_ms.unwrap_or(DELAY_MS))
}

/// An answer that is never sent.
fn reset() -> Response {
    let mut response = Response::new(Body::empty());
    response.extensions_mut().insert(Reset);
    response
}

/// The answer of a rule: its body, or one in the API's shape.
fn refused(status: u16, body: Option<&serde_json::Value>) -> http::Response<Bytes> {
    let bytes = match body {
        Some(serde_json::Value::String(text)) => Bytes::from(text.clone()),
        Some(json) => Bytes::from(json.to_string()),
        None => enveloped(status, "The stand-in was told to answer so"),
    };
    let kind = match body {
        Some(serde_json::Value::String(_)) => "text/plain; charset=utf-8",
        _ => "application/json; charset=utf-8",
    };
    answer(status, bytes, kind)
}

fn answer(status: u16, body: Bytes, kind: &'static str) -> http::Response<Bytes> {
    let mut response = http::Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    if status == 420 {
        response.extensions_mut().insert(ReasonPhrase::from_static(b"Enhance Your Calm"));
    }
    response
}

fn enveloped(status: u16, text: &str) -> Bytes {
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

/// 420 in the words the server has for it.
fn limited(arrival: &RequestInfo, kind: LimitKind) -> http::Response<Bytes> {
    let entity = arrival.business.map_or("userId 1".to_owned(), |id| format!("businessId {id}"));
    let endpoint = beseda_api::Endpoint::ALL.into_iter().find(|e| e.name == arrival.operation);
    let generation = arrival.generation.unwrap_or(beseda_api::Generation::Y2026);
    let text = match (kind, endpoint) {
        (LimitKind::Hourly, Some(endpoint)) => format!(
            "Hit rate limit of {} requests per 1 hour for resource {} for {entity}",
            endpoint.hourly(generation),
            endpoint.path
        ),
        _ => format!("Hit rate limit of 4 parallel requests for {entity}"),
    };
    answer(420, enveloped(420, &text), "application/json; charset=utf-8")
}

/// Carries out the faults that spoil the body of an answer.
fn spoil_answer(
    response: Response,
    whole: Option<&Bytes>,
    struck: &[Fault],
) -> (Response, Option<Done>) {
    let (Some(whole), true) = (whole, response.extensions().get::<Reset>().is_none()) else {
        return (response, None);
    };
    let (mut parts, mut body) = response.into_parts();
    let (mut bytes, mut said) = (whole.clone(), None);
    for fault in struck {
        let rule = &fault.rule;
        let altered = match rule.kind {
            Kind::UnknownWords => spoil::unknown_words(&bytes),
            Kind::ExtraFields => spoil::extra_fields(&bytes),
            Kind::Garbage => {
                said = done("the body was replaced by something that is no JSON");
                Some(spoil::garbage(rule.body.as_ref()))
            }
            _ => None,
        };
        if let Some(altered) = altered {
            bytes = altered;
            body = Body::from(bytes.clone());
            parts.headers.remove(header::CONTENT_LENGTH);
        }
    }
    for fault in struck {
        let rule = &fault.rule;
        body = match rule.kind {
            Kind::Truncate => {
                said = done("the body was cut off");
                spoil::truncated(&bytes, rule.bytes)
            }
            Kind::SlowBody => {
                said = done("the body came slowly");
                spoil::slow(&bytes, delay(fault))
            }
            _ => continue,
        };
        parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.len()));
    }
    (Response::from_parts(parts, body), said)
}

//! Handles one webhook request, from the peer's address to the response.

use std::{net::IpAddr, sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use beseda_api::{
    BusinessId, Clock, Time,
    notification::{Notification, Receipt, Rejection, RejectionReason, RejectionType},
};
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use jiff::Timestamp;
use tokio::{sync::Semaphore, time::timeout};

use super::{
    Ack, EventSink, ForwardedResponse, WebhookEvent, dedup::Deduplicator, parse,
    source::AllowedSources, source::SourceError,
};

/// Maximum time to receive a body.
const BODY_TIMEOUT: Duration = Duration::from_secs(8);
/// Maximum time to answer a `PING`; Market's timeout is one second.
const PING_TIMEOUT: Duration = Duration::from_millis(900);
/// Maximum number of bytes read of a refused body, so that the client reads the response.
const MAX_DRAIN: usize = 1024 * 1024;
/// Maximum time to read a refused body.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);

/// Hook called after every response.
pub(super) type ResponseHook = Arc<dyn Fn(&ReceivedRequest<'_>) + Send + Sync>;

/// State shared by the requests to a receiver.
pub(super) struct ReceiverState {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) sources: AllowedSources,
    pub(super) businesses: Vec<BusinessId>,
    pub(super) dedup: Arc<Deduplicator>,
    pub(super) max_body: usize,
    pub(super) ack_timeout: Duration,
    pub(super) permits: Arc<Semaphore>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) on_response: Option<ResponseHook>,
    pub(super) sink: Arc<dyn EventSink>,
}

/// Request and its outcome, passed to
/// [`ReceiverBuilder::on_response`](super::ReceiverBuilder::on_response).
///
/// ```
/// use beseda_webhook::receiver::{ReceiveOutcome, ReceivedRequest, Receiver};
///
/// let hook = |request: &ReceivedRequest<'_>| {
///     if let ReceiveOutcome::Failed(reason) = request.outcome {
///         eprintln!("{}: {reason}", request.status);
///     }
/// };
/// let builder = Receiver::builder().on_response(hook);
/// # drop(builder.build());
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct ReceivedRequest<'a> {
    /// Address of the sender, if known.
    pub source: Option<IpAddr>,
    /// Event, if the body is valid.
    pub event: Option<&'a WebhookEvent>,
    /// Outcome.
    pub outcome: &'a ReceiveOutcome,
    /// Status of the response.
    pub status: StatusCode,
}

/// Outcome of a request.
///
/// ```
/// use beseda_webhook::receiver::ReceiveOutcome;
///
/// /// Market sends the notification again.
/// fn is_retried(outcome: &ReceiveOutcome) -> bool {
///     matches!(outcome, ReceiveOutcome::Failed(_) | ReceiveOutcome::Refused)
/// }
/// assert!(!is_retried(&ReceiveOutcome::Duplicate));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReceiveOutcome {
    /// Answered a `PING`.
    Ping,
    /// Accepted an event.
    Accepted,
    /// Ignored an event that was accepted before.
    Duplicate,
    /// Ignored an event of another cabinet.
    OtherBusiness,
    /// Rejected an invalid notification, for this reason.
    Malformed(String),
    /// Failed to accept the event, for this reason.
    Failed(String),
    /// Refused the sender's address.
    Refused,
}

/// Outcome and the response of a forwarding sink, if there is one.
type Handled = (ReceiveOutcome, Option<ForwardedResponse>);

/// Handles a request.
pub(super) async fn answer(State(state): State<Arc<ReceiverState>>, request: Request) -> Response {
    let at = state.clock.now();
    let (parts, mut body) = request.into_parts();
    let source = match state.sources.source_of(&parts) {
        Ok(source) => source,
        Err(error) => return state.refuse(&error, at, &mut body).await,
    };
    let (event, done) = match state.event(&parts.headers, &mut body, at).await {
        Ok(event) => {
            let event = WebhookEvent { source, ..event };
            let done = state.handle(&event).await;
            (Some(event), done)
        }
        Err(outcome) => (None, (outcome, None)),
    };
    state.finish(source, event.as_ref(), done, at)
}

impl ReceiverState {
    /// Reads and parses the body.
    async fn event(
        &self,
        headers: &HeaderMap,
        body: &mut Body,
        at: Timestamp,
    ) -> Result<WebhookEvent, ReceiveOutcome> {
        let media_type = media(headers);
        if media_type.is_err() {
            drain(body).await;
        }
        media_type.map_err(ReceiveOutcome::Malformed)?;
        let whole = timeout(BODY_TIMEOUT, self.whole(body)).await;
        let late = |_| ReceiveOutcome::Failed("timeout while reading the body".to_owned());
        let whole = whole.map_err(late)??;
        parse::event(whole, at).map_err(ReceiveOutcome::Malformed)
    }

    async fn whole(&self, body: &mut Body) -> Result<Bytes, ReceiveOutcome> {
        let mut whole = BytesMut::new();
        let mut parts = std::mem::take(body).into_data_stream();
        while let Some(part) = parts.next().await {
            let broken = |error| ReceiveOutcome::Failed(format!("the body is incomplete: {error}"));
            let part = part.map_err(broken)?;
            if whole.len() + part.len() > self.max_body {
                drain(&mut Body::from_stream(parts)).await;
                let most = self.max_body;
                return Err(ReceiveOutcome::Malformed(format!(
                    "the body is larger than {most} bytes"
                )));
            }
            whole.extend_from_slice(&part);
        }
        Ok(whole.freeze())
    }

    /// Passes an event to the sink unless it is a duplicate or of another cabinet.
    async fn handle(&self, event: &WebhookEvent) -> Handled {
        if let Notification::Ping { .. } = event.notification {
            let ack = timeout(PING_TIMEOUT, self.sink.ping(event.clone())).await;
            let late = |_| Ack::Failed("timeout of a PING".to_owned());
            return handled(ack.unwrap_or_else(late), ReceiveOutcome::Ping);
        }
        let wanted = |business| self.businesses.is_empty() || self.businesses.contains(&business);
        if event.business.is_some_and(|business| !wanted(business)) {
            return (ReceiveOutcome::OtherBusiness, None);
        }
        let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() else {
            return (ReceiveOutcome::Failed("too many concurrent notifications".to_owned()), None);
        };
        let (dedup, sink, event) = (Arc::clone(&self.dedup), Arc::clone(&self.sink), event.clone());
        // A task of its own, so that it completes even if the client disconnects.
        let work = tokio::spawn(async move {
            let ack = dedup.once(&event, || sink.accept(event.clone())).await;
            drop(permit);
            ack
        });
        match timeout(self.ack_timeout, work).await {
            Ok(Ok(Some(ack))) => handled(ack, ReceiveOutcome::Accepted),
            Ok(Ok(None)) => (ReceiveOutcome::Duplicate, None),
            Ok(Err(_)) => (ReceiveOutcome::Failed("the handler panicked".to_owned()), None),
            Err(_) => (ReceiveOutcome::Failed("timeout of the handler".to_owned()), None),
        }
    }

    async fn refuse(&self, error: &SourceError, at: Timestamp, body: &mut Body) -> Response {
        drain(body).await;
        match error {
            SourceError::NotAllowed(address) if self.sources.is_new(*address) => {
                tracing::warn!(%address, "notification refused: source address not allowed");
            }
            SourceError::NotForwarded(proxy) if self.sources.is_new(*proxy) => {
                tracing::warn!(%proxy, "notification refused: the proxy sends no forwarding header");
            }
            SourceError::NotAllowed(_) | SourceError::NotForwarded(_) => {}
            SourceError::UnknownPeer => {
                let reason = "the server doesn't provide ConnectInfo<SocketAddr>";
                return self.finish(
                    None,
                    None,
                    (ReceiveOutcome::Failed(reason.to_owned()), None),
                    at,
                );
            }
        }
        let source = match error {
            SourceError::NotAllowed(address) => Some(*address),
            _ => None,
        };
        self.finish(source, None, (ReceiveOutcome::Refused, None), at)
    }

    /// Logs the outcome and creates the response.
    fn finish(
        &self,
        source: Option<IpAddr>,
        event: Option<&WebhookEvent>,
        (outcome, forwarded): Handled,
        at: Timestamp,
    ) -> Response {
        log_outcome(source, event, &outcome);
        let response = match forwarded {
            Some(response) => response.into_response(),
            None => self.respond(&outcome, at),
        };
        if let Some(on_response) = &self.on_response {
            on_response(&ReceivedRequest {
                source,
                event,
                outcome: &outcome,
                status: response.status(),
            });
        }
        response
    }

    fn respond(&self, outcome: &ReceiveOutcome, at: Timestamp) -> Response {
        let rejection = |reason: RejectionType, message: &str| Rejection {
            error: Some(RejectionReason {
                reason: Some(reason),
                message: Some(message.to_owned()),
            }),
        };
        let (status, answer) = match outcome {
            ReceiveOutcome::Ping
            | ReceiveOutcome::Accepted
            | ReceiveOutcome::Duplicate
            | ReceiveOutcome::OtherBusiness => {
                let (version, name) = (self.version.clone(), self.name.clone());
                let receipt = Receipt { version, name, time: Time::utc(at) };
                (StatusCode::OK, serde_json::to_vec(&receipt))
            }
            ReceiveOutcome::Malformed(reason) => {
                let answer = rejection(RejectionType::WrongEventFormat, reason);
                (StatusCode::BAD_REQUEST, serde_json::to_vec(&answer))
            }
            ReceiveOutcome::Failed(reason) => {
                let answer = rejection(RejectionType::UnknownFailure, reason);
                (StatusCode::INTERNAL_SERVER_ERROR, serde_json::to_vec(&answer))
            }
            ReceiveOutcome::Refused => {
                let reason = "notifications are not accepted from this address";
                let answer = rejection(RejectionType::UnknownFailure, reason);
                (StatusCode::FORBIDDEN, serde_json::to_vec(&answer))
            }
        };
        // Serializing strings doesn't fail.
        let body = answer.unwrap_or_default();
        (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
    }
}

/// Logs the outcome.
fn log_outcome(source: Option<IpAddr>, event: Option<&WebhookEvent>, outcome: &ReceiveOutcome) {
    let source = source.map(tracing::field::display);
    let kind = event.map(|event| event.notification_type.as_str());
    match outcome {
        ReceiveOutcome::Ping => tracing::info!(source, "answered a PING"),
        ReceiveOutcome::Malformed(reason) => {
            tracing::warn!(source, kind, reason, "invalid notification rejected");
        }
        ReceiveOutcome::Failed(reason) => {
            tracing::warn!(source, kind, reason, "notification not accepted: it will be retried");
        }
        _ => tracing::debug!(source, kind, ?outcome, "notification handled"),
    }
}

/// Maps the sink's acknowledgement to an outcome; `accepted` if it was accepted.
fn handled(ack: Ack, accepted: ReceiveOutcome) -> Handled {
    match ack {
        Ack::Accepted => (accepted, None),
        Ack::Malformed(reason) => (ReceiveOutcome::Malformed(reason), None),
        Ack::Failed(reason) => (ReceiveOutcome::Failed(reason), None),
        Ack::Forwarded(response) => {
            let reason = || format!("the receiver answered {}", response.status);
            let outcome = match response.status {
                _ if response.accepted => accepted,
                StatusCode::BAD_REQUEST => ReceiveOutcome::Malformed(reason()),
                StatusCode::OK => ReceiveOutcome::Failed("the receipt is incomplete".to_owned()),
                _ => ReceiveOutcome::Failed(reason()),
            };
            (outcome, Some(response))
        }
    }
}

impl IntoResponse for ForwardedResponse {
    fn into_response(self) -> Response {
        let mut response = (self.status, self.body).into_response();
        response.headers_mut().remove(header::CONTENT_TYPE);
        if let Some(value) = self.content_type.and_then(|text| text.parse().ok()) {
            response.headers_mut().insert(header::CONTENT_TYPE, value);
        }
        response
    }
}

/// Verifies that the content type is JSON or missing and the body isn't compressed.
fn media(headers: &HeaderMap) -> Result<(), String> {
    if let Some(coding) = headers.get(header::CONTENT_ENCODING)
        && !coding.as_bytes().eq_ignore_ascii_case(b"identity")
    {
        return Err("the body must not be compressed".to_owned());
    }
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return Ok(()) };
    let text = value.to_str().unwrap_or("?");
    let media = text.split(';').next().unwrap_or_default().trim();
    if media.is_empty() || media.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    Err(format!("Content-Type must be application/json, not {media}"))
}

/// Reads and discards a limited part of the body.
async fn drain(body: &mut Body) {
    let mut parts = std::mem::take(body).into_data_stream();
    let reading = async {
        let mut read = 0;
        while let Some(Ok(part)) = parts.next().await {
            read += part.len();
            if read > MAX_DRAIN {
                break;
            }
        }
    };
    // The response is sent either way.
    let _ = timeout(DRAIN_TIMEOUT, reading).await;
}

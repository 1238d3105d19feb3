//! One request from its sender's address to the answer. What wrong bodies are told stands in `read.rs`, who may send in `source.rs`.

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

use super::{Event, Reply, Take, Verdict, memory::Memory, read, source::Sources, source::Stranger};

/// How long a body may take to come.
const BODY_TIME: Duration = Duration::from_secs(8);
/// How long the answer to a `PING` may take: Market gives up after a second.
const PING_PATIENCE: Duration = Duration::from_millis(900);
/// How much of a body that nobody wants is read, so that its sender gets the answer, and for how long.
const UNWANTED: usize = 1024 * 1024;
const UNWANTED_TIME: Duration = Duration::from_secs(1);

/// Is shown what came and what was answered.
pub(super) type Watch = Arc<dyn Fn(&Seen<'_>) + Send + Sync>;

/// Everything the requests to one receiver share.
pub(super) struct Desk {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) sources: Sources,
    pub(super) businesses: Vec<BusinessId>,
    pub(super) memory: Arc<Memory>,
    pub(super) max_body: usize,
    pub(super) patience: Duration,
    pub(super) places: Arc<Semaphore>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) watch: Option<Watch>,
    pub(super) take: Arc<dyn Take>,
}

/// Something that came, and what was answered; see [`Builder::on_answer`](super::Builder::on_answer).
#[derive(Debug)]
#[non_exhaustive]
pub struct Seen<'a> {
    /// Who sent it, as far as that is known.
    pub source: Option<IpAddr>,
    /// What it was, if it could be read.
    pub event: Option<&'a Event>,
    /// What came of it.
    pub outcome: &'a Outcome,
    /// The status it was answered with.
    pub status: StatusCode,
}

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// It asked whether anybody is there.
    Ping,
    /// It is an event, and was taken.
    Taken,
    /// It had been taken before.
    Duplicate,
    /// It is about a cabinet that wasn't asked for.
    Elsewhere,
    /// It isn't a notification, for this reason.
    Malformed(String),
    /// It wasn't taken, for this reason.
    Failed(String),
    /// It comes from where no notifications come from.
    Refused,
}

/// What came of a request, and somebody else's answer if there is one.
type Done = (Outcome, Option<Reply>);

/// Answers one request.
pub(super) async fn answer(State(desk): State<Arc<Desk>>, request: Request) -> Response {
    let at = desk.clock.now();
    let (parts, mut body) = request.into_parts();
    let source = match desk.sources.who(&parts) {
        Ok(source) => source,
        Err(stranger) => return desk.refuse(&stranger, at, &mut body).await,
    };
    let (event, done) = match desk.event(&parts.headers, &mut body, at).await {
        Ok(event) => {
            let event = Event { source, ..event };
            let done = desk.handle(&event).await;
            (Some(event), done)
        }
        Err(outcome) => (None, (outcome, None)),
    };
    desk.finish(source, event.as_ref(), done, at)
}

impl Desk {
    /// Reads the body.
    async fn event(
        &self,
        headers: &HeaderMap,
        body: &mut Body,
        at: Timestamp,
    ) -> Result<Event, Outcome> {
        let judged = media(headers);
        if judged.is_err() {
            drain(body).await;
        }
        judged.map_err(Outcome::Malformed)?;
        let whole = timeout(BODY_TIME, self.whole(body)).await;
        let late = |_| Outcome::Failed("the body didn't come in time".to_owned());
        let whole = whole.map_err(late)??;
        read::event(whole, at).map_err(Outcome::Malformed)
    }

    async fn whole(&self, body: &mut Body) -> Result<Bytes, Outcome> {
        let mut whole = BytesMut::new();
        let mut parts = std::mem::take(body).into_data_stream();
        while let Some(part) = parts.next().await {
            let broken = |error| Outcome::Failed(format!("the body broke off: {error}"));
            let part = part.map_err(broken)?;
            if whole.len() + part.len() > self.max_body {
                drain(&mut Body::from_stream(parts)).await;
                let most = self.max_body;
                return Err(Outcome::Malformed(format!("the body is larger than {most} bytes")));
            }
            whole.extend_from_slice(&part);
        }
        Ok(whole.freeze())
    }

    /// Decides on a notification, and hands it over if it is for us.
    async fn handle(&self, event: &Event) -> Done {
        if let Notification::Ping { .. } = event.notification {
            let asked = timeout(PING_PATIENCE, self.take.ping(event.clone())).await;
            let late = |_| Verdict::Failed("no answer to a PING in time".to_owned());
            return done(asked.unwrap_or_else(late), Outcome::Ping);
        }
        let wanted = |business| self.businesses.is_empty() || self.businesses.contains(&business);
        if event.business.is_some_and(|business| !wanted(business)) {
            return (Outcome::Elsewhere, None);
        }
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            return (Outcome::Failed("too many notifications at once".to_owned()), None);
        };
        let (memory, take, event) =
            (Arc::clone(&self.memory), Arc::clone(&self.take), event.clone());
        // Of its own, so that it comes to an end even if Market hangs up.
        let work = tokio::spawn(async move {
            let verdict = memory.once(&event, || take.take(event.clone())).await;
            drop(place);
            verdict
        });
        match timeout(self.patience, work).await {
            Ok(Ok(Some(verdict))) => done(verdict, Outcome::Taken),
            Ok(Ok(None)) => (Outcome::Duplicate, None),
            Ok(Err(_)) => (Outcome::Failed("taking it over broke".to_owned()), None),
            Err(_) => (Outcome::Failed("it wasn't taken over in time".to_owned()), None),
        }
    }

    async fn refuse(&self, stranger: &Stranger, at: Timestamp, body: &mut Body) -> Response {
        drain(body).await;
        match stranger {
            Stranger::Outside(address) if self.sources.is_new(*address) => {
                tracing::warn!(%address, "refused: notifications don't come from there");
            }
            Stranger::Unnamed(proxy) if self.sources.is_new(*proxy) => {
                tracing::warn!(%proxy, "refused: this proxy doesn't say whom it got a request from");
            }
            Stranger::Outside(_) | Stranger::Unnamed(_) => {}
            Stranger::Untold => {
                let reason = "the server doesn't tell who calls: it must put ConnectInfo<SocketAddr> into requests";
                return self.finish(None, None, (Outcome::Failed(reason.to_owned()), None), at);
            }
        }
        let source = match stranger {
            Stranger::Outside(address) => Some(*address),
            _ => None,
        };
        self.finish(source, None, (Outcome::Refused, None), at)
    }

    /// Tells what came of it, here and to the sender.
    fn finish(
        &self,
        source: Option<IpAddr>,
        event: Option<&Event>,
        (outcome, theirs): Done,
        at: Timestamp,
    ) -> Response {
        tell(source, event, &outcome);
        let response = match theirs {
            Some(reply) => reply.into_response(),
            None => self.respond(&outcome, at),
        };
        if let Some(watch) = &self.watch {
            watch(&Seen { source, event, outcome: &outcome, status: response.status() });
        }
        response
    }

    fn respond(&self, outcome: &Outcome, at: Timestamp) -> Response {
        let rejection = |reason: RejectionType, message: &str| Rejection {
            error: Some(RejectionReason {
                reason: Some(reason),
                message: Some(message.to_owned()),
            }),
        };
        let (status, answer) = match outcome {
            Outcome::Ping | Outcome::Taken | Outcome::Duplicate | Outcome::Elsewhere => {
                let (version, name) = (self.version.clone(), self.name.clone());
                let receipt = Receipt { version, name, time: Time::utc(at) };
                (StatusCode::OK, serde_json::to_vec(&receipt))
            }
            Outcome::Malformed(reason) => {
                let answer = rejection(RejectionType::WrongEventFormat, reason);
                (StatusCode::BAD_REQUEST, serde_json::to_vec(&answer))
            }
            Outcome::Failed(reason) => {
                let answer = rejection(RejectionType::UnknownFailure, reason);
                (StatusCode::INTERNAL_SERVER_ERROR, serde_json::to_vec(&answer))
            }
            Outcome::Refused => {
                let reason = "notifications are not taken from this address";
                let answer = rejection(RejectionType::UnknownFailure, reason);
                (StatusCode::FORBIDDEN, serde_json::to_vec(&answer))
            }
        };
        // Texts only, so it can be written.
        let body = answer.unwrap_or_default();
        (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
    }
}

/// A line of the log.
fn tell(source: Option<IpAddr>, event: Option<&Event>, outcome: &Outcome) {
    let source = source.map(tracing::field::display);
    let kind = event.map(|event| event.notification_type.as_str());
    match outcome {
        Outcome::Ping => tracing::info!(source, "answered a PING"),
        Outcome::Malformed(reason) => {
            tracing::warn!(source, kind, reason, "refused: it isn't a notification");
        }
        Outcome::Failed(reason) => {
            tracing::warn!(source, kind, reason, "a notification wasn't taken: it will come again");
        }
        _ => tracing::debug!(source, kind, ?outcome, "a notification"),
    }
}

/// What a verdict comes to; `good` if it was taken.
fn done(verdict: Verdict, good: Outcome) -> Done {
    match verdict {
        Verdict::Taken => (good, None),
        Verdict::Malformed(reason) => (Outcome::Malformed(reason), None),
        Verdict::Failed(reason) => (Outcome::Failed(reason), None),
        Verdict::Answered(reply) => {
            let answered = || format!("it was answered with {}", reply.status);
            let outcome = match reply.status {
                _ if reply.taken => good,
                StatusCode::BAD_REQUEST => Outcome::Malformed(answered()),
                StatusCode::OK => Outcome::Failed("the receipt isn't complete".to_owned()),
                _ => Outcome::Failed(answered()),
            };
            (outcome, Some(reply))
        }
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let mut response = (self.status, self.body).into_response();
        response.headers_mut().remove(header::CONTENT_TYPE);
        if let Some(value) = self.content_type.and_then(|text| text.parse().ok()) {
            response.headers_mut().insert(header::CONTENT_TYPE, value);
        }
        response
    }
}

/// Whether the headers say JSON, or nothing.
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
    Err(format!("Content-Type must be application/json, and it is {media}"))
}

/// Reads what nobody wants, within bounds.
async fn drain(body: &mut Body) {
    let mut parts = std::mem::take(body).into_data_stream();
    let reading = async {
        let mut read = 0;
        while let Some(Ok(part)) = parts.next().await {
            read += part.len();
            if read > UNWANTED {
                break;
            }
        }
    };
    // However it ends, the answer goes out now.
    let _ = timeout(UNWANTED_TIME, reading).await;
}

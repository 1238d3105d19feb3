//! A request of a program: its place in the upstream queue, its deadline, and its response headers.

mod api;
mod reads;
mod sends;

use std::{
    future::Future,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU8, Ordering},
    },
    time::{Duration, Instant},
};

use beseda_api::{BusinessId, Endpoint, Error, ErrorKind, RateLimit, Result};
use beseda_server::{CallApi, Unavailable};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::{
    metrics::increment,
    scheduler::{QueueError, QueueTicket, UpstreamPermit, request::CallRequest, share::Quota},
    state::GatewayState,
    upstream::rate_limit_of,
};

static X_BESEDA_GATEWAY: HeaderName = HeaderName::from_static("x-beseda-gateway");
static X_BESEDA_WAITED: HeaderName = HeaderName::from_static("x-beseda-waited");

/// Time reserved for the work after the upstream's response.
const RESPONSE_MARGIN: Duration = Duration::from_millis(300);
/// Shortest wait that is counted.
const MIN_COUNTED_WAIT: Duration = Duration::from_millis(1);

/// Origin of a response, as `X-Beseda-Gateway` has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum ResponseSource {
    /// The gateway, without any data.
    Gateway,
    /// An upstream call of this request.
    Upstream,
    /// The upstream call of an equal read.
    Coalesced,
    /// The archive.
    Archive,
    /// The stored response of an `Idempotency-Key`.
    Repeated,
}

impl ResponseSource {
    const ALL: [(Self, &'static str); 5] = [
        (Self::Gateway, "gateway"),
        (Self::Upstream, "upstream"),
        (Self::Coalesced, "coalesced"),
        (Self::Archive, "archive"),
        (Self::Repeated, "repeated"),
    ];
}

/// Program, quota, and headers of a request.
#[derive(Debug, Clone)]
pub(crate) struct CallerInfo {
    pub(crate) program: Arc<str>,
    pub(crate) quota: Quota,
    pub(crate) business: Option<BusinessId>,
    pub(crate) endpoint: &'static Endpoint,
    pub(crate) deadline: Instant,
    pub(crate) request_id: String,
    pub(crate) idempotency_key: Option<String>,
}

impl CallerInfo {
    /// Returns the deadline, earlier by this much.
    fn deadline_before(&self, margin: Duration) -> Instant {
        self.deadline.checked_sub(margin).unwrap_or(self.deadline)
    }
}

/// Implementation of the API for a single request.
pub(crate) struct GatewayCall {
    shared: Arc<GatewayState>,
    caller: CallerInfo,
    source: AtomicU8,
    waited: Mutex<Option<Duration>>,
    /// Rate limit in the upstream's 420 response.
    upstream_limit: Mutex<Option<RateLimit>>,
}

impl GatewayCall {
    /// Creates the call of a request.
    pub(crate) fn new(shared: Arc<GatewayState>, caller: CallerInfo) -> Self {
        let (waited, upstream_limit) = (Mutex::default(), Mutex::default());
        let source = AtomicU8::new(ResponseSource::Gateway as u8);
        Self { shared, caller, source, waited, upstream_limit }
    }

    fn set_source(&self, source: ResponseSource) {
        self.source.store(source as u8, Ordering::Relaxed);
    }

    /// Enqueues a call in the cabinet's queue.
    fn enqueue(&self, business: BusinessId, endpoint: &'static Endpoint) -> Result<QueueTicket> {
        let request = CallRequest {
            business,
            program: Arc::clone(&self.caller.program),
            quota: self.caller.quota,
            endpoint,
            deadline: self.caller.deadline_before(RESPONSE_MARGIN),
        };
        let ticket = self.shared.scheduler.enqueue(request);
        ticket.map_err(|error| self.rate_limited(business, endpoint, error))
    }

    /// Waits for the permit of a ticket.
    async fn acquire(
        &self,
        business: BusinessId,
        endpoint: &'static Endpoint,
        ticket: &mut QueueTicket,
    ) -> Result<UpstreamPermit> {
        let start = Instant::now();
        let permit = ticket.acquire().await;
        let waited = start.elapsed();
        if waited >= MIN_COUNTED_WAIT {
            self.shared.metrics.record_wait(waited);
        }
        let mut total = self.waited.lock().unwrap_or_else(PoisonError::into_inner);
        *total = Some(total.unwrap_or_default() + waited);
        drop(total);
        permit.map_err(|error| self.rate_limited(business, endpoint, error))
    }

    /// Returns the API's 420 error for a call that isn't made.
    fn rate_limited(&self, business: BusinessId, endpoint: &Endpoint, error: QueueError) -> Error {
        increment(&self.shared.metrics.queue_rejections);
        let text = match error {
            QueueError::Budget { limit } => format!(
                "Hit rate limit of {limit} requests per 1 hour for resource {} for businessId {business}",
                endpoint.path
            ),
            QueueError::Slots { max } => {
                format!("Hit rate limit of {max} parallel requests for businessId {business}")
            }
        };
        Error::new(ErrorKind::LimitExceeded, text)
    }

    /// Runs a future until shortly before the caller's deadline.
    async fn with_deadline<T>(&self, future: impl Future<Output = T>) -> Result<T> {
        let deadline = self.caller.deadline_before(RESPONSE_MARGIN / 2);
        let result = tokio::time::timeout_at(deadline.into(), future).await;
        result
            .map_err(|_| Error::internal(Unavailable("the upstream didn't respond in time".into())))
    }

    /// Records the rate limit of a 420 error for the response headers.
    fn record_limit(&self, error: Error) -> Error {
        if error.kind() == Some(ErrorKind::LimitExceeded) {
            let mut limit = self.upstream_limit.lock().unwrap_or_else(PoisonError::into_inner);
            *limit = rate_limit_of(&error);
        }
        error
    }
}

impl CallApi for GatewayCall {
    fn rate_limit(&self) -> Option<RateLimit> {
        let caller = &self.caller;
        let upstream_limit = *self.upstream_limit.lock().unwrap_or_else(PoisonError::into_inner);
        let business = caller.business?;
        upstream_limit.or_else(|| {
            let (program, scheduler) = (&caller.program, &self.shared.scheduler);
            scheduler.program_limit(business, program, caller.quota, caller.endpoint)
        })
    }

    fn headers(&self, headers: &mut HeaderMap) {
        let source = self.source.load(Ordering::Relaxed);
        let name = ResponseSource::ALL.iter().find(|(known, _)| *known as u8 == source);
        let name = name.map_or("gateway", |(_, name)| name);
        headers.insert(&X_BESEDA_GATEWAY, HeaderValue::from_static(name));
        let waited = *self.waited.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(waited) = waited {
            let millis = u64::try_from(waited.as_millis()).unwrap_or(u64::MAX);
            headers.insert(&X_BESEDA_WAITED, HeaderValue::from(millis));
        }
    }
}

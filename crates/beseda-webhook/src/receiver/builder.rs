//! Builder of receivers.

use std::{fmt, net::Ipv4Addr, sync::Arc, time::Duration};

use axum::{Router, routing::post};
use beseda_api::{BusinessId, Clock, SystemClock};
use ipnet::{IpNet, Ipv4Net};
use tokio::sync::{Semaphore, mpsc};

use super::{
    EventSink, ReceivedRequest, WebhookEvent, WebhookEvents,
    dedup::Deduplicator,
    handler::{ReceiverState, ResponseHook, answer},
    sink::{SinkFn, SinkQueue},
    source::AllowedSources,
};

/// Published address ranges from which Market sends notifications.
///
/// ```
/// use beseda_webhook::receiver::MARKET_SOURCES;
///
/// let address: std::net::IpAddr = "5.45.207.1".parse().unwrap();
/// assert!(MARKET_SOURCES.iter().any(|range| range.contains(&address)));
/// ```
pub const MARKET_SOURCES: [IpNet; 3] = [
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(5, 45, 207, 0), 25)),
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(141, 8, 142, 0), 25)),
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(5, 255, 253, 0), 25)),
];

/// Maximum number of events handled concurrently; others are refused with 500.
const MAX_CONCURRENT: usize = 256;
/// Maximum length of the name and version of a receipt, in characters.
const MAX_WORD_CHARS: usize = 100;

/// Invalid setting of a receiver.
///
/// ```
/// use beseda_webhook::receiver::{Receiver, ReceiverError};
///
/// let error = Receiver::builder().name("").build().unwrap_err();
/// assert_eq!(error, ReceiverError::WordLength { field: "name" });
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReceiverError {
    /// [`ReceiverBuilder::queue_capacity`] is out of range.
    #[error("the queue capacity must be at least 1 and at most {}", Semaphore::MAX_PERMITS)]
    QueueCapacity,
    /// [`ReceiverBuilder::name`] or [`ReceiverBuilder::version`] is empty or too long.
    #[error("the {field} must have 1 to {MAX_WORD_CHARS} characters")]
    WordLength {
        /// `name` or `version`.
        field: &'static str,
    },
    /// [`ReceiverBuilder::path`] is not an absolute path of plain segments.
    #[error("'{0}' is not a path such as /market")]
    Path(String),
}

/// Entry point of the receiver; see [the module](super).
///
/// ```
/// use beseda_webhook::receiver::Receiver;
///
/// let (router, events) = Receiver::builder().name("tea-shop").build().unwrap();
/// # drop((router, events));
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Receiver;

impl Receiver {
    /// Returns a builder with default settings.
    pub fn builder() -> ReceiverBuilder {
        ReceiverBuilder::default()
    }
}

/// Settings of a receiver; created by [`Receiver::builder`].
///
/// ```
/// use beseda_webhook::receiver::Receiver;
///
/// let builder = Receiver::builder()
///     .name("tea-shop")
///     .path("/market")
///     .trusted_proxies(["10.0.0.0/8".parse().unwrap()]);
/// let router = builder.build_with(|event| async move {
///     println!("{}", event.json());
///     Ok::<_, std::io::Error>(())
/// });
/// assert!(router.is_ok());
/// ```
#[derive(Clone)]
#[must_use]
pub struct ReceiverBuilder {
    name: String,
    version: String,
    path: String,
    sources: Option<Vec<IpNet>>,
    proxies: Vec<IpNet>,
    businesses: Vec<BusinessId>,
    queue_capacity: usize,
    dedup_window: usize,
    max_body: usize,
    ack_timeout: Duration,
    clock: Arc<dyn Clock>,
    on_response: Option<ResponseHook>,
}

impl fmt::Debug for ReceiverBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("ReceiverBuilder");
        shown.field("name", &self.name).field("sources", &self.sources);
        shown.field("proxies", &self.proxies).finish_non_exhaustive()
    }
}

impl Default for ReceiverBuilder {
    fn default() -> Self {
        Self {
            name: "beseda".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            path: String::new(),
            sources: Some(MARKET_SOURCES.to_vec()),
            proxies: Vec::new(),
            businesses: Vec::new(),
            queue_capacity: 1024,
            dedup_window: 10_000,
            max_body: 64 * 1024,
            // Market's timeout is 10 seconds.
            ack_timeout: Duration::from_secs(8),
            clock: Arc::new(SystemClock),
            on_response: None,
        }
    }
}

impl ReceiverBuilder {
    /// Sets the name in receipts, 1 to 100 characters. It appears in the seller's log. Defaults to
    /// `beseda`.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Sets the version in receipts, 1 to 100 characters. Defaults to the version of this crate.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = version.into();
        self
    }

    /// Sets the path, such as `/market`; `/notification` below it is served as well. Defaults to
    /// the root.
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// Sets the address ranges from which notifications are accepted. Defaults to
    /// [`MARKET_SOURCES`].
    pub fn sources(mut self, ranges: impl IntoIterator<Item = IpNet>) -> Self {
        self.sources = Some(ranges.into_iter().collect());
        self
    }

    /// Accepts notifications from any address. They are not signed, so anyone who knows the URL can
    /// send some.
    pub fn any_source(mut self) -> Self {
        self.sources = None;
        self
    }

    /// Sets the reverse proxies in front of the receiver, whose `X-Forwarded-For` or `Forwarded`
    /// headers are trusted. Each proxy must set or append to one of these headers; otherwise
    /// clients could forge it.
    pub fn trusted_proxies(mut self, ranges: impl IntoIterator<Item = IpNet>) -> Self {
        self.proxies = ranges.into_iter().collect();
        self
    }

    /// Accepts only events about this cabinet, and others given in further calls. Defaults to all.
    /// Notifications without a cabinet are always accepted.
    pub fn business(mut self, business: BusinessId) -> Self {
        self.businesses.push(business);
        self
    }

    /// Sets the capacity of the queue of events, at least 1. Defaults to 1,024.
    pub fn queue_capacity(mut self, events: usize) -> Self {
        self.queue_capacity = events;
        self
    }

    /// Sets the number of recent events used to recognize duplicates; 0 turns it off. Defaults to
    /// 10,000.
    pub fn dedup_window(mut self, events: usize) -> Self {
        self.dedup_window = events;
        self
    }

    /// Sets the maximum size of a body in bytes; larger ones get 400. Defaults to 64 KiB.
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }

    /// Sets the maximum time to wait for an event to be accepted before the response is 500.
    /// Defaults to 8 s.
    pub fn ack_timeout(mut self, ack_timeout: Duration) -> Self {
        self.ack_timeout = ack_timeout;
        self
    }

    /// Sets the clock for receipts. Defaults to the system clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Sets a hook called after every response, for metrics and logs. It must not block.
    pub fn on_response(
        mut self,
        on_response: impl Fn(&ReceivedRequest<'_>) + Send + Sync + 'static,
    ) -> Self {
        self.on_response = Some(Arc::new(on_response));
        self
    }

    /// Builds a router and the stream of its events.
    ///
    /// # Errors
    ///
    /// [`ReceiverError`] if a setting is invalid.
    pub fn build(self) -> Result<(Router, WebhookEvents), ReceiverError> {
        if !(1..=Semaphore::MAX_PERMITS).contains(&self.queue_capacity) {
            return Err(ReceiverError::QueueCapacity);
        }
        let (sender, queue) = mpsc::channel(self.queue_capacity);
        Ok((self.build_with_sink(Arc::new(SinkQueue(sender)))?, WebhookEvents { queue }))
    }

    /// Builds a router that passes each event to an async function: `Ok` is acknowledged with 200,
    /// `Err` with 500, after which Market retries. Store the event in it if it must not be lost.
    /// Calls may be concurrent.
    ///
    /// # Errors
    ///
    /// [`ReceiverError`] if a setting is invalid.
    pub fn build_with<F, Accepted, E>(self, take: F) -> Result<Router, ReceiverError>
    where
        F: Fn(WebhookEvent) -> Accepted + Send + Sync + 'static,
        Accepted: Future<Output = Result<(), E>> + Send + 'static,
        E: fmt::Display + 'static,
    {
        self.build_with_sink(Arc::new(SinkFn(take)))
    }

    /// Builds a router that passes each event to a sink.
    ///
    /// # Errors
    ///
    /// [`ReceiverError`] if a setting is invalid.
    pub fn build_with_sink(self, sink: Arc<dyn EventSink>) -> Result<Router, ReceiverError> {
        for (field, word) in [("name", &self.name), ("version", &self.version)] {
            if !(1..=MAX_WORD_CHARS).contains(&word.chars().count()) {
                return Err(ReceiverError::WordLength { field });
            }
        }
        let path = checked_path(&self.path)?;
        let state = ReceiverState {
            name: self.name,
            version: self.version,
            sources: AllowedSources::new(self.sources, self.proxies),
            businesses: self.businesses,
            dedup: Arc::new(Deduplicator::new(self.dedup_window)),
            max_body: self.max_body,
            ack_timeout: self.ack_timeout,
            permits: Arc::new(Semaphore::new(MAX_CONCURRENT)),
            clock: self.clock,
            on_response: self.on_response,
            sink,
        };
        let mut router = Router::new();
        if !path.is_empty() {
            router = router.route(path, post(answer));
        }
        for end in ["/", "/notification"] {
            router = router.route(&format!("{path}{end}"), post(answer));
        }
        Ok(router.with_state(Arc::new(state)))
    }
}

/// Returns a valid path without its trailing slash.
fn checked_path(path: &str) -> Result<&str, ReceiverError> {
    let path = path.strip_suffix('/').unwrap_or(path);
    let part = |part: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        !part.is_empty() && part.bytes().all(plain) && part != "." && part != ".."
    };
    let mut parts = path.split('/');
    let served = parts.next() == Some("") && parts.all(part);
    if served { Ok(path) } else { Err(ReceiverError::Path(path.to_owned())) }
}

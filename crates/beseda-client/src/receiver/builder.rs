//! How a receiver is made. What it answers stands in `handler.rs`.

use std::{fmt, net::Ipv4Addr, sync::Arc, time::Duration};

use axum::{Router, routing::post};
use beseda_api::{BusinessId, Clock, Result, SystemClock};
use ipnet::{IpNet, Ipv4Net};
use tokio::sync::{Semaphore, mpsc};

use super::{
    Event, Events, Seen, Take,
    handler::{Desk, Watch, answer},
    memory::Memory,
    source::Sources,
    take::{Call, Queue},
};
use crate::ClientError;

/// The addresses Market sends notifications from, as published.
pub const MARKET_SOURCES: [IpNet; 3] = [
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(5, 45, 207, 0), 25)),
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(141, 8, 142, 0), 25)),
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(5, 255, 253, 0), 25)),
];

/// Events that are being handed over at once; more are told to come again.
const AT_ONCE: usize = 256;
/// The longest name and version of a receipt, in characters.
const LONGEST_WORD: usize = 100;

/// What takes notifications in; see [the module](super).
#[derive(Debug, Clone, Copy)]
pub struct Receiver;

impl Receiver {
    /// Settings for a new receiver.
    pub fn builder() -> Builder {
        Builder::default()
    }
}

/// Settings of a receiver; see [`Receiver::builder`].
#[derive(Clone)]
#[must_use]
pub struct Builder {
    name: String,
    version: String,
    path: String,
    sources: Option<Vec<IpNet>>,
    proxies: Vec<IpNet>,
    businesses: Vec<BusinessId>,
    queue: usize,
    window: usize,
    max_body: usize,
    patience: Duration,
    clock: Arc<dyn Clock>,
    watch: Option<Watch>,
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Builder");
        shown.field("name", &self.name).field("sources", &self.sources);
        shown.field("proxies", &self.proxies).finish_non_exhaustive()
    }
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            name: "beseda".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            path: String::new(),
            sources: Some(MARKET_SOURCES.to_vec()),
            proxies: Vec::new(),
            businesses: Vec::new(),
            queue: 1024,
            window: 10_000,
            max_body: 64 * 1024,
            // Market gives up after 10 seconds.
            patience: Duration::from_secs(8),
            clock: Arc::new(SystemClock),
            watch: None,
        }
    }
}

impl Builder {
    /// The name in receipts, 1 to 100 characters; `beseda` unless said. It is shown in the seller's log.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// The version in receipts, 1 to 100 characters; that of this crate unless said.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = version.into();
        self
    }

    /// The path they come to, such as `/market`, and `/notification` below it; the root unless said.
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// From where notifications may come, in place of [`MARKET_SOURCES`].
    pub fn sources(mut self, ranges: impl IntoIterator<Item = IpNet>) -> Self {
        self.sources = Some(ranges.into_iter().collect());
        self
    }

    /// Notifications may come from anywhere. They bear no signature, so anybody who finds the address can send some then.
    pub fn any_source(mut self) -> Self {
        self.sources = None;
        self
    }

    /// Proxies in front of this receiver. Only they are believed who they got a request from, in `X-Forwarded-For` or
    /// `Forwarded`; each must set one of these or add to it, or what a stranger put there would be believed.
    pub fn trusted_proxies(mut self, ranges: impl IntoIterator<Item = IpNet>) -> Self {
        self.proxies = ranges.into_iter().collect();
        self
    }

    /// Only notifications about this cabinet are events, and about others named so; about all unless said. What names no
    /// cabinet always is.
    pub fn business(mut self, business: BusinessId) -> Self {
        self.businesses.push(business);
        self
    }

    /// Events that may wait to be read, at least 1; 1024 unless said.
    pub fn queue(mut self, events: usize) -> Self {
        self.queue = events;
        self
    }

    /// Events that are remembered to know doubles by; 10,000 unless said, and none if 0.
    pub fn window(mut self, events: usize) -> Self {
        self.window = events;
        self
    }

    /// The largest body; 64 KiB unless said. A larger one is 400: no repetition would make it smaller.
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }

    /// How long Market is kept waiting for an event to be taken before it is told to repeat; 8 seconds unless said.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Who tells the time for receipts; the machine's clock unless said.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Is shown everything that came and what was answered, for metrics and logs. It must not block.
    pub fn on_answer(mut self, watch: impl Fn(&Seen<'_>) + Send + Sync + 'static) -> Self {
        self.watch = Some(Arc::new(watch));
        self
    }

    /// A router, and the stream of what comes to it.
    ///
    /// # Errors
    /// [`ClientError::Setup`] if a setting is unusable.
    pub fn build(self) -> Result<(Router, Events)> {
        if !(1..=Semaphore::MAX_PERMITS).contains(&self.queue) {
            return Err(setup("the queue must have room for at least one event"));
        }
        let (sender, queue) = mpsc::channel(self.queue);
        Ok((self.build_taking(Arc::new(Queue(sender)))?, Events { queue }))
    }

    /// A router that hands events to a function and answers what came of it: 200 after `Ok`, 500 after `Err`, and Market
    /// repeats. Write the event down in there if it must not be lost. It may run for several events at once.
    ///
    /// # Errors
    /// As [`Builder::build`].
    pub fn build_with<F, Taken, E>(self, take: F) -> Result<Router>
    where
        F: Fn(Event) -> Taken + Send + Sync + 'static,
        Taken: Future<Output = std::result::Result<(), E>> + Send + 'static,
        E: fmt::Display + 'static,
    {
        self.build_taking(Arc::new(Call(take)))
    }

    /// A router that hands events to something that decides on the answers too.
    ///
    /// # Errors
    /// As [`Builder::build`].
    pub fn build_taking(self, take: Arc<dyn Take>) -> Result<Router> {
        for (what, word) in [("name", &self.name), ("version", &self.version)] {
            if !(1..=LONGEST_WORD).contains(&word.chars().count()) {
                return Err(setup(format!("the {what} must have 1 to {LONGEST_WORD} characters")));
            }
        }
        let path = checked_path(&self.path)?;
        let desk = Desk {
            name: self.name,
            version: self.version,
            sources: Sources::new(self.sources, self.proxies),
            businesses: self.businesses,
            memory: Arc::new(Memory::new(self.window)),
            max_body: self.max_body,
            patience: self.patience,
            places: Arc::new(Semaphore::new(AT_ONCE)),
            clock: self.clock,
            watch: self.watch,
            take,
        };
        let mut router = Router::new();
        if !path.is_empty() {
            router = router.route(path, post(answer));
        }
        for end in ["/", "/notification"] {
            router = router.route(&format!("{path}{end}"), post(answer));
        }
        Ok(router.with_state(Arc::new(desk)))
    }
}

/// A path without its slash at the end, if it is one that can be served.
fn checked_path(path: &str) -> Result<&str> {
    let path = path.strip_suffix('/').unwrap_or(path);
    let part = |part: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        !part.is_empty() && part.bytes().all(plain) && part != "." && part != ".."
    };
    let mut parts = path.split('/');
    let served = parts.next() == Some("") && parts.all(part);
    if served { Ok(path) } else { Err(setup(format!("'{path}' is no path such as /market"))) }
}

fn setup(text: impl Into<String>) -> beseda_api::Error {
    ClientError::Setup(text.into()).into()
}

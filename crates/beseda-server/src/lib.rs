//! The Chats API over HTTP: any `ChatsApi` behind keys, limits and the published paths of both generations.
//! It knows no store and no engine: what it serves comes in as `Services`.
//!
//! ```no_run
//! # async fn run(services: beseda_server::Services) -> std::io::Result<()> {
//! use beseda_server::{Settings, Transport, router, serve};
//!
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! let router = router(services, Settings::default());
//! serve(listener, router, Transport::default(), async {}).await
//! # }
//! ```

mod admin;
mod attend;
mod body;
mod call;
mod campaigns;
mod docs;
mod edge;
mod files;
mod gate;
mod generation;
mod gzip;
mod health;
mod intercept;
mod market;
mod metrics;
mod page;
mod query;
mod reply;
mod resettable;
mod route;
mod routes;
mod settings;
mod subscriptions;
mod trace;
mod transport;
mod upload;

use std::{fmt, sync::Arc};

pub use axum::Router;
use beseda_api::{
    Administration, ChatsApi, Clock, Directory, Downloads, MarketSide, Subscriptions,
};

pub use attend::{Attendant, Attended, Unavailable, Visit};
pub use intercept::{Arrival, Interceptor, Next, Reset};
pub use settings::{
    DirectOnUnversioned, FileAccess, LimitPreset, LimitSettings, Settings, SettingsError,
};
pub use transport::{Tls, Transport, serve};

use gate::{Gate, limits::Limits};
use metrics::Metrics;

/// What a router serves.
#[derive(Clone)]
pub struct Services {
    /// The seven operations.
    pub chats: Arc<dyn ChatsApi>,
    /// Credentials and campaigns.
    pub directory: Arc<dyn Directory>,
    /// The files behind download links.
    pub files: Arc<dyn Downloads>,
    /// The marketplace's side; its paths are unknown (404) if `None`.
    pub market: Option<Arc<dyn MarketSide>>,
    /// Administration; its paths are unknown (404) if `None`.
    pub admin: Option<Arc<dyn Administration>>,
    /// Push notifications, a part of administration; their paths are unknown (404) if `None`.
    pub subscriptions: Option<Arc<dyn Subscriptions>>,
    /// Tells the hours of the limits.
    pub clock: Arc<dyn Clock>,
    /// Steps between requests and answers; nothing does if `None`. For stand-ins.
    pub interceptor: Option<Arc<dyn Interceptor>>,
    /// Attends to every call by who calls; if `None`, all callers are the same to `chats`. For gateways.
    pub attendant: Option<Arc<dyn Attendant>>,
}

impl fmt::Debug for Services {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Services");
        shown.field("market", &self.market.is_some()).field("admin", &self.admin.is_some());
        shown.finish_non_exhaustive()
    }
}

/// Everything one router shares between its requests.
pub(crate) struct Server {
    pub(crate) services: Services,
    pub(crate) settings: Settings,
    pub(crate) gate: Gate,
    pub(crate) limits: Limits,
    pub(crate) metrics: Metrics,
    pub(crate) started: jiff::Timestamp,
}

/// The whole API as one router, ready for [`serve`] or for a test without sockets.
///
/// Every path goes through it, the unknown ones too, so that each answer has the API's envelope and headers.
pub fn router(services: Services, settings: Settings) -> Router {
    let server = Server {
        gate: Gate::new(&settings),
        limits: Limits::new(&settings.limits),
        metrics: Metrics::default(),
        started: services.clock.now(),
        services,
        settings,
    };
    Router::new().fallback(edge::answer).with_state(Arc::new(server))
}

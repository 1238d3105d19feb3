//! The Chats API over HTTP: any `ChatsApi` behind keys, limits and the published paths of both generations.
//! It knows no store and no engine: what it serves comes in as `Services`.
//!
//! ```no_run
//! # async fn run(services: beseda_server::Services) -> Result<(), Box<dyn std::error::Error>> {
//! use beseda_server::{Settings, Transport, router, serve};
//!
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! let router = router(services, Settings::default())?;
//! serve(listener, router, Transport::default(), async {}).await?;
//! # Ok(())
//! # }
//! ```

mod admin;
mod attend;
mod attended_chats;
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
mod malformed;
mod market;
mod metrics;
mod page;
mod query;
mod reply;
mod report;
mod resettable;
mod route;
mod routes;
mod services;
mod settings;
mod start_page;
mod static_directory;
mod subscriptions;
mod trace;
mod transport;
mod upload;
mod y2024;

use std::sync::Arc;

pub use axum::Router;
pub use beseda_api;

pub use attend::{Attendant, Attended, Unavailable, Visit};
pub use attended_chats::AttendedChats;
pub use http;
pub use intercept::{Arrival, Interceptor, Next, Reset};
pub use services::Services;
pub use settings::{
    ApiKeyFormat, FileAccess, LimitPreset, LimitSettings, Settings, SettingsError, Unversioned,
};
pub use start_page::{StartPage, Words};
pub use static_directory::{StaticDirectory, StaticDirectoryError};
pub use transport::{Tls, Transport, listen, local_url, serve};

use gate::{Gate, limits::Limits};
use metrics::Metrics;

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
///
/// # Errors
/// If the settings make no sense: [`Settings::check`].
pub fn router(services: Services, settings: Settings) -> Result<Router, SettingsError> {
    settings.check()?;
    let server = Server {
        gate: Gate::new(&settings),
        limits: Limits::new(&settings.limits),
        metrics: Metrics::default(),
        started: services.clock.now(),
        services,
        settings,
    };
    Ok(Router::new().fallback(edge::answer).with_state(Arc::new(server)))
}

/// Compiles what docs/implementing.md shows.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/implementing.md")]
struct Implementing;

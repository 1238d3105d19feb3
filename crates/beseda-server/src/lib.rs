//! HTTP server for the Yandex Market Partner Chats API: serves any `ChatsApi` with authentication, rate limits and the
//! published paths of both generations. The implementations are given as [`Services`].
//!
//! ```no_run
//! # async fn run(services: beseda_server::Services) -> Result<(), Box<dyn std::error::Error>> {
//! use beseda_server::{ServerSettings, TransportSettings, router, serve};
//!
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! let router = router(services, ServerSettings::default())?;
//! serve(listener, router, TransportSettings::default(), async {}).await?;
//! # Ok(())
//! # }
//! ```

mod admin;
mod auth;
mod body;
mod campaigns;
mod compat;
mod compat_2024;
mod compression;
mod credential_hash;
mod docs;
mod files;
mod handlers;
mod health;
mod history_json;
mod interceptor;
mod listener;
mod malformed;
mod market;
mod metrics;
mod own_apis;
mod own_request;
mod per_call;
mod per_call_chats;
mod pipeline;
mod query;
mod rate_limit;
mod report;
mod request;
mod request_id;
mod reset_stream;
mod response;
mod router;
mod services;
mod settings;
mod start_page;
mod static_directory;
mod subscriptions;
mod upload;

use std::sync::Arc;

pub use axum::Router;
pub use beseda_api;

pub use credential_hash::CredentialHash;
pub use http;
#[cfg(feature = "faults")]
pub use interceptor::ResetConnection;
pub use interceptor::{Interceptor, Next, RequestInfo};
pub use listener::{Tls, TransportSettings, listen, local_url, serve};
pub use per_call::{CallApi, CallContext, PerCallApi, Unavailable};
pub use per_call_chats::PerCallChats;
pub use services::Services;
pub use settings::{
    ApiKeyFormat, FileAccess, LimitPreset, LimitSettings, ServerSettings, SettingsError,
    Unversioned,
};
pub use start_page::{LocalizedText, StartPage};
pub use static_directory::{StaticDirectory, StaticDirectoryError};

use auth::Authenticator;
use metrics::Metrics;
use rate_limit::RateLimits;

/// State shared by all requests of a router.
pub(crate) struct Server {
    pub(crate) services: Services,
    pub(crate) settings: ServerSettings,
    pub(crate) auth: Authenticator,
    pub(crate) limits: RateLimits,
    pub(crate) metrics: Metrics,
    pub(crate) started: jiff::Timestamp,
}

/// State of the router: what all requests share, and the routes of our own APIs.
#[derive(Clone)]
pub(crate) struct AppState {
    pub(crate) server: Arc<Server>,
    pub(crate) own_apis: Router,
}

/// Creates a router for the whole API, to be passed to [`serve`] or used in a test without sockets.
///
/// Every path goes through it, the unknown ones too, so that each answer has the API's envelope and headers.
///
/// # Errors
/// If the settings make no sense: [`ServerSettings::check`].
pub fn router(services: Services, settings: ServerSettings) -> Result<Router, SettingsError> {
    settings.check()?;
    let server = Arc::new(Server {
        auth: Authenticator::new(&settings),
        limits: RateLimits::new(&settings.limits),
        metrics: Metrics::default(),
        started: services.clock.now(),
        services,
        settings,
    });
    let own_apis = own_apis::router(&server);
    Ok(Router::new().fallback(interceptor::handle).with_state(AppState { server, own_apis }))
}

/// Compiles what docs/implementing.md shows.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/implementing.md")]
struct Implementing;

//! Rate limiting proxy for the Yandex Market Partner Chats API: several programs share one cabinet's budget, each with
//! its own API key and quota, and every send is in an audit log.
//!
//! ```no_run
//! use std::sync::Arc;
//! use beseda_client::Client;
//! use beseda_gateway::{Gateway, GatewaySettings};
//!
//! # async fn start() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::builder().api_key(std::env::var("BESEDA_API_KEY")?).build()?;
//! let gateway = Gateway::open(GatewaySettings::new(client, "archive")).await?;
//! let router = beseda_server::router(gateway.services(), gateway.server_settings())?;
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:8070").await?;
//! beseda_server::serve(listener, router, Default::default(), async {}).await?;
//! gateway.shutdown().await;
//! # Ok(()) }
//! ```
//!
//! - **Programs** are identified by the names of their keys. Upstream calls are scheduled by weighted fair queueing with
//!   two priorities. The `X-RateLimit-Resource-*` headers of a response have the caller's own budget.
//! - **Reads** that are equal share one upstream call (single flight). Full history pages that can't change any more
//!   come from the archive.
//! - **Sends** are logged before they go upstream, one at a time per chat. After an unclear response the history decides
//!   whether the message was delivered. `Idempotency-Key` makes a retry safe.
//! - **Attachment links** that need the upstream's credential are replaced with links to the gateway ([`FileLinkMode`]).

mod attribution;
mod background;
mod call;
mod chat_locks;
mod db;
mod derived_keys;
mod file_links;
mod file_proxy;
mod folder;
mod gateway;
mod history_cache;
mod keys;
mod metrics;
mod per_call;
mod read_request;
mod scheduler;
mod settings;
mod shared;
mod single_flight;
mod upstream;

pub use beseda_client::Priority;
pub use beseda_push::Policy;
pub use db::{
    GatewayDb, ProgramQuota,
    audit::{AuditFilter, AuditOutcome, SendRecord},
};
pub use gateway::Gateway;
pub use keys::KeyStore;
pub use scheduler::share::Quota;
pub use settings::{FileLinkMode, GatewayOpenError, GatewaySettings};

//! Rate limiting proxy for the Yandex Market Partner Chats API: several programs share one
//! cabinet's budget, each with its own API key and quota, and every send is in an audit log.
//!
//! ```
//! use beseda_gateway::{AuditFilter, Gateway, GatewaySettings, Priority, Quota};
//! use beseda_stand_in::{StandIn, api::{ChatsApi, MessageText, NewKey}, client::Client};
//!
//! # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // A mock server in place of the published API.
//! let upstream = StandIn::start().await?;
//! let archive = tempfile::tempdir()?;
//! let gateway = Gateway::open(GatewaySettings::new(upstream.client()?, archive.path())).await?;
//! let router = beseda_server::router(gateway.services(), gateway.server_settings())?;
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! let url = format!("http://{}", listener.local_addr()?);
//! let server = beseda_server::serve(listener, router, Default::default(), std::future::pending());
//! tokio::spawn(server);
//!
//! // An API key with a fifth of the hourly budget.
//! let business = upstream.business_id();
//! let key = NewKey { name: "bot".to_owned(), scopes: vec!["communication".to_owned()] };
//! let quota = Quota { share: Some(20), priority: Priority::Background };
//! let key = gateway.keys().create(business, key, quota).await?;
//!
//! // The program uses the gateway as it would use the API.
//! let bot = Client::builder().url(&url).api_key(key.api_key).build()?;
//! let chats = bot.get_chats(business, Default::default(), Default::default()).await?.chats;
//! bot.send_message_to_chat(business, chats[0].chat_id, MessageText::new("Hello")?).await?;
//!
//! let sends = gateway.keys().db().sends(AuditFilter::default()).await?;
//! assert_eq!((sends[0].key.as_str(), sends[0].outcome.as_str()), ("bot", "sent"));
//! # Ok(()) }
//! ```
//!
//! - **Programs** are identified by the names of their keys. Upstream calls are scheduled by
//!   weighted fair queueing with two priorities. The `X-RateLimit-Resource-*` headers of a response
//!   have the caller's own budget.
//! - **Reads** that are equal share one upstream call (single flight). Full history pages that
//!   can't change any more come from the archive.
//! - **Sends** are logged before they go upstream, one at a time per chat. After an unclear
//!   response the history decides whether the message was delivered. `Idempotency-Key` makes a
//!   retry safe.
//! - **Attachment links** that need the upstream's credential are replaced with links to the
//!   gateway ([`FileLinkMode`]).

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
mod single_flight;
mod state;
mod upstream;

pub use beseda_client::Priority;
pub use beseda_webhook::sender::AddressPolicy;
pub use db::{
    GatewayDb, ProgramQuota,
    audit::{AuditFilter, AuditOutcome, SendRecord},
};
pub use gateway::Gateway;
pub use keys::KeyStore;
pub use scheduler::share::Quota;
pub use settings::{FileLinkMode, GatewayOpenError, GatewaySettings};

//! Many programs behind one cabinet's limits: the server over a client, with keys, shares and queues of its own.
//! The conversations stay with the upstream; what it keeps is keys, the audit and what the archive has.
//!
//! ```no_run
//! use std::sync::Arc;
//! use beseda_client::Client;
//! use beseda_gateway::{Gateway, Settings};
//!
//! # async fn start() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::builder().api_key(std::env::var("BESEDA_API_KEY")?).build()?;
//! let gateway = Gateway::open(Settings::new(client, "archive")).await?;
//! let router = beseda_server::router(gateway.services(), gateway.server_settings())?;
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:8070").await?;
//! beseda_server::serve(listener, router, Default::default(), async {}).await?;
//! # Ok(()) }
//! ```
//!
//! - **Programs** are known by the names of their keys. They take turns by their shares, interactive ones before
//!   background ones, and every answer tells what is left of the hour for its caller.
//! - **Reads** that are equal go up once; full pages of a history that can't change any more come from the archive.
//! - **Sends** are noted before they go up, one at a time in each chat; a doubt is decided by the history, and an
//!   `Idempotency-Key` makes a repeated request harmless.
//! - **Links** of attachments that open only with the upstream's credential become the gateway's own ([`FileLinks`]).

mod background;
mod counts;
mod files;
mod flights;
mod gateway;
mod keys;
mod lanes;
mod ledger;
mod links;
mod naming;
mod pages;
mod question;
mod secret;
mod sends;
mod threads;
mod upstream;
mod visit;

pub use beseda_push::Policy;
pub use gateway::{Gateway, OpenError, Settings};
pub use keys::Keys;
pub use lanes::{Priority, Terms};
pub use ledger::{Agreement, AuditFilter, Ledger, Outcome, SendRecord};
pub use links::FileLinks;

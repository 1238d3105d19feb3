//! Webhook receiver: an axum router that Market calls, and a stream of events.
//!
//! ```
//! use beseda_webhook::receiver::Receiver;
//! use futures::StreamExt;
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let (router, mut events) = Receiver::builder().name("tea-shop").build()?;
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:8085").await?;
//! // The receiver checks the address of the peer.
//! let service = router.into_make_service_with_connect_info::<std::net::SocketAddr>();
//! tokio::spawn(async move { axum::serve(listener, service).await });
//! while let Some(event) = events.next().await {
//!     println!("{:?}", event.notification);
//! }
//! # Ok(()) }
//! ```
//!
//! The router has `POST /` and `POST /notification` and can be nested under any path.
//!
//! | request | response | event |
//! |---|---|---|
//! | `PING` | 200 with a complete receipt, at once | no |
//! | notification | 200 with a receipt, once the event is in the queue | yes |
//! | notification of an unknown type | the same | yes: [`Notification::Other`](beseda_api::notification::Notification::Other) with its body |
//! | duplicate | 200 with a receipt | no |
//! | notification about another cabinet | 200 with a receipt | no |
//! | anything else | 400 `WRONG_EVENT_FORMAT`; Market doesn't retry | no |
//! | any, while the queue is full or the sink fails | 500; Market retries | no |
//! | any, from an address that isn't allowed | 403 | no |
//!
//! - **At least once**: an event is acknowledged once it is in the queue ([`ReceiverBuilder::build`]), or once a
//!   function of the program has returned `Ok` ([`ReceiverBuilder::build_with`]). Use the latter if events must survive
//!   the process.
//! - **Duplicates** are recognized by type, cabinet, chat and message or time among the last 10,000 events
//!   ([`ReceiverBuilder::dedup_window`]) of this process. Handlers should be idempotent nevertheless.
//! - **Order** is the order of arrival; Market sends to a subscription sequentially.

mod builder;
mod dedup;
mod event;
mod handler;
mod parse;
mod sink;
mod source;

pub use builder::{MARKET_SOURCES, Receiver, ReceiverBuilder, ReceiverError};
pub use event::{WebhookEvent, WebhookEvents};
pub use handler::{ReceiveOutcome, ReceivedRequest};
pub use ipnet::IpNet;
pub use sink::{Ack, EventSink, ForwardedResponse};

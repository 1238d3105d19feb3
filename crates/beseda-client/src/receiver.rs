//! Push notifications on their way in: a router that Market may call, and a stream of what it told. It reads no chats
//! and keeps nothing on disk: what becomes of an event is the program's business.
//!
//! ```
//! use beseda_client::receiver::Receiver;
//! use futures::StreamExt;
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let (router, mut events) = Receiver::builder().name("tea-shop").build()?;
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:8085").await?;
//! // The address of whoever calls is looked at, so the router must be told it.
//! let service = router.into_make_service_with_connect_info::<std::net::SocketAddr>();
//! tokio::spawn(async move { axum::serve(listener, service).await });
//! while let Some(event) = events.next().await {
//!     println!("{:?}", event.notification);
//! }
//! # Ok(()) }
//! ```
//!
//! The router has `POST /` and `POST /notification` and may be nested under any path.
//!
//! | what comes | answer | event |
//! |---|---|---|
//! | `PING` | 200 with a complete receipt, at once | no |
//! | a notification | 200 with a receipt, as soon as it is in the queue | yes |
//! | one of an unknown type | the same | yes, as [`Notification::Other`](beseda_api::notification::Notification::Other) with its body |
//! | one that came before | 200 with a receipt | no |
//! | one about a cabinet that wasn't asked for | 200 with a receipt | no |
//! | what isn't a notification | 400 `WRONG_EVENT_FORMAT`: Market doesn't repeat it | no |
//! | anything while the queue is full or the program doesn't take it | 500: Market repeats it | no |
//! | anything from an address that isn't Market's | 403 | no |
//!
//! - **Nothing is lost silently**: an event counts as taken when it is in the queue ([`Builder::build`]), or when a function
//!   of the program said so ([`Builder::build_with`]), which is the one to choose if events must outlive the process.
//! - **Doubles** are known by type, cabinet, chat and message or time, among the last ten thousand events
//!   ([`Builder::window`]), as long as the process lives. They are rare, so handle an event as if it might come twice.
//! - **Order** is that of arrival; Market sends to one subscription one at a time.

mod builder;
mod event;
mod forward;
mod handler;
mod memory;
mod read;
mod source;
mod take;

pub use builder::{Builder, MARKET_SOURCES, Receiver};
pub use event::{Event, Events};
pub use forward::Forward;
pub use handler::{Outcome, Seen};
pub use ipnet::IpNet;
pub use take::{Reply, Take, Verdict};

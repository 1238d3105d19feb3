//! Webhooks of the Yandex Market Chats API (push notifications): sending and receiving.
//!
//! | feature | module |
//! |---|---|
//! | `sender` | [`sender`]: delivers queued notifications to subscriptions, with retries and SSRF protection |
//! | `receiver` | [`receiver`]: an axum router for Market's notifications, and a stream of events |
//! | `faults` | faults on purpose, for mock servers: notifications sent twice or out of order |
//!
//! Receiving:
//!
//! ```
//! # #[cfg(feature = "receiver")]
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! use beseda_webhook::receiver::Receiver;
//!
//! let (router, mut events) = Receiver::builder().name("tea-shop").build()?;
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:8085").await?;
//! let service = router.into_make_service_with_connect_info::<std::net::SocketAddr>();
//! tokio::spawn(async move { axum::serve(listener, service).await });
//! while let Some(event) = events.recv().await {
//!     println!("{:?}", event.notification);
//! }
//! # Ok(()) }
//! ```
//!
//! Sending is part of a server: see [`sender`].

#[cfg(feature = "receiver")]
pub mod receiver;
#[cfg(feature = "sender")]
pub mod sender;

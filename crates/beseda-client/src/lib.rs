//! Client (SDK) for the Yandex Market Partner Chats API: an implementation of `ChatsApi` over HTTP, for both generations
//! of the paths and both kinds of credentials, with a rate limiter, retries, and sends whose delivery is confirmed.
//!
//! ```no_run
//! use beseda_client::{ChatsExt, Client, api::{BusinessId, ChatFilter}};
//! use futures::TryStreamExt;
//!
//! # async fn start() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::builder().api_key(std::env::var("BESEDA_API_KEY")?).build()?;
//! let business = BusinessId::new(1)?;
//! let mut chats = client.chats(business, ChatFilter::default());
//! while let Some(chat) = chats.try_next().await? {
//!     println!("{} {}", chat.chat_id, chat.status);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Contents
//!
//! | task | item |
//! |---|---|
//! | call the seven operations, `/v2` or unversioned, with an Api-Key or OAuth token | [`Client`], a [`ChatsApi`](beseda_api::ChatsApi) |
//! | list everything, page by page | [`ChatsExt`], for any `ChatsApi` |
//! | find campaigns, and the scopes of a key | [`Client::campaigns`], [`Client::token_info`] |
//! | stream files in and out | [`upload_from_path`], [`upload_from_reader`], [`Client::download`] |
//! | respect the rate limits, with priorities | [`RateLimiter`], [`Client::background`] |
//! | retry, with a deadline | [`RetryPolicy`] |
//! | send at most once although a response may be lost | [`SendOnce::send_once`]; the module [`send_once`] states the guarantee |
//! | administer a Beseda server, act as the marketplace, control a stand-in | [`AdminClient`], [`MarketClient`], [`StandInClient`] |
//!
//! | feature | adds |
//! |---|---|
//! | `blocking` | `blocking::Client`, for programs without an async runtime |
//!
//! Examples: `lists`, `answer_waiting`, `send_once`, `export` (in the background), `download`, `limits`, `blocking`. For
//! webhooks see the example `receive` of `beseda-webhook`.
//!
//! # Errors
//!
//! A refusal of the API is an [`Error::Api`](beseda_api::Error::Api) with its reasons, request id and rate limit; everything
//! else is a [`ClientError`]. [`ErrorExt`] has methods for the columns of this table.
//!
//! | error | meaning | may the request have been executed? | what to do |
//! |---|---|---|---|
//! | 400, 405, 415 | the request is invalid, or the chat is closed | no | correct the request |
//! | 401, 403 | the credential is invalid or lacks access | no | use another key, scope or cabinet |
//! | 404 | no such chat, message, order or return | no | check the id and the cabinet |
//! | 420 | rate limit, and the deadline is before its end | no | retry after `until` |
//! | [`ClientError::OverLimit`] | the same, predicted: nothing was sent | no | retry after `until`, or raise [`RetryPolicy::deadline`] |
//! | [`ClientError::Connect`] | no connection | no | retry later |
//! | [`ClientError::Timeout`], [`ClientError::Interrupted`] | the response was lost | **yes** | check the history, or use [`SendOnce`] |
//! | [`ClientError::Undocumented`], 5xx | the service failed | **yes** | as above |
//! | [`ClientError::Undocumented`], others | not a response of the API | no | check the address |
//! | [`ClientError::Undecodable`], [`ClientError::TooLarge`] | a success that can't be decoded | **yes** | check the history and the address |
//! | [`ClientError::EndlessPages`] | the service returned a page token twice | no | report it to the service's support |
//! | [`ClientError::Local`] | a file can't be read, or a download can't be written | no | check the file |
//! | [`ClientError::BadLink`], [`ClientError::Redirect`] | a download link is invalid | no | read the message again: links expire |
//! | [`ClientError::Setup`] | a setting is invalid | no | correct the setting |
//!
//! # Retries
//!
//! Reads are retried after network failures and 5xx with growing, jittered pauses. After 420 everything but an upload is
//! retried, since it was certainly not executed. A send that may have been executed is never retried. [`RetryPolicy`] sets the
//! number of retries and the deadline.
//!
//! # Rate limits
//!
//! The service allows a cabinet a number of calls per operation and hour, and four at once, across all programs. The
//! [`RateLimiter`] of a client learns the remaining calls from the headers of every response and delays calls that would be
//! answered with 420: they wait for a slot or, by the service's clock, for the end of the hour. Clones of a client share it;
//! clients of the same cabinets should be built with the same one. Calls of [`Client::background`] yield to others.
//! [`RateLimiter::on_wait`] reports every wait; a wait beyond the deadline fails immediately.
//! [`ClientBuilder::without_rate_limit`] disables it.
//!
//! # Secrets
//!
//! Credentials are kept in `secrecy::SecretString`, their headers are marked sensitive, and [`Client::download`] sends them to
//! trusted origins only.

mod admin;
#[cfg(feature = "blocking")]
pub mod blocking;
mod builder;
mod chats_ext;
mod client;
mod download;
mod error;
mod headers;
mod http;
mod market;
mod rate_limiter;
pub mod send_once;
mod stand_in;
mod upload;

pub use admin::AdminClient;
pub use beseda_api as api;
pub use beseda_api::SystemTimer;
pub use builder::{ClientBuilder, DEFAULT_URL, RetryPolicy};
pub use chats_ext::ChatsExt;
pub use client::Client;
pub use download::AttachmentDownload;
pub use error::{ClientError, ErrorExt};
pub use market::MarketClient;
pub use rate_limiter::{BudgetState, CabinetState, Priority, QueuedCall, RateLimiter, WaitReason};
pub use secrecy::SecretString;
pub use send_once::{OutgoingMessage, SendOnce, SendOnceOptions, SendOutcome};
pub use stand_in::StandInClient;
pub use upload::{upload_from_path, upload_from_reader};

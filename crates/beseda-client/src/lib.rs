//! A client of the Yandex Market Partner Chats API: `ChatsApi` over the network, for either generation of the paths and either credential.
//! It keeps its connections and what it knows of the limits: no cache, no store, nothing over its end.
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
//! # What is here
//!
//! | what | where |
//! |---|---|
//! | the seven operations, `/v2` or without version, Api-Key or OAuth | [`Client`], which is a [`ChatsApi`](beseda_api::ChatsApi) |
//! | whole lists, whatever the paging | [`ChatsExt`], for any `ChatsApi` |
//! | campaigns, and what a key may do | [`Client::campaigns`], [`Client::token_info`] |
//! | files out and in, as streams | [`upload_from_path`], [`upload_from_reader`], [`Client::download`] |
//! | limits: one budget for all, urgent calls first | [`RateLimiter`], [`Client::background`] |
//! | repetition, deadlines | [`RetryPolicy`] |
//! | sending once, although the answer was lost | [`SendOnce::send_once`]; [`safe`] states what it guarantees |
//! | a Beseda server: marketplace's side, administration, a stand-in's controls | [`MarketClient`], [`AdminClient`], [`StandInClient`] |
//!
//! | feature | what it adds |
//! |---|---|
//! | `blocking` | `blocking::Client`: the same for programs without a runtime |
//! | `receiver` | `receiver`: push notifications in, as an axum router and a stream of events |
//!
//! There is an example of each in `examples/`: `lists`, `answer_waiting`, `send_once`, `export` (in the background), `download`,
//! `limits`, `blocking`, `receive`.
//!
//! # Errors
//!
//! The API's no is [`Error::Api`](beseda_api::Error::Api), with its reasons, request id and limit state; everything else is a
//! [`ClientError`]. [`ErrorExt`] answers the questions below for both.
//!
//! | what came back | what it means | may it have been done? | what to do |
//! |---|---|---|---|
//! | refused 400, 405, 415 | the request is wrong, or the chat is closed | no | correct it |
//! | refused 401, 403 | the credential is wrong, or may not do this | no | another key, scope or cabinet |
//! | refused 404 | no such chat, message, order or return | no | check the id and the cabinet |
//! | refused 420 | a limit, and the deadline is nearer than its end | no | again after `until` |
//! | [`ClientError::OverLimit`] | the same, foreseen: nothing was sent | no | again after `until`, or a longer [`RetryPolicy::longest`] |
//! | [`ClientError::Connect`] | no connection | no | again later |
//! | [`ClientError::Timeout`], [`ClientError::Interrupted`] | the answer didn't come | **yes** | ask the history, or use [`SendOnce`] |
//! | [`ClientError::Undocumented`] 5xx | the service broke | **yes** | as above |
//! | [`ClientError::Undocumented`] others | this isn't how the API answers | no | check the address |
//! | [`ClientError::Undecodable`], [`ClientError::TooLarge`] | a success that can't be read | **yes** | ask the history; check the address |
//! | [`ClientError::EndlessPages`] | a list goes in circles | no | tell the service's support |
//! | [`ClientError::Local`] | the file to be sent can't be read | no | check the file |
//! | [`ClientError::BadLink`], [`ClientError::Redirect`] | a download leads nowhere | no | read the message again: links expire |
//! | [`ClientError::Setup`] | a setting is unusable | no | correct it |
//!
//! # What is repeated
//!
//! Reads are repeated after network failures and 5xx with growing, jittered pauses. After 420 everything but an upload is, for it was
//! certainly not done. A send that may have been done is never repeated. [`RetryPolicy`] bounds all of it.
//!
//! # Limits
//!
//! The service allows a cabinet so many calls of each operation an hour and four at once, over all programs. The [`RateLimiter`] of a client
//! learns from the headers of every answer what is left, and lets calls go so that no 420 comes that could be foreseen: they wait for
//! a slot or for the end of the hour, by the service's clock. Its clones share it; clients of the same cabinets should be built with
//! the same one. Calls of [`Client::background`] give way to the others. [`RateLimiter::on_wait`] is told of every wait; a wait beyond
//! the deadline doesn't begin. [`ClientBuilder::without_rate_limit`] switches it off.
//!
//! # Secrets
//!
//! Credentials are kept in `secrecy::SecretString`, their headers are marked sensitive, and [`Client::download`] shows them to trusted
//! origins only.

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
#[cfg(feature = "receiver")]
pub mod receiver;
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

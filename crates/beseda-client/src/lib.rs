//! A client of the Yandex Market Partner Chats API: `ChatsApi` over the network, for either generation of the paths and either credential.
//! It keeps nothing between calls but its connections: no cache, no store, no counting of limits.
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
//! - **The seven operations** are those of [`ChatsApi`](beseda_api::ChatsApi); [`ChatsExt`] adds whole lists as streams, for any implementation of it.
//! - **Errors**: the API's no is [`Error::Refused`](beseda_api::Error::Refused) with request id and limit state;
//!   everything else is a [`Failure`], reached with [`ErrorExt::failure`].
//! - **Repetition**: reads are repeated after network failures and 5xx with growing, jittered pauses, and after 420 when the
//!   limit's window has ended, within [`Patience`]. A send is never repeated: [`ErrorExt::may_have_been_done`] tells whether
//!   it may have arrived nevertheless.
//! - **Sending once**: [`SafeSend::send_once`] asks the history where the answer leaves a doubt, and sends again only what is
//!   certainly not there; [`safe`] states what that guarantees.
//! - **Secrets** are kept in `secrecy::SecretString`, their headers are marked sensitive, and [`Client::download`] shows them to trusted origins only.

mod admin;
mod alarm;
#[cfg(feature = "blocking")]
pub mod blocking;
mod builder;
mod client;
mod control;
mod download;
mod ext;
mod failure;
mod governor;
mod limit;
mod market;
#[cfg(feature = "receiver")]
pub mod receiver;
pub mod safe;
mod send;
mod upload;

pub use admin::AdminClient;
pub use alarm::SystemAlarm;
pub use beseda_api as api;
pub use builder::{Builder, DEFAULT_URL, Patience};
pub use client::Client;
pub use control::ControlClient;
pub use download::Fetched;
pub use ext::ChatsExt;
pub use failure::{ErrorExt, Failure};
pub use governor::{BudgetState, CabinetState, Governor, Priority, Reason, Waiting};
pub use market::MarketClient;
pub use safe::{Outgoing, SafeSend, Safety, Sent};
pub use secrecy::SecretString;
pub use upload::{upload_from_path, upload_from_reader};

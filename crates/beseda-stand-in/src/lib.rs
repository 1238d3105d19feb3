//! Mock server (emulator) of the Yandex Market Partner Chats API for tests: [`StandIn`] runs it inside a Rust test, as
//! wiremock does for canned answers, with a demo cabinet, buyers, a clock that can be moved, faults and a request journal.
//!
//! Add it under `[dev-dependencies]`. The same server as a program of its own is `beseda stand-in`.
//! It is meant for tests: don't expose it to real buyers.
//!
//! ```
//! use beseda_stand_in::{StandIn, api::{ChatFilter, ChatStatus, ChatsApi, MessageText}};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let stand_in = StandIn::start().await?; // a free port of 127.0.0.1
//!
//! // Configure the code under test with `stand_in.url()` and `stand_in.api_key()`.
//! # #[cfg(feature = "client")] {
//! let client = stand_in.client()?; // or use this project's client (feature `client`)
//! let filter = ChatFilter { statuses: vec![ChatStatus::WaitingForPartner], ..ChatFilter::default() };
//! let chats = client.get_chats(stand_in.business_id(), filter, Default::default()).await?.chats;
//! let text = MessageText::new("We send it today")?;
//! client.send_message_to_chat(stand_in.business_id(), chats[0].chat_id, text).await?;
//!
//! // Check what the server has stored, without HTTP.
//! let chat = stand_in.engine().get_chat(stand_in.business_id(), chats[0].chat_id).await?;
//! assert_eq!(chat.status, ChatStatus::WaitingForCustomer);
//! # }
//! # Ok(()) } // dropping `stand_in` stops the server and deletes its data
//! ```

mod admin;
pub mod clock;
mod control;
mod demo;
pub mod faults;
mod hints;
mod in_process;
mod interceptor;
pub mod journal;
pub mod page;
pub mod state;

pub use beseda_api as api;
#[cfg(feature = "client")]
pub use beseda_client as client;
pub use beseda_engine::{Disputes, Engine, EngineSettings, Orders};
pub use beseda_scenario as scenario;
pub use beseda_server::{
    LimitPreset, LimitSettings, ServerSettings, TransportSettings, Unversioned,
};

pub use admin::mount;
pub use clock::StandInClock;
pub use control::{Control, ControlSettings};
pub use demo::Demo;
pub use faults::Faults;
pub use in_process::{BoundStandIn, StandIn, StandInBuilder};
pub use journal::Journal;

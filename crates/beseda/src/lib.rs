//! The stand-in inside a Rust test: a whole Chats API with a demo cabinet, started and ended by the test itself.
//! The commands of the program `beseda` are not here; its `stand-in` is this with other defaults.
//!
//! ```
//! use beseda::{StandIn, api::{ChatFilter, ChatStatus, ChatsApi, MessageText}};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let stand_in = StandIn::start().await?;
//! // What is tested would be told `stand_in.url()` and `stand_in.api_key()`; here our own client takes its place.
//! let client = stand_in.client()?;
//! let waiting = ChatFilter { statuses: vec![ChatStatus::WaitingForPartner], ..ChatFilter::default() };
//! let chats = client.get_chats(stand_in.business_id(), waiting, Default::default()).await?.chats;
//! let text = MessageText::new("We send it today")?;
//! client.send_message_to_chat(stand_in.business_id(), chats[0].chat_id, text).await?;
//!
//! // The other side is asked without HTTP.
//! let told = stand_in.engine().get_chat(stand_in.business_id(), chats[0].chat_id).await?;
//! assert_eq!(told.status, ChatStatus::WaitingForCustomer);
//! # Ok(()) }
//! ```

mod demo;
pub mod host;
mod in_process;

pub use beseda_api as api;
pub use beseda_client as client;
pub use beseda_engine::{Disputes, Engine, Orders, Settings as EngineSettings};
pub use beseda_server::{
    LimitPreset, LimitSettings, Settings as ServerSettings, Transport, Unversioned,
};
pub use beseda_stand_in as control;
pub use demo::Demo;
pub use in_process::{Builder, Opened, StandIn};

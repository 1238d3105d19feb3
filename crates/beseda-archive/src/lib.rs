//! A local, searchable copy of the chats of any `ChatsApi`: filled once, then kept in step with the fewest calls.
//! It writes nothing to the service and knows no network.

mod archive;
mod error;
mod schema;
mod search;

pub use archive::{
    Archive, ArchivedAttachment, ArchivedChat, ArchivedMessage, CabinetState, ChatKey, Counts,
};
pub use error::{Error, Result};

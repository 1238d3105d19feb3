//! A local, searchable copy of the chats of any `ChatsApi`: filled once, then kept in step with the fewest calls.
//! It writes nothing to the service and knows no network.

mod archive;
mod attachments;
pub mod bulk;
mod error;
pub mod export;
mod schema;
mod search;
mod sync;
mod unread;
mod watch;

pub use archive::{
    Archive, ArchivedAttachment, ArchivedChat, ArchivedMessage, CabinetState, ChatKey, Counts,
};
pub use attachments::Fetch;
pub use error::{Error, Result};
pub use search::{Filter, Found, Hit, Search, Snippet};
pub use sync::{Calls, Depth, Event, Schedule, Syncer, Tally};
pub use unread::{Unread, UnreadChat};
pub use watch::{Change, Watch};

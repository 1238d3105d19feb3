//! Local archive of chats: a searchable SQLite copy of the chats of any `ChatsApi`, synced with as few calls as possible,
//! with full-text search, export (JSON lines, CSV, Parquet), response time statistics and read marks.
//!
//! ```
//! use std::sync::Arc;
//! use beseda_archive::{Archive, Depth, Syncer};
//!
//! # async fn start(api: Arc<dyn beseda_api::ChatsApi>) -> Result<(), Box<dyn std::error::Error>> {
//! let archive = Archive::open("chats")?;
//! let syncer = Syncer::new(archive.clone(), api, [beseda_api::BusinessId::new(1)?])?;
//! let done = syncer.once(Depth::Full).await?;
//! println!("{} new messages in {} calls", done.messages, done.calls.total());
//! let mut changes = archive.watch(0);
//! while let Some(change) = changes.next_now()? {
//!     println!("{change:?}");
//! }
//! # Ok(()) }
//! ```
//!
//! - [`Archive`] stores and returns chats, history pages, counts, names, authors and read marks ([`Archive::unread`]).
//! - [`Syncer`] fills it, once or continuously, by polling ([`Schedule`]) and by webhook notifications.
//! - [`ChangeStream`] follows new messages and changed chats from any cursor on.
//! - `docs/archive.md` describes guarantees and costs.
//!
//! | error | when |
//! |---|---|
//! | [`Error::Folder`] | the folder is unusable |
//! | [`Error::Locked`] | another process is syncing the archive |
//! | [`Error::Newer`] | a newer version wrote it |
//! | [`Error::NothingToSearch`] | the query contains nothing to search for |
//! | [`Error::Service`] | the service refused a request or failed; the error of the client |
//! | [`Error::Database`], [`Error::Files`] | the disk failed |

mod archive;
mod attachments;
#[cfg(feature = "bulk")]
pub mod bulk;
mod error;
pub mod export;
#[cfg(test)]
mod sample;
mod schema;
mod search;
pub mod stats;
mod sync;
mod unread;
mod watch;

pub use archive::{
    Archive, ArchiveCounts, ArchivedAttachment, ArchivedChat, ArchivedMessage, CabinetSummary,
    ChatKey,
};
pub use attachments::AttachmentFetcher;
pub use error::{Error, Result};
pub use search::dictionary;
pub use search::{ArchiveFilter, Hit, Search, SearchResults, Snippet};
pub use sync::{Calls, Depth, Schedule, SyncEvent, SyncStats, Syncer};
pub use unread::{Unread, UnreadChat};
pub use watch::{ArchiveChange, ChangeStream};

//! A local, searchable copy of the chats of any `ChatsApi`: filled once, then kept in step with the fewest calls.
//! It writes nothing to the service and knows no network.
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
//! - [`Archive`] keeps and gives back: chats, pages of histories, counts, names, authors, read marks ([`Archive::unread`]).
//! - [`Syncer`] fills it and keeps it in step, once or until ended, by looks ([`Schedule`]) and by notifications.
//! - [`ChangeStream`] follows what comes in, from any cursor on.
//! - ExportKind is guaranteed and what it costs stands in `docs/archive.md`.
//!
//! | error | when |
//! |---|---|
//! | [`Error::Folder`] | the folder can't be used |
//! | [`Error::Locked`] | another process keeps the archive in step |
//! | [`Error::Newer`] | a newer version wrote it |
//! | [`Error::NothingToSearch`] | a query has neither words nor signs |
//! | [`Error::Service`] | the service refused or broke; the error as the client gave it |
//! | [`Error::Database`], [`Error::Files`] | the disk failed |

mod archive;
mod attachments;
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
pub use watch::{Change, ChangeStream};

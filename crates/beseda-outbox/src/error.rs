//! What can go wrong with an outbox itself. What the service says of a message is kept with the message.

use std::io;

use crate::{OutboxId, State};

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why an outbox couldn't do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The database failed.
    #[error("the outbox's database: {0}")]
    Database(#[from] rusqlite::Error),
    /// The folder or a file in it failed.
    #[error("the outbox's folder: {0}")]
    Folder(#[from] io::Error),
    /// The database was written by a newer program.
    #[error("the outbox is of version {0}, newer than this program")]
    Newer(i64),
    /// There is no such message.
    #[error("there is no message {0} in the outbox")]
    Unknown(OutboxId),
    /// The message is not in the state this needs.
    #[error("message {id} is {state}: only what is {wanted} can be {what}")]
    NotNow {
        /// Which message.
        id: OutboxId,
        /// What it is.
        state: State,
        /// What it would have to be.
        wanted: State,
        /// What was to be done to it.
        what: &'static str,
    },
    /// Another process sends for this cabinet.
    #[error("another process sends for this cabinet already{}", .0.map_or(String::new(), |pid| format!(" (process {pid})")))]
    Held(Option<u32>),
    /// The service takes the credential no more. What is queued stays queued.
    #[error("{0}")]
    Denied(#[source] beseda_api::Error),
}

//! Errors of the outbox. Errors of a send are kept with the message.

use std::io;

use crate::{ItemState, OutboxId};

/// `Result` with this crate's [`Error`] by default.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Error of an outbox.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// use beseda_outbox::{Error, Outbox, OutboxId};
///
/// let outbox = Outbox::open(folder.path()).await?;
/// let error = outbox.cancel(OutboxId(7)).await.unwrap_err();
/// assert!(matches!(error, Error::NotFound(OutboxId(7))));
/// # Ok(()) }
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Error of the database.
    #[error("the outbox's database: {0}")]
    Database(#[from] rusqlite::Error),
    /// I/O error of the folder or a file in it.
    #[error("the outbox's folder: {0}")]
    Folder(#[from] io::Error),
    /// The database was written by a newer version.
    #[error("the outbox has schema version {0}, which is newer than this program")]
    NewerSchema(i64),
    /// The message does not exist.
    #[error("there is no message {0} in the outbox")]
    NotFound(OutboxId),
    /// The message is not in the required state.
    #[error("message {id} is {state}: only {required} messages can be {operation}")]
    InvalidState {
        /// Message.
        id: OutboxId,
        /// State of the message.
        state: ItemState,
        /// Required state.
        required: ItemState,
        /// Operation in the past participle, such as "cancelled".
        operation: &'static str,
    },
    /// Another process, with this id if known, sends the messages of this cabinet.
    #[error("another process sends the messages of this cabinet{}", .0.map_or(String::new(), |pid| format!(" (process {pid})")))]
    AlreadyRunning(Option<u32>),
    /// The service refuses the credential. Queued messages stay queued.
    #[error("{0}")]
    AccessDenied(#[source] beseda_api::Error),
}

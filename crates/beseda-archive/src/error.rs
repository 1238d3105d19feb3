//! Errors of an archive.

use std::path::PathBuf;

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Error of an archive.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The folder is unusable.
    #[error("the archive's folder {} can't be used: {source}", .folder.display())]
    Folder {
        /// Folder.
        folder: PathBuf,
        /// Cause.
        source: std::io::Error,
    },
    /// The archive was written by a newer version of this program.
    #[error("the archive is of version {0}, made by a newer version of this program: use that one")]
    Newer(i64),
    /// The query contains nothing to search for.
    #[error("there is nothing to search for in the query: it has no letter, digit or sign")]
    NothingToSearch,
    /// Another process is syncing this archive.
    #[error("another process{} keeps the archive {} in step already: end it first, or only read", by(.process), .folder.display())]
    Locked {
        /// Folder of the archive.
        folder: PathBuf,
        /// Id of the other process, if known.
        process: Option<u32>,
    },
    /// The database failed.
    #[error("the archive's database failed: {0}")]
    Database(#[from] rusqlite::Error),
    /// The file store failed.
    #[error("the archive's files failed: {0}")]
    Files(#[from] object_store::Error),
    /// Writing an output (an export, a chart) failed.
    #[error("writing failed: {0}")]
    Output(#[from] std::io::Error),
    /// An earlier export can't be resumed.
    #[error("the export {} can't be resumed: {why}", .file.display())]
    Resume {
        /// File.
        file: PathBuf,
        /// Reason.
        why: &'static str,
    },
    /// The service refused a request or failed.
    #[error("{0}")]
    Service(#[from] beseda_api::Error),
}

fn by(process: &Option<u32>) -> String {
    process.map(|id| format!(" ({id})")).unwrap_or_default()
}

//! Why an archive can't do what it was asked. What a service refused is inside, as it came.

use std::path::PathBuf;

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why an archive can't do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The folder can't be used.
    #[error("the archive's folder {} can't be used: {source}", .folder.display())]
    Folder {
        /// Which one.
        folder: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A newer version of this program wrote the archive.
    #[error("the archive is of version {0}, made by a newer version of this program: use that one")]
    Newer(i64),
    /// A query has neither words nor signs.
    #[error("there is nothing to search for in the query: it has no letter, digit or sign")]
    NothingToSearch,
    /// Another process keeps this archive in step.
    #[error("another process{} keeps the archive {} in step already: end it first, or only read", by(.process), .folder.display())]
    Locked {
        /// The archive's folder.
        folder: PathBuf,
        /// The other process's id, if it could be read.
        process: Option<u32>,
    },
    /// The database failed.
    #[error("the archive's database failed: {0}")]
    Database(#[from] rusqlite::Error),
    /// The folder of files failed.
    #[error("the archive's files failed: {0}")]
    Files(#[from] object_store::Error),
    /// What is written besides the archive (an export, a chart) failed.
    #[error("writing failed: {0}")]
    Output(#[from] std::io::Error),
    /// An earlier export can't be gone on with.
    #[error("the export {} can't be resumed: {why}", .file.display())]
    Resume {
        /// The file.
        file: PathBuf,
        /// Why.
        why: &'static str,
    },
    /// The service refused or broke.
    #[error("{0}")]
    Service(#[from] beseda_api::Error),
}

fn by(process: &Option<u32>) -> String {
    process.map(|id| format!(" ({id})")).unwrap_or_default()
}

//! Error of opening an engine.

use std::path::PathBuf;

use beseda_api::Error;
use beseda_sqlite::{MigrateError, NewerSchema};

/// Error of opening an engine.
#[derive(Debug, thiserror::Error)]
pub enum EngineOpenError {
    /// A newer version of this program wrote the database.
    #[error(transparent)]
    NewerSchema(#[from] NewerSchema),
    /// Another server uses the data folder.
    #[error("the data folder {} is in use by another server: stop it first, or choose another folder", .0.display())]
    InUse(PathBuf),
    /// The database can't be used.
    #[error("failed to open the database: {0}")]
    Database(#[from] rusqlite::Error),
    /// The folder of attachments can't be used.
    #[error("failed to open the attachments folder: {0}")]
    Files(#[from] object_store::Error),
    /// The data folder or its lock can't be used.
    #[error("failed to open the data folder: {0}")]
    Folder(#[from] std::io::Error),
    /// The store doesn't respond.
    #[error("the store doesn't respond: {0}")]
    Store(#[from] Error),
}

impl From<MigrateError> for EngineOpenError {
    fn from(error: MigrateError) -> Self {
        match error {
            MigrateError::Newer(newer) => Self::NewerSchema(newer),
            MigrateError::Sqlite(error) => Self::Database(error),
        }
    }
}

//! Data folder of a server, and its lock.

use std::{
    fs::{File, TryLockError},
    path::{Path, PathBuf},
};

use beseda_sqlite::private;

use crate::EngineOpenError;

/// Data folder of a server: `beseda.sqlite`, `files/` and a lock file.
///
/// Only the owner has access (0700, files 0600). An existing folder is restricted to its owner; other files in it keep
/// their modes.
#[derive(Debug)]
pub struct DataFolder {
    path: PathBuf,
    /// Lock of the server on the folder, released on drop.
    lock: Option<File>,
}

impl DataFolder {
    /// Opens the folder for a server and locks it, creating it if necessary.
    ///
    /// # Errors
    /// [`EngineOpenError::InUse`] if another server has locked it.
    pub fn lock(path: &Path) -> Result<Self, EngineOpenError> {
        let mut folder = Self::share(path)?;
        let lock = private::open_lock_file(&path.join("lock"))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => EngineOpenError::InUse(path.to_owned()),
            TryLockError::Error(error) => EngineOpenError::Folder(error),
        })?;
        folder.lock = Some(lock);
        Ok(folder)
    }

    /// Opens the folder without a lock, for administration beside a running server. Creates it if necessary.
    ///
    /// # Errors
    /// If the folder can't be created.
    pub fn share(path: &Path) -> Result<Self, EngineOpenError> {
        private::create_or_restrict_dir(path)?;
        Ok(Self { path: path.to_owned(), lock: None })
    }

    /// Returns `true` if this process has locked the folder.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        self.lock.is_some()
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.path.join("beseda.sqlite")
    }

    pub(crate) fn files(&self) -> PathBuf {
        self.path.join("files")
    }
}

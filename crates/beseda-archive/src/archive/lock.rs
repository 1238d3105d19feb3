//! Lock file: only one process syncs an archive. Reading needs no lock.

use std::{
    fs::File,
    io::{Read, Write},
    path::Path,
};

use super::Archive;
use crate::{Error, Result};

/// Lock of the syncing process, released by the system when the process exits.
#[derive(Debug)]
pub(crate) struct SyncLock {
    _file: File,
}

impl SyncLock {
    pub(crate) fn take(folder: &Path) -> Result<Self> {
        let unusable = |source| Error::Folder { folder: folder.to_owned(), source };
        let path = folder.join("sync.lock");
        let open = File::options().create(true).truncate(false).read(true).write(true).open(path);
        let mut file = open.map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => {
                file.set_len(0).map_err(unusable)?;
                write!(file, "{}", std::process::id()).map_err(unusable)?;
                Ok(Self { _file: file })
            }
            Err(std::fs::TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let read = file.read_to_string(&mut holder);
                let process = read.ok().and_then(|_| holder.trim().parse().ok());
                Err(Error::Locked { folder: folder.to_owned(), process })
            }
            Err(std::fs::TryLockError::Error(source)) => Err(unusable(source)),
        }
    }
}

impl Archive {
    /// Returns the process that is syncing the archive: `Some(Some(id))`, or `Some(None)` if its id
    /// can't be read.
    ///
    /// # Errors
    ///
    /// If the folder is unusable.
    pub fn locked_by(&self) -> Result<Option<Option<u32>>> {
        match SyncLock::take(self.folder()) {
            Ok(_) => Ok(None),
            Err(Error::Locked { process, .. }) => Ok(Some(process)),
            Err(error) => Err(error),
        }
    }
}

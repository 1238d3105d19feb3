//! Data folder of a stand-in: persistent or temporary.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// In-memory file system, where available.
const MEMORY_FOLDER: &str = "/dev/shm";

/// Minimum free space to use it; containers often have less.
const MIN_FREE_BYTES: u64 = 1 << 30;

/// Data folder.
#[derive(Debug)]
pub(super) enum StateFolder {
    /// Given by the caller.
    Persistent(PathBuf),
    /// Deleted on drop.
    Temporary(TempDir),
}

impl StateFolder {
    /// Creates a temporary folder, in memory if there is enough space and `on_disk` is false.
    pub(super) fn temporary(on_disk: bool) -> std::io::Result<Self> {
        let mut builder = tempfile::Builder::new();
        builder.prefix("beseda-");
        if !on_disk && has_free_space(MEMORY_FOLDER) {
            // Falls back to disk, which is only slower.
            if let Ok(folder) = builder.tempdir_in(MEMORY_FOLDER) {
                return Ok(Self::Temporary(folder));
            }
        }
        builder.tempdir().map(Self::Temporary)
    }

    /// Returns whether the folder is small enough to keep a copy in memory.
    pub(super) fn fits_in_memory(&self) -> bool {
        remaining_bytes(self.path(), MAX_SAVED_BYTES).is_some()
    }

    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Persistent(path) => path,
            Self::Temporary(folder) => folder.path(),
        }
    }
}

/// Maximum size of a folder that is saved for resets.
const MAX_SAVED_BYTES: u64 = 32 << 20;

/// Subtracts the size of everything in a folder from `rest`; `None` on underflow.
fn remaining_bytes(folder: &Path, mut rest: u64) -> Option<u64> {
    for entry in std::fs::read_dir(folder).ok()?.flatten() {
        let about = entry.metadata().ok()?;
        rest = if about.is_dir() {
            remaining_bytes(&entry.path(), rest)?
        } else {
            rest.checked_sub(about.len())?
        };
    }
    Some(rest)
}

fn has_free_space(path: &str) -> bool {
    rustix::fs::statvfs(path).is_ok_and(|about| about.f_bavail * about.f_frsize >= MIN_FREE_BYTES)
}

//! Where a stand-in keeps its database: a folder that stays, or one that goes with it. Nothing is read or written here.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// Memory that looks like a folder, on machines that have it.
const MEMORY_FOLDER: &str = "/dev/shm";

/// What has to be free there, so that a stand-in may grow: containers often have less.
const MIN_FREE_BYTES: u64 = 1 << 30;

/// The folder of one stand-in.
#[derive(Debug)]
pub(super) enum DataFolder {
    /// The caller's.
    Persistent(PathBuf),
    /// Ours, taken away when dropped.
    Temporary(TempDir),
}

impl DataFolder {
    /// A new one, in memory if there is enough of it and nobody wants a disk.
    pub(super) fn temporary(on_disk: bool) -> std::io::Result<Self> {
        let mut builder = tempfile::Builder::new();
        builder.prefix("beseda-");
        if !on_disk && has_free_space(MEMORY_FOLDER) {
            // Full or forbidden: a disk does as well, only slower.
            if let Ok(folder) = builder.tempdir_in(MEMORY_FOLDER) {
                return Ok(Self::Temporary(folder));
            }
        }
        builder.tempdir().map(Self::Temporary)
    }

    /// Whether what is in it may be kept in memory as well.
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

/// More than this in a folder is not remembered for a reset.
const MAX_SAVED_BYTES: u64 = 32 << 20;

/// What is left of the bounds after everything below a folder; `None` if it is too much.
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

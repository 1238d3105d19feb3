//! Where a stand-in keeps its database: a folder that stays, or one that goes with it. Nothing is read or written here.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// Memory that looks like a folder, on machines that have it.
const MEMORY: &str = "/dev/shm";

/// What has to be free there, so that a stand-in may grow: containers often have less.
const ROOM: u64 = 1 << 30;

/// The folder of one stand-in.
#[derive(Debug)]
pub(super) enum Folder {
    /// The caller's.
    Kept(PathBuf),
    /// Ours, taken away when dropped.
    Temporary(TempDir),
}

impl Folder {
    /// A new one, in memory if there is enough of it and nobody wants a disk.
    pub(super) fn temporary(on_disk: bool) -> std::io::Result<Self> {
        let mut builder = tempfile::Builder::new();
        builder.prefix("beseda-");
        if !on_disk && has_room(MEMORY) {
            // Full or forbidden: a disk does as well, only slower.
            if let Ok(folder) = builder.tempdir_in(MEMORY) {
                return Ok(Self::Temporary(folder));
            }
        }
        builder.tempdir().map(Self::Temporary)
    }

    /// Whether what is in it may be kept in memory as well.
    pub(super) fn is_small(&self) -> bool {
        rest_after(self.path(), SMALL).is_some()
    }

    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Kept(path) => path,
            Self::Temporary(folder) => folder.path(),
        }
    }
}

/// More than this in a folder is not remembered for a reset.
const SMALL: u64 = 32 << 20;

/// What is left of the bounds after everything below a folder; `None` if it is too much.
fn rest_after(folder: &Path, mut rest: u64) -> Option<u64> {
    for entry in std::fs::read_dir(folder).ok()?.flatten() {
        let about = entry.metadata().ok()?;
        rest = if about.is_dir() {
            rest_after(&entry.path(), rest)?
        } else {
            rest.checked_sub(about.len())?
        };
    }
    Some(rest)
}

fn has_room(path: &str) -> bool {
    rustix::fs::statvfs(path).is_ok_and(|about| about.f_bavail * about.f_frsize >= ROOM)
}

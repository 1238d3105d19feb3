//! Files of queued messages, named by their SHA-256 and synced to disk before the message that
//! needs them.

use std::{
    fmt::Write as _,
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime},
};

use beseda_sqlite::private;
use sha2::{Digest, Sha256};

/// Age of an unfinished file after which its process is considered dead.
const ABANDONED: Duration = Duration::from_secs(3600);

/// Folder of the files.
#[derive(Debug, Clone)]
pub(crate) struct OutboxFiles(PathBuf);

/// Synced file under a temporary name; deleted on drop unless persisted.
pub(crate) struct PendingFile {
    path: PathBuf,
    pub(crate) sha256: String,
    pub(crate) size: u64,
}

impl OutboxFiles {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self(folder)
    }

    fn path(&self, sha256: &str) -> PathBuf {
        self.0.join(sha256)
    }

    /// Writes and syncs a file under a temporary name.
    pub(crate) fn write(&self, content: &[u8]) -> io::Result<PendingFile> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        private::create_dir(&self.0)?;
        let (path, mut file) = loop {
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let path = self.0.join(format!("{}-{number}.part", std::process::id()));
            match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
                Ok(file) => break (path, file),
                // Left by a dead process, or by one in another container with the same process id.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        };
        file.write_all(content)?;
        file.sync_all()?;
        let sha256 = Sha256::digest(content).iter().fold(String::new(), |mut hex, byte| {
            // Writing to a string doesn't fail.
            write!(hex, "{byte:02x}").ok();
            hex
        });
        Ok(PendingFile { path, sha256, size: content.len() as u64 })
    }

    /// Renames the file to its hash; called within the transaction that inserts the message.
    pub(crate) fn persist(&self, pending: &PendingFile) -> io::Result<()> {
        fs::rename(&pending.path, self.path(&pending.sha256))?;
        File::open(&self.0)?.sync_all()
    }

    pub(crate) fn read(&self, sha256: &str) -> io::Result<Vec<u8>> {
        fs::read(self.path(sha256))
    }

    pub(crate) fn remove(&self, sha256: &str) {
        // A file left behind does no harm.
        fs::remove_file(self.path(sha256)).ok();
    }

    /// Returns the hashes of all files, and deletes abandoned temporary files.
    pub(crate) fn clean_up(&self) -> Vec<String> {
        let mut hashes = Vec::new();
        for entry in fs::read_dir(&self.0).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.len() == 64 {
                hashes.push(name);
            } else if name.ends_with(".part") && is_old(&entry.path()) {
                fs::remove_file(entry.path()).ok();
            }
        }
        hashes
    }
}

impl Drop for PendingFile {
    fn drop(&mut self) {
        // The temporary name is gone if the file was persisted.
        fs::remove_file(&self.path).ok();
    }
}

fn is_old(path: &Path) -> bool {
    let written = fs::metadata(path).and_then(|about| about.modified());
    written.is_ok_and(|at| SystemTime::now().duration_since(at).is_ok_and(|age| age > ABANDONED))
}

//! The bytes of files on their way, by their SHA-256: on disk before the message that needs them. Who needs them is the table's business.

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

/// After so long a file that was never finished belongs to a program that died.
const ABANDONED: Duration = Duration::from_secs(3600);

/// The folder of the files.
#[derive(Debug, Clone)]
pub(crate) struct Files(PathBuf);

/// Bytes that are on disk under a name of their own, until they get the one they are found by.
pub(crate) struct Part {
    path: PathBuf,
    pub(crate) sha256: String,
    pub(crate) size: u64,
}

impl Files {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self(folder)
    }

    fn path(&self, sha256: &str) -> PathBuf {
        self.0.join(sha256)
    }

    /// Writes the bytes down, synced.
    pub(crate) fn write(&self, content: &[u8]) -> io::Result<Part> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        private::create_dir(&self.0)?;
        let (path, mut file) = loop {
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let path = self.0.join(format!("{}-{number}.part", std::process::id()));
            match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
                Ok(file) => break (path, file),
                // Of a program that died, or of one in another container that has the same number.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        };
        file.write_all(content)?;
        file.sync_all()?;
        let sha256 = Sha256::digest(content).iter().fold(String::new(), |mut hex, byte| {
            // Writing to a text can't fail.
            write!(hex, "{byte:02x}").ok();
            hex
        });
        Ok(Part { path, sha256, size: content.len() as u64 })
    }

    /// Gives the bytes the name they are found by; called inside of the transaction that needs them.
    pub(crate) fn keep(&self, part: &Part) -> io::Result<()> {
        fs::rename(&part.path, self.path(&part.sha256))?;
        File::open(&self.0)?.sync_all()
    }

    pub(crate) fn read(&self, sha256: &str) -> io::Result<Vec<u8>> {
        fs::read(self.path(sha256))
    }

    pub(crate) fn remove(&self, sha256: &str) {
        // A file that can't be taken away is in nobody's way.
        fs::remove_file(self.path(sha256)).ok();
    }

    /// The names of what lies here; what was never finished is taken away.
    pub(crate) fn sweep(&self) -> Vec<String> {
        let mut kept = Vec::new();
        for entry in fs::read_dir(&self.0).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.len() == 64 {
                kept.push(name);
            } else if name.ends_with(".part") && is_old(&entry.path()) {
                fs::remove_file(entry.path()).ok();
            }
        }
        kept
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // It is gone already if it was kept.
        fs::remove_file(&self.path).ok();
    }
}

fn is_old(path: &Path) -> bool {
    let written = fs::metadata(path).and_then(|about| about.modified());
    written.is_ok_and(|at| SystemTime::now().duration_since(at).is_ok_and(|age| age > ABANDONED))
}

//! Locks between processes. The operating system releases them when their process ends.

use std::{
    fs::{File, TryLockError},
    io::{self, Read, Seek, Write},
    path::Path,
};

use crate::private;

/// Lock that makes processes open a database one after the other. Released on drop.
///
/// SQLite's busy timeout doesn't cover the switch of a database to WAL mode while another connection makes it.
#[derive(Debug)]
pub struct OpeningLock(#[expect(dead_code, reason = "the open file is the lock")] File);

impl OpeningLock {
    /// Waits for the lock on the file `opening.lock` in the folder, which must exist.
    ///
    /// # Errors
    /// If the file can't be opened or locked.
    pub fn acquire(folder: &Path) -> io::Result<Self> {
        let file = private::open_lock_file(&folder.join("opening.lock"))?;
        file.lock()?;
        Ok(Self(file))
    }
}

/// Lock that one process holds, whose file contains the process id. Released on drop.
#[derive(Debug)]
pub struct PidLock(#[expect(dead_code, reason = "the open file is the lock")] File);

/// Reason why a [`PidLock`] can't be acquired.
#[derive(Debug)]
pub enum PidLockError {
    /// Another process holds the lock; its id, if the file contains one.
    Held(Option<u32>),
    /// The file can't be used.
    Io(io::Error),
}

impl From<io::Error> for PidLockError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl PidLock {
    /// Acquires the lock without waiting, and writes this process's id into the file.
    ///
    /// # Errors
    /// [`PidLockError::Held`] if another process holds the lock.
    pub fn acquire(path: &Path) -> Result<Self, PidLockError> {
        private::create_file(path)?;
        let mut file = File::options().read(true).write(true).open(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                // On systems with mandatory locks the file can't be read.
                file.read_to_string(&mut text).ok();
                return Err(PidLockError::Held(text.trim().parse().ok()));
            }
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        file.set_len(0)?;
        file.rewind()?;
        write!(file, "{}", std::process::id())?;
        Ok(Self(file))
    }
}

#[cfg(test)]
mod tests {
    use super::{OpeningLock, PidLock, PidLockError};

    #[test]
    fn a_pid_lock_is_held_once_and_names_its_holder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sync.lock");
        std::fs::write(&path, "4294967295, of an earlier process").unwrap();
        let lock = PidLock::acquire(&path).unwrap();
        let held = PidLock::acquire(&path).unwrap_err();
        let PidLockError::Held(Some(pid)) = held else { panic!("{held:?}") };
        assert_eq!(pid, std::process::id());
        drop(lock);
        PidLock::acquire(&path).unwrap();
    }

    #[test]
    fn an_opening_lock_is_free_again_after_a_drop() {
        let folder = tempfile::tempdir().unwrap();
        for _ in 0..2 {
            OpeningLock::acquire(folder.path()).unwrap();
        }
    }
}

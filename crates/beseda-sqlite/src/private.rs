//! Folders and files that only their owner may access: mode 0700 for folders, 0600 for files. On systems without modes they
//! have the rights of the folder they are in.

use std::{
    fs::{self, File},
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

/// Suffixes of the files that SQLite creates beside a database.
const SIDE_FILES: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Creates a folder and its missing parents. Existing folders keep their modes.
///
/// # Errors
/// If the folder can't be created.
pub fn create_dir(path: &Path) -> io::Result<()> {
    create_dir_all(path)
}

/// Creates a folder and its missing parents, or restricts an existing one to its owner.
///
/// # Errors
/// If the folder can't be created.
pub fn create_or_restrict_dir(path: &Path) -> io::Result<()> {
    create_dir_all(path)?;
    restrict(path);
    Ok(())
}

/// Creates a folder, or restricts an existing one together with everything in it.
///
/// The folder itself is restricted last, so that the next call repeats an interrupted one.
///
/// # Errors
/// If the folder can't be created or read.
pub fn create_or_restrict_tree(path: &Path) -> io::Result<()> {
    create_dir_all(path)?;
    if is_accessible_to_others(path) {
        restrict_entries(path)?;
        restrict(path);
    }
    Ok(())
}

fn restrict_entries(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let file_type = entry.file_type()?;
        if file_type.is_dir() {
            restrict_entries(&entry.path())?;
        }
        if !file_type.is_symlink() {
            restrict(&entry.path());
        }
    }
    Ok(())
}

/// Creates a file unless it exists; returns `true` if it was created. SQLite gives the files beside a database its mode.
///
/// An existing file is never opened: closing it would release the locks that SQLite holds in this process.
///
/// # Errors
/// If the file can't be created.
pub fn create_file(path: &Path) -> io::Result<bool> {
    match create_new(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        created => created.map(|_| true),
    }
}

/// Creates the file of a database, or restricts an existing one and the files that SQLite keeps beside it.
///
/// # Errors
/// If the file can't be created.
pub fn create_or_restrict_database(path: &Path) -> io::Result<()> {
    if create_file(path)? {
        return Ok(());
    }
    restrict(path);
    for suffix in SIDE_FILES {
        let mut side_file = path.as_os_str().to_owned();
        side_file.push(suffix);
        restrict(&PathBuf::from(side_file));
    }
    Ok(())
}

/// Opens a lock file, creating or restricting it.
///
/// # Errors
/// If the file can't be opened.
pub fn open_lock_file(path: &Path) -> io::Result<File> {
    match create_new(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        created => return created,
    }
    restrict(path);
    File::options().append(true).open(path)
}

#[cfg(unix)]
mod unix {
    use std::{
        fs::{self, DirBuilder, File, Permissions},
        io,
        os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
        path::Path,
    };

    /// Mode bits of group and others.
    const OTHERS: u32 = 0o077;
    /// Mode bit of shared folders such as `/tmp`.
    const STICKY: u32 = 0o1000;

    pub(super) fn create_dir_all(path: &Path) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(path)
    }

    pub(super) fn create_new(path: &Path) -> io::Result<File> {
        File::options().create_new(true).append(true).mode(0o600).open(path)
    }

    pub(super) fn is_accessible_to_others(path: &Path) -> bool {
        fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & OTHERS != 0)
    }

    /// Removes the access rights of group and others. A failure is logged, not returned: the file may belong to another
    /// user or lie on a file system without modes.
    pub fn restrict(path: &Path) {
        let Ok(metadata) = fs::metadata(path) else { return };
        let mode = metadata.permissions().mode();
        if mode & OTHERS == 0 {
            return;
        }
        let shared = metadata.is_dir() && (mode & STICKY != 0 || path.parent().is_none());
        let restricted = if shared {
            Err(io::Error::other("a shared folder"))
        } else {
            fs::set_permissions(path, Permissions::from_mode(mode & 0o7777 & !OTHERS))
        };
        if let Err(error) = restricted {
            tracing::warn!(path = %path.display(), %error, "can't restrict access to the owner");
        }
    }
}

#[cfg(unix)]
pub use unix::restrict;
#[cfg(unix)]
use unix::{create_dir_all, create_new, is_accessible_to_others};

#[cfg(not(unix))]
mod no_modes {
    use std::{fs::File, io, path::Path};

    pub(super) fn create_dir_all(path: &Path) -> io::Result<()> {
        std::fs::create_dir_all(path)
    }

    pub(super) fn create_new(path: &Path) -> io::Result<File> {
        File::options().create_new(true).append(true).open(path)
    }

    pub(super) fn is_accessible_to_others(_: &Path) -> bool {
        false
    }

    /// Does nothing on this system.
    pub fn restrict(_: &Path) {}
}

#[cfg(not(unix))]
pub use no_modes::restrict;
#[cfg(not(unix))]
use no_modes::{create_dir_all, create_new, is_accessible_to_others};

#[cfg(all(test, unix))]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt, path::Path};

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).map_or(0, |metadata| metadata.permissions().mode() & 0o777)
    }

    fn set_mode(path: &Path, mode: u32) {
        assert!(fs::set_permissions(path, fs::Permissions::from_mode(mode)).is_ok());
    }

    #[test]
    fn new_folders_and_files_are_private() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("a/b");
        super::create_dir(&inner).unwrap();
        assert_eq!((mode(&inner), mode(&folder.path().join("a"))), (0o700, 0o700));
        let file = inner.join("database");
        assert!(super::create_file(&file).unwrap());
        assert!(!super::create_file(&file).unwrap());
        drop(super::open_lock_file(&inner.join("lock")).unwrap());
        assert_eq!((mode(&file), mode(&inner.join("lock"))), (0o600, 0o600));
    }

    #[test]
    fn existing_folders_and_files_are_restricted_only_by_the_functions_that_say_so() {
        let folder = tempfile::tempdir().unwrap();
        let (database, wal) = (folder.path().join("database"), folder.path().join("database-wal"));
        for file in [&database, &wal] {
            fs::write(file, "").unwrap();
            set_mode(file, 0o644);
        }
        set_mode(folder.path(), 0o755);
        super::create_dir(folder.path()).unwrap();
        super::create_file(&database).unwrap();
        assert_eq!((mode(folder.path()), mode(&database)), (0o755, 0o644));
        super::create_or_restrict_database(&database).unwrap();
        assert_eq!((mode(&database), mode(&wal)), (0o600, 0o600));
        super::create_or_restrict_tree(folder.path()).unwrap();
        assert_eq!(mode(folder.path()), 0o700);
    }
}

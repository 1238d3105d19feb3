//! Folders and files that only their owner may read: made so, and closed where an older version left them open to others.

use std::{
    fs::{self, File},
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

/// What SQLite puts beside a database.
const BESIDE: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Makes a folder with mode 0700, and the folders above it that are missing; closes one that was there already.
///
/// # Errors
/// If it can't be made.
pub fn folder(path: &Path) -> io::Result<()> {
    make_folder(path)?;
    close(path);
    Ok(())
}

/// Makes a database's file with mode 0600, or closes the one that is there together with what SQLite keeps beside it,
/// which gets the mode of the database when it is made.
///
/// A file that is there is never opened: closing it again would take SQLite's own locks away from this process.
///
/// # Errors
/// If it can't be made.
pub fn database(path: &Path) -> io::Result<()> {
    match new_file(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        made => return made.map(drop),
    }
    close(path);
    for end in BESIDE {
        let mut beside = path.as_os_str().to_owned();
        beside.push(end);
        close(&PathBuf::from(beside));
    }
    Ok(())
}

/// Opens a file that is there only to be locked, with mode 0600.
///
/// # Errors
/// If it can't be opened.
pub fn lock(path: &Path) -> io::Result<File> {
    match new_file(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        made => return made,
    }
    close(path);
    File::options().append(true).open(path)
}

/// Makes a folder with mode 0700, or closes the one that is there. If that one was open to others everything below it
/// is closed first, so that a start that breaks off in between is made up for by the next one.
pub(crate) fn tree(path: &Path) -> io::Result<()> {
    make_folder(path)?;
    if is_open(path) {
        close_below(path)?;
        close(path);
    }
    Ok(())
}

fn close_below(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            close_below(&entry.path())?;
        }
        if !kind.is_symlink() {
            close(&entry.path());
        }
    }
    Ok(())
}

#[cfg(unix)]
mod unix {
    use std::{
        fs::{self, DirBuilder, File, Permissions},
        io,
        os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
        path::Path,
    };

    /// What others than the owner may do.
    const OTHERS: u32 = 0o077;
    /// A folder where everybody keeps something of their own, such as `/tmp`.
    const STICKY: u32 = 0o1000;

    pub(super) fn make_folder(path: &Path) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(path)
    }

    pub(super) fn new_file(path: &Path) -> io::Result<File> {
        File::options().create_new(true).append(true).mode(0o600).open(path)
    }

    pub(super) fn is_open(path: &Path) -> bool {
        fs::metadata(path).is_ok_and(|about| about.permissions().mode() & OTHERS != 0)
    }

    /// Takes the rights of others away. What can't be closed is told of and used all the same: it may belong to somebody
    /// else, or lie where files have no modes.
    pub(crate) fn close(path: &Path) {
        let Ok(about) = fs::metadata(path) else { return };
        let mode = about.permissions().mode();
        if mode & OTHERS == 0 {
            return;
        }
        let shared = about.is_dir() && (mode & STICKY != 0 || path.parent().is_none());
        let closed = if shared {
            Err(io::Error::other("it is everybody's"))
        } else {
            fs::set_permissions(path, Permissions::from_mode(mode & 0o7777 & !OTHERS))
        };
        if let Err(error) = closed {
            tracing::warn!(path = %path.display(), %error, "others can read this, and that can't be changed");
        }
    }
}

#[cfg(unix)]
pub(crate) use unix::close;
#[cfg(unix)]
use unix::{is_open, make_folder, new_file};

#[cfg(not(unix))]
mod elsewhere {
    //! Where there are no modes, files have the rights of the folder they are in.

    use std::{fs::File, io, path::Path};

    pub(super) fn make_folder(path: &Path) -> io::Result<()> {
        std::fs::create_dir_all(path)
    }

    pub(super) fn new_file(path: &Path) -> io::Result<File> {
        File::options().create_new(true).append(true).open(path)
    }

    pub(super) fn is_open(_: &Path) -> bool {
        false
    }

    pub(crate) fn close(_: &Path) {}
}

#[cfg(not(unix))]
pub(crate) use elsewhere::close;
#[cfg(not(unix))]
use elsewhere::{is_open, make_folder, new_file};

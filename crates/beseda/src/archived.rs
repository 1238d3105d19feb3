//! Opening an archive that is there already. Filling one is `sync`'s.

use beseda_archive::Archive;

use crate::{args::Filled, exit::Usage};

/// The archive; an error that says what to do if there is none.
pub(crate) fn open(filled: &Filled) -> anyhow::Result<Archive> {
    let folder = &filled.archive;
    if !folder.join("archive.sqlite").is_file() {
        let shown = folder.display();
        return Err(Usage::error(format!(
            "there is no archive in {shown}: run `beseda sync --archive {shown}` first"
        )));
    }
    Ok(Archive::open(folder)?)
}

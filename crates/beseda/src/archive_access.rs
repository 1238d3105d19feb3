//! Opens archives for commands that need one, and rebuilds an outdated search index.

use std::{io::IsTerminal, path::Path};

use beseda_archive::{Archive, Error};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::{args::ExistingArchive, exit_status::UsageError, output::Output};

/// Opens an existing archive.
///
/// # Errors
///
/// A usage error that names `beseda sync` if the folder has no archive.
pub(crate) fn open_existing(existing: &ExistingArchive) -> anyhow::Result<Archive> {
    let folder = &existing.archive;
    if !folder.join("archive.sqlite").is_file() {
        let folder = folder.display();
        return Err(UsageError::error(format!(
            "there is no archive in {folder}: run `beseda sync --archive {folder}` first"
        )));
    }
    Ok(Archive::open(folder)?)
}

/// Opens an archive, creating it if missing; an unusable folder is a usage error.
pub(crate) fn open_or_create(folder: &Path) -> anyhow::Result<Archive> {
    Archive::open(folder).map_err(to_error)
}

/// Converts an archive's error so that errors of the service keep their exit status.
pub(crate) fn to_error(error: Error) -> anyhow::Error {
    match error {
        Error::Service(error) => error.into(),
        error @ (Error::Folder { .. } | Error::Locked { .. } | Error::NothingToSearch) => {
            UsageError::error(error.to_string())
        }
        error => error.into(),
    }
}

/// Rebuilds the search index of an archive written by an older version, with a progress bar.
/// Resumes after a kill.
pub(crate) fn update_index(archive: &Archive, out: Output) -> anyhow::Result<()> {
    let left = archive.unindexed_count()?;
    if left == 0 {
        return Ok(());
    }
    let shown = !out.is_json() && std::io::stderr().is_terminal();
    if !shown {
        out.note(format_args!("rebuilding the search index: {left} messages"));
    }
    let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(Some(left), target);
    let style = "{spinner} {bar:30} {pos}/{len} messages reindexed, {eta} left";
    bar.set_style(ProgressStyle::with_template(style)?);
    loop {
        match archive.index_batch()? {
            0 => break,
            some => bar.inc(some),
        }
    }
    bar.finish_and_clear();
    Ok(())
}

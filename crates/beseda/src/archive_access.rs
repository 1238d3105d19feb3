//! Opens archives for commands that need one, and rebuilds an outdated search index.

use std::io::IsTerminal;

use beseda_archive::Archive;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::{args::Filled, exit_status::Usage, output::Output};

/// Opens an existing archive.
///
/// # Errors
///
/// A usage error that names `beseda sync` if the folder has no archive.
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

/// Rebuilds the search index of an archive written by an older version, with a progress bar.
/// Resumes after a kill.
pub(crate) fn index(archive: &Archive, out: Output) -> anyhow::Result<()> {
    let left = archive.not_indexed()?;
    if left == 0 {
        return Ok(());
    }
    let shown = !out.is_json() && std::io::stderr().is_terminal();
    if !shown {
        out.note(format_args!("indexing {left} messages of this archive anew, once"));
    }
    let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(Some(left), target);
    let style = "{spinner} {bar:30} {pos}/{len} messages indexed anew, {eta} left";
    bar.set_style(ProgressStyle::with_template(style)?);
    loop {
        match archive.index_some()? {
            0 => break,
            some => bar.inc(some),
        }
    }
    bar.finish_and_clear();
    Ok(())
}

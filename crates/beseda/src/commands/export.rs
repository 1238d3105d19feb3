//! `beseda export`: writes an archive to a file or standard output, with a progress bar.

use std::{
    ffi::OsStr,
    io::{self, IsTerminal},
    path::Path,
};

use beseda_archive::export::{Export, ExportKind, Format, Progress};
use indicatif::{ProgressBar, ProgressStyle};

use crate::{
    archive_access,
    args::{ExportArgs, FormatArg},
    exit_status::UsageError,
    output::{Output, StdoutClosed},
};

pub(crate) fn run(args: ExportArgs, out: Output) -> anyhow::Result<()> {
    let format = format(&args)?;
    let archive = archive_access::open_existing(&args.archive)?;
    let export = Export {
        what: if args.chats { ExportKind::Chats } else { ExportKind::Messages },
        format,
        filter: args.among.into(),
        after: args.after,
    };
    // Parquet is binary, and a progress bar would be mixed into rows printed to the same terminal.
    let shown = !out.is_json()
        && io::stderr().is_terminal()
        && (args.output.is_some() || !io::stdout().is_terminal());
    let bar = bar(shown)?;
    let mut progress = |progress: Progress| {
        let place = |cursor| u64::try_from(cursor).unwrap_or(0);
        bar.set_length(place(progress.end));
        bar.set_position(place(progress.cursor));
        bar.set_message(progress.rows.to_string());
    };
    let done = match args.output.as_deref() {
        Some(file) => archive.export_to(&export, file, args.resume, &mut progress),
        None if format == Format::Parquet && io::stdout().is_terminal() => {
            return Err(UsageError::error(
                "refusing to print Parquet to a terminal: give --output FILE, or redirect",
            ));
        }
        None => {
            let scratch = tempfile::tempdir()?;
            let output = io::BufWriter::with_capacity(1 << 16, io::stdout().lock());
            archive.export(&export, output, scratch.path(), &mut progress)
        }
    };
    bar.finish_and_clear();
    let done = done.map_err(closed)?;
    match &args.output {
        Some(_) if out.is_json() => out.document(&done),
        None if out.is_json() => {
            eprintln!("{}", serde_json::to_string(&done)?);
            Ok(())
        }
        _ => {
            out.note(format_args!("{} rows; the last cursor is {}", done.rows, done.cursor));
            Ok(())
        }
    }
}

/// Returns the format that --format, --excel and the file extension agree on.
fn format(args: &ExportArgs) -> anyhow::Result<Format> {
    let ending = args.output.as_deref().and_then(Path::extension).map(OsStr::to_string_lossy);
    let by_name = match ending.as_deref() {
        Some(ending) => by_ending(ending, args)?,
        None => None,
    };
    let unnamed = if args.excel { FormatArg::Csv } else { FormatArg::Jsonl };
    match args.format.or(by_name).unwrap_or(unnamed) {
        FormatArg::Csv if args.excel => Ok(Format::Excel),
        _ if args.excel => Err(UsageError::error("--excel requires CSV")),
        FormatArg::Csv => Ok(Format::Csv),
        FormatArg::Jsonl => Ok(Format::Jsonl),
        FormatArg::Parquet => Ok(Format::Parquet),
    }
}

/// Returns the format of a file extension, or `None` for an unknown one beside --format.
///
/// # Errors
///
/// A usage error for an unknown extension without --format, and for one of another format than
/// --format.
fn by_ending(ending: &str, args: &ExportArgs) -> anyhow::Result<Option<FormatArg>> {
    let known = match ending.to_lowercase().as_str() {
        "jsonl" | "ndjson" => FormatArg::Jsonl,
        "csv" => FormatArg::Csv,
        "parquet" => FormatArg::Parquet,
        _ if args.format.is_some() => return Ok(None),
        _ => {
            let end = if args.excel { "--excel writes .csv" } else { "or give --format" };
            return Err(UsageError::error(format!(
                "no export format has the extension .{ending}; use .jsonl, .ndjson, .csv or .parquet, {end}"
            )));
        }
    };
    match args.format {
        Some(format) if format != known => Err(UsageError::error(format!(
            "--format {} does not match the extension .{ending} of --output; omit one of them",
            format.name()
        ))),
        _ => Ok(Some(known)),
    }
}

fn bar(shown: bool) -> anyhow::Result<ProgressBar> {
    if !shown {
        return Ok(ProgressBar::hidden());
    }
    let style = ProgressStyle::with_template("{bar:40} {percent}%, {msg} rows, {eta} left")?;
    Ok(ProgressBar::new(0).with_style(style))
}

/// Maps a broken pipe to [`StdoutClosed`] and a failed resume to a usage error.
fn closed(error: beseda_archive::Error) -> anyhow::Error {
    match error {
        beseda_archive::Error::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => {
            StdoutClosed.into()
        }
        beseda_archive::Error::Resume { .. } => UsageError::error(error.to_string()),
        other => other.into(),
    }
}

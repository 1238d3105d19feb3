//! `beseda export`: format, filters and output of an export.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::filter::{ExistingArchive, MessageFilter};

/// Format of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormatArg {
    /// JSON lines: one object per line.
    Jsonl,
    /// Comma-separated values with a header (RFC 4180).
    Csv,
    /// Apache Parquet, compressed with Snappy.
    Parquet,
}

impl FormatArg {
    /// Returns the name used on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl",
            Self::Csv => "csv",
            Self::Parquet => "parquet",
        }
    }
}

/// `beseda export`.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Rows are in the order in which they were added to the archive. Each has a cursor; --after with the last one exports only later rows.\nWith --json the summary is printed as JSON, to standard error if the rows go to standard output.\n\nExamples:\n  beseda export --archive ~/chats > messages.jsonl\n  beseda export --archive ~/chats --output messages.parquet --resume\n  beseda export --archive ~/chats --output march.csv --excel --since 2026-03-01 --until 2026-04-01\n  beseda export --archive ~/chats --chats --format csv"
)]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    pub(crate) archive: ExistingArchive,
    /// Format [default: by the extension of --output (.jsonl, .ndjson, .csv or .parquet), or
    /// jsonl].
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: Option<FormatArg>,
    /// Write CSV for a Russian Excel: semicolons, a byte order mark, long numbers as text, formulas
    /// escaped.
    #[arg(long)]
    pub(crate) excel: bool,
    /// Export chats instead of messages.
    #[arg(long)]
    pub(crate) chats: bool,
    /// Only rows added after this cursor.
    #[arg(long, value_name = "CURSOR", default_value_t = 0)]
    pub(crate) after: i64,
    /// Output file, replaced unless --resume is given [default: standard output].
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Append to a file of an earlier export with the same options, finished or interrupted.
    #[arg(long, requires = "output")]
    pub(crate) resume: bool,
    #[command(flatten, next_help_heading = "Among")]
    pub(crate) among: MessageFilter,
}

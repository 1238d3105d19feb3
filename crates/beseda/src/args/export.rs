//! `beseda export …`: what is written where, and how.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::filter::{Among, Filled};

/// How an export is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormatArg {
    /// A JSON object a line.
    Jsonl,
    /// Comma-separated values with a header (RFC 4180).
    Csv,
    /// Apache Parquet, compressed with Snappy.
    Parquet,
}

impl FormatArg {
    /// The word for it on the command line.
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
    after_help = "Rows come in the order of their arrival in the archive. Each has its cursor: --after with the last one gives only what came since.\nWith --json the summary is printed as JSON, to standard error where the rows go to standard output.\n\nExamples:\n  beseda export --archive ~/chats > messages.jsonl\n  beseda export --archive ~/chats --output messages.parquet --resume\n  beseda export --archive ~/chats --output march.csv --excel --since 2026-03-01 --until 2026-04-01\n  beseda export --archive ~/chats --chats --format csv"
)]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    pub(crate) archive: Filled,
    /// How it is written; by the ending of --output if not given (.jsonl, .ndjson, .csv or .parquet), else as JSON lines.
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: Option<FormatArg>,
    /// Write CSV as Excel opens it in Russian: semicolons, a byte order mark, long numbers whole, and nothing that it would run as a formula.
    #[arg(long)]
    pub(crate) excel: bool,
    /// Chats instead of messages.
    #[arg(long)]
    pub(crate) chats: bool,
    /// Only what arrived after this cursor.
    #[arg(long, value_name = "CURSOR", default_value_t = 0)]
    pub(crate) after: i64,
    /// The file; standard output if not given. What is in it is replaced, except with --resume.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Go on with what an earlier export with the same options left in the file, finished or interrupted.
    #[arg(long, requires = "output")]
    pub(crate) resume: bool,
    #[command(flatten, next_help_heading = "Among")]
    pub(crate) among: Among,
}

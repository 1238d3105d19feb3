//! `beseda stand-in clock|faults|journal|…`: what is asked of a stand-in that runs already.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::connection::Connection;

/// Where the stand-in is.
#[derive(Debug, Clone, Args)]
pub(crate) struct ControlArgs<T: Args> {
    #[command(flatten)]
    pub(crate) connection: Connection,
    #[command(flatten)]
    pub(crate) what: T,
}

#[derive(Debug, Clone, Subcommand)]
pub(crate) enum ControlCommand {
    /// Show or move the clock.
    #[command(
        after_help = "Examples:\n  beseda stand-in clock\n  beseda stand-in clock --set 2026-12-31T23:59:00+03:00\n  beseda stand-in clock --advance 3600"
    )]
    Clock(ControlArgs<ClockArgs>),
    /// List, add or remove the rules by which requests go wrong.
    #[command(
        after_help = "Examples:\n  beseda stand-in faults --add '{\"operation\":\"sendMessageToChat\",\"kind\":\"reset-after\",\"count\":1}'\n  beseda stand-in faults --remove 1\n  beseda stand-in faults --clear"
    )]
    Faults(ControlArgs<FaultsArgs>),
    /// Show what was asked and answered.
    #[command(
        after_help = "Examples:\n  beseda stand-in journal --status 4xx\n  beseda stand-in journal --curl\n  beseda stand-in journal --follow"
    )]
    Journal(ControlArgs<JournalArgs>),
    /// Go back to how it was at the start: state, faults, journal and clock.
    Reset(ControlArgs<NothingArgs>),
    /// Add cabinets, orders and chats from a file (YAML or JSON), all or nothing.
    Seed(ControlArgs<FileArgs>),
    /// Remember the state under a name, or list what is remembered.
    Snapshot(ControlArgs<NameArgs>),
    /// Go back to a remembered state.
    Restore(ControlArgs<NameArgs>),
    /// Write the whole state into a file.
    Export(ControlArgs<FileArgs>),
    /// Put a file of `export` in the place of the whole state.
    Import(ControlArgs<FileArgs>),
}

/// `beseda stand-in clock`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ClockArgs {
    /// Stop it at this moment.
    #[arg(long, value_name = "MOMENT", group = "move")]
    pub(crate) set: Option<String>,
    /// Move it forward.
    #[arg(long, value_name = "SECONDS", group = "move")]
    pub(crate) advance: Option<f64>,
    /// Stop it where it is.
    #[arg(long, group = "move")]
    pub(crate) stop: bool,
    /// Let it go on from where it is.
    #[arg(long, group = "move")]
    pub(crate) resume: bool,
    /// Show the machine's time again.
    #[arg(long, group = "move")]
    pub(crate) real: bool,
}

/// `beseda stand-in faults`.
#[derive(Debug, Clone, Args)]
pub(crate) struct FaultsArgs {
    /// Add this rule, as JSON.
    #[arg(long, value_name = "JSON", group = "change")]
    pub(crate) add: Option<String>,
    /// Remove the rule with this number.
    #[arg(long, value_name = "N", group = "change")]
    pub(crate) remove: Option<u64>,
    /// Remove all rules.
    #[arg(long, group = "change")]
    pub(crate) clear: bool,
}

/// `beseda stand-in journal`.
#[derive(Debug, Clone, Args)]
pub(crate) struct JournalArgs {
    /// Only this operation.
    #[arg(long, value_name = "NAME")]
    pub(crate) operation: Option<String>,
    /// Only this status, or a class of them such as 4xx.
    #[arg(long, value_name = "STATUS")]
    pub(crate) status: Option<String>,
    /// Only this cabinet.
    #[arg(long, value_name = "ID")]
    pub(crate) business: Option<i64>,
    /// At most so many, the latest ones.
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub(crate) limit: usize,
    /// Print each entry as a curl line.
    #[arg(long)]
    pub(crate) curl: bool,
    /// Go on with what comes.
    #[arg(long)]
    pub(crate) follow: bool,
}

/// A command without options of its own.
#[derive(Debug, Clone, Args)]
pub(crate) struct NothingArgs {}

/// A command about a file.
#[derive(Debug, Clone, Args)]
pub(crate) struct FileArgs {
    /// The file; `-` is standard input or output.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}

/// A command about a snapshot.
#[derive(Debug, Clone, Args)]
pub(crate) struct NameArgs {
    /// The snapshot's name.
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,
}

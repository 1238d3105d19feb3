//! `beseda stand-in clock`, `faults`, `journal` and others: commands for a running stand-in.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::connection::ConnectionArgs;

/// Address of the stand-in and options of the command.
#[derive(Debug, Clone, Args)]
pub(crate) struct ControlArgs<T: Args> {
    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,
    #[command(flatten)]
    pub(crate) what: T,
}

#[derive(Debug, Clone, Subcommand)]
pub(crate) enum ControlCommand {
    /// Show or set the clock.
    #[command(
        after_help = "Examples:\n  beseda stand-in clock\n  beseda stand-in clock --set 2026-12-31T23:59:00+03:00\n  beseda stand-in clock --advance 3600"
    )]
    Clock(ControlArgs<ClockArgs>),
    /// List, add or remove fault rules.
    #[command(
        after_help = "Examples:\n  beseda stand-in faults --add '{\"operation\":\"sendMessageToChat\",\"kind\":\"reset-after\",\"count\":1}'\n  beseda stand-in faults --remove 1\n  beseda stand-in faults --clear"
    )]
    Faults(ControlArgs<FaultsArgs>),
    /// Show recorded requests and responses.
    #[command(
        after_help = "Examples:\n  beseda stand-in journal --status 4xx\n  beseda stand-in journal --curl\n  beseda stand-in journal --follow"
    )]
    Journal(ControlArgs<JournalArgs>),
    /// Reset state, faults, journal and clock to how they were at the start.
    Reset(ControlArgs<NothingArgs>),
    /// Add cabinets, orders and chats from a file (YAML or JSON) in one transaction.
    Seed(ControlArgs<FileArgs>),
    /// Save a snapshot of the state, or list the snapshots.
    Snapshot(ControlArgs<NameArgs>),
    /// Restore a snapshot.
    Restore(ControlArgs<NameArgs>),
    /// Export the whole state to a file.
    Export(ControlArgs<FileArgs>),
    /// Replace the whole state with an exported file.
    Import(ControlArgs<FileArgs>),
}

/// `beseda stand-in clock`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ClockArgs {
    /// Stop the clock at this time.
    #[arg(long, value_name = "MOMENT", group = "move")]
    pub(crate) set: Option<String>,
    /// Advance the clock by this many seconds.
    #[arg(long, value_name = "SECONDS", group = "move")]
    pub(crate) advance: Option<f64>,
    /// Stop the clock at its current time.
    #[arg(long, group = "move")]
    pub(crate) stop: bool,
    /// Resume the clock from its current time.
    #[arg(long, group = "move")]
    pub(crate) resume: bool,
    /// Follow the system clock again.
    #[arg(long, group = "move")]
    pub(crate) real: bool,
}

/// `beseda stand-in faults`.
#[derive(Debug, Clone, Args)]
pub(crate) struct FaultsArgs {
    /// Add a rule, given as JSON.
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
    /// Only this status, or a class such as 4xx.
    #[arg(long, value_name = "STATUS")]
    pub(crate) status: Option<String>,
    /// Only this cabinet.
    #[arg(long, value_name = "ID")]
    pub(crate) business: Option<i64>,
    /// Maximum number of entries; the latest are shown.
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub(crate) limit: usize,
    /// Print each entry as a curl command.
    #[arg(long)]
    pub(crate) curl: bool,
    /// Keep printing new entries.
    #[arg(long)]
    pub(crate) follow: bool,
}

/// No options.
#[derive(Debug, Clone, Args)]
pub(crate) struct NothingArgs {}

/// File of a command.
#[derive(Debug, Clone, Args)]
pub(crate) struct FileArgs {
    /// File path; - is standard input or output.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}

/// Name of a snapshot.
#[derive(Debug, Clone, Args)]
pub(crate) struct NameArgs {
    /// Name of the snapshot.
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,
}

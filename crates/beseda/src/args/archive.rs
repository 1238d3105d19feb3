//! `beseda sync`, `watch` and `unread`: options for filling, following and marking a local archive.

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
};

use beseda_api::{BusinessId, ChatId, MessageId};
use beseda_webhook::receiver::IpNet;
use clap::Args;

use super::{ConnectionArgs, connection::GenerationArg};

/// Folder of an archive.
#[derive(Debug, Clone, Args)]
pub(crate) struct ArchiveFolder {
    /// Folder of the archive; created if missing.
    #[arg(long = "archive", env = "BESEDA_ARCHIVE", value_name = "DIR")]
    pub(crate) folder: PathBuf,
}

/// Cabinets a command works on.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Connection")]
pub(crate) struct CabinetsArgs {
    /// Cabinet id; may be repeated [default: every cabinet the credential has access to].
    #[arg(long, env = "BESEDA_BUSINESS_ID", value_name = "ID", value_delimiter = ',')]
    pub(crate) business: Vec<BusinessId>,
    /// Version of the API's paths: 2024 (unversioned) or 2026 (/v2).
    #[arg(long, value_name = "YEAR", default_value = "2026")]
    pub(crate) generation: GenerationArg,
}

/// Options for syncing an archive.
#[derive(Debug, Clone, Args)]
pub(crate) struct SyncOptions {
    /// Seconds between full listings of all chats, which detect status changes without a new
    /// message.
    #[arg(long, value_name = "SECONDS", default_value_t = 3600, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) full_every: u64,
    /// Do not download attachments.
    #[arg(long)]
    pub(crate) no_files: bool,
    /// Additional origin that receives the credential when attachments are downloaded; may be
    /// repeated.
    #[arg(long = "trust", value_name = "ORIGIN")]
    pub(crate) trusted: Vec<String>,
    /// Listen for Market's webhooks at this address and sync the chats they name immediately; port
    /// 0 picks a free port.
    #[arg(long, value_name = "ADDR", help_heading = "Notifications")]
    pub(crate) listen: Option<SocketAddr>,
    /// Path of the webhook; requests to PATH/notification are accepted too.
    #[arg(long, value_name = "PATH", default_value = "/", help_heading = "Notifications")]
    pub(crate) path: String,
    /// Accept webhooks from any address, not only from Market's.
    #[arg(long, conflicts_with = "source", help_heading = "Notifications")]
    pub(crate) any_source: bool,
    /// Accept webhooks from this address range instead of Market's; may be repeated.
    #[arg(long, value_name = "CIDR", value_parser = range, help_heading = "Notifications")]
    pub(crate) source: Vec<IpNet>,
    /// Trust the forwarding headers of proxies in this address range; may be repeated.
    #[arg(long, value_name = "CIDR", value_parser = range, help_heading = "Notifications")]
    pub(crate) trust_proxy: Vec<IpNet>,
}

/// `beseda sync`.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Examples:\n  beseda sync --archive ~/chats\n  beseda sync --archive ~/chats --quick\n  beseda sync --archive ~/chats --every 60\n  beseda sync --archive ~/chats --every 300 --listen 127.0.0.1:8085 --trust-proxy 127.0.0.1"
)]
pub(crate) struct SyncArgs {
    #[command(flatten)]
    pub(crate) archive: ArchiveFolder,
    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,
    #[command(flatten)]
    pub(crate) cabinets: CabinetsArgs,
    #[command(flatten)]
    pub(crate) sync: SyncOptions,
    /// List all chats (default).
    #[arg(long, conflicts_with = "quick")]
    pub(crate) full: bool,
    /// List only chats updated since the last sync; status changes without a new message may be
    /// missed.
    #[arg(long)]
    pub(crate) quick: bool,
    /// Keep running and sync at this interval in seconds; 30 suits most, or 300 with webhooks.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) every: Option<u64>,
}

/// `beseda watch`.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Each line of --json has a cursor; --after with the last one resumes without gaps or duplicates.\n\nExamples:\n  beseda watch --archive ~/chats\n  beseda watch --archive ~/chats --json --others-only --after 1234\n  beseda watch --archive ~/chats --offline"
)]
pub(crate) struct WatchArgs {
    #[command(flatten)]
    pub(crate) archive: ArchiveFolder,
    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,
    #[command(flatten)]
    pub(crate) cabinets: CabinetsArgs,
    #[command(flatten)]
    pub(crate) sync: SyncOptions,
    /// Start after this cursor; 0 is the beginning of the archive [default: only new changes].
    #[arg(long, value_name = "CURSOR")]
    pub(crate) after: Option<i64>,
    /// Read the archive only; another process must sync it.
    #[arg(long, conflicts_with_all = ["listen", "every"])]
    pub(crate) offline: bool,
    /// Omit messages of the shop itself.
    #[arg(long)]
    pub(crate) others_only: bool,
    /// Omit changes of chats; show messages only.
    #[arg(long)]
    pub(crate) messages_only: bool,
    /// Sync interval in seconds [default: 10, or 300 with webhooks].
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) every: Option<u64>,
}

/// `beseda unread`.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Examples:\n  beseda unread --archive ~/chats --operator anna\n  beseda unread --archive ~/chats --operator anna --mark 14604709\n  beseda unread --archive ~/chats --operator anna --mark all"
)]
pub(crate) struct UnreadArgs {
    #[command(flatten)]
    pub(crate) archive: ArchiveFolder,
    /// Operator whose read marks are used.
    #[arg(long, env = "BESEDA_OPERATOR", value_name = "NAME", default_value = "default")]
    pub(crate) operator: String,
    /// Only this cabinet; may be repeated.
    #[arg(long, env = "BESEDA_BUSINESS_ID", value_name = "ID", value_delimiter = ',')]
    pub(crate) business: Vec<BusinessId>,
    /// Mark a chat as read, optionally up to a message, or all chats; may be repeated.
    #[arg(long, value_name = "CHAT|CHAT=MESSAGE|all", value_parser = mark)]
    pub(crate) mark: Vec<Mark>,
}

/// Chats to mark as read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    All,
    Chat(ChatId, Option<MessageId>),
}

fn mark(text: &str) -> Result<Mark, String> {
    if text == "all" {
        return Ok(Mark::All);
    }
    let (chat, message) = match text.split_once('=') {
        Some((chat, message)) => (chat, Some(message)),
        None => (text, None),
    };
    let wrong = |_| "expected a chat id, CHAT=MESSAGE, or all".to_owned();
    let message = message.map(str::parse).transpose().map_err(wrong)?;
    Ok(Mark::Chat(chat.parse().map_err(wrong)?, message))
}

/// Parses an address range, or a single address.
fn range(text: &str) -> Result<IpNet, String> {
    let one = || text.parse::<IpAddr>().map(IpNet::from).ok();
    let found = text.parse().ok().or_else(one);
    found.ok_or_else(|| "expected an address range such as 5.45.207.0/25, or an address".to_owned())
}

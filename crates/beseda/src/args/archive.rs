//! `beseda sync|watch|unread`: the local archive, how it is kept in step, and who has read what.

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
};

use beseda_api::{BusinessId, ChatId, MessageId};
use beseda_client::receiver::IpNet;
use clap::Args;

use super::{Connection, connection::GenerationArg};

/// The folder of an archive.
#[derive(Debug, Clone, Args)]
pub(crate) struct ArchiveFolder {
    /// The archive's folder; made if there is none.
    #[arg(long = "archive", env = "BESEDA_ARCHIVE", value_name = "DIR")]
    pub(crate) folder: PathBuf,
}

/// The cabinets a command is about.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Connection")]
pub(crate) struct Cabinets {
    /// The cabinet's id; may be repeated. All that the credential opens if not given.
    #[arg(long, env = "BESEDA_BUSINESS_ID", value_name = "ID", value_delimiter = ',')]
    pub(crate) business: Vec<BusinessId>,
    /// Which form of the API's paths is used: of 2024 (without version) or of 2026 (/v2).
    #[arg(long, value_name = "YEAR", default_value = "2026")]
    pub(crate) generation: GenerationArg,
}

/// How an archive is filled and kept in step.
#[derive(Debug, Clone, Args)]
pub(crate) struct KeepArgs {
    /// Between two listings of all chats, by which changes of status without a message are seen.
    #[arg(long, value_name = "SECONDS", default_value_t = 3600, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) full_every: u64,
    /// Fetch no attached files.
    #[arg(long)]
    pub(crate) no_files: bool,
    /// One more origin that may see the credential when a file is fetched; the service's own always may.
    #[arg(long = "trust", value_name = "ORIGIN")]
    pub(crate) trusted: Vec<String>,
    /// Take Market's notifications at this address and read at once what they tell of; port 0 takes a free one.
    #[arg(long, value_name = "ADDR", help_heading = "Notifications")]
    pub(crate) listen: Option<SocketAddr>,
    /// The path notifications come to, and /notification below it.
    #[arg(long, value_name = "PATH", default_value = "/", help_heading = "Notifications")]
    pub(crate) path: String,
    /// Take notifications from anywhere, not only from Market's addresses.
    #[arg(long, conflicts_with = "source", help_heading = "Notifications")]
    pub(crate) any_source: bool,
    /// Take notifications from this range in place of Market's; may be repeated.
    #[arg(long, value_name = "CIDR", value_parser = range, help_heading = "Notifications")]
    pub(crate) source: Vec<IpNet>,
    /// Believe the proxies in this range whom they got a request from; may be repeated.
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
    pub(crate) connection: Connection,
    #[command(flatten)]
    pub(crate) cabinets: Cabinets,
    #[command(flatten)]
    pub(crate) keep: KeepArgs,
    /// List all chats, as is done unless said otherwise.
    #[arg(long, conflicts_with = "quick")]
    pub(crate) full: bool,
    /// List only what was updated since the last time: changes of status without a message may be missed.
    #[arg(long)]
    pub(crate) quick: bool,
    /// Go on until ended, looking this often; 30 or, with notifications, 300 suit most.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) every: Option<u64>,
}

/// `beseda watch`.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Each line of --json has its cursor; --after with the last one goes on without a gap or a double.\n\nExamples:\n  beseda watch --archive ~/chats\n  beseda watch --archive ~/chats --json --others-only --after 1234\n  beseda watch --archive ~/chats --offline"
)]
pub(crate) struct WatchArgs {
    #[command(flatten)]
    pub(crate) archive: ArchiveFolder,
    #[command(flatten)]
    pub(crate) connection: Connection,
    #[command(flatten)]
    pub(crate) cabinets: Cabinets,
    #[command(flatten)]
    pub(crate) keep: KeepArgs,
    /// Begin after this cursor: 0 is before everything. Only what is new if not given.
    #[arg(long, value_name = "CURSOR")]
    pub(crate) after: Option<i64>,
    /// Only read the archive, which another process keeps in step.
    #[arg(long, conflicts_with_all = ["listen", "every"])]
    pub(crate) offline: bool,
    /// Leave out what the shop wrote itself.
    #[arg(long)]
    pub(crate) others_only: bool,
    /// Leave out changes of chats, and show messages only.
    #[arg(long)]
    pub(crate) messages_only: bool,
    /// How often the service is asked [default: 10, with notifications 300].
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
    /// Whose unread messages.
    #[arg(long, env = "BESEDA_OPERATOR", value_name = "NAME", default_value = "default")]
    pub(crate) operator: String,
    /// Only this cabinet; may be repeated.
    #[arg(long, env = "BESEDA_BUSINESS_ID", value_name = "ID", value_delimiter = ',')]
    pub(crate) business: Vec<BusinessId>,
    /// Mark a chat as read, up to a message if one is named, or all chats; may be repeated.
    #[arg(long, value_name = "CHAT|CHAT=MESSAGE|all", value_parser = mark)]
    pub(crate) mark: Vec<Mark>,
}

/// What is to be marked as read.
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
    let wrong = |_| "a chat's id, CHAT=MESSAGE, or all".to_owned();
    let message = message.map(str::parse).transpose().map_err(wrong)?;
    Ok(Mark::Chat(chat.parse().map_err(wrong)?, message))
}

/// Reads a range of addresses, or one address.
fn range(text: &str) -> Result<IpNet, String> {
    let one = || text.parse::<IpAddr>().map(IpNet::from).ok();
    let found = text.parse().ok().or_else(one);
    found.ok_or_else(|| "a range such as 5.45.207.0/25, or an address".to_owned())
}

//! `beseda gateway`: options of the gateway, its keys and its audit log.

use std::{net::SocketAddr, path::PathBuf};

use beseda_api::{BusinessId, ChatId, Scope};
use beseda_gateway::{FileLinkMode, Priority};
use beseda_webhook::receiver::IpNet;
use clap::{Args, Subcommand};

use super::{
    connection::{Authority, ConnectionArgs, GenerationArg, authority},
    listen::range,
    serve::UnversionedArg,
};

const EXAMPLES: &str = "\
The upstream's credential comes from the environment (BESEDA_API_KEY or BESEDA_OAUTH_TOKEN), from --credential-stdin or from
--credential-file. At the gateway that credential opens everything too, so that a program changes only its address.

Examples:
  beseda gateway --archive ./archive
  beseda gateway --upstream http://127.0.0.1:8090 --archive ./archive --listen 127.0.0.1:8070 --json
  beseda gateway keys create 'chat bot' --share 20 --priority background --archive ./archive
  beseda gateway audit --since 2026-11-01 --archive ./archive";

/// `beseda gateway`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true, after_help = EXAMPLES)]
pub(crate) struct GatewayArgs {
    /// Address of the upstream service [default: --url or BESEDA_URL, then the published API].
    #[arg(long, env = "BESEDA_UPSTREAM", value_name = "URL")]
    upstream: Option<String>,
    /// Same as --upstream, which takes precedence.
    #[arg(long, env = "BESEDA_URL", value_name = "URL")]
    url: Option<String>,
    /// Folder of the archive; the gateway keeps its keys and audit log in its subfolder `gateway`.
    #[arg(long, env = "BESEDA_ARCHIVE", value_name = "DIR", required = true)]
    pub(crate) archive: Option<PathBuf>,
    /// Address to listen on; port 0 picks a free port.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8070")]
    pub(crate) listen: SocketAddr,
    /// Serve only this cabinet; may be repeated [default: every cabinet the credential has access
    /// to].
    #[arg(long, env = "BESEDA_BUSINESS_ID", value_name = "ID", value_delimiter = ',')]
    pub(crate) business: Vec<BusinessId>,
    /// Version of the upstream's paths: 2024 (unversioned) or 2026 (/v2).
    #[arg(long, value_name = "YEAR", default_value = "2026")]
    pub(crate) generation: GenerationArg,
    /// Form of the responses on unversioned paths.
    #[arg(long, value_name = "FORM", default_value = "2024")]
    pub(crate) unversioned: UnversionedArg,
    /// Maximum number of concurrent upstream calls per cabinet [default: the upstream's limit: 4,
    /// or 2 with --generation 2024].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) parallel: Option<u32>,
    /// Timeout of a request in seconds, including queueing.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=600))]
    pub(crate) timeout: u32,
    /// Sync the archive in the background and answer reads of closed history pages from it.
    #[arg(long)]
    pub(crate) sync: bool,
    /// Attachment links to return: auto replaces links that need the upstream's credential, proxy
    /// replaces all, upstream replaces none.
    #[arg(long, value_name = "WORD", default_value = "auto", help_heading = "Attachments")]
    pub(crate) file_links: FileLinkMode,
    /// Address at which programs reach the gateway; attachment links start with it [default: the
    /// listen address].
    #[arg(long, value_name = "URL", value_parser = public_url, help_heading = "Attachments")]
    pub(crate) public_url: Option<String>,
    /// Additional origin that receives the credential when attachments are downloaded; may be
    /// repeated.
    #[arg(long = "trust", value_name = "ORIGIN", help_heading = "Attachments")]
    pub(crate) trusted: Vec<String>,
    /// Listen for the upstream's webhooks at this address and forward them to the gateway's own
    /// subscriptions.
    #[arg(long, value_name = "ADDR", help_heading = "Notifications")]
    pub(crate) notifications: Option<SocketAddr>,
    /// Accept webhooks from any address, not only from Market's.
    #[arg(
        long,
        conflicts_with = "source",
        requires = "notifications",
        help_heading = "Notifications"
    )]
    pub(crate) any_source: bool,
    /// Accept webhooks from this address range instead of Market's; may be repeated.
    #[arg(long, value_name = "CIDR", value_parser = range, requires = "notifications", help_heading = "Notifications")]
    pub(crate) source: Vec<IpNet>,
    /// Trust the forwarding headers of proxies in this address range; may be repeated.
    #[arg(long, value_name = "CIDR", value_parser = range, requires = "notifications", help_heading = "Notifications")]
    pub(crate) trust_proxy: Vec<IpNet>,
    /// Retention of the audit log in days.
    #[arg(long, value_name = "DAYS", default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=36500))]
    pub(crate) audit_days: u32,
    /// Read the upstream's credential from the first line of standard input.
    #[arg(long, conflicts_with = "credential_file")]
    pub(crate) credential_stdin: bool,
    /// Read the upstream's credential from this file, which should be readable only by you.
    #[arg(long, value_name = "FILE")]
    pub(crate) credential_file: Option<PathBuf>,
    /// Trust the certificate authority in this PEM file in addition to the system's.
    #[arg(long, env = "BESEDA_CA_FILE", value_name = "FILE", value_parser = authority)]
    pub(crate) ca_file: Option<Authority>,
    /// Command on the gateway's folder instead of running the gateway.
    #[command(subcommand)]
    pub(crate) command: Option<GatewayCommand>,
}

impl GatewayArgs {
    /// Returns the options for connecting to the upstream.
    pub(crate) fn connection(&self) -> ConnectionArgs {
        ConnectionArgs {
            url: self.upstream.clone().filter(|url| !url.is_empty()).or_else(|| self.url.clone()),
            credential_stdin: self.credential_stdin,
            credential_file: self.credential_file.clone(),
            ca_file: self.ca_file.clone(),
            wait: Some(self.timeout),
            timeout: self.timeout,
        }
    }
}

/// Folder of a gateway.
#[derive(Debug, Clone, Args)]
pub(crate) struct GatewayFolder {
    /// Folder of the archive; the gateway may be running or not.
    #[arg(long, global = true, env = "BESEDA_ARCHIVE", value_name = "DIR")]
    pub(crate) archive: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum GatewayCommand {
    /// Manage the gateway's keys and their shares of the cabinet's rate limits.
    Keys(GatewayKeysArgs),
    /// Show the audit log: who sent what, when, and the outcome.
    Audit(AuditArgs),
}

/// `beseda gateway keys …`.
#[derive(Debug, Args)]
pub(crate) struct GatewayKeysArgs {
    #[command(flatten)]
    pub(crate) folder: GatewayFolder,
    /// Cabinet id; needed only if the gateway has several cabinets.
    #[arg(long, global = true, env = "BESEDA_BUSINESS_ID", value_name = "ID")]
    pub(crate) business: Option<BusinessId>,
    #[command(subcommand)]
    pub(crate) command: GatewayKeysCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum GatewayKeysCommand {
    /// List the keys of a cabinet, revoked ones included.
    List,
    /// Create a key and print it; it is not shown again.
    Create {
        /// Name of the program, used for its share and in the audit log.
        name: String,
        /// Scope of the key, such as communication or all-methods:read-only; may be repeated.
        #[arg(long = "scope", value_name = "SCOPE", default_value = "communication", value_parser = Scope::parse)]
        scopes: Vec<Scope>,
        /// Share of each hourly limit reserved for the program, in percent; unused shares are
        /// released in the last quarter of the hour.
        #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u32).range(1..=100))]
        share: Option<u32>,
        /// Scheduling priority: interactive if a person waits for the program's answers, else
        /// background.
        #[arg(long, value_name = "WORD", default_value = "interactive")]
        priority: Priority,
    },
    /// Revoke a key; takes effect within one second.
    Revoke {
        /// Number of the key, as shown in the list.
        id: i64,
    },
}

/// `beseda gateway audit`.
#[derive(Debug, Args)]
pub(crate) struct AuditArgs {
    #[command(flatten)]
    pub(crate) folder: GatewayFolder,
    /// Only messages sent to this chat.
    #[arg(long, value_name = "ID")]
    pub(crate) chat: Option<ChatId>,
    /// Only messages sent by the program with this key name.
    #[arg(long = "key", id = "program", value_name = "NAME")]
    pub(crate) program: Option<String>,
    /// Only messages sent since this time: a date, or a date and time with offset.
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    pub(crate) since: Option<jiff::Timestamp>,
    /// Maximum number of entries; the newest are shown.
    #[arg(long, value_name = "N", default_value_t = 100, conflicts_with = "all")]
    pub(crate) limit: u32,
    /// Show all entries.
    #[arg(long)]
    pub(crate) all: bool,
}

fn public_url(text: &str) -> Result<String, String> {
    let known = text.starts_with("http://") || text.starts_with("https://");
    if !known || text.ends_with('/') || text.len() > 1900 {
        return Err(
            "expected an address such as https://chats.example.org, without a trailing slash"
                .into(),
        );
    }
    Ok(text.to_owned())
}

fn moment(text: &str) -> Result<jiff::Timestamp, String> {
    if let Ok(moment) = text.parse() {
        return Ok(moment);
    }
    let date: jiff::civil::Date = text.parse().map_err(|_| {
        format!("'{text}' is neither a date (2026-11-21) nor a time (2026-11-21T10:00:00Z)")
    })?;
    let zoned = date.to_zoned(jiff::tz::TimeZone::system()).map_err(|error| error.to_string())?;
    Ok(zoned.timestamp())
}

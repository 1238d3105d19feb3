//! `beseda gateway …`: a gateway between programs and a cabinet, its keys and its audit.

use std::{net::SocketAddr, path::PathBuf};

use beseda_api::{BusinessId, ChatId, Scope};
use beseda_client::receiver::IpNet;
use beseda_gateway::{FileLinks, Priority};
use clap::{Args, Subcommand};

use super::{
    connection::{Authority, Connection, GenerationArg, authority},
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
    /// The service the gateway stands before [default: the address in --url or BESEDA_URL, else the published service].
    #[arg(long, env = "BESEDA_UPSTREAM", value_name = "URL")]
    upstream: Option<String>,
    /// The same under the name that it has in all other commands; --upstream is stronger.
    #[arg(long, env = "BESEDA_URL", value_name = "URL")]
    url: Option<String>,
    /// The folder of the archive; the gateway keeps its keys and its audit in `gateway` there.
    #[arg(long, env = "BESEDA_ARCHIVE", value_name = "DIR", required = true)]
    pub(crate) archive: Option<PathBuf>,
    /// Where to listen; port 0 takes a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8070")]
    pub(crate) listen: SocketAddr,
    /// Serve only this cabinet of those the credential opens; may be repeated.
    #[arg(long, env = "BESEDA_BUSINESS_ID", value_name = "ID", value_delimiter = ',')]
    pub(crate) business: Vec<BusinessId>,
    /// Which form of the API's paths is used upstream: of 2024 (without version) or of 2026 (/v2).
    #[arg(long, value_name = "YEAR", default_value = "2026")]
    pub(crate) generation: GenerationArg,
    /// What programs are answered on paths without a version.
    #[arg(long, value_name = "FORM", default_value = "2024")]
    pub(crate) unversioned: UnversionedArg,
    /// The most calls at once for each cabinet; what the upstream allows unless given: 4, or 2 by the rules of 2024.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) parallel: Option<u32>,
    /// How long a request may take, waiting for its turn included.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=600))]
    pub(crate) timeout: u32,
    /// Keep the archive in step too, behind every program: its pages then answer reads of what can't change any more.
    #[arg(long)]
    pub(crate) sync: bool,
    /// Which links of attachments the gateway gives out: auto puts its own where the upstream's don't open without a
    /// credential, proxy puts them everywhere, upstream leaves all as they are.
    #[arg(long, value_name = "WORD", default_value = "auto", help_heading = "Attachments")]
    pub(crate) file_links: FileLinks,
    /// The address programs reach the gateway at; its own links begin with it [default: where it listens].
    #[arg(long, value_name = "URL", value_parser = public_url, help_heading = "Attachments")]
    pub(crate) public_url: Option<String>,
    /// One more origin that may see the credential when a file is fetched; the service's own always may.
    #[arg(long = "trust", value_name = "ORIGIN", help_heading = "Attachments")]
    pub(crate) trusted: Vec<String>,
    /// Take the upstream's notifications in at this address and pass them on to the gateway's own subscriptions.
    #[arg(long, value_name = "ADDR", help_heading = "Notifications")]
    pub(crate) notifications: Option<SocketAddr>,
    /// Take notifications from anywhere, not only from Market's addresses.
    #[arg(
        long,
        conflicts_with = "source",
        requires = "notifications",
        help_heading = "Notifications"
    )]
    pub(crate) any_source: bool,
    /// Take notifications from this range in place of Market's; may be repeated.
    #[arg(long, value_name = "CIDR", value_parser = range, requires = "notifications", help_heading = "Notifications")]
    pub(crate) source: Vec<IpNet>,
    /// Believe the proxies in this range whom they got a notification from; may be repeated.
    #[arg(long, value_name = "CIDR", value_parser = range, requires = "notifications", help_heading = "Notifications")]
    pub(crate) trust_proxy: Vec<IpNet>,
    /// For how many days the audit is kept.
    #[arg(long, value_name = "DAYS", default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=36500))]
    pub(crate) audit_days: u32,
    /// Read the upstream's credential from standard input (its first line).
    #[arg(long, conflicts_with = "credential_file")]
    pub(crate) credential_stdin: bool,
    /// Read the upstream's credential from this file; it should be readable by you alone.
    #[arg(long, value_name = "FILE")]
    pub(crate) credential_file: Option<PathBuf>,
    /// Trust the authority in this PEM file besides the machine's, for an upstream with a certificate of one's own.
    #[arg(long, env = "BESEDA_CA_FILE", value_name = "FILE", value_parser = authority)]
    pub(crate) ca_file: Option<Authority>,
    /// What is asked of a gateway's folder.
    #[command(subcommand)]
    pub(crate) command: Option<GatewayCommand>,
}

impl GatewayArgs {
    /// How the upstream is reached.
    pub(crate) fn connection(&self) -> Connection {
        Connection {
            url: self.upstream.clone().filter(|url| !url.is_empty()).or_else(|| self.url.clone()),
            credential_stdin: self.credential_stdin,
            credential_file: self.credential_file.clone(),
            ca_file: self.ca_file.clone(),
            wait: Some(self.timeout),
            timeout: self.timeout,
        }
    }
}

/// Which gateway, and how it is shown.
#[derive(Debug, Clone, Args)]
pub(crate) struct Place {
    /// The folder of the archive, whether a gateway runs on it or not.
    #[arg(long, global = true, env = "BESEDA_ARCHIVE", value_name = "DIR")]
    pub(crate) archive: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum GatewayCommand {
    /// Keys of the gateway, each with its share of the cabinet's budget.
    Keys(GatewayKeysArgs),
    /// Who sent what, when, and what came of it.
    Audit(AuditArgs),
}

/// `beseda gateway keys …`.
#[derive(Debug, Args)]
pub(crate) struct GatewayKeysArgs {
    #[command(flatten)]
    pub(crate) place: Place,
    /// The cabinet; needed only if the gateway has several.
    #[arg(long, global = true, env = "BESEDA_BUSINESS_ID", value_name = "ID")]
    pub(crate) business: Option<BusinessId>,
    #[command(subcommand)]
    pub(crate) command: GatewayKeysCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum GatewayKeysCommand {
    /// List the keys of a cabinet, revoked ones included.
    List,
    /// Issue a key and print it: it is shown this once.
    Create {
        /// The program's name; shares and the audit go by it.
        name: String,
        /// What it may do, such as communication or all-methods:read-only; may be repeated.
        #[arg(long = "scope", value_name = "SCOPE", default_value = "communication", value_parser = Scope::parse)]
        scopes: Vec<Scope>,
        /// The part of every hourly limit the program can be sure of; others may use it in the last quarter of the hour.
        #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u32).range(1..=100))]
        share: Option<u32>,
        /// Whether somebody waits for its answers.
        #[arg(long, value_name = "WORD", default_value = "interactive")]
        priority: Priority,
    },
    /// Revoke a key: within a second it opens nothing.
    Revoke {
        /// The key's number, as in the list.
        id: i64,
    },
}

/// `beseda gateway audit`.
#[derive(Debug, Args)]
pub(crate) struct AuditArgs {
    #[command(flatten)]
    pub(crate) place: Place,
    /// Only what was sent to this chat.
    #[arg(long, value_name = "ID")]
    pub(crate) chat: Option<ChatId>,
    /// Only what this program sent, by its key's name.
    #[arg(long = "key", id = "program", value_name = "NAME")]
    pub(crate) program: Option<String>,
    /// Only what was sent from this moment on: a date, or a date with time and zone.
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    pub(crate) since: Option<jiff::Timestamp>,
    /// At most so many, the newest.
    #[arg(long, value_name = "N", default_value_t = 100, conflicts_with = "all")]
    pub(crate) limit: u32,
    /// All of them.
    #[arg(long)]
    pub(crate) all: bool,
}

fn public_url(text: &str) -> Result<String, String> {
    let known = text.starts_with("http://") || text.starts_with("https://");
    if !known || text.ends_with('/') || text.len() > 1900 {
        return Err("it must be like https://chats.example.org, without a slash at its end".into());
    }
    Ok(text.to_owned())
}

fn moment(text: &str) -> Result<jiff::Timestamp, String> {
    if let Ok(moment) = text.parse() {
        return Ok(moment);
    }
    let date: jiff::civil::Date = text.parse().map_err(|_| {
        format!("'{text}' is neither a date (2026-11-21) nor a moment (2026-11-21T10:00:00Z)")
    })?;
    let zoned = date.to_zoned(jiff::tz::TimeZone::system()).map_err(|error| error.to_string())?;
    Ok(zoned.timestamp())
}

//! `beseda listen`: options of the webhook receiver.

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
};

use beseda_api::BusinessId;
use beseda_webhook::receiver::IpNet;
use clap::Args;

const EXAMPLES: &str = "\
Market sends to https addresses with a valid certificate only, and from addresses of its own only; both can be a proxy's
work. What is printed was printed before Market was told that it is taken; what can't be printed or passed on now,
Market repeats.

Examples:
  beseda listen --tls-cert fullchain.pem --tls-key privkey.pem --listen 0.0.0.0:443
  beseda listen --trust-proxy 127.0.0.1 --path /market
  beseda listen --any-source --forward http://localhost:3000/notification
  beseda listen --source 127.0.0.0/8 --listen 127.0.0.1:0 --json";

/// `beseda listen`.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct ListenArgs {
    /// Address to listen on; port 0 picks a free port.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8085")]
    pub(crate) listen: SocketAddr,
    /// Forward each notification to this URL and return its response.
    #[arg(long, value_name = "URL")]
    pub(crate) forward: Option<String>,
    /// Path of the webhook; requests to PATH/notification are accepted too.
    #[arg(long, value_name = "PATH", default_value = "/")]
    pub(crate) path: String,
    /// Only notifications of this cabinet; may be repeated.
    #[arg(long, value_name = "ID")]
    pub(crate) business: Vec<BusinessId>,
    /// Print and forward duplicate notifications too.
    #[arg(long)]
    pub(crate) duplicates: bool,
    /// Name of the receiver in its responses, 1 to 100 characters.
    #[arg(long, value_name = "NAME", default_value = "beseda")]
    pub(crate) name: String,
    /// Accept notifications from any address, not only from Market's.
    #[arg(long, conflicts_with = "source", help_heading = "Senders")]
    pub(crate) any_source: bool,
    /// Accept notifications from this address range instead of Market's; may be repeated.
    #[arg(long, value_name = "CIDR", value_parser = range, help_heading = "Senders")]
    pub(crate) source: Vec<IpNet>,
    /// Trust X-Forwarded-For and Forwarded of proxies in this address range; may be repeated.
    #[arg(long, value_name = "CIDR", value_parser = range, help_heading = "Senders")]
    pub(crate) trust_proxy: Vec<IpNet>,
    /// Certificate chain in PEM format; enables https.
    #[arg(long, value_name = "FILE", requires = "tls_key", help_heading = "TLS")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// Private key of the certificate in PEM format.
    #[arg(long, value_name = "FILE", requires = "tls_cert", help_heading = "TLS")]
    pub(crate) tls_key: Option<PathBuf>,
}

/// Parses an address range, or a single address.
pub(super) fn range(text: &str) -> Result<IpNet, String> {
    let one = || text.parse::<IpAddr>().map(IpNet::from).ok();
    let found = text.parse().ok().or_else(one);
    found.ok_or_else(|| "expected an address range such as 5.45.207.0/25, or an address".to_owned())
}

//! `beseda listen`: what it takes in, from whom, and where it goes.

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
};

use beseda_api::BusinessId;
use beseda_client::receiver::IpNet;
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
    /// Where to listen; port 0 takes a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8085")]
    pub(crate) listen: SocketAddr,
    /// Post each notification to this address too, and answer what the program there answers.
    #[arg(long, value_name = "URL")]
    pub(crate) forward: Option<String>,
    /// The path notifications come to, and /notification below it.
    #[arg(long, value_name = "PATH", default_value = "/")]
    pub(crate) path: String,
    /// Only notifications about this cabinet; may be repeated.
    #[arg(long, value_name = "ID")]
    pub(crate) business: Vec<BusinessId>,
    /// Print and pass on again what came before.
    #[arg(long)]
    pub(crate) duplicates: bool,
    /// What this receiver is called in its answers, 1 to 100 characters.
    #[arg(long, value_name = "NAME", default_value = "beseda")]
    pub(crate) name: String,
    /// Take notifications from anywhere, not only from Market's addresses.
    #[arg(long, conflicts_with = "source", help_heading = "Senders")]
    pub(crate) any_source: bool,
    /// Take notifications from this range in place of Market's; may be repeated.
    #[arg(long, value_name = "CIDR", value_parser = range, help_heading = "Senders")]
    pub(crate) source: Vec<IpNet>,
    /// Believe the proxies in this range whom they got a request from (X-Forwarded-For, Forwarded); may be repeated.
    #[arg(long, value_name = "CIDR", value_parser = range, help_heading = "Senders")]
    pub(crate) trust_proxy: Vec<IpNet>,
    /// The certificate and those above it, as a PEM file: https in place of http.
    #[arg(long, value_name = "FILE", requires = "tls_key", help_heading = "TLS")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// The certificate's private key, as a PEM file.
    #[arg(long, value_name = "FILE", requires = "tls_cert", help_heading = "TLS")]
    pub(crate) tls_key: Option<PathBuf>,
}

/// Reads a range of addresses, or one address.
pub(super) fn range(text: &str) -> Result<IpNet, String> {
    let one = || text.parse::<IpAddr>().map(IpNet::from).ok();
    let found = text.parse().ok().or_else(one);
    found.ok_or_else(|| "a range such as 5.45.207.0/25, or an address".to_owned())
}

//! Options of `serve` and `stand-in`.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, ValueEnum};

use super::ControlCommand;

/// Version of the published rate limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LimitsArg {
    /// Limits of September 2024.
    #[value(name = "2024")]
    Y2024,
    /// Current limits.
    #[value(name = "2026")]
    Y2026,
    /// No limits.
    Off,
}

/// Form of the responses on unversioned paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum UnversionedArg {
    /// Exactly as the 2024 document has it; chats without an order are not listed.
    #[value(name = "2024")]
    Y2024,
    /// As under /v2.
    Today,
}

/// Clock of a stand-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ClockArg {
    /// Follows the system clock.
    Real,
    /// Stands still until `beseda stand-in clock` moves it.
    Manual,
}

/// Behaviour of simulated buyers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum BuyersArg {
    /// They never answer, as in the published sandbox.
    Silent,
    /// They say thank you and no more.
    Polite,
    /// They ask more questions and send photos and stickers.
    Chatty,
    /// They complain, urge an answer and open disputes.
    Angry,
}

/// Rule for orders that were not registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OrdersArg {
    /// An order must be registered; an unknown order is answered with 404.
    Strict,
    /// Every order id belongs to the calling cabinet.
    Open,
}

/// `beseda serve`. An option that is not given is read from the configuration file, then defaulted.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Examples:\n  beseda serve --data /var/lib/beseda\n  beseda serve --config /etc/beseda.toml --check-config"
)]
pub(crate) struct ServeArgs {
    /// Configuration file (TOML); an unknown key is an error.
    #[arg(long, env = "BESEDA_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Validate the configuration and exit.
    #[arg(long)]
    pub(crate) check_config: bool,
    /// Address to listen on [default: 127.0.0.1:8080].
    #[arg(long, env = "BESEDA_LISTEN", value_name = "ADDR")]
    pub(crate) listen: Option<SocketAddr>,
    /// Folder of the database and the attachments.
    #[arg(long, env = "BESEDA_DATA", value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Address at which clients reach the server; download links start with it.
    #[arg(long, env = "BESEDA_PUBLIC_URL", value_name = "URL")]
    pub(crate) public_url: Option<String>,
    /// Version of the published rate limits [default: 2026].
    #[arg(long, env = "BESEDA_LIMITS", value_name = "YEAR")]
    pub(crate) limits: Option<LimitsArg>,
    /// Rule for orders that were not registered [default: strict].
    #[arg(long, env = "BESEDA_ORDERS", value_name = "RULE")]
    pub(crate) orders: Option<OrdersArg>,
    /// Form of the responses on unversioned paths [default: 2024].
    #[arg(long, env = "BESEDA_UNVERSIONED", value_name = "FORM")]
    pub(crate) unversioned: Option<UnversionedArg>,
}

/// `beseda stand-in`. An option that is not given is read from the configuration file, then
/// defaulted.
#[derive(Debug, Clone, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  beseda stand-in\n  beseda stand-in --listen 127.0.0.1:0 --json\n  beseda stand-in --data ./demo --limits off\n  beseda stand-in --unversioned today"
)]
pub(crate) struct StandInArgs {
    /// Configuration file (TOML), as for `beseda serve`; an unknown key is an error.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Address to listen on; port 0 picks a free port [default: 127.0.0.1:8090].
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<SocketAddr>,
    /// Folder to keep the state in [default: a temporary folder].
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Seed of credentials and demo data.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Version of the published rate limits [default: 2026].
    #[arg(long, value_name = "YEAR")]
    pub(crate) limits: Option<LimitsArg>,
    /// Rule for orders that were not registered [default: strict].
    #[arg(long, value_name = "RULE")]
    pub(crate) orders: Option<OrdersArg>,
    /// Form of the responses on unversioned paths [default: 2024].
    #[arg(long, value_name = "FORM")]
    pub(crate) unversioned: Option<UnversionedArg>,
    /// Requests per hour for every operation, instead of the published limits.
    #[arg(long, value_name = "N")]
    pub(crate) hourly_limit: Option<u32>,
    /// Concurrent requests, instead of the published limit.
    #[arg(long, value_name = "N")]
    pub(crate) parallel_limit: Option<u32>,
    /// Clock of the stand-in.
    #[arg(long, value_name = "MODE", default_value = "real")]
    pub(crate) clock: ClockArg,
    /// Behaviour of simulated buyers; the same for the same --seed.
    #[arg(long, value_name = "TEMPER", default_value = "silent")]
    pub(crate) buyers: BuyersArg,
    /// Command for a running stand-in instead of starting one.
    #[command(subcommand)]
    pub(crate) command: Option<ControlCommand>,
}

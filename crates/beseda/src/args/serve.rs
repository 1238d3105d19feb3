//! Options of `serve` and `stand-in`. Defaults that a configuration file may override are filled in elsewhere.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, ValueEnum};

use super::ControlCommand;

/// Which published ceilings are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LimitsArg {
    /// Those of September 2024.
    #[value(name = "2024")]
    Y2024,
    /// Those of today.
    #[value(name = "2026")]
    Y2026,
    /// None.
    Off,
}

/// What is answered on paths without a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum UnversionedArg {
    /// What the 2024 document has and nothing else; chats without an order are not shown.
    #[value(name = "2024")]
    Y2024,
    /// The same as under /v2.
    Today,
}

/// Whether time passes by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ClockArg {
    /// It goes with the machine's.
    Real,
    /// It stands still until `beseda stand-in clock` moves it.
    Manual,
}

/// How buyers are who answer by themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum BuyersArg {
    /// They never answer, as in the published sandbox.
    Silent,
    /// They thank, and leave it at that.
    Polite,
    /// They ask on, send photos and stickers.
    Chatty,
    /// They complain, press for an answer and open disputes.
    Angry,
}

/// Whether an order must be registered before a chat about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OrdersArg {
    /// It must: an unknown order is 404.
    Strict,
    /// Any order id belongs to the calling cabinet.
    Open,
}

/// `beseda serve`. What isn't given comes from the configuration file, then from the defaults.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Examples:\n  beseda serve --data /var/lib/beseda\n  beseda serve --config /etc/beseda.toml --check-config"
)]
pub(crate) struct ServeArgs {
    /// The configuration file (TOML); an unknown key in it is an error.
    #[arg(long, env = "BESEDA_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Read the configuration, say what is wrong with it, and end.
    #[arg(long)]
    pub(crate) check_config: bool,
    /// Where to listen [default: 127.0.0.1:8080].
    #[arg(long, env = "BESEDA_LISTEN", value_name = "ADDR")]
    pub(crate) listen: Option<SocketAddr>,
    /// The folder of the database and the files.
    #[arg(long, env = "BESEDA_DATA", value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// The address callers reach the server at; download links begin with it.
    #[arg(long, env = "BESEDA_PUBLIC_URL", value_name = "URL")]
    pub(crate) public_url: Option<String>,
    /// Which published ceilings are counted [default: 2026].
    #[arg(long, env = "BESEDA_LIMITS", value_name = "YEAR")]
    pub(crate) limits: Option<LimitsArg>,
    /// Whether an order must be registered before a chat about it [default: strict].
    #[arg(long, env = "BESEDA_ORDERS", value_name = "RULE")]
    pub(crate) orders: Option<OrdersArg>,
    /// What is answered on paths without a version [default: 2024].
    #[arg(long, env = "BESEDA_UNVERSIONED", value_name = "FORM")]
    pub(crate) unversioned: Option<UnversionedArg>,
}

/// `beseda stand-in`. What isn't given comes from the configuration file, if one is named, then from the defaults.
#[derive(Debug, Clone, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  beseda stand-in\n  beseda stand-in --listen 127.0.0.1:0 --json\n  beseda stand-in --data ./demo --limits off\n  beseda stand-in --unversioned today"
)]
pub(crate) struct StandInArgs {
    /// A configuration file (TOML) as `beseda serve` takes it; an unknown key in it is an error.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Where to listen; port 0 takes a free one [default: 127.0.0.1:8090].
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<SocketAddr>,
    /// Keep everything in this folder; a temporary one unless given.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// What credentials and demo data follow from.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Which published ceilings are counted [default: 2026].
    #[arg(long, value_name = "YEAR")]
    pub(crate) limits: Option<LimitsArg>,
    /// Whether an order must be registered before a chat about it [default: strict].
    #[arg(long, value_name = "RULE")]
    pub(crate) orders: Option<OrdersArg>,
    /// What is answered on paths without a version [default: 2024].
    #[arg(long, value_name = "FORM")]
    pub(crate) unversioned: Option<UnversionedArg>,
    /// Requests an hour of every operation, instead of the published ceilings.
    #[arg(long, value_name = "N")]
    pub(crate) hourly_limit: Option<u32>,
    /// Requests at once, instead of the published ceiling.
    #[arg(long, value_name = "N")]
    pub(crate) parallel_limit: Option<u32>,
    /// Whether time passes by itself.
    #[arg(long, value_name = "MODE", default_value = "real")]
    pub(crate) clock: ClockArg,
    /// How buyers are who answer the shop by themselves, the same for the same --seed.
    #[arg(long, value_name = "TEMPER", default_value = "silent")]
    pub(crate) buyers: BuyersArg,
    /// What is asked of a stand-in that runs already.
    #[command(subcommand)]
    pub(crate) command: Option<ControlCommand>,
}

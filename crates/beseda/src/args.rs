//! Command-line arguments, parsed by clap.

mod admin;
mod archive;
mod chats;
mod connection;
mod control;
mod export;
mod filter;
mod gateway;
mod listen;
mod market;
mod outbox;
mod scenario;
mod search;
mod serve;
mod stats;

use std::path::PathBuf;

use clap::{
    Parser, Subcommand,
    builder::{PossibleValue, PossibleValuesParser, TypedValueParser},
};

pub(crate) use admin::{
    AdminArgs, AdminCommand, CabinetsCommand, CampaignsCommand, KeysCommand, SubscriptionsCommand,
    TokensCommand, UsersCommand,
};
pub(crate) use archive::{CabinetsArgs, Mark, SyncArgs, SyncOptions, UnreadArgs, WatchArgs};
pub(crate) use chats::{ChatsArgs, ChatsCommand, CreateArgs, HistoryArgs, ListArgs};
pub(crate) use connection::{CabinetArgs, ConnectionArgs, GenerationArg};
pub(crate) use control::{ClockArgs, ControlCommand, FaultsArgs, JournalArgs};
pub(crate) use export::{ExportArgs, FormatArg};
pub(crate) use filter::ExistingArchive;
pub(crate) use gateway::{
    AuditArgs, GatewayArgs, GatewayCommand, GatewayKeysArgs, GatewayKeysCommand,
};
pub(crate) use listen::ListenArgs;
pub(crate) use market::{DisputeArgs, MarketArgs, MarketCommand, OpenArgs, OrderArgs, WriteArgs};
pub(crate) use outbox::{OutboxArgs, OutboxCommand, SafeArgs, SettleArgs};
pub(crate) use scenario::{ScenarioArgs, ScenarioCommand};
pub(crate) use search::SearchArgs;
pub(crate) use serve::{
    BuyersArg, ClockArg, LimitsArg, OrdersArg, ServeArgs, StandInArgs, UnversionedArg,
};
pub(crate) use stats::{LanguageArg, StatsArgs};

/// Exit statuses, for `--help` and the manual page.
const EXIT_STATUS: &str = "\
Exit status:
  0  done
  1  any other error
  2  invalid command line, or something it needs is missing
  3  the service rejected the request as invalid (400, 405, 415)
  4  the credential is missing, invalid or lacks access (401, 403)
  5  no such chat, message, order, return or path (404)
  6  a rate limit is used up (420), or stays so beyond --wait
  7  the service failed: 5xx, or a response that is not the API's
  8  network error: no connection, timeout

Errors go to standard error, with --json as one JSON object.";

/// Yandex Market Partner Chats API: server, mock server for tests, and command-line client.
#[derive(Debug, Parser)]
#[command(
    name = "beseda",
    version,
    after_help = "See `beseda help COMMAND`. Exit status: 0 done, 2 usage, 3 bad request, 4 denied, 5 not found, 6 limit, 7 service, 8 network, 1 other.",
    after_long_help = EXIT_STATUS,
    subcommand_required = true,
    arg_required_else_help = true
)]
pub(crate) struct Cli {
    /// Print JSON: results in the API's own fields (one document, or one line per item with --all),
    /// the address and credentials of a started service, and errors.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the server over a database on this machine.
    Serve(ServeArgs),
    /// Run a mock server (emulator) with a demo cabinet, orders, chats and printed credentials.
    StandIn(StandInArgs),
    /// Read and write chats as the shop.
    Chats(ChatsArgs),
    /// Sync all chats to a local archive.
    Sync(Box<SyncArgs>),
    /// Follow an archive: print new messages and changes of chats as they arrive.
    Watch(Box<WatchArgs>),
    /// Show messages an operator has not read, or mark them as read.
    Unread(UnreadArgs),
    /// Search the messages of an archive.
    Search(Box<SearchArgs>),
    /// Export an archive as JSON lines, CSV or Parquet.
    Export(Box<ExportArgs>),
    /// Queue messages on disk and send each once, in the order of its chat.
    Outbox(OutboxArgs),
    /// Show response times and waiting chats by hour, day, shop and operator.
    Stats(Box<StatsArgs>),
    /// Act as the marketplace on a Beseda server: orders, buyers, support, disputes.
    Market(MarketArgs),
    /// Play, record or check scripts of buyers, support and arbiter.
    Scenario(ScenarioArgs),
    /// Receive webhooks: print notifications or forward them to a program.
    Listen(ListenArgs),
    /// Run a rate-limiting proxy that lets several programs share a cabinet's limits.
    Gateway(GatewayArgs),
    /// Manage cabinets, keys and users of a Beseda server.
    Admin(AdminArgs),
    /// Print a shell completion script.
    #[command(after_help = "Example:\n  beseda completions bash > /etc/bash_completion.d/beseda")]
    Completions {
        /// Shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or write the pages of all commands.
    #[command(
        after_help = "Examples:\n  beseda man | man -l -\n  beseda man --dir /usr/local/share/man/man1"
    )]
    Man {
        /// Folder for the pages of all commands.
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
    },
}

/// Parses a published enum value, in any case and with `-` or `_`.
fn one_of<T>(words: impl Iterator<Item = &'static str>) -> impl TypedValueParser<Value = T>
where
    T: for<'a> From<&'a str> + Clone + Send + Sync + 'static,
{
    let shown = words.map(|word| {
        let spoken = word.to_lowercase().replace('_', "-");
        let value = PossibleValue::new(spoken.clone());
        if spoken.eq_ignore_ascii_case(word) { value } else { value.alias(word) }
    });
    PossibleValuesParser::new(shown)
        .map(|spoken: String| T::from(spoken.to_uppercase().replace('-', "_").as_str()))
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::{Cli, Command};

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_status_is_read_as_people_and_as_the_api_write_it() {
        for word in ["waiting-for-partner", "WAITING_FOR_PARTNER", "Waiting-For-Partner"] {
            let cli = Cli::try_parse_from(["beseda", "chats", "list", "--status", word]).unwrap();
            assert!(matches!(cli.command, Command::Chats(_)));
        }
        assert!(Cli::try_parse_from(["beseda", "chats", "list", "--status", "happy"]).is_err());
    }

    #[test]
    fn no_credential_can_be_given_as_a_value() {
        for command in Cli::command().get_subcommands() {
            for arg in command.get_arguments() {
                let name = arg.get_id().as_str();
                let secret = name.contains("key") || name.contains("token");
                assert!(
                    !secret || name == "page_token" || name == "tls_key",
                    "{} {name}",
                    command.get_name()
                );
            }
        }
    }
}

//! `beseda scenario`: playing, recording and checking scenario files (docs/scenarios.md).

use std::path::PathBuf;

use beseda_api::ChatId;
use clap::{Args, Subcommand};

use super::connection::{CabinetArgs, ConnectionArgs};

const EXAMPLES: &str = "\
A scenario is played with the market key (BESEDA_MARKET_KEY, --credential-stdin or --credential-file) and sees what
was said with the shop's (BESEDA_API_KEY or BESEDA_OAUTH_TOKEN in the environment).

Examples:
  beseda scenario check examples/scenarios/*.yaml
  beseda scenario run return-dispute.yaml
  beseda scenario run recorded-talk.yaml --json
  beseda scenario record 14604709 > talk.yaml";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ScenarioArgs {
    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,
    #[command(flatten)]
    pub(crate) cabinet: CabinetArgs,
    #[command(subcommand)]
    pub(crate) command: ScenarioCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ScenarioCommand {
    /// Play scenarios one after the other; the exit status is 1 if one of them fails.
    Run {
        /// Scenario files.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Record a chat as a scenario. Files are recorded by name and size.
    Record {
        /// Chat id.
        chat: ChatId,
        /// Record the shop's messages as actions of the scenario instead of waiting for the shop.
        #[arg(long)]
        with_shop: bool,
    },
    /// Validate scenario files without playing them.
    Check {
        /// Scenario files.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
}

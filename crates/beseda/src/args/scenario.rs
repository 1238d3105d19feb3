//! `beseda scenario …`: buyers, support and arbiter by a script. What a script may say stands in docs/scenarios.md.

use std::path::PathBuf;

use beseda_api::ChatId;
use clap::{Args, Subcommand};

use super::connection::{Cabinet, Connection};

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
    pub(crate) connection: Connection,
    #[command(flatten)]
    pub(crate) cabinet: Cabinet,
    #[command(subcommand)]
    pub(crate) command: ScenarioCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ScenarioCommand {
    /// Play scenarios, one after the other; ends with 1 if one of them fails.
    Run {
        /// The files.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Write a chat down as a scenario. Files are kept by name and size.
    Record {
        /// The chat's id.
        chat: ChatId,
        /// Let the scenario write what the shop wrote, in place of waiting for the shop.
        #[arg(long)]
        with_shop: bool,
    },
    /// Say what is wrong with scenarios, without playing them.
    Check {
        /// The files.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
}

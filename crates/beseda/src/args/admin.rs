//! `beseda admin …`: cabinets, campaigns, keys and users of a Beseda server, over the network or on its database.

use std::path::PathBuf;

use beseda_api::{BusinessId, CampaignId, Limit, PlacementType, Scope};
use clap::{Args, Subcommand};

use super::{connection::Connection, one_of};

const EXAMPLES: &str = "\
The admin key comes from the environment (BESEDA_ADMIN_KEY), from --credential-stdin or from --credential-file.
With --data no key is needed: who can write the database is its administrator.

Examples:
  beseda admin --data /var/lib/beseda cabinets create 'My shop'
  beseda admin campaigns create 1 'My shop FBS' --model fbs
  beseda admin keys create 1 'chat bot' --scope communication
  beseda admin users create 'Ivan' --business 1 --business 2
  beseda admin tokens create 1
  beseda admin subscriptions add 1 https://shop.example/notification --name bot";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct AdminArgs {
    #[command(flatten)]
    pub(crate) connection: Connection,
    /// Work on the database in this folder instead of over the network.
    #[arg(long, global = true, value_name = "DIR", conflicts_with_all = ["credential_stdin", "credential_file"])]
    pub(crate) data: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: AdminCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AdminCommand {
    /// Cabinets.
    #[command(subcommand)]
    Cabinets(CabinetsCommand),
    /// Campaigns (shops) of a cabinet.
    #[command(subcommand)]
    Campaigns(CampaignsCommand),
    /// Api-Keys of a cabinet.
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Users, who may open several cabinets.
    #[command(subcommand)]
    Users(UsersCommand),
    /// OAuth tokens of a user.
    #[command(subcommand)]
    Tokens(TokensCommand),
    /// Push notifications of a cabinet, of a server that runs.
    #[command(subcommand)]
    Subscriptions(SubscriptionsCommand),
}

#[derive(Debug, Subcommand)]
pub(crate) enum CabinetsCommand {
    /// List all cabinets.
    List,
    /// Make a cabinet.
    Create {
        /// Its name.
        name: String,
        /// The id it shall have; the next free one if not given.
        #[arg(long, value_name = "ID")]
        id: Option<BusinessId>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum CampaignsCommand {
    /// List the campaigns of a cabinet.
    List {
        /// The cabinet's id.
        cabinet: BusinessId,
    },
    /// Make a campaign in a cabinet.
    Create {
        /// The cabinet's id.
        cabinet: BusinessId,
        /// The campaign's name.
        name: String,
        /// The model it works by.
        #[arg(long, value_name = "MODEL", default_value = "fbs", ignore_case = true, value_parser = one_of::<PlacementType>(PlacementType::ALL.iter().map(PlacementType::as_str)))]
        model: PlacementType,
        /// The id it shall have; the next free one if not given.
        #[arg(long, value_name = "ID")]
        id: Option<CampaignId>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// List the keys of a cabinet, revoked ones included.
    List {
        /// The cabinet's id.
        cabinet: BusinessId,
    },
    /// Issue a key and print it: it is shown this once.
    Create {
        /// The cabinet's id.
        cabinet: BusinessId,
        /// The key's name.
        name: String,
        /// What it may do, such as communication or all-methods:read-only; may be repeated.
        #[arg(long = "scope", value_name = "SCOPE", required = true, value_parser = Scope::parse)]
        scopes: Vec<Scope>,
    },
    /// Revoke a key.
    Revoke {
        /// The cabinet's id.
        cabinet: BusinessId,
        /// The key's number, as in the list.
        id: i64,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum UsersCommand {
    /// List all users.
    List,
    /// Make a user.
    Create {
        /// The user's name.
        name: String,
        /// A cabinet the user's tokens open; may be repeated.
        #[arg(long, value_name = "ID")]
        business: Vec<BusinessId>,
    },
    /// Let a user's tokens open a cabinet.
    Grant {
        /// The user's id.
        user: i64,
        /// The cabinet's id.
        cabinet: BusinessId,
    },
    /// Take that back.
    Withdraw {
        /// The user's id.
        user: i64,
        /// The cabinet's id.
        cabinet: BusinessId,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokensCommand {
    /// List the tokens of a user, revoked ones included.
    List {
        /// The user's id.
        user: i64,
    },
    /// Issue a token and print it: it is shown this once.
    Create {
        /// The user's id.
        user: i64,
    },
    /// Revoke a token.
    Revoke {
        /// The user's id.
        user: i64,
        /// The token's number, as in the list.
        id: i64,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum SubscriptionsCommand {
    /// Send notifications to an address, after it has answered a PING.
    Add {
        /// The cabinet's id.
        cabinet: BusinessId,
        /// The address, in full.
        #[arg(value_name = "URL")]
        address: String,
        /// The subscription's name.
        #[arg(long, value_name = "NAME", default_value = "notifications")]
        name: String,
    },
    /// List the subscriptions of a cabinet.
    List {
        /// The cabinet's id.
        cabinet: BusinessId,
    },
    /// Hold notifications back.
    Pause(SubscriptionArgs),
    /// Let them go again, after the address has answered a PING.
    Resume(SubscriptionArgs),
    /// Take a subscription away with all that waits for it.
    Delete(SubscriptionArgs),
    /// Show what was attempted, newest first.
    Log {
        #[command(flatten)]
        subscription: SubscriptionArgs,
        /// The most entries, up to 100.
        #[arg(long, value_name = "N", value_parser = limit)]
        limit: Option<Limit<100>>,
        /// Go on from here, as the page before has told.
        #[arg(long, value_name = "TOKEN")]
        page_token: Option<String>,
    },
    /// Send a notification of the log once more, behind those that wait.
    Replay {
        #[command(flatten)]
        subscription: SubscriptionArgs,
        /// The delivery's number, as in the log.
        delivery: i64,
    },
}

/// Which subscription.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct SubscriptionArgs {
    /// The cabinet's id.
    pub(crate) cabinet: BusinessId,
    /// The subscription's number, as in the list.
    pub(crate) id: i64,
}

fn limit(text: &str) -> Result<Limit<100>, String> {
    let number: i64 = text.parse().map_err(|_| format!("'{text}' is no number"))?;
    Limit::new(number).map_err(|error| error.to_string())
}

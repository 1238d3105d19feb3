//! `beseda admin`: cabinets, campaigns, keys, users and webhook subscriptions of a Beseda server.

use std::path::PathBuf;

use beseda_api::{BusinessId, CampaignId, Limit, PlacementType, Scope};
use clap::{Args, Subcommand};

use super::{connection::ConnectionArgs, one_of};

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
    pub(crate) connection: ConnectionArgs,
    /// Open the database in this folder instead of calling the server.
    #[arg(long, global = true, value_name = "DIR", conflicts_with_all = ["credential_stdin", "credential_file"])]
    pub(crate) data: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: AdminCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AdminCommand {
    /// Manage cabinets.
    #[command(subcommand)]
    Cabinets(CabinetsCommand),
    /// Manage the campaigns (shops) of a cabinet.
    #[command(subcommand)]
    Campaigns(CampaignsCommand),
    /// Manage the Api-Keys of a cabinet.
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Manage users; a user may have access to several cabinets.
    #[command(subcommand)]
    Users(UsersCommand),
    /// Manage the OAuth tokens of a user.
    #[command(subcommand)]
    Tokens(TokensCommand),
    /// Manage the webhook subscriptions of a cabinet (needs a running server).
    #[command(subcommand)]
    Subscriptions(SubscriptionsCommand),
}

#[derive(Debug, Subcommand)]
pub(crate) enum CabinetsCommand {
    /// List all cabinets.
    List,
    /// Create a cabinet.
    Create {
        /// Name.
        name: String,
        /// Id of the cabinet [default: the next free one].
        #[arg(long, value_name = "ID")]
        id: Option<BusinessId>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum CampaignsCommand {
    /// List the campaigns of a cabinet.
    List {
        /// Cabinet id.
        cabinet: BusinessId,
    },
    /// Create a campaign in a cabinet.
    Create {
        /// Cabinet id.
        cabinet: BusinessId,
        /// Name of the campaign.
        name: String,
        /// Fulfilment model.
        #[arg(long, value_name = "MODEL", default_value = "fbs", ignore_case = true, value_parser = one_of::<PlacementType>(PlacementType::ALL.iter().map(PlacementType::as_str)))]
        model: PlacementType,
        /// Id of the campaign [default: the next free one].
        #[arg(long, value_name = "ID")]
        id: Option<CampaignId>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// List the keys of a cabinet, revoked ones included.
    List {
        /// Cabinet id.
        cabinet: BusinessId,
    },
    /// Create a key and print it; it is not shown again.
    Create {
        /// Cabinet id.
        cabinet: BusinessId,
        /// Name of the key.
        name: String,
        /// Scope of the key, such as communication or all-methods:read-only; may be repeated.
        #[arg(long = "scope", value_name = "SCOPE", required = true, value_parser = Scope::parse)]
        scopes: Vec<Scope>,
    },
    /// Revoke a key.
    Revoke {
        /// Cabinet id.
        cabinet: BusinessId,
        /// Number of the key, as shown in the list.
        id: i64,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum UsersCommand {
    /// List all users.
    List,
    /// Create a user.
    Create {
        /// Name of the user.
        name: String,
        /// Cabinet the user has access to; may be repeated.
        #[arg(long, value_name = "ID")]
        business: Vec<BusinessId>,
    },
    /// Give a user access to a cabinet.
    Grant {
        /// User id.
        user: i64,
        /// Cabinet id.
        cabinet: BusinessId,
    },
    /// Withdraw a user's access to a cabinet.
    Withdraw {
        /// User id.
        user: i64,
        /// Cabinet id.
        cabinet: BusinessId,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokensCommand {
    /// List the tokens of a user, revoked ones included.
    List {
        /// User id.
        user: i64,
    },
    /// Create a token and print it; it is not shown again.
    Create {
        /// User id.
        user: i64,
    },
    /// Revoke a token.
    Revoke {
        /// User id.
        user: i64,
        /// Number of the token, as shown in the list.
        id: i64,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum SubscriptionsCommand {
    /// Subscribe an address; it must answer a PING first.
    Add {
        /// Cabinet id.
        cabinet: BusinessId,
        /// URL of the webhook.
        #[arg(value_name = "URL")]
        address: String,
        /// Name of the subscription.
        #[arg(long, value_name = "NAME", default_value = "notifications")]
        name: String,
    },
    /// List the subscriptions of a cabinet.
    List {
        /// Cabinet id.
        cabinet: BusinessId,
    },
    /// Pause a subscription: notifications are queued.
    Pause(SubscriptionArgs),
    /// Resume a paused subscription; the address must answer a PING first.
    Resume(SubscriptionArgs),
    /// Delete a subscription and its queued notifications.
    Delete(SubscriptionArgs),
    /// Show delivery attempts, newest first.
    Log {
        #[command(flatten)]
        subscription: SubscriptionArgs,
        /// Maximum number of entries, up to 100.
        #[arg(long, value_name = "N", value_parser = limit)]
        limit: Option<Limit<100>>,
        /// Page token returned with the previous page.
        #[arg(long, value_name = "TOKEN")]
        page_token: Option<String>,
    },
    /// Send a notification of the log again, after those already queued.
    Replay {
        #[command(flatten)]
        subscription: SubscriptionArgs,
        /// Number of the delivery, as shown in the log.
        delivery: i64,
    },
}

/// Identifies a subscription.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct SubscriptionArgs {
    /// Cabinet id.
    pub(crate) cabinet: BusinessId,
    /// Number of the subscription, as shown in the list.
    pub(crate) id: i64,
}

fn limit(text: &str) -> Result<Limit<100>, String> {
    let number: i64 = text.parse().map_err(|_| format!("'{text}' is not a number"))?;
    Limit::new(number).map_err(|error| error.to_string())
}

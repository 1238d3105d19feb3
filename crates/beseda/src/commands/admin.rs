//! `beseda admin`: one subcommand per operation of [`Administration`], over HTTP or on the
//! database.

use beseda_api::{Administration, NewCabinet, NewCampaign, NewKey, NewUser, Scope};
use serde_json::json;

use super::subscriptions;
use crate::{
    args::{
        AdminArgs, AdminCommand, CabinetsCommand, CampaignsCommand, KeysCommand, TokensCommand,
        UsersCommand,
    },
    connect,
    output::Output,
    tables,
};

pub(crate) async fn run(args: AdminArgs, out: Output) -> anyhow::Result<()> {
    let AdminArgs { connection, data, command } = args;
    let admin = connect::admin(&connection, data.as_deref());
    match command {
        AdminCommand::Cabinets(command) => cabinets(out, admin.await?.as_ref(), command).await,
        AdminCommand::Campaigns(command) => campaigns(out, admin.await?.as_ref(), command).await,
        AdminCommand::Keys(command) => keys(out, admin.await?.as_ref(), command).await,
        AdminCommand::Users(command) => users(out, admin.await?.as_ref(), command).await,
        AdminCommand::Tokens(command) => tokens(out, admin.await?.as_ref(), command).await,
        AdminCommand::Subscriptions(command) => {
            let desk = connect::subscriptions(&connection, data.is_some())?;
            subscriptions::run(out, &desk, command).await
        }
    }
}

async fn cabinets(
    out: Output,
    admin: &dyn Administration,
    command: CabinetsCommand,
) -> anyhow::Result<()> {
    match command {
        CabinetsCommand::List => {
            let list = admin.list_cabinets().await?;
            out.show(&json!({ "cabinets": list }), |out| tables::cabinets(out, &list))
        }
        CabinetsCommand::Create { name, id } => {
            let made = admin.create_cabinet(NewCabinet { business_id: id, name }).await?;
            out.show(&made, |out| tables::cabinets(out, std::slice::from_ref(&made)))
        }
    }
}

async fn campaigns(
    out: Output,
    admin: &dyn Administration,
    command: CampaignsCommand,
) -> anyhow::Result<()> {
    match command {
        CampaignsCommand::List { cabinet } => {
            let list = admin.list_campaigns(cabinet).await?;
            out.show(&json!({ "campaigns": list }), |out| tables::campaigns(out, &list))
        }
        CampaignsCommand::Create { cabinet, name, model, id } => {
            let new = NewCampaign { campaign_id: id, name, placement_type: model };
            let made = admin.create_campaign(cabinet, new).await?;
            out.show(&made, |out| tables::campaigns(out, std::slice::from_ref(&made)))
        }
    }
}

async fn keys(out: Output, admin: &dyn Administration, command: KeysCommand) -> anyhow::Result<()> {
    match command {
        KeysCommand::List { cabinet } => {
            let list = admin.list_keys(cabinet).await?;
            out.show(&json!({ "keys": list }), |out| tables::keys(out, &list))
        }
        KeysCommand::Create { cabinet, name, scopes } => {
            let scopes = scopes.iter().map(Scope::slug).collect();
            let key = admin.create_key(cabinet, NewKey { name, scopes }).await?;
            out.note("store the key now: it is not shown again");
            let facts = [("key", key.id.to_string()), ("Api-Key", key.api_key.clone())];
            out.show(&key, |_| tables::properties(&facts))
        }
        KeysCommand::Revoke { cabinet, id } => {
            admin.revoke_key(cabinet, id).await?;
            out.done("revoked")
        }
    }
}

async fn users(
    out: Output,
    admin: &dyn Administration,
    command: UsersCommand,
) -> anyhow::Result<()> {
    match command {
        UsersCommand::List => {
            let list = admin.list_users().await?;
            out.show(&json!({ "users": list }), |out| tables::users(out, &list))
        }
        UsersCommand::Create { name, business } => {
            let made = admin.create_user(NewUser { name, business_ids: business }).await?;
            out.show(&made, |out| tables::users(out, std::slice::from_ref(&made)))
        }
        UsersCommand::Grant { user, cabinet } => {
            admin.grant_access(user, cabinet).await?;
            out.done("granted")
        }
        UsersCommand::Withdraw { user, cabinet } => {
            admin.withdraw_access(user, cabinet).await?;
            out.done("withdrawn")
        }
    }
}

async fn tokens(
    out: Output,
    admin: &dyn Administration,
    command: TokensCommand,
) -> anyhow::Result<()> {
    match command {
        TokensCommand::List { user } => {
            let list = admin.list_tokens(user).await?;
            out.show(&json!({ "tokens": list }), |out| tables::tokens(out, &list))
        }
        TokensCommand::Create { user } => {
            let token = admin.create_token(user).await?;
            out.note("store the token now: it is not shown again");
            let facts = [("token", token.id.to_string()), ("OAuth", token.oauth_token.clone())];
            out.show(&token, |_| tables::properties(&facts))
        }
        TokensCommand::Revoke { user, id } => {
            admin.revoke_token(user, id).await?;
            out.done("revoked")
        }
    }
}

//! `beseda gateway keys` and `audit`: work on the gateway's folder, while the gateway runs or not.

use std::{path::PathBuf, sync::Arc};

use beseda_api::{Administration, ApiKeyInfo, BusinessId, NewKey, Scope, SystemClock};
use beseda_gateway::{AuditFilter, KeyStore, ProgramQuota, Quota, SendRecord};
use comfy_table::Table;
use serde_json::json;

use crate::{
    args::{AuditArgs, GatewayKeysArgs, GatewayKeysCommand},
    exit_status::UsageError,
    output::Output,
    tables,
};

async fn open(archive: Option<PathBuf>) -> anyhow::Result<KeyStore> {
    let archive =
        archive.ok_or_else(|| UsageError::error("no archive folder: give --archive DIR"))?;
    Ok(KeyStore::open(&archive, Arc::new(SystemClock)).await?)
}

pub(super) async fn keys(args: GatewayKeysArgs, out: Output) -> anyhow::Result<()> {
    let keys = open(args.folder.archive).await?;
    let business = cabinet(&keys, args.business).await?;
    match args.command {
        GatewayKeysCommand::List => list(out, &keys, business).await,
        GatewayKeysCommand::Create { name, scopes, share, priority } => {
            let scopes = scopes.iter().map(Scope::slug).collect();
            let quota = Quota { share, priority };
            let key = keys.create(business, NewKey { name, scopes }, quota).await?;
            out.note("store the key now: it is not shown again");
            let facts = [("key", key.id.to_string()), ("Api-Key", key.api_key.clone())];
            out.show(&key, |_| tables::properties(&facts))
        }
        GatewayKeysCommand::Revoke { id } => {
            keys.revoke_key(business, id).await?;
            out.done("revoked")
        }
    }
}

/// Returns the given cabinet, or the only one.
async fn cabinet(keys: &KeyStore, named: Option<BusinessId>) -> anyhow::Result<BusinessId> {
    let known = keys.list_cabinets().await?;
    let ids: Vec<BusinessId> = known.iter().map(|cabinet| cabinet.business_id).collect();
    match (named, ids.as_slice()) {
        (Some(named), _) => Ok(named),
        (None, [only]) => Ok(*only),
        (None, several) => {
            let lines: String = several.iter().map(|id| format!("\n  --business {id}")).collect();
            Err(UsageError::error(format!(
                "the gateway has {} cabinets; choose one:{lines}",
                several.len()
            )))
        }
    }
}

async fn list(out: Output, keys: &KeyStore, business: BusinessId) -> anyhow::Result<()> {
    let (list, quotas) = (keys.list_keys(business).await?, keys.active_quotas(business).await?);
    let quota = |key: &ApiKeyInfo| {
        let is_its = |quota: &&ProgramQuota| quota.program == key.name;
        quotas.iter().find(is_its).map_or_else(Quota::default, |found| found.quota)
    };
    let mut documents = Vec::new();
    for key in &list {
        let mut value = serde_json::to_value(key)?;
        value["share"] = json!(quota(key).share);
        value["priority"] = json!(quota(key).priority.as_str());
        documents.push(value);
    }
    out.show(&json!({ "keys": documents }), |out| {
        let mut table =
            tables::with_headers(out, &["KEY", "NAME", "SCOPES", "SHARE", "PRIORITY", "REVOKED"]);
        for key in &list {
            let scopes: Vec<String> = key.scopes.iter().map(Scope::slug).collect();
            let Quota { share, priority } = quota(key);
            table.add_row(vec![
                key.id.to_string(),
                tables::printable(&key.name),
                scopes.join(" "),
                share.map_or_else(String::new, |share| format!("{share} %")),
                priority.as_str().to_owned(),
                tables::optional(key.revoked_at),
            ]);
        }
        table
    })
}

pub(super) async fn audit(args: AuditArgs, out: Output) -> anyhow::Result<()> {
    let keys = open(args.folder.archive).await?;
    let limit = (!args.all).then_some(args.limit);
    let filter = AuditFilter { chat: args.chat, key: args.program, since: args.since, limit };
    let sends = keys.db().sends(filter).await?;
    if out.is_json() {
        for send in &sends {
            out.line(send)?;
        }
        return Ok(());
    }
    out.table(table(out, &sends))
}

fn table(out: Output, sends: &[SendRecord]) -> Table {
    let heads = ["WHEN", "KEY", "OPERATION", "CHAT", "BYTES", "OUTCOME", "MESSAGE", "REQUEST"];
    let mut table = tables::with_headers(out, &heads);
    for send in sends {
        table.add_row(vec![
            jiff::Timestamp::from_millisecond(send.at)
                .map_or_else(|_| String::new(), |at| at.to_string()),
            tables::printable(&send.key),
            send.operation.clone(),
            send.chat_id.map_or_else(String::new, |chat| chat.to_string()),
            send.size.to_string(),
            send.outcome.as_str().to_owned(),
            send.message_id.map_or_else(String::new, |id| id.to_string()),
            tables::printable(&send.request_id),
        ]);
    }
    table
}

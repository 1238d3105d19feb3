//! `beseda outbox`: lists, retries, cancels and sends queued messages.

mod add;
mod authors;
mod safe;

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use beseda_api::BusinessId;
use beseda_outbox::{Error, Item, ItemFilter, ItemState, Outbox, OutboxEvent, RunSettings};
use comfy_table::Table;
use serde_json::json;

use crate::{
    args::{ConnectionArgs, OutboxArgs, OutboxCommand, SettleArgs},
    connect::ShopClient,
    exit_status::UsageError,
    output::Output,
    signals, tables,
};
use authors::AuthorRecorder;
pub(crate) use safe::send;

pub(crate) async fn run(args: OutboxArgs, out: Output) -> anyhow::Result<()> {
    let Some(folder) = args.archive.as_deref() else {
        return Err(UsageError::error(
            "no outbox folder: give --archive DIR or set BESEDA_ARCHIVE",
        ));
    };
    let outbox = Outbox::open(folder).await?;
    let business = args.cabinet.business;
    match args.command {
        OutboxCommand::Add { ref file, ref operator } => {
            let business = cabinet(&args, file.is_none()).await?;
            add::run(out, &outbox, business, file.as_deref(), operator.as_deref()).await
        }
        OutboxCommand::List { state, chat, after, limit } => {
            let filter = ItemFilter { business, chat, states: state, after, limit };
            let items = outbox.list(filter).await?;
            if out.is_json() {
                return items.iter().try_for_each(|item| out.line(item));
            }
            out.table(table(out, &items))
        }
        OutboxCommand::Retry { mut ids, all } => {
            if all {
                let failed = ItemFilter {
                    business,
                    states: vec![ItemState::Failed],
                    ..ItemFilter::default()
                };
                ids = outbox.list(failed).await?.iter().map(|item| item.id).collect();
            }
            for id in ids {
                print_item(out, &outbox.retry(id).await?)?;
            }
            Ok(())
        }
        OutboxCommand::Cancel { ids } => {
            for id in ids {
                print_item(out, &outbox.cancel(id).await?)?;
            }
            Ok(())
        }
        OutboxCommand::Run { until_empty, slots, settle } => {
            let connection = args.connection.for_outbox_worker();
            let shop = ShopClient::connect(&connection, &args.cabinet, &[]).await?;
            let run = OutboxRun { out, folder, outbox: &outbox, settle, slots };
            run.run(shop, until_empty).await
        }
    }
}

/// Returns the given cabinet, or the only one of the credential.
async fn cabinet(args: &OutboxArgs, reads_stdin: bool) -> anyhow::Result<BusinessId> {
    if reads_stdin && args.connection.credential_stdin {
        let text = "standard input can't hold both the credential and what to send";
        return Err(UsageError::error(text));
    }
    match args.cabinet.business {
        Some(business) => Ok(business),
        None => Ok(ShopClient::connect(&args.connection, &args.cabinet, &[]).await?.business),
    }
}

/// Run of the outbox.
struct OutboxRun<'a> {
    out: Output,
    folder: &'a Path,
    outbox: &'a Outbox,
    settle: SettleArgs,
    slots: u8,
}

impl OutboxRun<'_> {
    async fn run(self, shop: ShopClient, until_empty: bool) -> anyhow::Result<()> {
        let out = self.out;
        let (authors, failed) = (AuthorRecorder::open(self.folder)?, Arc::new(AtomicU64::new(0)));
        let counted = Arc::clone(&failed);
        let settings = RunSettings {
            send_once: self.settle.safety(),
            concurrency: self.slots.into(),
            until_empty,
            ..RunSettings::default()
        };
        let settings = settings.on_event(move |event| {
            if let OutboxEvent::Changed(item) = &event {
                authors.record(item);
                if item.state == ItemState::Failed {
                    counted.fetch_add(1, Ordering::Relaxed);
                }
            }
            // Sending goes on when standard output is closed.
            drop(print_event(out, &event));
        });
        let shutdown = signals::shutdown_signal()?;
        let ran = self.outbox.run(Arc::new(shop.client), shop.business, settings, shutdown).await;
        match ran {
            Err(Error::AccessDenied(error)) => {
                out.note("queued messages stay queued");
                return Err(error.into());
            }
            ran => ran?,
        }
        let failed = failed.load(Ordering::Relaxed);
        if until_empty && failed > 0 {
            anyhow::bail!(
                "{failed} messages failed: `beseda outbox list --state failed` lists them, `beseda outbox retry` queues them again"
            );
        }
        Ok(())
    }
}

/// Prints an event of the run, one line per change.
fn print_event(out: Output, event: &OutboxEvent) -> anyhow::Result<()> {
    match event {
        OutboxEvent::Changed(item) => print_item(out, item),
        OutboxEvent::Waiting { chat, reason, until, .. } => {
            tracing::debug!(%chat, reason, %until, "waiting");
            if out.is_json() {
                let line =
                    json!({ "waiting": { "chatId": chat, "reason": reason, "until": until } });
                return out.line(&line);
            }
            out.note(format_args!("chat {chat} is waiting: {reason}"));
            Ok(())
        }
        OutboxEvent::Paused { reason, until, .. } => {
            if out.is_json() {
                return out.line(&json!({ "paused": { "reason": reason, "until": until } }));
            }
            out.note(format_args!("paused until {until}: {reason}"));
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Prints one message.
fn print_item(out: Output, item: &Item) -> anyhow::Result<()> {
    if out.is_json() {
        return out.line(item);
    }
    let id = item.message_id.map_or(String::new(), |id| format!(" as message {id}"));
    let why = item.reason.as_deref().map_or(String::new(), |why| format!(": {why}"));
    out.say(tables::printable(&format!(
        "{} to chat {} is {}{id}{why}",
        item.id, item.chat_id, item.state
    )))
}

fn table(out: Output, items: &[Item]) -> Table {
    let mut table =
        tables::with_headers(out, &["NUMBER", "CHAT", "STATE", "MESSAGE", "FROM", "WHAT", "WHY"]);
    for item in items {
        let what = match (&item.text, &item.file) {
            (_, Some(file)) => format!("{} ({} bytes)", file.name, file.size),
            (text, None) => text.clone().unwrap_or_default(),
        };
        table.add_row(vec![
            item.id.to_string(),
            item.chat_id.to_string(),
            item.state.to_string(),
            tables::optional(item.message_id),
            tables::printable(item.operator.as_deref().unwrap_or_default()),
            tables::printable(&what),
            tables::printable(item.reason.as_deref().unwrap_or_default()),
        ]);
    }
    table
}

/// Returns the command that sends what is left in an outbox.
fn resume_command(folder: &Path, connection: &ConnectionArgs) -> String {
    let url = if connection.service_url() == beseda_client::DEFAULT_URL {
        String::new()
    } else {
        format!(" --url {}", connection.service_url())
    };
    format!("`beseda outbox run{url} --archive {}`", folder.display())
}

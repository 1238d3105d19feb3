//! `beseda watch`: prints changes of an archive as they arrive, and syncs it unless `--offline` is
//! given.

use beseda_archive::{Archive, Change, Depth, Syncer};
use futures::future;
use serde::Serialize;
use serde_json::json;

use super::sync::Bar;
use crate::{
    args::WatchArgs,
    output::Output,
    signals,
    sync_session::{self, Hearing, Kept, failed},
    tables,
};

/// Change as a line of JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase", tag = "event")]
enum Line<'a> {
    #[serde(rename_all = "camelCase")]
    Message {
        cursor: i64,
        /// True if the shop sent the message.
        own: bool,
        #[serde(flatten)]
        message: &'a beseda_archive::ArchivedMessage,
    },
    #[serde(rename_all = "camelCase")]
    Chat {
        cursor: i64,
        #[serde(flatten)]
        chat: &'a beseda_archive::ArchivedChat,
    },
}

pub(crate) async fn run(args: WatchArgs, out: Output) -> anyhow::Result<()> {
    signals::start_log("warn", out.is_json())?;
    let archive = sync_session::open(&args.archive.folder)?;
    let before = archive.seq().map_err(failed)?;
    let mut end = Box::pin(signals::asked_to_end()?);
    let keeping = if args.offline || archive.kept_by().map_err(failed)?.is_some() {
        None
    } else {
        Some(keep(&archive, &args, out).await?)
    };
    // Fill an empty archive first, so that old messages are not printed as new ones.
    let mut filled = false;
    if let (None, 0, Some((syncer, _))) = (args.after, before, &keeping) {
        tokio::select! {
            done = syncer.once(Depth::Full) => done.map_err(failed)?,
            () = &mut end => return Ok(()),
        };
        filled = true;
    }
    let now = if filled { archive.seq().map_err(failed)? } else { before };
    let news = args.after.unwrap_or(now);
    let listening = keeping.as_ref().and_then(|(_, hearing)| hearing.as_ref());
    let listening = listening.map(|hearing| hearing.url.clone());
    if out.is_json() {
        out.line(&json!({ "event": "ready", "cursor": news, "listening": listening }))?;
    } else {
        match listening {
            Some(url) => out.note(format_args!("watching, and listening on {url}")),
            None if keeping.is_none() => out.note("watching; another process keeps it in step"),
            None => out.note("watching"),
        }
    }
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let keep_up = async {
        match keeping {
            Some((syncer, hearing)) => {
                let first = (!filled).then_some(Depth::Full);
                let schedule = sync_session::schedule(args.every, 10, &args.keep, first);
                let (hints, open) = Hearing::split(hearing);
                let end = async { drop(stopped.await) };
                let done = syncer.run(schedule, hints, end).await;
                drop(open);
                done.map_err(failed)
            }
            None => future::pending().await,
        }
    };
    let show = show(&archive, &args, out, news);
    let done = tokio::select! {
        done = keep_up => done,
        done = show => done,
        () = &mut end => Ok(()),
    };
    drop(stop);
    done
}

async fn keep(
    archive: &Archive,
    args: &WatchArgs,
    out: Output,
) -> anyhow::Result<(Syncer, Option<Hearing>)> {
    let trusted = &args.keep.trusted;
    let kept = Kept::reach(archive, &args.connection, &args.cabinets, trusted, true).await?;
    let syncer = kept.syncer(archive, !args.keep.no_files).map_err(failed)?;
    let bar = Bar::new(&out);
    let syncer = syncer.watched(move |event| {
        bar.see(event);
        if matches!(event, beseda_archive::Event::InStep(_)) {
            bar.end();
        }
    });
    Ok((syncer, sync_session::hear(&args.keep, &kept.cabinets).await?))
}

async fn show(archive: &Archive, args: &WatchArgs, out: Output, after: i64) -> anyhow::Result<()> {
    let mut changes = archive.watch(after);
    loop {
        let change = changes.next().await.map_err(failed)?;
        let wanted = &args.cabinets.business;
        if !wanted.is_empty() && !wanted.contains(&change.business_id()) {
            continue;
        }
        let cursor = change.cursor();
        match &change {
            Change::Message(message) => {
                let own = message.is_own();
                if own && args.others_only {
                    continue;
                }
                if out.is_json() {
                    out.line(&Line::Message { cursor, own, message })?;
                } else {
                    out.say(tables::told(message))?;
                }
            }
            Change::Chat(_) if args.messages_only => {}
            Change::Chat(chat) if out.is_json() => out.line(&Line::Chat { cursor, chat })?,
            Change::Chat(chat) => {
                let gone = if chat.gone_at.is_some() { ", gone" } else { "" };
                out.say(tables::printable(&format!(
                    "{}  chat {}: {} {}{gone}",
                    chat.chat.updated_at, chat.chat.chat_id, chat.chat.chat_type, chat.chat.status
                )))?;
            }
        }
    }
}

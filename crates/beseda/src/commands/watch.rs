//! `beseda watch`: prints changes of an archive as they arrive, and syncs it unless `--offline` is
//! given.

use beseda_archive::{Archive, ArchiveChange, Depth, Syncer};
use futures::future;
use serde::Serialize;
use serde_json::json;

use super::sync::SyncProgress;
use crate::{
    archive_access::{self, to_error},
    args::WatchArgs,
    output::Output,
    signals,
    sync_session::{self, NotificationListener, SyncSession},
    tables,
};

/// Change as a line of JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase", tag = "event")]
enum WatchLine<'a> {
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
    let archive = archive_access::open_or_create(&args.archive.folder)?;
    let before = archive.seq().map_err(to_error)?;
    let mut shutdown = Box::pin(signals::shutdown_signal()?);
    let syncing = if args.offline || archive.locked_by().map_err(to_error)?.is_some() {
        None
    } else {
        Some(start_sync(&archive, &args, out).await?)
    };
    // Fill an empty archive first, so that old messages are not printed as new ones.
    let mut filled = false;
    if let (None, 0, Some((syncer, _))) = (args.after, before, &syncing) {
        tokio::select! {
            done = syncer.once(Depth::Full) => done.map_err(to_error)?,
            () = &mut shutdown => return Ok(()),
        };
        filled = true;
    }
    let now = if filled { archive.seq().map_err(to_error)? } else { before };
    let start = args.after.unwrap_or(now);
    let listening = syncing.as_ref().and_then(|(_, listener)| listener.as_ref());
    let listening = listening.map(|listener| listener.url.clone());
    if out.is_json() {
        out.line(&json!({ "event": "ready", "cursor": start, "listening": listening }))?;
    } else {
        match listening {
            Some(url) => out.note(format_args!("watching, and listening on {url}")),
            None if syncing.is_none() => out.note("watching; another process syncs this archive"),
            None => out.note("watching"),
        }
    }
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let sync = async {
        match syncing {
            Some((syncer, listener)) => {
                let first = (!filled).then_some(Depth::Full);
                let schedule = sync_session::schedule(args.every, 10, &args.sync, first);
                let (notifications, guard) = NotificationListener::split(listener);
                let shutdown = async { drop(stopped.await) };
                let done = syncer.run(schedule, notifications, shutdown).await;
                drop(guard);
                done.map_err(to_error)
            }
            None => future::pending().await,
        }
    };
    let show = show(&archive, &args, out, start);
    let done = tokio::select! {
        done = sync => done,
        done = show => done,
        () = &mut shutdown => Ok(()),
    };
    drop(stop);
    done
}

async fn start_sync(
    archive: &Archive,
    args: &WatchArgs,
    out: Output,
) -> anyhow::Result<(Syncer, Option<NotificationListener>)> {
    let trusted = &args.sync.trusted;
    let session =
        SyncSession::connect(archive, &args.connection, &args.cabinets, trusted, true).await?;
    let syncer = session.syncer(archive, !args.sync.no_files).map_err(to_error)?;
    let bar = SyncProgress::new(&out);
    let syncer = syncer.on_event(move |event| {
        bar.handle(event);
        if matches!(event, beseda_archive::SyncEvent::Synced(_)) {
            bar.finish();
        }
    });
    Ok((syncer, sync_session::listen(&args.sync, &session.cabinets).await?))
}

async fn show(archive: &Archive, args: &WatchArgs, out: Output, after: i64) -> anyhow::Result<()> {
    let mut changes = archive.watch(after);
    loop {
        let change = changes.next().await.map_err(to_error)?;
        let businesses = &args.cabinets.business;
        if !businesses.is_empty() && !businesses.contains(&change.business_id()) {
            continue;
        }
        let cursor = change.cursor();
        match &change {
            ArchiveChange::Message(message) => {
                let own = message.is_own();
                if own && args.others_only {
                    continue;
                }
                if out.is_json() {
                    out.line(&WatchLine::Message { cursor, own, message })?;
                } else {
                    out.say(tables::message_line(message))?;
                }
            }
            ArchiveChange::Chat(_) if args.messages_only => {}
            ArchiveChange::Chat(chat) if out.is_json() => {
                out.line(&WatchLine::Chat { cursor, chat })?;
            }
            ArchiveChange::Chat(chat) => {
                let deleted = if chat.gone_at.is_some() { ", gone" } else { "" };
                out.say(tables::printable(&format!(
                    "{}  chat {}: {} {}{deleted}",
                    chat.chat.updated_at, chat.chat.chat_id, chat.chat.chat_type, chat.chat.status
                )))?;
            }
        }
    }
}

//! `beseda sync`: fills a local archive and keeps it up to date.

use std::{
    io::IsTerminal,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use beseda_archive::{Depth, SyncEvent, SyncStats};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};

use crate::{
    archive_access::{self, to_error},
    args::SyncArgs,
    output::Output,
    signals,
    sync_session::{self, NotificationListener, SyncSession},
    tables,
};

pub(crate) async fn run(args: SyncArgs, out: Output) -> anyhow::Result<()> {
    signals::start_log("warn", out.is_json())?;
    let archive = archive_access::open_or_create(&args.archive.folder)?;
    archive_access::update_index(&archive, out)?;
    let trusted = &args.sync.trusted;
    let is_continuous = args.every.is_some() || args.sync.listen.is_some();
    let session =
        SyncSession::connect(&archive, &args.connection, &args.cabinets, trusted, is_continuous)
            .await?;
    let depth = if args.quick { Depth::Quick } else { Depth::Full };
    let started = Instant::now();
    let bar = Arc::new(SyncProgress::new(&out));
    let progress = Arc::clone(&bar);
    let syncer = session.syncer(&archive, !args.sync.no_files).map_err(to_error)?;
    let listener = sync_session::listen(&args.sync, &session.cabinets).await?;
    if !is_continuous {
        let syncer = syncer.on_event(move |event| progress.handle(event));
        let done = syncer.once(depth).await;
        bar.finish();
        let tally = syncer.stats();
        if let Err(error) = done {
            out.note(format_args!("saved so far: {}", summary(&tally)));
            return Err(to_error(error));
        }
        return print_summary(out, &tally, started.elapsed());
    }
    let shutdown = signals::shutdown_signal()?;
    if let Some(listener) = &listener {
        if out.is_json() {
            out.line(&json!({ "listening": listener.url }))?;
        } else {
            out.note(format_args!("listening for webhooks on {}", listener.url));
        }
    }
    let before = Mutex::new(SyncStats::default());
    let syncer = syncer.on_event(move |event| {
        progress.handle(event);
        if let SyncEvent::Synced(tally) = event {
            let mut before = before.lock().unwrap_or_else(PoisonError::into_inner);
            let idle = before.messages == tally.messages
                && before.chats_changed == tally.chats_changed
                && before.calls.total() > 0;
            *before = **tally;
            if out.is_json() {
                // The sync goes on when standard output is closed.
                drop(out.line(&document(tally, started.elapsed())));
            } else if !idle {
                progress.say(format!("synced: {}", summary(tally)));
            }
        }
    });
    let schedule = sync_session::schedule(args.every, 30, &args.sync, Some(depth));
    let (notifications, guard) = NotificationListener::split(listener);
    let done = syncer.run(schedule, notifications, shutdown).await;
    drop(guard);
    bar.finish();
    done.map_err(to_error)
}

fn print_summary(out: Output, tally: &SyncStats, elapsed: Duration) -> anyhow::Result<()> {
    if out.is_json() {
        return out.document(&document(tally, elapsed));
    }
    let seconds = elapsed.as_secs_f64();
    let facts = [
        ("new chats", tally.chats_new.to_string()),
        ("changed chats", tally.chats_changed.to_string()),
        ("new messages", tally.messages.to_string()),
        ("files", tally.files.to_string()),
        ("calls", tally.calls.total().to_string()),
        ("seconds", format!("{seconds:.1}")),
    ];
    out.table(tables::properties(&facts))
}

fn document(tally: &SyncStats, elapsed: Duration) -> Value {
    let mut document = json!(tally);
    document["calls"]["total"] = tally.calls.total().into();
    document["seconds"] = json!((elapsed.as_secs_f64() * 1000.0).round() / 1000.0);
    document
}

fn summary(tally: &SyncStats) -> String {
    let calls = tally.calls.total();
    format!(
        "{} new chats, {} new messages, {} files, {calls} calls",
        tally.chats_new, tally.messages, tally.files
    )
}

/// Progress on standard error, hidden if that is not a terminal.
pub(crate) struct SyncProgress {
    bar: ProgressBar,
    started: Instant,
}

impl SyncProgress {
    pub(crate) fn new(out: &Output) -> Self {
        let shown = !out.is_json() && std::io::stderr().is_terminal();
        let target =
            if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(0), target);
        let line = "{spinner} {bar:30} {pos}/{len} chats, {msg}, {eta} left";
        if let Ok(style) = ProgressStyle::with_template(line) {
            bar.set_style(style);
        }
        Self { bar, started: Instant::now() }
    }

    pub(crate) fn handle(&self, event: &SyncEvent<'_>) {
        match event {
            SyncEvent::Progress(tally) => {
                let rate = tally.messages as f64 / self.started.elapsed().as_secs_f64().max(0.001);
                self.bar.set_length(tally.chats_due.max(tally.chats_listed));
                let known = tally.chats_listed.saturating_sub(tally.chats_due);
                let known = if tally.chats_due == 0 { 0 } else { known };
                self.bar.set_position(known + tally.chats_read);
                self.bar.set_message(format!("{} messages ({rate:.0}/s)", tally.messages));
            }
            SyncEvent::Trouble(error, until) => {
                tracing::warn!(%error, %until, "waiting for the service");
            }
            SyncEvent::Skipped(error) => {
                tracing::warn!(%error, "skipped a chat that can't be read");
            }
            _ => {}
        }
    }

    fn say(&self, text: String) {
        if self.bar.is_hidden() { eprintln!("{text}") } else { self.bar.println(text) }
    }

    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

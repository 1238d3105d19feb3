//! `beseda sync`: fills a local archive and keeps it up to date.

use std::{
    io::IsTerminal,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use beseda_archive::{Depth, Event, Tally};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};

use crate::{
    archive_access,
    args::SyncArgs,
    output::Output,
    signals,
    sync_session::{self, Hearing, Kept, failed},
    tables,
};

pub(crate) async fn run(args: SyncArgs, out: Output) -> anyhow::Result<()> {
    signals::start_log("warn", out.is_json())?;
    let archive = sync_session::open(&args.archive.folder)?;
    archive_access::index(&archive, out)?;
    let trusted = &args.keep.trusted;
    let goes_on = args.every.is_some() || args.keep.listen.is_some();
    let kept = Kept::reach(&archive, &args.connection, &args.cabinets, trusted, goes_on).await?;
    let depth = if args.quick { Depth::Quick } else { Depth::Full };
    let begun = Instant::now();
    let bar = Arc::new(Bar::new(&out));
    let seen = Arc::clone(&bar);
    let syncer = kept.syncer(&archive, !args.keep.no_files).map_err(failed)?;
    let hearing = sync_session::hear(&args.keep, &kept.cabinets).await?;
    if !goes_on {
        let syncer = syncer.watched(move |event| seen.see(event));
        let done = syncer.once(depth).await;
        bar.end();
        let tally = syncer.tally();
        if let Err(error) = done {
            out.note(format_args!("kept so far: {}", words(&tally)));
            return Err(failed(error));
        }
        return told(out, &tally, begun.elapsed());
    }
    let end = signals::asked_to_end()?;
    if let Some(hearing) = &hearing {
        if out.is_json() {
            out.line(&json!({ "listening": hearing.url }))?;
        } else {
            out.note(format_args!("listening for notifications on {}", hearing.url));
        }
    }
    let before = Mutex::new(Tally::default());
    let syncer = syncer.watched(move |event| {
        seen.see(event);
        if let Event::InStep(tally) = event {
            let mut before = before.lock().unwrap_or_else(PoisonError::into_inner);
            let idle = before.messages == tally.messages
                && before.chats_changed == tally.chats_changed
                && before.calls.total() > 0;
            *before = **tally;
            if out.is_json() {
                // The sync goes on when standard output is closed.
                drop(out.line(&document(tally, begun.elapsed())));
            } else if !idle {
                seen.say(format!("in step: {}", words(tally)));
            }
        }
    });
    let schedule = sync_session::schedule(args.every, 30, &args.keep, Some(depth));
    let (hints, open) = Hearing::split(hearing);
    let done = syncer.run(schedule, hints, end).await;
    drop(open);
    bar.end();
    done.map_err(failed)
}

fn told(out: Output, tally: &Tally, took: Duration) -> anyhow::Result<()> {
    if out.is_json() {
        return out.document(&document(tally, took));
    }
    let seconds = took.as_secs_f64();
    let facts = [
        ("new chats", tally.chats_new.to_string()),
        ("changed chats", tally.chats_changed.to_string()),
        ("new messages", tally.messages.to_string()),
        ("files", tally.files.to_string()),
        ("calls", tally.calls.total().to_string()),
        ("seconds", format!("{seconds:.1}")),
    ];
    out.table(tables::facts(&facts))
}

fn document(tally: &Tally, took: Duration) -> Value {
    let mut document = json!(tally);
    document["calls"]["total"] = tally.calls.total().into();
    document["seconds"] = json!((took.as_secs_f64() * 1000.0).round() / 1000.0);
    document
}

fn words(tally: &Tally) -> String {
    let calls = tally.calls.total();
    format!(
        "{} new chats, {} new messages, {} files, {calls} calls",
        tally.chats_new, tally.messages, tally.files
    )
}

/// Progress on standard error, hidden if that is not a terminal.
pub(crate) struct Bar {
    bar: ProgressBar,
    begun: Instant,
}

impl Bar {
    pub(crate) fn new(out: &Output) -> Self {
        let shown = !out.is_json() && std::io::stderr().is_terminal();
        let target =
            if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(0), target);
        let line = "{spinner} {bar:30} {pos}/{len} chats, {msg}, {eta} left";
        if let Ok(style) = ProgressStyle::with_template(line) {
            bar.set_style(style);
        }
        Self { bar, begun: Instant::now() }
    }

    pub(crate) fn see(&self, event: &Event<'_>) {
        match event {
            Event::Progress(tally) => {
                let rate = tally.messages as f64 / self.begun.elapsed().as_secs_f64().max(0.001);
                self.bar.set_length(tally.chats_due.max(tally.chats_listed));
                let known = tally.chats_listed.saturating_sub(tally.chats_due);
                let known = if tally.chats_due == 0 { 0 } else { known };
                self.bar.set_position(known + tally.chats_read);
                self.bar.set_message(format!("{} messages ({rate:.0}/s)", tally.messages));
            }
            Event::Trouble(error, until) => {
                tracing::warn!(%error, %until, "waiting for the service");
            }
            Event::Skipped(error) => tracing::warn!(%error, "one could not be read"),
            _ => {}
        }
    }

    fn say(&self, text: String) {
        if self.bar.is_hidden() { eprintln!("{text}") } else { self.bar.println(text) }
    }

    pub(crate) fn end(&self) {
        self.bar.finish_and_clear();
    }
}

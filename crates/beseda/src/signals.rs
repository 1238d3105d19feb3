//! What the program itself adds to a server: the signals that end it, and the log.

use std::{future::Future, io::IsTerminal};

use anyhow::Context;
use tokio::signal::unix::SignalKind;
use tracing_subscriber::{EnvFilter, layer::SubscriberExt, util::SubscriberInitExt};

/// Ready at Ctrl-C or SIGTERM. The handlers stand from the call on, so that no signal is lost.
pub(crate) fn asked_to_end() -> anyhow::Result<impl Future<Output = ()>> {
    let mut terminate = tokio::signal::unix::signal(SignalKind::terminate())?;
    let mut interrupt = tokio::signal::unix::signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("asked to end: finishing what is under way");
    })
}

/// Starts the log on stderr. `BESEDA_LOG` overrides the level, in the syntax of tracing's filters.
pub(crate) fn start_log(level: &str, json: bool) -> anyhow::Result<()> {
    let wanted = std::env::var("BESEDA_LOG").unwrap_or_else(|_| level.to_owned());
    let filter = EnvFilter::try_new(&wanted)
        .with_context(|| format!("'{wanted}' is no log filter; try info, or beseda=debug"))?;
    let registry = tracing_subscriber::registry().with(filter);
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    if json {
        registry.with(lines.json()).try_init()?;
    } else {
        registry.with(lines).try_init()?;
    }
    Ok(())
}

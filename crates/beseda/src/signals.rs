//! Shutdown signals and logging.

use std::{future::Future, io::IsTerminal};

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::{EnvFilter, layer::SubscriberExt, util::SubscriberInitExt};

/// Returns a future that completes on Ctrl-C, SIGTERM or SIGHUP (the terminal was closed). The
/// handlers are installed by the call itself, so that no signal is lost. SIGHUP stays ignored if it
/// was ignored at the start, as `nohup` does.
pub(crate) fn shutdown_signal() -> anyhow::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = if hangup_is_ignored() { None } else { Some(signal(SignalKind::hangup())?) };
    Ok(async move {
        let hung_up = async {
            match &mut hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = hung_up => {}
        }
        tracing::info!("shutting down: finishing requests in progress");
    })
}

/// Returns true if SIGHUP was ignored when the process started. Detected on Linux only, where it
/// needs no unsafe code.
fn hangup_is_ignored() -> bool {
    std::fs::read_to_string("/proc/self/status").is_ok_and(|status| ignores_hangup(&status))
}

/// Parses the mask of ignored signals in `/proc/<pid>/status`, whose lowest bit is SIGHUP (signal
/// 1).
fn ignores_hangup(status: &str) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & 1 == 1)
}

/// Starts logging to standard error. `BESEDA_LOG` overrides the level, in the syntax of tracing's
/// filters.
pub(crate) fn start_log(level: &str, json: bool) -> anyhow::Result<()> {
    let wanted = std::env::var("BESEDA_LOG").unwrap_or_else(|_| level.to_owned());
    let filter = EnvFilter::try_new(&wanted)
        .with_context(|| format!("'{wanted}' is not a log filter; try info, or beseda=debug"))?;
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

#[cfg(test)]
mod tests {
    use super::ignores_hangup;

    #[test]
    fn the_lowest_bit_of_the_mask_of_ignored_signals_is_hangup() {
        assert!(ignores_hangup("Name:\tbeseda\nSigIgn:\t0000000000001001\nSigCgt:\t0\n"));
        assert!(!ignores_hangup("SigBlk:\t0000000000000001\nSigIgn:\t0000000000001000\n"));
        assert!(!ignores_hangup(""));
    }
}

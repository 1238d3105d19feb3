//! What `serve` and `stand-in` share: an engine behind a server, the signals that end it, and the log.

use std::{future::Future, net::SocketAddr, sync::Arc};

use anyhow::Context;
use beseda_api::SystemClock;
use beseda_engine::Engine;
use beseda_server::{Services, Settings, Transport};
use tokio::{net::TcpListener, signal::unix::SignalKind};
use tracing_subscriber::{EnvFilter, layer::SubscriberExt, util::SubscriberInitExt};

/// Takes the address, so that it is known before anything is said of it.
pub(crate) async fn listen(address: SocketAddr) -> anyhow::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(address).await.with_context(|| {
        format!("can't listen on {address}: choose another address with --listen")
    })?;
    let taken = listener.local_addr()?;
    Ok((listener, taken))
}

/// The address callers on this machine reach a listener at.
pub(crate) fn local_url(taken: SocketAddr, scheme: &str) -> String {
    match taken.ip() {
        ip if ip.is_unspecified() => format!("{scheme}://127.0.0.1:{}", taken.port()),
        _ => format!("{scheme}://{taken}"),
    }
}

/// Serves an engine until the process is asked to end, then drains.
pub(crate) async fn run(
    listener: TcpListener,
    engine: Engine,
    settings: Settings,
    transport: Transport,
) -> anyhow::Result<()> {
    let engine = Arc::new(engine);
    let services = Services {
        chats: engine.clone(),
        directory: engine.clone(),
        files: engine.clone(),
        market: settings.market_key.is_some().then(|| engine.clone() as _),
        admin: settings.admin_key.is_some().then(|| engine.clone() as _),
        clock: Arc::new(SystemClock),
    };
    drop(engine);
    let router = beseda_server::router(services, settings);
    beseda_server::serve(listener, router, transport, asked_to_end()?).await?;
    tracing::info!("ended");
    Ok(())
}

/// Ready at Ctrl-C or SIGTERM. The handlers stand from the call on, so that no signal is lost.
fn asked_to_end() -> anyhow::Result<impl Future<Output = ()>> {
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
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    if json {
        registry.with(lines.json()).try_init()?;
    } else {
        registry.with(lines).try_init()?;
    }
    Ok(())
}

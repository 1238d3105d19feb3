//! `beseda serve`: runs the server over a data folder.

use std::{net::SocketAddr, sync::Arc};

use anyhow::Context;
use beseda::host;
use beseda_api::{Clock, SystemClock};
use beseda_engine::Engine;
use beseda_push::{Push, SystemTimer};

use crate::{args::ServeArgs, config::Config, output::Output, signals};

pub(crate) async fn run(args: ServeArgs, out: Output) -> anyhow::Result<()> {
    let config = Config::load(&args)?;
    if args.check_config {
        println!("The configuration is valid.");
        return Ok(());
    }
    signals::start_log(config.log.level.as_deref().unwrap_or("info"), config.log.json)?;
    let address = config.listen.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8080)));
    let (listener, taken) = host::listen(address).await?;
    let scheme = if config.transport.tls.is_some() { "https" } else { "http" };
    let url = host::local_url(taken, scheme);
    let data = config.data.clone().context("no data folder")?;
    let settings = config.engine(url.clone());
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let engine = Arc::new(Engine::open_sqlite(&data, settings, clock.clone()).await?);
    tracing::info!(%url, data = %data.display(), "listening");
    let end = signals::shutdown_signal()?;
    if out.is_json() {
        println!("{}", serde_json::json!({ "url": url, "docs": format!("{url}/docs") }));
    }
    let push = Push::start(engine.outbox(), config.push(), clock.clone(), Arc::new(SystemTimer));
    let served = host::Served { engine, clock, push, control: None };
    host::serve(listener, served, config.server, config.transport, end).await
}

//! `beseda serve`: the API over a data folder, for real use. Demo data and printed credentials are the stand-in's.

use std::sync::Arc;

use anyhow::Context;
use beseda_api::SystemClock;
use beseda_engine::Engine;

use crate::{args::ServeArgs, config::Config, host};

pub(crate) async fn run(args: ServeArgs) -> anyhow::Result<()> {
    let config = Config::load(&args)?;
    if args.check_config {
        println!("The configuration is fine.");
        return Ok(());
    }
    host::start_log(&config.log.level, config.log.json)?;
    let (listener, taken) = host::listen(config.listen).await?;
    let scheme = if config.transport.tls.is_some() { "https" } else { "http" };
    let url = host::local_url(taken, scheme);
    let data = config.data.clone().context("no data folder")?;
    let settings = config.engine(url.clone());
    let engine = Engine::open_sqlite(&data, settings, Arc::new(SystemClock)).await?;
    tracing::info!(%url, data = %data.display(), "listening");
    host::run(listener, engine, config.server, config.transport).await
}

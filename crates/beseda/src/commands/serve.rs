//! `beseda serve`: runs the server over a data folder.

use std::{net::SocketAddr, sync::Arc};

use anyhow::Context;
use beseda_api::SystemTimer;
use beseda_api::{Clock, SystemClock};
use beseda_engine::Engine;
use beseda_server::{LocalizedText, Services, StartPage};
use beseda_webhook::sender::WebhookSender;

use crate::{args::ServeArgs, config::Config, output::Output, signals};

pub(crate) async fn run(args: ServeArgs, out: Output) -> anyhow::Result<()> {
    let config = Config::load(&args)?;
    if args.check_config {
        println!("The configuration is valid.");
        return Ok(());
    }
    signals::start_log(config.log.level.as_deref().unwrap_or("info"), config.log.json)?;
    let address = config.listen.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8080)));
    let (listener, taken) = beseda_server::listen(address).await?;
    let scheme = if config.transport.tls.is_some() { "https" } else { "http" };
    let url = beseda_server::local_url(taken, scheme);
    let data = config.data.clone().context("no data folder")?;
    let settings = config.engine(url.clone());
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let engine = Arc::new(Engine::open_sqlite(&data, settings, clock.clone()).await?);
    tracing::info!(%url, data = %data.display(), "listening");
    let end = signals::shutdown_signal()?;
    if out.is_json() {
        println!("{}", serde_json::json!({ "url": url, "docs": format!("{url}/docs") }));
    }
    let webhook_sender = WebhookSender::start(
        engine.notification_queue(),
        config.webhook_sender(),
        clock.clone(),
        Arc::new(SystemTimer),
    );
    let mut services = Services::new(engine.clone())
        .directory(engine.clone())
        .files(engine.clone())
        .subscriptions(webhook_sender.subscriptions())
        .clock(clock)
        .start_page(start_page());
    if config.server.market_key.is_some() {
        services = services.market(engine.clone());
    }
    if config.server.admin_key.is_some() {
        services = services.admin(engine);
    }
    let router = beseda_server::router(services, config.server).context("in [server]")?;
    let served = beseda_server::serve(listener, router, config.transport, end).await;
    webhook_sender.stop().await;
    served?;
    tracing::info!("ended");
    Ok(())
}

/// Returns what the page at `/` says about keys.
fn start_page() -> StartPage {
    StartPage::new().keys(LocalizedText::new(
        "Whoever runs this server issues them: beseda admin keys create, beseda admin tokens create.",
        "Их выдаёт администратор сервера: beseda admin keys create, beseda admin tokens create.",
    ))
}

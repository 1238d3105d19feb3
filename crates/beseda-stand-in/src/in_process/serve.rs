//! Serves the engine of a stand-in with its controls.

use std::{future::Future, sync::Arc};

use anyhow::Context;
use beseda_engine::Engine;
use beseda_server::{LocalizedText, ServerSettings, Services, StartPage, TransportSettings};
use beseda_webhook::sender::WebhookSender;
use tokio::net::TcpListener;

use crate::Control;

/// Parts of a stand-in that are served together.
pub(super) struct ServedParts {
    pub(super) engine: Arc<Engine>,
    /// Webhook sender; stopped after serving.
    pub(super) webhook_sender: WebhookSender,
    pub(super) control: Arc<Control>,
}

/// Serves until `shutdown` resolves, then drains connections.
pub(super) async fn serve(
    listener: TcpListener,
    served: ServedParts,
    settings: ServerSettings,
    transport: TransportSettings,
    shutdown: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    let ServedParts { engine, webhook_sender, control } = served;
    let mut services = Services::new(control.notifier().clone())
        .directory(engine.clone())
        .files(engine.clone())
        .subscriptions(webhook_sender.subscriptions())
        .clock(control.clock().clone())
        .interceptor(control.clone())
        .start_page(start_page());
    if settings.market_key.is_some() {
        services = services.market(control.notifier().clone());
    }
    if settings.admin_key.is_some() {
        services = services.admin(engine);
    } else {
        drop(engine);
    }
    let control_for_shutdown = control.clone();
    let shutdown = async move {
        shutdown.await;
        control_for_shutdown.journal().close();
    };
    let router = beseda_server::router(services, settings).context("in [server]")?;
    let router = crate::mount(control, router);
    let served = beseda_server::serve(listener, router, transport, shutdown).await;
    webhook_sender.stop().await;
    served?;
    tracing::info!("ended");
    Ok(())
}

/// Returns the texts of the page at `/`, with a link to `/__admin/`.
fn start_page() -> StartPage {
    let keys = LocalizedText::new(
        "This is a stand-in for tests. It printed its keys, and a link that opens /__admin/ with one of them, when it started.",
        "Это стенд для тестов. При запуске он напечатал ключи и ссылку, по которой /__admin/ открывается сразу.",
    );
    let page = LocalizedText::new(
        "Chats, faults, clock and journal of the stand-in; asks for the admin key",
        "Чаты, сбои, часы и журнал стенда; спросит ключ администратора",
    );
    StartPage::new().keys(keys).link("/__admin/", page)
}

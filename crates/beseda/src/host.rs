//! An engine behind a server: taking an address, and serving until the end is asked for. Signals and logs belong to the program.

use std::{future::Future, net::SocketAddr, sync::Arc};

use anyhow::Context;
use beseda_api::{ChatsApi, Clock, MarketSide};
use beseda_engine::Engine;
use beseda_push::Push;
use beseda_server::{Services, Settings, StartPage, Transport, Words};
use beseda_stand_in::Control;
use tokio::net::TcpListener;

/// Takes the address, so that it is known before anything is said of it.
///
/// # Errors
/// If it can't be had.
pub async fn listen(address: SocketAddr) -> anyhow::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(address).await.with_context(|| {
        format!("can't listen on {address}: choose another address with --listen")
    })?;
    let taken = listener.local_addr()?;
    Ok((listener, taken))
}

/// The address callers on this machine reach a listener at.
#[must_use]
pub fn local_url(taken: SocketAddr, scheme: &str) -> String {
    match taken.ip() {
        ip if ip.is_unspecified() => format!("{scheme}://127.0.0.1:{}", taken.port()),
        _ => format!("{scheme}://{taken}"),
    }
}

/// What is served: an engine with its clock, and what controls it if it is a stand-in's.
pub struct Served {
    /// The engine.
    pub engine: Arc<Engine>,
    /// The clock the engine was given.
    pub clock: Arc<dyn Clock>,
    /// What sends the engine's notifications; it ends with the serving.
    pub push: Push,
    /// The controls; `None` for real use.
    pub control: Option<Arc<Control>>,
}

/// Serves an engine until `end` is ready, then drains.
///
/// # Errors
/// If the settings make no sense or the certificate can't be used.
pub async fn serve(
    listener: TcpListener,
    served: Served,
    settings: Settings,
    transport: Transport,
    end: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    let Served { engine, clock, push, control } = served;
    let chats: Arc<dyn ChatsApi> = match &control {
        Some(control) => control.observed().clone(),
        None => engine.clone(),
    };
    let market: Arc<dyn MarketSide> = match &control {
        Some(control) => control.observed().clone(),
        None => engine.clone(),
    };
    let mut services = Services::new(chats)
        .directory(engine.clone())
        .files(engine.clone())
        .subscriptions(push.subscriptions())
        .clock(clock);
    if settings.market_key.is_some() {
        services = services.market(market);
    }
    if settings.admin_key.is_some() {
        services = services.admin(engine.clone());
    }
    if let Some(control) = &control {
        services = services.interceptor(control.clone());
    }
    services = services.start_page(start_page(control.is_some()));
    drop(engine);
    let followed = control.clone();
    let end = async move {
        end.await;
        if let Some(control) = followed {
            control.journal().end();
        }
    };
    let mut router = beseda_server::router(services, settings).context("in [server]")?;
    if let Some(control) = control {
        router = beseda_stand_in::mount(control, router);
    }
    let ended = beseda_server::serve(listener, router, transport, end).await;
    push.stop().await;
    ended?;
    tracing::info!("ended");
    Ok(())
}

/// What the page at `/` says of a stand-in, or of a server for real use.
fn start_page(stand_in: bool) -> StartPage {
    if stand_in {
        let keys = Words::new(
            "This is a stand-in for tests. It printed its keys, and a link that opens /__admin/ with one of them, when it started.",
            "Это стенд для тестов. При запуске он напечатал ключи и ссылку, по которой /__admin/ открывается сразу.",
        );
        let page = Words::new(
            "Chats, faults, clock and journal of the stand-in; asks for the admin key",
            "Чаты, сбои, часы и журнал стенда; спросит ключ администратора",
        );
        return StartPage::new().keys(keys).link("/__admin/", page);
    }
    StartPage::new().keys(Words::new(
        "Whoever runs this server issues them: beseda admin keys create, beseda admin tokens create.",
        "Их выдаёт администратор сервера: beseda admin keys create, beseda admin tokens create.",
    ))
}

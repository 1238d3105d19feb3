//! [`StandIn`] in this process, and its builder.

mod folder;
mod running;
mod serve;

use std::{
    fmt,
    future::Future,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::{Arc, Weak},
    thread,
};

use beseda_engine::{Engine, Orders};
use beseda_scenario::{Buyers, Persona};
use beseda_server::{LimitSettings, ServerSettings, TransportSettings, Unversioned};
use beseda_webhook::sender::{AddressPolicy, WebhookSender};
use secrecy::ExposeSecret;
use tokio::{net::TcpListener, sync::oneshot};

pub use self::running::StandIn;
use self::{
    folder::StateFolder,
    running::{ServerThread, StandInInfo},
};
use crate::{
    Control, ControlSettings, StandInClock,
    demo::{self, Demo},
};

/// Builder of a [`StandIn`]; all settings have defaults that suit tests.
///
/// ```
/// use std::sync::Arc;
///
/// use beseda_stand_in::{LimitSettings, StandIn, StandInClock, scenario::Persona};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let stand_in = StandIn::builder()
///     .seed(7) // other ids and credentials
///     .clock(Arc::new(StandInClock::manual("2026-06-01T10:00:00Z".parse()?)))
///     .limits(LimitSettings { hourly: Some(100), ..LimitSettings::default() })
///     .buyers(Persona::Polite)
///     .start()
///     .await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct StandInBuilder {
    seed: u64,
    listen: SocketAddr,
    data: Option<PathBuf>,
    on_disk: bool,
    server: ServerSettings,
    engine: beseda_engine::EngineSettings,
    append_notification: bool,
    transport: TransportSettings,
    clock: Arc<StandInClock>,
    buyers: Persona,
}

impl fmt::Debug for StandInBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("StandInBuilder");
        debug.field("seed", &self.seed).field("listen", &self.listen).finish_non_exhaustive()
    }
}

impl Default for StandInBuilder {
    fn default() -> Self {
        Self {
            seed: 1,
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            data: None,
            on_disk: false,
            server: ServerSettings::default(),
            engine: beseda_engine::EngineSettings {
                public_url: String::new(),
                ..beseda_engine::EngineSettings::default()
            },
            append_notification: false,
            transport: TransportSettings::default(),
            clock: Arc::new(StandInClock::real()),
            buyers: Persona::Silent,
        }
    }
}

impl StandInBuilder {
    /// Sets the seed of ids, credentials and demo data. Defaults to 1.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Sets the address to listen on. Defaults to a free port of 127.0.0.1.
    #[must_use]
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.listen = address;
        self
    }

    /// Sets a data folder that is kept afterwards. Defaults to a temporary one.
    #[must_use]
    pub fn data(mut self, folder: impl Into<PathBuf>) -> Self {
        self.data = Some(folder.into());
        self
    }

    /// Puts the temporary folder on disk. By default it is in memory if there is enough space.
    #[must_use]
    pub fn on_disk(mut self) -> Self {
        self.on_disk = true;
        self
    }

    /// Sets the rate limits. Defaults to those of 2026.
    #[must_use]
    pub fn limits(mut self, limits: LimitSettings) -> Self {
        self.server.limits = limits;
        self
    }

    /// Sets the behaviour of unversioned paths. Defaults to the 2024 document.
    #[must_use]
    pub fn unversioned(mut self, unversioned: Unversioned) -> Self {
        self.server.unversioned = unversioned;
        self
    }

    /// Sets all server settings, including limits and unversioned paths. Missing market and admin
    /// keys are derived from the seed.
    #[must_use]
    pub fn server(mut self, settings: ServerSettings) -> Self {
        self.server = settings;
        self
    }

    /// Sets all engine settings, including orders. An empty `public_url` is replaced by the bound
    /// address.
    #[must_use]
    pub fn engine(mut self, settings: beseda_engine::EngineSettings) -> Self {
        self.engine = settings;
        self
    }

    /// Sets whether `/notification` is appended to the URLs of subscriptions. Defaults to `false`.
    #[must_use]
    pub fn append_notification(mut self, append: bool) -> Self {
        self.append_notification = append;
        self
    }

    /// Sets the transport. [`StandIn::client`] trusts certificates of public authorities only.
    #[must_use]
    pub fn transport(mut self, transport: TransportSettings) -> Self {
        self.transport = transport;
        self
    }

    /// Sets whether chats about unregistered orders are allowed. By default an order must be
    /// registered first.
    #[must_use]
    pub fn orders(mut self, orders: Orders) -> Self {
        self.engine.orders = orders;
        self
    }

    /// Sets the clock. Defaults to one that follows system time. Demo chats keep their own times.
    #[must_use]
    pub fn clock(mut self, clock: Arc<StandInClock>) -> Self {
        self.clock = clock;
        self
    }

    /// Sets the persona of automatic buyers. Defaults to silent.
    #[must_use]
    pub fn buyers(mut self, persona: Persona) -> Self {
        self.buyers = persona;
        self
    }

    /// Binds the address and creates the demo, without serving yet; for programs with their own
    /// runtime.
    ///
    /// # Errors
    ///
    /// If the address can't be bound or the folder can't be used.
    pub async fn open(self) -> anyhow::Result<BoundStandIn> {
        let (listener, bound) = beseda_server::listen(self.listen).await?;
        let scheme = if self.transport.tls.is_some() { "https" } else { "http" };
        let url = beseda_server::local_url(bound, scheme);
        let mut settings = self.engine;
        if settings.public_url.is_empty() {
            settings.public_url.clone_from(&url);
        }
        let mut server = self.server;
        let mut demo = Demo::from_seed(self.seed);
        for (key, demo_key) in [
            (&mut server.market_key, &mut demo.market_key),
            (&mut server.admin_key, &mut demo.admin_key),
        ] {
            match key {
                Some(key) => key.expose_secret().clone_into(demo_key),
                None => *key = Some(demo_key.clone().into()),
            }
        }
        let folder = match self.data {
            Some(folder) => StateFolder::Persistent(folder),
            None => StateFolder::temporary(self.on_disk)?,
        };
        demo::create(folder.path(), &settings, &demo).await?;
        let engine = Engine::open_sqlite(folder.path(), settings, self.clock.clone()).await?;
        let engine = Arc::new(engine);
        let mut sending = beseda_webhook::sender::SenderSettings::new(AddressPolicy::Loopback);
        sending.append_notification = self.append_notification;
        let webhook_sender = WebhookSender::start(
            engine.notification_queue(),
            sending,
            self.clock.clone(),
            self.clock.clone(),
        );
        let control = Arc::new(Control::new(ControlSettings {
            engine: engine.clone(),
            clock: self.clock,
            admin_key: demo.admin_key.clone().into(),
            business: demo.business,
            seed: self.seed,
            unversioned: server.unversioned,
            subscriptions: Some(webhook_sender.subscriptions()),
        }));
        if folder.fits_in_memory() {
            control.save_start().await?;
        }
        let buyers = (self.buyers, self.seed);
        let weak: Weak<Control> = Arc::downgrade(&control);
        webhook_sender.inject_faults(weak);
        let transport = self.transport;
        Ok(BoundStandIn {
            listener,
            url,
            demo,
            engine,
            webhook_sender,
            control,
            buyers,
            server,
            transport,
            folder,
        })
    }

    /// Starts the server on a thread of its own, so that it answers even while the caller's runtime
    /// is blocked.
    ///
    /// # Errors
    ///
    /// If the address can't be bound or the folder can't be used.
    pub async fn start(self) -> anyhow::Result<StandIn> {
        let (thread, ready) = self.spawn()?;
        thread.into_stand_in(ready.await)
    }

    /// Starts the server from code without an async runtime.
    ///
    /// # Errors
    ///
    /// If the address can't be bound or the folder can't be used.
    ///
    /// # Panics
    ///
    /// When called within an async runtime.
    pub fn start_blocking(self) -> anyhow::Result<StandIn> {
        let (thread, ready) = self.spawn()?;
        thread.into_stand_in(ready.blocking_recv())
    }

    fn spawn(
        self,
    ) -> anyhow::Result<(ServerThread, oneshot::Receiver<anyhow::Result<StandInInfo>>)> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (ready_sender, ready) = oneshot::channel();
        let (shutdown, shutdown_requested) = oneshot::channel::<()>();
        let work = async move {
            let opened = match self.open().await {
                Ok(opened) => opened,
                // Fails only if the caller has gone; nothing runs yet.
                Err(error) => return drop(ready_sender.send(Err(error))),
            };
            if ready_sender.send(Ok(opened.info())).is_ok() {
                // A message and a dropped sender both request shutdown.
                let shutdown = async { drop(shutdown_requested.await) };
                let at_once = TransportSettings { drain_seconds: 0, ..opened.transport.clone() };
                if let Err(error) = opened.serve_with(shutdown, at_once).await {
                    tracing::error!(%error, "the stand-in failed");
                }
            }
        };
        let thread = thread::Builder::new()
            .name("beseda-stand-in".to_owned())
            .spawn(move || runtime.block_on(work))?;
        Ok((ServerThread::new(shutdown, thread), ready))
    }
}

impl StandIn {
    /// Returns a builder with the defaults.
    #[must_use]
    pub fn builder() -> StandInBuilder {
        StandInBuilder::default()
    }

    /// Starts a stand-in on a free port of 127.0.0.1 with the default settings.
    ///
    /// # Errors
    ///
    /// If no port can be bound or no temporary folder created.
    pub async fn start() -> anyhow::Result<Self> {
        Self::builder().start().await
    }
}

/// Stand-in with a bound address that is not serving yet.
pub struct BoundStandIn {
    listener: TcpListener,
    url: String,
    demo: Demo,
    engine: Arc<Engine>,
    webhook_sender: WebhookSender,
    control: Arc<Control>,
    buyers: (Persona, u64),
    server: ServerSettings,
    transport: TransportSettings,
    folder: StateFolder,
}

impl fmt::Debug for BoundStandIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoundStandIn").field("url", &self.url).finish_non_exhaustive()
    }
}

impl BoundStandIn {
    /// Returns the base URL, without a trailing slash.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns credentials and ids of the demo.
    #[must_use]
    pub fn demo(&self) -> &Demo {
        &self.demo
    }

    /// Serves until `shutdown` resolves, then drains connections. Deletes a temporary folder
    /// afterwards.
    ///
    /// # Errors
    ///
    /// If the settings are invalid or serving fails.
    pub async fn serve(self, shutdown: impl Future<Output = ()>) -> anyhow::Result<()> {
        let transport = self.transport.clone();
        self.serve_with(shutdown, transport).await
    }

    async fn serve_with(
        self,
        shutdown: impl Future<Output = ()>,
        transport: TransportSettings,
    ) -> anyhow::Result<()> {
        let Self {
            listener,
            engine,
            webhook_sender,
            control,
            buyers: (persona, seed),
            server,
            folder,
            ..
        } = self;
        let buyers = Buyers::start(control.world().clone(), persona, seed);
        let scenarios = Arc::clone(control.scenarios());
        let served = serve::ServedParts { engine, webhook_sender, control };
        let served = serve::serve(listener, served, server, transport, shutdown).await;
        buyers.shut_down().await;
        scenarios.shut_down().await;
        drop(folder);
        served
    }

    fn info(&self) -> StandInInfo {
        StandInInfo {
            url: self.url.clone(),
            demo: self.demo.clone(),
            engine: self.engine.clone(),
            control: self.control.clone(),
            folder: self.folder.path().to_owned(),
        }
    }
}

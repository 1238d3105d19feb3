//! [`StandIn`]: a running stand-in that lives as long as the value does. What it serves and shows is the demo's and the server's business.

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
use beseda_push::{Policy, Push};
use beseda_scenario::{Buyers, Persona};
use beseda_server::{LimitSettings, Settings, Transport, Unversioned};
use secrecy::ExposeSecret;
use tokio::{net::TcpListener, sync::oneshot};

pub use self::running::StandIn;
use self::{
    folder::DataFolder,
    running::{ServerThread, StandInInfo},
};
use crate::{
    Control, ControlSettings, StandInClock,
    demo::{self, Demo},
};

/// What a stand-in is to be like. Every setting has a default that suits tests.
#[derive(Clone)]
pub struct StandInBuilder {
    seed: u64,
    listen: SocketAddr,
    data: Option<PathBuf>,
    on_disk: bool,
    server: Settings,
    engine: beseda_engine::Settings,
    append_notification: bool,
    transport: Transport,
    clock: Arc<StandInClock>,
    buyers: Persona,
}

impl fmt::Debug for StandInBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Builder");
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
            server: Settings::default(),
            engine: beseda_engine::Settings {
                public_url: String::new(),
                ..beseda_engine::Settings::default()
            },
            append_notification: false,
            transport: Transport::default(),
            clock: Arc::new(StandInClock::real()),
            buyers: Persona::Silent,
        }
    }
}

impl StandInBuilder {
    /// What credentials and demo data follow from; 1 unless said.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Where it listens; a free port of 127.0.0.1 unless said.
    #[must_use]
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.listen = address;
        self
    }

    /// Keeps everything in this folder, over the end of the stand-in.
    #[must_use]
    pub fn data(mut self, folder: impl Into<PathBuf>) -> Self {
        self.data = Some(folder.into());
        self
    }

    /// Keeps the temporary folder on a disk even where memory would do.
    #[must_use]
    pub fn on_disk(mut self) -> Self {
        self.on_disk = true;
        self
    }

    /// Which limits are counted; those of 2026 unless said.
    #[must_use]
    pub fn limits(mut self, limits: LimitSettings) -> Self {
        self.server.limits = limits;
        self
    }

    /// What is answered on paths without a version; what the 2024 document has unless said.
    #[must_use]
    pub fn unversioned(mut self, unversioned: Unversioned) -> Self {
        self.server.unversioned = unversioned;
        self
    }

    /// Everything about the server, limits and the paths without a version included. Where it names no keys of the
    /// marketplace's side and of administration, those that follow from the seed are used.
    #[must_use]
    pub fn server(mut self, settings: Settings) -> Self {
        self.server = settings;
        self
    }

    /// Everything about the engine, orders included. An empty `public_url` stands for the address listened on.
    #[must_use]
    pub fn engine(mut self, settings: beseda_engine::Settings) -> Self {
        self.engine = settings;
        self
    }

    /// Whether `/notification` is put behind the address of every subscription; it isn't unless said.
    #[must_use]
    pub fn append_notification(mut self, append: bool) -> Self {
        self.append_notification = append;
        self
    }

    /// How connections are served. [`StandIn::client`] trusts no certificate but those of public authorities.
    #[must_use]
    pub fn transport(mut self, transport: Transport) -> Self {
        self.transport = transport;
        self
    }

    /// Whether an order must be registered before a chat about it; it must unless said.
    #[must_use]
    pub fn orders(mut self, orders: Orders) -> Self {
        self.engine.orders = orders;
        self
    }

    /// Who tells the time; a clock that goes with the machine's unless said. The demo's conversations keep their
    /// own times.
    #[must_use]
    pub fn clock(mut self, clock: Arc<StandInClock>) -> Self {
        self.clock = clock;
        self
    }

    /// How buyers are who answer the shop by themselves; they are silent unless said.
    #[must_use]
    pub fn buyers(mut self, persona: Persona) -> Self {
        self.buyers = persona;
        self
    }

    /// Takes the address and lays the demo, without serving yet: for programs with a runtime of their own.
    ///
    /// # Errors
    /// If the address or the folder can't be used.
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
        for (key, debug) in [
            (&mut server.market_key, &mut demo.market_key),
            (&mut server.admin_key, &mut demo.admin_key),
        ] {
            match key {
                Some(key) => key.expose_secret().clone_into(debug),
                None => *key = Some(debug.clone().into()),
            }
        }
        let folder = match self.data {
            Some(folder) => DataFolder::Persistent(folder),
            None => DataFolder::temporary(self.on_disk)?,
        };
        demo::create(folder.path(), &settings, &demo).await?;
        let engine = Engine::open_sqlite(folder.path(), settings, self.clock.clone()).await?;
        let engine = Arc::new(engine);
        let mut sending = beseda_push::Settings::new(Policy::Loopback);
        sending.append_notification = self.append_notification;
        let push = Push::start(engine.outbox(), sending, self.clock.clone(), self.clock.clone());
        let control = Arc::new(Control::new(ControlSettings {
            engine: engine.clone(),
            clock: self.clock,
            admin_key: demo.admin_key.clone().into(),
            business: demo.business,
            seed: self.seed,
            unversioned: server.unversioned,
            subscriptions: Some(push.subscriptions()),
        }));
        if folder.fits_in_memory() {
            control.save_start().await?;
        }
        let buyers = (self.buyers, self.seed);
        let weak: Weak<Control> = Arc::downgrade(&control);
        push.misbehave(weak);
        let transport = self.transport;
        Ok(BoundStandIn {
            listener,
            url,
            demo,
            engine,
            push,
            control,
            buyers,
            server,
            transport,
            folder,
        })
    }

    /// Starts it on a thread of its own, so that it answers whatever the caller's runtime does.
    ///
    /// # Errors
    /// If the address or the folder can't be used.
    pub async fn start(self) -> anyhow::Result<StandIn> {
        let (thread, ready) = self.spawn()?;
        thread.into_stand_in(ready.await)
    }

    /// The same for tests without a runtime.
    ///
    /// # Errors
    /// If the address or the folder can't be used.
    ///
    /// # Panics
    /// Inside of a runtime.
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
                // Nobody waits any more if it can't be told, and nothing runs yet.
                Err(error) => return drop(ready_sender.send(Err(error))),
            };
            if ready_sender.send(Ok(opened.info())).is_ok() {
                // Told or dropped, both mean the end.
                let shutdown = async { drop(shutdown_requested.await) };
                let at_once = Transport { drain_seconds: 0, ..opened.transport.clone() };
                if let Err(error) = opened.serve_with(shutdown, at_once).await {
                    tracing::error!(%error, "the stand-in ended badly");
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
    /// If no port can be bound or no temporary folder created.
    pub async fn start() -> anyhow::Result<Self> {
        Self::builder().start().await
    }
}

/// A stand-in that is ready to serve and doesn't yet.
pub struct BoundStandIn {
    listener: TcpListener,
    url: String,
    demo: Demo,
    engine: Arc<Engine>,
    push: Push,
    control: Arc<Control>,
    buyers: (Persona, u64),
    server: Settings,
    transport: Transport,
    folder: DataFolder,
}

impl fmt::Debug for BoundStandIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened").field("url", &self.url).finish_non_exhaustive()
    }
}

impl BoundStandIn {
    /// Where it will answer, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its credentials and what is in it.
    #[must_use]
    pub fn demo(&self) -> &Demo {
        &self.demo
    }

    /// Serves until `end` is ready, then lets running requests finish. A temporary folder goes with it.
    ///
    /// # Errors
    /// If it can't serve.
    pub async fn serve(self, shutdown: impl Future<Output = ()>) -> anyhow::Result<()> {
        let transport = self.transport.clone();
        self.serve_with(shutdown, transport).await
    }

    async fn serve_with(
        self,
        shutdown: impl Future<Output = ()>,
        transport: Transport,
    ) -> anyhow::Result<()> {
        let Self {
            listener, engine, push, control, buyers: (persona, seed), server, folder, ..
        } = self;
        let buyers = Buyers::start(control.world().clone(), persona, seed);
        let scenarios = Arc::clone(control.scenarios());
        let served = serve::ServedParts { engine, push, control };
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

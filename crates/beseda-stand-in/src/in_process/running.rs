//! Running stand-in: URL, credentials, engine, controls.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
};

use anyhow::Context;
use beseda_api::{BusinessId, CampaignId, MarketSide, OrderId, ReturnId};
use beseda_engine::Engine;
use tokio::sync::oneshot;

use crate::{Control, demo::Demo};

/// Facts reported by the server thread once it listens.
pub(super) struct StandInInfo {
    pub(super) url: String,
    pub(super) demo: Demo,
    pub(super) engine: Arc<Engine>,
    pub(super) control: Arc<Control>,
    pub(super) folder: PathBuf,
}

/// Server thread; stopped and joined on drop.
pub(super) struct ServerThread {
    shutdown: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl ServerThread {
    pub(super) fn new(shutdown: oneshot::Sender<()>, thread: thread::JoinHandle<()>) -> Self {
        Self { shutdown: Some(shutdown), thread: Some(thread) }
    }

    pub(super) fn into_stand_in(
        self,
        ready: Result<anyhow::Result<StandInInfo>, oneshot::error::RecvError>,
    ) -> anyhow::Result<StandIn> {
        let StandInInfo { url, demo, engine, control, folder } =
            ready.context("the server thread ended")??;
        Ok(StandIn { url, demo, folder, engine, control, _running: self })
    }
}

impl Drop for ServerThread {
    fn drop(&mut self) {
        drop(self.shutdown.take());
        if let Some(thread) = self.thread.take() {
            // The panic has been printed already; a second one here would abort the process.
            drop(thread.join());
        }
    }
}

/// Mock server that runs in this process. Dropping it stops the server and deletes its temporary
/// folder.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let stand_in = beseda_stand_in::StandIn::start().await?;
/// let chats_url = format!("{}/v2/businesses/{}/chats", stand_in.url(), stand_in.business_id());
/// assert!(chats_url.starts_with("http://127.0.0.1:"));
/// # Ok(()) }
/// ```
pub struct StandIn {
    url: String,
    demo: Demo,
    folder: PathBuf,
    // Order matters: the thread holds the last reference to the engine and closes it before the
    // folder is deleted.
    engine: Arc<Engine>,
    control: Arc<Control>,
    _running: ServerThread,
}

impl fmt::Debug for StandIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StandIn").field("url", &self.url).finish_non_exhaustive()
    }
}

impl StandIn {
    /// Returns the controls: clock, faults, journal, scenarios, state.
    ///
    /// ```
    /// use beseda_stand_in::{StandIn, faults::{FaultKind, NewFault}};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let stand_in = StandIn::start().await?;
    /// // The next request is executed, but its response never arrives.
    /// let fault = NewFault { count: Some(1), ..NewFault::new(FaultKind::ResetAfter) };
    /// stand_in.control().faults().add(vec![fault])?;
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn control(&self) -> &Arc<Control> {
        &self.control
    }

    /// Returns the base URL, without a trailing slash.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the id of the demo cabinet.
    #[must_use]
    pub fn business_id(&self) -> BusinessId {
        self.demo.business
    }

    /// Returns the id of the demo cabinet's first campaign.
    #[must_use]
    pub fn campaign_id(&self) -> CampaignId {
        self.demo.campaign
    }

    /// Returns the six demo orders; the last belongs to a second campaign with its own delivery.
    #[must_use]
    pub fn orders(&self) -> &[OrderId] {
        &self.demo.orders
    }

    /// Returns the demo returns: of the third and of the fourth order.
    #[must_use]
    pub fn returns(&self) -> &[ReturnId] {
        &self.demo.returns
    }

    /// Returns an Api-Key of the demo cabinet.
    #[must_use]
    pub fn api_key(&self) -> &str {
        &self.demo.api_key
    }

    /// Returns an OAuth token with access to the demo cabinet.
    #[must_use]
    pub fn oauth_token(&self) -> &str {
        &self.demo.oauth_token
    }

    /// Returns the key of the marketplace side, `/market/v1`.
    #[must_use]
    pub fn market_key(&self) -> &str {
        &self.demo.market_key
    }

    /// Returns the admin key.
    #[must_use]
    pub fn admin_key(&self) -> &str {
        &self.demo.admin_key
    }

    /// Returns the folder of database and files.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the line that `beseda stand-in --json` prints for programs.
    #[must_use]
    pub fn ready_line(&self) -> String {
        self.demo.ready_line(&self.url)
    }

    /// Creates a client with the Api-Key. Its rate limiter uses the stand-in's clock.
    ///
    /// # Errors
    ///
    /// If the HTTP client can't be created.
    #[cfg(feature = "client")]
    pub fn client(&self) -> beseda_api::Result<beseda_client::Client> {
        use beseda_client::{Client, RateLimiter};

        let clock = self.control.clock();
        let governor = RateLimiter::new(clock.clone(), clock.clone());
        let builder = Client::builder().url(&self.url).api_key(self.demo.api_key.clone());
        builder.rate_limiter(governor).build()
    }

    /// Returns the engine: all traits of both sides, without HTTP.
    ///
    /// Drop clones before the stand-in: the database closes with the last of them.
    #[must_use]
    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// Returns the marketplace side, without HTTP: orders, buyers, support, arbiter.
    #[must_use]
    pub fn market(&self) -> &dyn MarketSide {
        self.control.notifier().as_ref()
    }
}

//! A stand-in that runs, as its owner sees it: address, credentials, both sides, and its end. How it starts stands in the builder.

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

/// What the thread tells of itself.
pub(super) struct StandInInfo {
    pub(super) url: String,
    pub(super) demo: Demo,
    pub(super) engine: Arc<Engine>,
    pub(super) control: Arc<Control>,
    pub(super) folder: PathBuf,
}

/// The thread a stand-in runs on; ended and waited for when dropped.
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
            ready.context("the stand-in's thread ended")??;
        Ok(StandIn { url, demo, folder, engine, control, _running: self })
    }
}

impl Drop for ServerThread {
    fn drop(&mut self) {
        drop(self.shutdown.take());
        if let Some(thread) = self.thread.take() {
            // A panic over there has been printed already; a second one here would end the process.
            drop(thread.join());
        }
    }
}

/// A stand-in in this process. It ends, and its folder goes, when this is dropped.
pub struct StandIn {
    url: String,
    demo: Demo,
    folder: PathBuf,
    // Fields go in this order: the thread holds the last of the engine, and closes it before the folder goes.
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
    /// Its controls: clock, faults, journal, state.
    #[must_use]
    pub fn control(&self) -> &Arc<Control> {
        &self.control
    }

    /// Where it answers, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The demo cabinet.
    #[must_use]
    pub fn business_id(&self) -> BusinessId {
        self.demo.business
    }

    /// The demo cabinet's first shop.
    #[must_use]
    pub fn campaign_id(&self) -> CampaignId {
        self.demo.campaign
    }

    /// Orders of the demo: six, the last one of a second shop that delivers itself.
    #[must_use]
    pub fn orders(&self) -> &[OrderId] {
        &self.demo.orders
    }

    /// Returns of the demo: of its third and of its fourth order.
    #[must_use]
    pub fn returns(&self) -> &[ReturnId] {
        &self.demo.returns
    }

    /// An Api-Key of the demo cabinet.
    #[must_use]
    pub fn api_key(&self) -> &str {
        &self.demo.api_key
    }

    /// An OAuth token that sees the demo cabinet.
    #[must_use]
    pub fn oauth_token(&self) -> &str {
        &self.demo.oauth_token
    }

    /// The key of the marketplace's side, `/market/v1`.
    #[must_use]
    pub fn market_key(&self) -> &str {
        &self.demo.market_key
    }

    /// The key of administration.
    #[must_use]
    pub fn admin_key(&self) -> &str {
        &self.demo.admin_key
    }

    /// Where it keeps its database and files.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The line that `beseda stand-in --json` prints, for programs that read it.
    #[must_use]
    pub fn ready_line(&self) -> String {
        self.demo.ready_line(&self.url)
    }

    /// A client of the seller's side, with the Api-Key. It waits for limits by the stand-in's clock.
    ///
    /// # Errors
    /// If no HTTP client can be made.
    #[cfg(feature = "client")]
    pub fn client(&self) -> beseda_api::Result<beseda_client::Client> {
        use beseda_client::{Client, RateLimiter};

        let clock = self.control.clock();
        let governor = RateLimiter::new(clock.clone(), clock.clone());
        let builder = Client::builder().url(&self.url).api_key(self.demo.api_key.clone());
        builder.rate_limiter(governor).build()
    }

    /// What it keeps, asked without HTTP: every trait of both sides.
    ///
    /// Let go of clones before the stand-in: its database closes with the last of them.
    #[must_use]
    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// The marketplace's side without HTTP: orders, buyers, support, arbiter.
    #[must_use]
    pub fn market(&self) -> &dyn MarketSide {
        self.control.notifier().as_ref()
    }
}

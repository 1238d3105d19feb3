//! Webhook sender for push notifications: ordered per subscription, retried on the published schedule, and never to private
//! networks. Its storage is a [`NotificationQueue`], which the engine implements.
//!
//! ```no_run
//! # async fn start(queue: std::sync::Arc<dyn beseda_api::NotificationQueue>) {
//! use std::sync::Arc;
//! use beseda_api::SystemClock;
//! use beseda_push::{Policy, Push, Settings, SystemTimer};
//!
//! let settings = Settings::new(Policy::Public);
//! let push = Push::start(queue, settings, Arc::new(SystemClock), Arc::new(SystemTimer));
//! let subscriptions = push.subscriptions();
//! push.stop().await;
//! # drop(subscriptions) }
//! ```

mod address;
mod desk;
mod ladder;
mod mischief;
mod post;
mod receipt;
mod sender;

use std::{
    fmt,
    sync::{Arc, OnceLock, Weak},
};

use beseda_api::{Clock, NotificationQueue, Subscriptions};
use rustls_pki_types::CertificateDer;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub use address::{Policy, Resolve, SystemResolver};
pub use beseda_api::SystemTimer;
pub use beseda_api::Timer;
pub use mischief::{Mischief, Prank};

use post::Post;
use sender::Sender;

/// How notifications are sent.
#[derive(Clone)]
pub struct Settings {
    /// Which addresses they may go to.
    pub policy: Policy,
    /// Whether `/notification` is put behind every address, as the published specification has it.
    pub append_notification: bool,
    /// Certificates that are trusted besides the machine's.
    pub roots: Vec<CertificateDer<'static>>,
    /// Finds the addresses of hosts.
    pub resolver: Arc<dyn Resolve>,
}

impl Settings {
    /// Settings with this policy and nothing special.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        let resolver = Arc::new(SystemResolver);
        Self { policy, append_notification: false, roots: Vec::new(), resolver }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("policy", &self.policy).finish_non_exhaustive()
    }
}

/// A sender at work. It ends when it is stopped or dropped; what it was doing then is done again after the next start.
pub struct Push {
    sender: Arc<Sender>,
    stop: CancellationToken,
    running: JoinHandle<()>,
}

impl fmt::Debug for Push {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Push").finish_non_exhaustive()
    }
}

impl Push {
    /// Starts sending what waits, on the runtime this is called on.
    #[must_use]
    pub fn start(
        outbox: Arc<dyn NotificationQueue>,
        settings: Settings,
        clock: Arc<dyn Clock>,
        timer: Arc<dyn Timer>,
    ) -> Self {
        let sender = Arc::new(Sender {
            outbox,
            post: Post::new(settings),
            clock,
            timer,
            mischief: OnceLock::new(),
        });
        let stop = CancellationToken::new();
        let running = tokio::spawn(Arc::clone(&sender).run(stop.clone()));
        Self { sender, stop, running }
    }

    /// The administration of subscriptions, with the `PING` that goes before.
    #[must_use]
    pub fn subscriptions(&self) -> Arc<dyn Subscriptions> {
        Arc::<Sender>::clone(&self.sender)
    }

    /// Lets notifications go wrong as this decides, as long as it lives. For stand-ins; only the first one counts.
    pub fn misbehave(&self, mischief: Weak<dyn Mischief>) {
        drop(self.sender.mischief.set(mischief));
    }

    /// Stops and waits until nothing is under way.
    pub async fn stop(mut self) {
        self.stop.cancel();
        // A panic in there was told already, and there is nothing else to hear.
        (&mut self.running).await.ok();
    }
}

impl Drop for Push {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

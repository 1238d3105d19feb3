//! Webhook sender: delivers queued notifications to subscriptions.
//!
//! Notifications of a subscription are delivered one at a time and in order, retried on the published schedule (every
//! minute for an hour, every 15 minutes for a day, hourly for 14 days), and never sent to private networks. Storage is
//! a [`NotificationQueue`], which `beseda-engine` implements.
//!
//! ```no_run
//! # async fn start(queue: std::sync::Arc<dyn beseda_api::NotificationQueue>) {
//! use std::sync::Arc;
//!
//! use beseda_api::{SystemClock, SystemTimer};
//! use beseda_webhook::sender::{AddressPolicy, SenderSettings, WebhookSender};
//!
//! let settings = SenderSettings::new(AddressPolicy::Public);
//! let sender = WebhookSender::start(queue, settings, Arc::new(SystemClock), Arc::new(SystemTimer));
//! let subscriptions = sender.subscriptions();
//! sender.stop().await;
//! # drop(subscriptions) }
//! ```

mod dispatcher;
#[cfg(feature = "faults")]
mod faults;
mod http;
mod retry_schedule;
mod ssrf;
mod subscriptions;
mod verdict;

#[cfg(feature = "faults")]
use std::sync::{OnceLock, Weak};
use std::{fmt, sync::Arc};

use beseda_api::{Clock, NotificationQueue, Subscriptions, Timer};
use rustls_pki_types::CertificateDer;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use self::{dispatcher::Dispatcher, http::HttpSender};

#[cfg(feature = "faults")]
pub use faults::{FaultInjector, PushFault};
pub use ssrf::{AddressPolicy, Resolver, SystemResolver};

/// Settings of the webhook sender.
///
/// ```
/// use beseda_webhook::sender::{AddressPolicy, SenderSettings};
///
/// let mut settings = SenderSettings::new(AddressPolicy::Public);
/// settings.append_notification = true;
/// ```
#[derive(Clone)]
pub struct SenderSettings {
    /// Allowed destinations.
    pub policy: AddressPolicy,
    /// Appends `/notification` to every URL, as the published specification does.
    pub append_notification: bool,
    /// Trusted certificates in addition to the system's.
    pub roots: Vec<CertificateDer<'static>>,
    /// DNS resolver.
    pub resolver: Arc<dyn Resolver>,
}

impl SenderSettings {
    /// Creates settings with this policy and defaults.
    #[must_use]
    pub fn new(policy: AddressPolicy) -> Self {
        let resolver = Arc::new(SystemResolver);
        Self { policy, append_notification: false, roots: Vec::new(), resolver }
    }
}

impl fmt::Debug for SenderSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SenderSettings").field("policy", &self.policy).finish_non_exhaustive()
    }
}

/// Running webhook sender. It stops when stopped or dropped; interrupted deliveries are repeated
/// after the next start.
///
/// See [the module](self) for an example.
pub struct WebhookSender {
    dispatcher: Arc<Dispatcher>,
    stop: CancellationToken,
    running: JoinHandle<()>,
}

impl fmt::Debug for WebhookSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookSender").finish_non_exhaustive()
    }
}

impl WebhookSender {
    /// Starts delivering queued notifications on the current runtime.
    #[must_use]
    pub fn start(
        queue: Arc<dyn NotificationQueue>,
        settings: SenderSettings,
        clock: Arc<dyn Clock>,
        timer: Arc<dyn Timer>,
    ) -> Self {
        let dispatcher = Arc::new(Dispatcher {
            queue,
            http: HttpSender::new(settings),
            clock,
            timer,
            #[cfg(feature = "faults")]
            faults: OnceLock::new(),
        });
        let stop = CancellationToken::new();
        let running = tokio::spawn(Arc::clone(&dispatcher).run(stop.clone()));
        Self { dispatcher, stop, running }
    }

    /// Returns the administration of subscriptions, which verifies URLs with a `PING`.
    #[must_use]
    pub fn subscriptions(&self) -> Arc<dyn Subscriptions> {
        Arc::<Dispatcher>::clone(&self.dispatcher)
    }

    /// Asks the injector before each delivery whether to duplicate or reorder it, as long as the injector lives. Only
    /// the first call has an effect.
    #[cfg(feature = "faults")]
    pub fn inject_faults(&self, injector: Weak<dyn FaultInjector>) {
        drop(self.dispatcher.faults.set(injector));
    }

    /// Stops and waits for running deliveries.
    pub async fn stop(mut self) {
        self.stop.cancel();
        // A panic was logged by the runtime.
        (&mut self.running).await.ok();
    }
}

impl Drop for WebhookSender {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

//! Background work: archive sync, upstream webhooks, and periodic maintenance.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use beseda_api::{BusinessId, notification::Notification};
use beseda_archive::{Error, Schedule, Syncer};
use beseda_engine::Engine;
use beseda_webhook::receiver::{Ack, EventSink, WebhookEvent};
use jiff::{SignedDuration, Timestamp};
use tokio::{sync::mpsc, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::{attribution::match_sends, keys::KeyStore, state::GatewayState};

/// Pause before the archive is locked again, or after a failed sync.
const RETRY_INTERVAL: Duration = Duration::from_secs(30);
/// Capacity of the channel of sync hints. The next listing finds the chats of dropped hints.
const HINT_CAPACITY: usize = 1_000;
/// Interval of maintenance, in which quotas are reloaded: another process may have changed them.
const MAINTENANCE_INTERVAL: Duration = Duration::from_secs(1);
/// Number of maintenance intervals between deletions of expired audit records.
const INTERVALS_PER_CLEANUP: u64 = 3_600;
/// Number of maintenance intervals between matching sends to archived messages.
const INTERVALS_PER_MATCHING: u64 = 3;

/// Background task that syncs the archive.
pub(crate) struct ArchiveSync {
    hints: mpsc::Sender<Notification>,
    shutdown: CancellationToken,
    task: JoinHandle<()>,
}

impl ArchiveSync {
    /// Starts the task.
    pub(crate) fn start(shared: &Arc<GatewayState>, businesses: Vec<BusinessId>) -> Self {
        let (hints, hint_receiver) = mpsc::channel(HINT_CAPACITY);
        let shutdown = CancellationToken::new();
        let cancelled = shutdown.clone();
        let (archive, client) = (shared.archive.clone(), shared.background_client.clone());
        let task = tokio::spawn(async move {
            let api = Arc::new(client);
            let syncer = loop {
                match Syncer::new(archive.clone(), api.clone(), businesses.iter().copied()) {
                    Ok(syncer) => break syncer,
                    Err(error @ Error::Locked { .. }) => {
                        tracing::info!(%error, "another process syncs the archive");
                    }
                    Err(error) => tracing::warn!(%error, "failed to start the archive sync"),
                }
                tokio::select! {
                    () = cancelled.cancelled() => return,
                    () = tokio::time::sleep(RETRY_INTERVAL) => {}
                }
            };
            let mut hints = Some(hint_receiver);
            loop {
                match syncer.run(Schedule::polling(), hints.take(), cancelled.cancelled()).await {
                    Ok(()) => return,
                    // Retried: the credential may be accepted again, or the disk have space again.
                    Err(error) => tracing::error!(%error, "archive sync failed"),
                }
                tokio::select! {
                    () = cancelled.cancelled() => return,
                    () = tokio::time::sleep(RETRY_INTERVAL) => {}
                }
            }
        });
        Self { hints, shutdown, task }
    }

    /// Returns a sender of sync hints.
    pub(crate) fn hints(&self) -> mpsc::Sender<Notification> {
        self.hints.clone()
    }

    /// Stops the task and waits for it.
    pub(crate) async fn shutdown(self) {
        self.shutdown.cancel();
        // A panic ends the task as well.
        let _ = self.task.await;
    }
}

/// Sink of the upstream's webhooks: expires shared reads, hints the sync, and forwards to
/// subscriptions.
pub(crate) struct UpstreamWebhooks {
    pub(crate) shared: Arc<GatewayState>,
    pub(crate) engine: Arc<Engine>,
    pub(crate) hints: Option<mpsc::Sender<Notification>>,
}

#[async_trait]
impl EventSink for UpstreamWebhooks {
    /// Returns `Accepted` after the copies of all subscriptions are durable.
    async fn accept(&self, event: WebhookEvent) -> Ack {
        let Some(business) = event.business else { return Ack::Accepted };
        self.shared.single_flight.invalidate(business);
        if let Some(hints) = &self.hints {
            // The next listing finds the chats of dropped hints.
            let _ = hints.try_send(event.notification.clone());
        }
        match self.engine.forward_notification(business, event.notification).await {
            Ok(_) => Ack::Accepted,
            Err(error) if error.kind().is_some() => Ack::Malformed(error.to_string()),
            Err(error) => Ack::Failed(error.to_string()),
        }
    }
}

/// Periodic maintenance. The task is aborted on drop.
pub(crate) struct Maintenance(JoinHandle<()>);

impl Drop for Maintenance {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Maintenance {
    /// Starts the task.
    pub(crate) fn start(
        shared: Arc<GatewayState>,
        keys: KeyStore,
        businesses: Vec<BusinessId>,
        audit_days: u32,
    ) -> Self {
        Self(tokio::spawn(maintain(shared, keys, businesses, audit_days)))
    }
}

async fn maintain(
    shared: Arc<GatewayState>,
    keys: KeyStore,
    businesses: Vec<BusinessId>,
    days: u32,
) {
    for interval in 0_u64.. {
        if interval.is_multiple_of(INTERVALS_PER_CLEANUP) {
            delete_expired_records(&shared, days).await;
        }
        tokio::time::sleep(MAINTENANCE_INTERVAL).await;
        if interval.is_multiple_of(INTERVALS_PER_MATCHING)
            && let Err(error) = match_sends(&shared.db, &shared.archive, shared.clock.now()).await
        {
            tracing::warn!(%error, "failed to match sends to archived messages");
        }
        if let Err(error) = shared.reload_quotas(&keys, &businesses).await {
            tracing::warn!(%error, "failed to reload quotas");
        }
    }
}

async fn delete_expired_records(shared: &GatewayState, days: u32) {
    let age = SignedDuration::from_hours(24 * i64::from(days));
    let oldest = shared.clock.now().checked_sub(age).unwrap_or(Timestamp::MIN);
    if let Err(error) = shared.db.delete_sends_before(oldest).await {
        tracing::warn!(%error, "failed to delete expired audit records");
    }
}

//! Dispatcher: takes due notifications from the queue and delivers them, one at a time per
//! subscription.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use beseda_api::{
    Clock, DeliveryAttempt, DeliveryOutcome, NotificationQueue, QueueAction, QueuedNotification,
    Result, Timer,
};
use jiff::Timestamp;
use tokio::{
    sync::Semaphore,
    task::{Id, JoinSet},
};
use tokio_util::sync::CancellationToken;

use super::{
    http::{HttpResult, HttpSender},
    retry_schedule,
    verdict::DeliveryError,
};

/// Maximum number of concurrent deliveries.
const MAX_CONCURRENT: usize = 256;
/// Pause after an error of the store.
const STORE_RETRY_PAUSE: Duration = Duration::from_secs(1);

/// Delivers notifications of a queue.
pub(crate) struct Dispatcher {
    pub(crate) queue: Arc<dyn NotificationQueue>,
    pub(crate) http: HttpSender,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) timer: Arc<dyn Timer>,
    #[cfg(feature = "faults")]
    pub(crate) faults: std::sync::OnceLock<std::sync::Weak<dyn super::FaultInjector>>,
}

impl Dispatcher {
    /// Delivers notifications until stopped, then cancels running deliveries.
    pub(crate) async fn run(self: Arc<Self>, stop: CancellationToken) {
        let permits = Arc::new(Semaphore::new(MAX_CONCURRENT));
        let mut running = JoinSet::new();
        let mut busy: HashMap<Id, i64> = HashMap::new();
        // A number that was never returned, so that the first call returns at once.
        let mut seen = self.queue.changed(u64::MAX).await;
        loop {
            let busy_subscriptions: HashSet<i64> = busy.values().copied().collect();
            let (ready, next) = self.due_heads(&busy_subscriptions).await;
            for head in ready {
                let (sender, permits) = (Arc::clone(&self), Arc::clone(&permits));
                let subscription = head.subscription;
                let task = running.spawn(async move {
                    // The semaphore is never closed.
                    let _permit = permits.acquire().await.ok();
                    sender.drain(head).await;
                });
                busy.insert(task.id(), subscription);
            }
            tokio::select! {
                () = stop.cancelled() => break,
                now = self.queue.changed(seen) => seen = now,
                () = self.wait(next) => {}
                Some(done) = running.join_next_with_id() => {
                    let id = done.map_or_else(|failed| failed.id(), |(id, ())| id);
                    busy.remove(&id);
                }
            }
        }
        running.shutdown().await;
    }

    async fn wait(&self, next: Option<Timestamp>) {
        match next {
            Some(moment) => self.timer.sleep_until(moment).await,
            None => std::future::pending().await,
        }
    }

    /// Returns the due notification of each idle subscription, and the time at which the next one
    /// is due.
    async fn due_heads(
        &self,
        busy_subscriptions: &HashSet<i64>,
    ) -> (Vec<QueuedNotification>, Option<Timestamp>) {
        let heads = match self.queue.heads().await {
            Ok(heads) => heads,
            Err(error) => {
                tracing::error!(%error, "failed to read the notification queue");
                tokio::time::sleep(STORE_RETRY_PAUSE).await;
                return (Vec::new(), Some(self.clock.now()));
            }
        };
        let now = self.clock.now();
        let free =
            heads.into_iter().filter(|head| !busy_subscriptions.contains(&head.subscription));
        let (ready, later): (Vec<_>, Vec<_>) = free.partition(|head| is_due(head, now));
        (ready, later.into_iter().filter_map(|head| head.due).min())
    }

    /// Delivers notifications of a subscription until none is due or one fails.
    async fn drain(&self, first: QueuedNotification) {
        let mut next = Some(first);
        while let Some(head) = next.take() {
            let subscription = head.subscription;
            match self.deliver(head).await {
                Ok(found) => next = found,
                Err(error) => {
                    tracing::error!(%error, subscription, "error of the notification queue: the delivery will be retried");
                    tokio::time::sleep(STORE_RETRY_PAUSE).await;
                }
            }
        }
    }

    /// Delivers one notification; returns the next if it is due.
    async fn deliver(&self, head: QueuedNotification) -> Result<Option<QueuedNotification>> {
        #[cfg(feature = "faults")]
        let Some(head) = self.apply_fault(head).await? else { return Ok(None) };
        let at = self.clock.now();
        let sent = self.http.send(&head.url, &head.notification).await;
        let action = queue_action(&sent, head.failing_since, at);
        log_attempt(&head, &sent, action);
        let subscription = head.subscription;
        self.queue.record_attempt(attempt(head, sent, at, action)).await?;
        if action != QueueAction::Acknowledge {
            return Ok(None);
        }
        let next = self.queue.head(subscription).await?;
        Ok(next.filter(|next| is_due(next, self.clock.now())))
    }
}

fn is_due(head: &QueuedNotification, now: Timestamp) -> bool {
    head.due.is_none_or(|due| due <= now)
}

fn queue_action(sent: &HttpResult, failing_since: Option<Timestamp>, at: Timestamp) -> QueueAction {
    match &sent.result {
        Ok(()) | Err(DeliveryError::Rejected(_)) => QueueAction::Acknowledge,
        Err(DeliveryError::Failed(_)) => {
            let failing_since = failing_since.unwrap_or(at);
            retry_schedule::next(failing_since, at)
                .map_or(QueueAction::Disable, |due| QueueAction::Retry { failing_since, due })
        }
    }
}

fn log_attempt(head: &QueuedNotification, sent: &HttpResult, action: QueueAction) {
    let subscription = head.subscription;
    match &sent.result {
        Ok(()) => {
            tracing::debug!(subscription, position = head.position, "notification delivered");
        }
        Err(error) => {
            let failure = error.failure();
            tracing::warn!(subscription, position = head.position, %failure, "notification failed");
        }
    }
    if action == QueueAction::Disable {
        tracing::error!(
            subscription,
            "no delivery for 14 days: subscription disabled and its queue cleared"
        );
    }
}

/// Creates the record of an attempt.
pub(super) fn attempt(
    head: QueuedNotification,
    sent: HttpResult,
    at: Timestamp,
    action: QueueAction,
) -> DeliveryAttempt {
    DeliveryAttempt {
        subscription: head.subscription,
        position: Some(head.position),
        notification: head.notification,
        at,
        took_ms: sent.took_ms,
        outcome: outcome(&sent.result),
        status: sent.status.map(|status| status.as_u16()),
        failure: sent.result.err().map(|error| error.failure().clone()),
        action,
    }
}

pub(crate) fn outcome(result: &std::result::Result<(), DeliveryError>) -> DeliveryOutcome {
    match result {
        Ok(()) => DeliveryOutcome::Delivered,
        Err(DeliveryError::Rejected(_)) => DeliveryOutcome::Rejected,
        Err(DeliveryError::Failed(_)) => DeliveryOutcome::Failed,
    }
}

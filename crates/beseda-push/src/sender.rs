//! The sender: looks what waits, and sends for each subscription one after another, never two at once. How one is sent stands in `post.rs`.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, OnceLock, Weak},
    time::Duration,
};

use beseda_api::{
    Clock, DeliveryAttempt, DeliveryOutcome, NotificationQueue, QueueAction, QueuedNotification,
    Result,
};
use jiff::Timestamp;
use tokio::{
    sync::Semaphore,
    task::{Id, JoinSet},
};
use tokio_util::sync::CancellationToken;

use crate::{
    Mischief, Prank, Timer, ladder,
    post::{Post, Sent},
    receipt::Miss,
};

/// Notifications under way at once, over all subscriptions.
const AT_ONCE: usize = 256;
/// How long to leave a store in peace that failed.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Everything the sending needs.
pub(crate) struct Sender {
    pub(crate) outbox: Arc<dyn NotificationQueue>,
    pub(crate) post: Post,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) timer: Arc<dyn Timer>,
    pub(crate) mischief: OnceLock<Weak<dyn Mischief>>,
}

impl Sender {
    /// Sends until it is stopped. Nothing is under way any more when this comes back.
    pub(crate) async fn run(self: Arc<Self>, stop: CancellationToken) {
        let places = Arc::new(Semaphore::new(AT_ONCE));
        let mut under_way = JoinSet::new();
        let mut busy: HashMap<Id, i64> = HashMap::new();
        // No store has had so many changes: the first question is answered at once.
        let mut seen = self.outbox.changed(u64::MAX).await;
        loop {
            let taken: HashSet<i64> = busy.values().copied().collect();
            let (ready, next) = self.look(&taken).await;
            for head in ready {
                let (sender, places) = (Arc::clone(&self), Arc::clone(&places));
                let subscription = head.subscription;
                let task = under_way.spawn(async move {
                    // The semaphore is never closed; if it were, nothing would be lost by sending.
                    let _place = places.acquire().await.ok();
                    sender.drain(head).await;
                });
                busy.insert(task.id(), subscription);
            }
            tokio::select! {
                () = stop.cancelled() => break,
                now = self.outbox.changed(seen) => seen = now,
                () = self.wait(next) => {}
                Some(done) = under_way.join_next_with_id() => {
                    let id = done.map_or_else(|failed| failed.id(), |(id, ())| id);
                    busy.remove(&id);
                }
            }
        }
        under_way.shutdown().await;
    }

    async fn wait(&self, next: Option<Timestamp>) {
        match next {
            Some(moment) => self.timer.sleep_until(moment).await,
            None => std::future::pending().await,
        }
    }

    /// What may go now, and when the next one may.
    async fn look(&self, taken: &HashSet<i64>) -> (Vec<QueuedNotification>, Option<Timestamp>) {
        let heads = match self.outbox.heads().await {
            Ok(heads) => heads,
            Err(error) => {
                tracing::error!(%error, "what notifications wait can't be read");
                tokio::time::sleep(AFTER_FAILURE).await;
                return (Vec::new(), Some(self.clock.now()));
            }
        };
        let now = self.clock.now();
        let free = heads.into_iter().filter(|head| !taken.contains(&head.subscription));
        let (ready, later): (Vec<_>, Vec<_>) = free.partition(|head| is_due(head, now));
        (ready, later.into_iter().filter_map(|head| head.due).min())
    }

    /// Sends what waits for a subscription until nothing does or one fails.
    async fn drain(&self, first: QueuedNotification) {
        let mut next = Some(first);
        while let Some(head) = next.take() {
            let subscription = head.subscription;
            match self.deliver(head).await {
                Ok(found) => next = found,
                Err(error) => {
                    tracing::error!(%error, subscription, "a delivery can't be kept");
                    tokio::time::sleep(AFTER_FAILURE).await;
                }
            }
        }
    }

    /// Sends one, if nothing goes wrong on purpose; gives the next if it may go at once.
    async fn deliver(&self, head: QueuedNotification) -> Result<Option<QueuedNotification>> {
        let mischief = self.mischief.get().and_then(Weak::upgrade);
        let prank = mischief.map_or(Prank::None, |mischief| mischief.prank(&head.notification));
        let head = match prank {
            Prank::Later => {
                self.outbox.requeue(head.subscription, head.position).await?;
                match self.outbox.head(head.subscription).await? {
                    Some(first) => first,
                    None => return Ok(None),
                }
            }
            Prank::Twice => {
                let at = self.clock.now();
                let sent = self.post.send(&head.url, &head.notification).await;
                self.outbox
                    .record_attempt(attempt(head.clone(), sent, at, QueueAction::Keep))
                    .await?;
                head
            }
            Prank::None => head,
        };
        let at = self.clock.now();
        let sent = self.post.send(&head.url, &head.notification).await;
        let then = decide(&sent, head.failing_since, at);
        tell(&head, &sent, then);
        let subscription = head.subscription;
        self.outbox.record_attempt(attempt(head, sent, at, then)).await?;
        if then != QueueAction::Acknowledge {
            return Ok(None);
        }
        let next = self.outbox.head(subscription).await?;
        Ok(next.filter(|next| is_due(next, self.clock.now())))
    }
}

fn is_due(head: &QueuedNotification, now: Timestamp) -> bool {
    head.due.is_none_or(|due| due <= now)
}

fn decide(sent: &Sent, failing_since: Option<Timestamp>, at: Timestamp) -> QueueAction {
    match &sent.result {
        Ok(()) | Err(Miss::Rejected(_)) => QueueAction::Acknowledge,
        Err(Miss::Failed(_)) => {
            let failing_since = failing_since.unwrap_or(at);
            ladder::next(failing_since, at)
                .map_or(QueueAction::Disable, |due| QueueAction::Retry { failing_since, due })
        }
    }
}

fn tell(head: &QueuedNotification, sent: &Sent, then: QueueAction) {
    let subscription = head.subscription;
    match &sent.result {
        Ok(()) => {
            tracing::debug!(subscription, place = head.position, "a notification was taken in");
        }
        Err(miss) => {
            let failure = miss.failure();
            tracing::warn!(subscription, place = head.position, %failure, "a notification failed");
        }
    }
    if then == QueueAction::Disable {
        tracing::error!(subscription, "nothing got through for 14 days: switched off and emptied");
    }
}

/// What is kept of a sending.
fn attempt(
    head: QueuedNotification,
    sent: Sent,
    at: Timestamp,
    then: QueueAction,
) -> DeliveryAttempt {
    DeliveryAttempt {
        subscription: head.subscription,
        position: Some(head.position),
        notification: head.notification,
        at,
        took_ms: sent.took_ms,
        outcome: outcome(&sent.result),
        status: sent.status.map(|status| status.as_u16()),
        failure: sent.result.err().map(|miss| miss.failure().clone()),
        action: then,
    }
}

pub(crate) fn outcome(result: &std::result::Result<(), Miss>) -> DeliveryOutcome {
    match result {
        Ok(()) => DeliveryOutcome::Delivered,
        Err(Miss::Rejected(_)) => DeliveryOutcome::Rejected,
        Err(Miss::Failed(_)) => DeliveryOutcome::Failed,
    }
}

//! Faults on purpose: notifications sent twice or out of order.

use std::sync::Weak;

use beseda_api::{QueueAction, QueuedNotification, Result, notification::Notification};

use super::dispatcher::{Dispatcher, attempt};

/// Fault injected into one delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PushFault {
    /// No fault.
    None,
    /// The notification is sent twice.
    Duplicate,
    /// The notification is moved behind the others in the queue.
    Reorder,
}

/// Decides which deliveries are duplicated or reordered.
pub trait FaultInjector: Send + Sync {
    /// Returns the fault of the notification that is about to be sent.
    fn fault(&self, notification: &Notification) -> PushFault;
}

impl Dispatcher {
    /// Applies the fault of this delivery; returns the notification to send now, if any.
    pub(super) async fn apply_fault(
        &self,
        head: QueuedNotification,
    ) -> Result<Option<QueuedNotification>> {
        let injector = self.faults.get().and_then(Weak::upgrade);
        match injector.map_or(PushFault::None, |injector| injector.fault(&head.notification)) {
            PushFault::None => Ok(Some(head)),
            PushFault::Reorder => {
                self.queue.requeue(head.subscription, head.position).await?;
                self.queue.head(head.subscription).await
            }
            PushFault::Duplicate => {
                let at = self.clock.now();
                let sent = self.http.send(&head.url, &head.notification).await;
                self.queue
                    .record_attempt(attempt(head.clone(), sent, at, QueueAction::Keep))
                    .await?;
                Ok(Some(head))
            }
        }
    }
}

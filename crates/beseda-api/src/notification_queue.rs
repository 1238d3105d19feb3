//! Queue of webhook notifications: the storage interface of the webhook sender.

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{
    BusinessId, Delivery, DeliveryFailure, DeliveryOutcome, NewSubscription, Result, Subscription,
    SubscriptionState, notification::Notification,
};

/// Queued notification and its destination.
///
/// ```
/// use beseda_api::{QueuedNotification, notification::Notification};
/// use jiff::Timestamp;
///
/// let queued = QueuedNotification {
///     subscription: 1,
///     url: "https://shop.example.org/hook".to_owned(),
///     position: 12,
///     notification: Notification::Ping { time: None },
///     failing_since: None,
///     due: Some(Timestamp::UNIX_EPOCH),
/// };
/// assert!(queued.due.is_none_or(|due| due <= Timestamp::now()), "may be sent");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueuedNotification {
    /// Number of the subscription.
    pub subscription: i64,
    /// URL of the webhook.
    pub url: String,
    /// Position in the queue, unique across subscriptions.
    pub position: i64,
    /// Notification to send.
    pub notification: Notification,
    /// Time since which every delivery to this subscription has failed.
    pub failing_since: Option<Timestamp>,
    /// Earliest time of the next attempt.
    pub due: Option<Timestamp>,
}

/// Attempt to be recorded in the delivery log.
///
/// ```
/// use beseda_api::{DeliveryAttempt, DeliveryOutcome, QueueAction, notification::Notification};
///
/// let attempt = DeliveryAttempt {
///     subscription: 1,
///     position: Some(12),
///     notification: Notification::Ping { time: None },
///     at: jiff::Timestamp::UNIX_EPOCH,
///     took_ms: 35,
///     outcome: DeliveryOutcome::Delivered,
///     status: Some(200),
///     failure: None,
///     action: QueueAction::Acknowledge,
/// };
/// assert_eq!(attempt.action, QueueAction::Acknowledge);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryAttempt {
    /// Number of the subscription.
    pub subscription: i64,
    /// Position in the queue; `None` for a `PING`.
    pub position: Option<i64>,
    /// Notification that was sent.
    pub notification: Notification,
    /// Time of the attempt.
    pub at: Timestamp,
    /// Duration in milliseconds.
    pub took_ms: i64,
    /// Outcome.
    pub outcome: DeliveryOutcome,
    /// HTTP status of the response, if there was one.
    pub status: Option<u16>,
    /// Cause of a failed delivery.
    pub failure: Option<DeliveryFailure>,
    /// Effect on the queue.
    pub action: QueueAction,
}

/// Effect of a delivery attempt on the queue.
///
/// ```
/// use beseda_api::QueueAction;
/// use jiff::{SignedDuration, Timestamp};
///
/// let now = Timestamp::UNIX_EPOCH;
/// let retry = QueueAction::Retry { failing_since: now, due: now + SignedDuration::from_secs(10) };
/// assert!(matches!(retry, QueueAction::Retry { due, .. } if due > now));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueAction {
    /// Removes the notification from the queue.
    Acknowledge,
    /// Keeps the notification for another attempt.
    Retry {
        /// Time since which every delivery has failed.
        failing_since: Timestamp,
        /// Time of the next attempt.
        due: Timestamp,
    },
    /// Disables the subscription and drops its queue.
    Disable,
    /// Leaves the queue as it is: a `PING`, or a manual replay.
    Keep,
}

/// Storage of subscriptions, their queues and their delivery logs.
///
/// Each method is one transaction. A method that writes returns once the write would survive a
/// power loss.
///
/// ```
/// use beseda_api::{NotificationQueue, Result};
///
/// /// Returns the number of the subscriptions whose next notification waits after a failure.
/// async fn failing(queue: &dyn NotificationQueue) -> Result<usize> {
///     let heads = queue.heads().await?;
///     Ok(heads.iter().filter(|head| head.failing_since.is_some()).count())
/// }
/// ```
#[async_trait]
pub trait NotificationQueue: Send + Sync {
    /// Creates an active subscription, or returns `None` if there is no such cabinet.
    async fn insert_subscription(
        &self,
        business: BusinessId,
        new: NewSubscription,
        at: Timestamp,
    ) -> Result<Option<Subscription>>;
    /// Returns the subscriptions of a cabinet ordered by number, or `None` if there is no such
    /// cabinet.
    async fn subscriptions(&self, business: BusinessId) -> Result<Option<Vec<Subscription>>>;
    /// Sets the state and clears earlier failures. Returns `None` if there is no such subscription.
    async fn set_subscription_state(
        &self,
        business: BusinessId,
        subscription: i64,
        state: SubscriptionState,
    ) -> Result<Option<Subscription>>;
    /// Deletes a subscription with its queue and log. Returns `true` if it existed.
    async fn delete_subscription(&self, business: BusinessId, subscription: i64) -> Result<bool>;
    /// Returns the first queued notification of every active subscription that has one.
    async fn heads(&self) -> Result<Vec<QueuedNotification>>;
    /// Returns the first queued notification of an active subscription.
    async fn head(&self, subscription: i64) -> Result<Option<QueuedNotification>>;
    /// Records a delivery attempt and applies its effect on the queue. Has no effect if the
    /// subscription was deleted.
    async fn record_attempt(&self, attempt: DeliveryAttempt) -> Result<()>;
    /// Returns attempts with numbers below `before`, newest first.
    async fn attempts(&self, subscription: i64, before: i64, limit: usize)
    -> Result<Vec<Delivery>>;
    /// Returns one attempt.
    async fn attempt(&self, subscription: i64, delivery: i64) -> Result<Option<Delivery>>;
    /// Queues the notification of an attempt again, last. Returns `false` if there is no such
    /// attempt.
    async fn replay(&self, subscription: i64, delivery: i64) -> Result<bool>;
    /// Moves a queued notification to the end of its queue. Returns `true` if there are others.
    /// Used by stand-ins to simulate reordering.
    async fn requeue(&self, subscription: i64, position: i64) -> Result<bool>;
    /// Queues a notification received from another server for every subscription of its cabinet that isn't disabled.
    /// Returns `false` for a `PING`, for a notification that isn't about chats, without subscriptions, and if one of the
    /// last 100,000 notifications was about the same event. 400 if the notification is about another cabinet.
    async fn publish(&self, business: BusinessId, notification: Notification) -> Result<bool>;
    /// Waits until the change counter differs from `seen` and returns it. The counter grows when a
    /// notification is queued or a subscription changes.
    async fn changed(&self, seen: u64) -> u64;
}

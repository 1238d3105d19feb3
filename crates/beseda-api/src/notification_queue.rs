//! What a sender of notifications needs of whoever keeps them: what waits, in order, and a place for what came of it. It sends nothing and writes no events.

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{
    BusinessId, Delivery, DeliveryFailure, DeliveryOutcome, NewSubscription, Result, Subscription,
    SubscriptionState, notification::Notification,
};

/// The first of the notifications that wait for a subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueuedNotification {
    /// The subscription.
    pub subscription: i64,
    /// Where it goes.
    pub url: String,
    /// Its place in the queue, unique over all.
    pub position: i64,
    /// Itself.
    pub notification: Notification,
    /// Since when nothing gets through to this subscription.
    pub failing_since: Option<Timestamp>,
    /// Not before this moment.
    pub due: Option<Timestamp>,
}

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryAttempt {
    /// The subscription.
    pub subscription: i64,
    /// The place in the queue; `None` for a `PING`.
    pub position: Option<i64>,
    /// What was sent.
    pub notification: Notification,
    /// When.
    pub at: Timestamp,
    /// How long it took, in milliseconds.
    pub took_ms: i64,
    /// What came of it.
    pub outcome: DeliveryOutcome,
    /// The HTTP status of the answer, if one came.
    pub status: Option<u16>,
    /// Why it failed.
    pub failure: Option<DeliveryFailure>,
    /// What becomes of the queue.
    pub action: QueueAction,
}

/// What becomes of a queue after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueAction {
    /// The notification is done with, and the next one may go.
    Acknowledge,
    /// The same one again.
    Retry {
        /// Since when nothing gets through.
        failing_since: Timestamp,
        /// When to try.
        due: Timestamp,
    },
    /// The subscription is disabled and everything that waits is dropped.
    Disable,
    /// Nothing: it was a `PING`, or is sent once more on purpose.
    Keep,
}

/// Keeps subscriptions, what waits for them and what came of it. Each verb is one transaction; a verb that writes
/// returns after what it wrote would survive a power loss.
#[async_trait]
pub trait NotificationQueue: Send + Sync {
    /// Makes a subscription that is active; `None` if there is no such cabinet.
    async fn insert_subscription(
        &self,
        business: BusinessId,
        new: NewSubscription,
        at: Timestamp,
    ) -> Result<Option<Subscription>>;
    /// The subscriptions of a cabinet, by number; `None` if there is no such cabinet.
    async fn subscriptions(&self, business: BusinessId) -> Result<Option<Vec<Subscription>>>;
    /// Changes the state and forgets earlier failures; `None` if there is no such subscription.
    async fn set_subscription_state(
        &self,
        business: BusinessId,
        subscription: i64,
        state: SubscriptionState,
    ) -> Result<Option<Subscription>>;
    /// Takes a subscription away with its queue and its log; says whether there was one.
    async fn delete_subscription(&self, business: BusinessId, subscription: i64) -> Result<bool>;
    /// The first that waits of every active subscription that has any.
    async fn heads(&self) -> Result<Vec<QueuedNotification>>;
    /// The first that waits of one subscription, if it is active.
    async fn head(&self, subscription: i64) -> Result<Option<QueuedNotification>>;
    /// Keeps what came of an attempt. Nothing for a subscription that is gone.
    async fn record_attempt(&self, attempt: DeliveryAttempt) -> Result<()>;
    /// Attempts with numbers below `before`, newest first.
    async fn attempts(&self, subscription: i64, before: i64, limit: usize)
    -> Result<Vec<Delivery>>;
    /// One attempt.
    async fn attempt(&self, subscription: i64, delivery: i64) -> Result<Option<Delivery>>;
    /// Puts the notification of an attempt behind those that wait; says whether there is one.
    async fn replay(&self, subscription: i64, delivery: i64) -> Result<bool>;
    /// Puts a notification behind those that wait; says whether there are any others. For stand-ins that misbehave.
    async fn requeue(&self, subscription: i64, position: i64) -> Result<bool>;
    /// Puts a notification that was received from elsewhere behind those that wait, for every subscription of its cabinet
    /// that isn't disabled, and says whether it did. It doesn't for a `PING`, for what isn't about chats, if nobody is
    /// subscribed, and if one of the last hundred thousand was about the same event. 400 if the notification is about another cabinet.
    async fn publish(&self, business: BusinessId, notification: Notification) -> Result<bool>;
    /// Waits until the number of changes isn't `seen`, and tells it: something waits, or a subscription is another.
    async fn changed(&self, seen: u64) -> u64;
}

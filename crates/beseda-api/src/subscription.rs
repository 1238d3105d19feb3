//! Webhook subscriptions of a cabinet and their delivery log.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    BusinessId, Error, PageRequest, Paging, Result, Time, notification::Notification,
    open_enum::open_enum,
};

/// Maximum length of a subscription's URL in bytes and of its name in characters.
const LONGEST_URL: usize = 2000;
const LONGEST_NAME: usize = 100;

open_enum! {
    /// State of a subscription.
    SubscriptionState {
        /// Notifications are delivered.
        Active = "ACTIVE",
        /// Paused by an administrator: notifications are queued.
        Paused = "PAUSED",
        /// Disabled after 14 days of failures: the queue was dropped, and new notifications are not
        /// queued.
        Disabled = "DISABLED",
    }
}

open_enum! {
    /// Outcome of a delivery attempt.
    DeliveryOutcome {
        /// The receiver accepted the notification.
        Delivered = "DELIVERED",
        /// The receiver answered 400; the notification is not retried.
        Rejected = "REJECTED",
        /// The attempt failed and is retried, unless it was a `PING`.
        Failed = "FAILED",
    }
}

open_enum! {
    /// Class of a delivery failure, as named in the seller's log.
    FailureKind {
        /// No usable response was received.
        CantGetResponse = "CANT_GET_RESPONSE",
        /// The response is invalid.
        InvalidResponse = "INVALID_RESPONSE",
    }
}

open_enum! {
    /// Cause of a delivery failure, as named in the seller's log.
    FailureReason {
        /// The connection was refused.
        ConnectionRefused = "CONNECTION_REFUSED",
        /// Connecting timed out.
        ConnectionTimedOut = "CONNECTION_TIMED_OUT",
        /// The status is not 200, or the response was cut off.
        Http = "HTTP",
        /// Reading the response timed out.
        ReadTimedOut = "READ_TIMED_OUT",
        /// The certificate or the TLS handshake is invalid.
        SslError = "SSL_ERROR",
        /// The response is not `application/json`.
        UnsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE",
        /// The response can't be parsed.
        CantParseResponse = "CANT_PARSE_RESPONSE",
        /// A field of the response is missing or out of range.
        InvalidData = "INVALID_DATA",
    }
}

/// Webhook subscription of a cabinet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Subscription {
    /// Number of the subscription.
    pub id: i64,
    /// Cabinet whose events are sent.
    pub business_id: BusinessId,
    /// URL of the webhook.
    pub url: String,
    /// Name.
    pub name: String,
    /// State.
    pub state: SubscriptionState,
    /// Creation time.
    pub created_at: Time,
    /// Number of queued notifications.
    pub waiting: i64,
    /// Time since which every delivery has failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<Time>,
    /// Time of the next attempt, if the last one failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<Time>,
}

/// Subscription to create.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewSubscription {
    /// Full URL of the webhook.
    pub url: String,
    /// Name, 1 to 100 characters.
    pub name: String,
}

impl NewSubscription {
    /// Checks the lengths of name and URL. The webhook sender checks the URL itself.
    ///
    /// # Errors
    ///
    /// 400 that names the field.
    pub fn check(&self) -> Result<()> {
        let sized = |field: &str, length: usize, most: usize, empty: bool| {
            if empty || length > most {
                return Err(Error::bad_request(format!(
                    "{field} size must be between 1 and {most} (rejected size: {length})"
                )));
            }
            Ok(())
        };
        sized("name", self.name.chars().count(), LONGEST_NAME, self.name.trim().is_empty())?;
        sized("url", self.url.len(), LONGEST_URL, self.url.is_empty())
    }
}

/// Delivery attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    /// Number of the attempt; later attempts have higher numbers.
    pub id: i64,
    /// Number of the subscription.
    pub subscription_id: i64,
    /// Number of the notification, the same in all its attempts. `None` for a `PING`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<i64>,
    /// Notification that was sent.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub notification: Notification,
    /// Time of the attempt.
    pub attempted_at: Time,
    /// Duration in milliseconds.
    pub took_ms: i64,
    /// Outcome.
    pub outcome: DeliveryOutcome,
    /// HTTP status of the response, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Cause of a failed delivery.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<DeliveryFailure>,
}

/// Cause of a failed delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct DeliveryFailure {
    /// Class of the failure.
    pub kind: FailureKind,
    /// Cause of the failure.
    pub reason: FailureReason,
    /// Description for people.
    pub detail: String,
}

impl std::fmt::Display for DeliveryFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}: {}", self.kind, self.reason, self.detail)
    }
}

/// Page of a delivery log, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct DeliveryPage {
    /// Attempts.
    pub deliveries: Vec<Delivery>,
    /// Token of the next page.
    #[serde(default)]
    pub paging: Paging,
}

/// Page of a delivery log: 1 to 100 entries. Defaults to 50.
pub type DeliveriesRequest = PageRequest<100>;

/// Administration of webhook subscriptions. An unknown cabinet, subscription or delivery is a 404.
#[async_trait]
pub trait Subscriptions: Send + Sync {
    /// Creates a subscription if its URL answers a `PING`; otherwise 400 with the failure.
    async fn create_subscription(
        &self,
        business: BusinessId,
        new: NewSubscription,
    ) -> Result<Subscription>;
    /// Returns the subscriptions of a cabinet, ordered by number.
    async fn list_subscriptions(&self, business: BusinessId) -> Result<Vec<Subscription>>;
    /// Pauses a subscription; new notifications are queued. 400 if it is disabled.
    async fn pause(&self, business: BusinessId, subscription: i64) -> Result<Subscription>;
    /// Resumes a subscription if its URL answers a `PING`; otherwise 400 with the failure.
    async fn resume(&self, business: BusinessId, subscription: i64) -> Result<Subscription>;
    /// Deletes a subscription with its queue and log.
    async fn delete(&self, business: BusinessId, subscription: i64) -> Result<()>;
    /// Returns delivery attempts, newest first.
    async fn deliveries(
        &self,
        business: BusinessId,
        subscription: i64,
        page: DeliveriesRequest,
    ) -> Result<DeliveryPage>;
    /// Queues the notification of a delivery again, last; 400 for a `PING` and for a disabled
    /// subscription.
    async fn replay(&self, business: BusinessId, subscription: i64, delivery: i64) -> Result<()>;
}

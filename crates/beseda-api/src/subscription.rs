//! Subscriptions to push notifications, as a cabinet's administrator sees them. The notifications themselves are in `notification.rs`; nothing is sent here.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    BusinessId, Error, PageRequest, Paging, Result, Time, notification::Notification,
    open_enum::open_enum,
};

/// The longest address and the longest name of a subscription.
const LONGEST_URL: usize = 2000;
const LONGEST_NAME: usize = 100;

open_enum! {
    /// Whether notifications go to a subscription.
    SubscriptionState {
        /// They do.
        Active = "ACTIVE",
        /// Somebody stopped it: they wait.
        Paused = "PAUSED",
        /// It failed for 14 days: what waited is dropped, and nothing is kept for it any more.
        Disabled = "DISABLED",
    }
}

open_enum! {
    /// What came of one attempt to deliver.
    DeliveryOutcome {
        /// It was taken in.
        Delivered = "DELIVERED",
        /// The receiver said 400: it isn't tried again.
        Rejected = "REJECTED",
        /// It failed and is tried again, unless it was a `PING`.
        Failed = "FAILED",
    }
}

open_enum! {
    /// The class of a failure, as the seller's log names it.
    FailureKind {
        /// No usable answer came.
        CantGetResponse = "CANT_GET_RESPONSE",
        /// The answer isn't what was asked for.
        InvalidResponse = "INVALID_RESPONSE",
    }
}

open_enum! {
    /// Why a delivery failed, as the seller's log names it.
    FailureReason {
        /// No connection came about.
        ConnectionRefused = "CONNECTION_REFUSED",
        /// No connection came about in time.
        ConnectionTimedOut = "CONNECTION_TIMED_OUT",
        /// The status is not 200, or the answer broke off.
        Http = "HTTP",
        /// The answer didn't come in time.
        ReadTimedOut = "READ_TIMED_OUT",
        /// The certificate or the handshake is bad.
        SslError = "SSL_ERROR",
        /// The answer is not `application/json`.
        UnsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE",
        /// The answer can't be read.
        CantParseResponse = "CANT_PARSE_RESPONSE",
        /// The answer lacks a field or has one out of its bounds.
        InvalidData = "INVALID_DATA",
    }
}

/// A subscription of a cabinet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Subscription {
    /// Its number.
    pub id: i64,
    /// The cabinet it tells of.
    pub business_id: BusinessId,
    /// Where notifications go.
    pub url: String,
    /// Its name.
    pub name: String,
    /// Whether they go.
    pub state: SubscriptionState,
    /// When it was made.
    pub created_at: Time,
    /// Notifications that wait.
    pub waiting: i64,
    /// Since when nothing gets through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<Time>,
    /// When the next attempt is due, if the last one failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<Time>,
}

/// A subscription to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewSubscription {
    /// Where notifications shall go, in full.
    pub url: String,
    /// Its name, 1 to 100 characters.
    pub name: String,
}

impl NewSubscription {
    /// Whether name and length of the address are in their bounds. What the address may be is the sender's business.
    ///
    /// # Errors
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

/// One attempt to deliver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    /// Its number; later attempts have greater ones.
    pub id: i64,
    /// The subscription.
    pub subscription_id: i64,
    /// The number of the notification: the same in all attempts at it. `None` for a `PING`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<i64>,
    /// What was sent.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub notification: Notification,
    /// When.
    pub attempted_at: Time,
    /// How long it took, in milliseconds.
    pub took_ms: i64,
    /// What came of it.
    pub outcome: DeliveryOutcome,
    /// The HTTP status of the answer, if one came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<DeliveryFailure>,
}

/// Why an attempt failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct DeliveryFailure {
    /// The class of the failure.
    pub kind: FailureKind,
    /// The failure.
    pub reason: FailureReason,
    /// The same for people.
    pub detail: String,
}

impl std::fmt::Display for DeliveryFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}: {}", self.kind, self.reason, self.detail)
    }
}

/// A part of a delivery log, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct DeliveryPage {
    /// The attempts.
    pub deliveries: Vec<Delivery>,
    /// Where the log goes on.
    #[serde(default)]
    pub paging: Paging,
}

/// A page of a delivery log: 1 to 100 entries, 50 unless said.
pub type DeliveriesRequest = PageRequest<100>;

/// What is done with the subscriptions of a cabinet. An unknown cabinet, subscription or delivery is 404.
#[async_trait]
pub trait Subscriptions: Send + Sync {
    /// Makes a subscription after a correct answer to a `PING`; 400 with the failure otherwise.
    async fn create_subscription(
        &self,
        business: BusinessId,
        new: NewSubscription,
    ) -> Result<Subscription>;
    /// The subscriptions of a cabinet, by number.
    async fn list_subscriptions(&self, business: BusinessId) -> Result<Vec<Subscription>>;
    /// Stops one: what happens from now on waits. 400 if it is disabled.
    async fn pause(&self, business: BusinessId, subscription: i64) -> Result<Subscription>;
    /// Lets one go on after a correct answer to a `PING`; 400 with the failure otherwise.
    async fn resume(&self, business: BusinessId, subscription: i64) -> Result<Subscription>;
    /// Takes one away with everything that waits for it and its log.
    async fn delete(&self, business: BusinessId, subscription: i64) -> Result<()>;
    /// What was attempted, newest first.
    async fn deliveries(
        &self,
        business: BusinessId,
        subscription: i64,
        page: DeliveriesRequest,
    ) -> Result<DeliveryPage>;
    /// Puts the notification of a delivery behind those that wait; 400 for a `PING` and for a disabled subscription.
    async fn replay(&self, business: BusinessId, subscription: i64, delivery: i64) -> Result<()>;
}

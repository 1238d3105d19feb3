//! Webhook subscriptions of a cabinet and their delivery log.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    BusinessId, Error, PageRequest, Paging, Result, Time, notification::Notification,
    open_enum::open_enum,
};

/// Maximum length of a URL in bytes.
const MAX_URL_BYTES: usize = 2000;
/// Maximum length of a name in characters.
const MAX_NAME_CHARS: usize = 100;

open_enum! {
    /// State of a subscription.
    ///
    /// ```
    /// use beseda_api::SubscriptionState;
    ///
    /// assert_eq!(SubscriptionState::from("PAUSED"), SubscriptionState::Paused);
    /// ```
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
    ///
    /// ```
    /// use beseda_api::DeliveryOutcome;
    ///
    /// assert_eq!(DeliveryOutcome::Rejected.as_str(), "REJECTED");
    /// ```
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
    ///
    /// ```
    /// use beseda_api::FailureKind;
    ///
    /// assert_eq!(FailureKind::from("INVALID_RESPONSE"), FailureKind::InvalidResponse);
    /// ```
    FailureKind {
        /// No usable response was received.
        CantGetResponse = "CANT_GET_RESPONSE",
        /// The response is invalid.
        InvalidResponse = "INVALID_RESPONSE",
    }
}

open_enum! {
    /// Cause of a delivery failure, as named in the seller's log.
    ///
    /// ```
    /// use beseda_api::FailureReason;
    ///
    /// assert_eq!(FailureReason::SslError.to_string(), "SSL_ERROR");
    /// ```
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
///
/// ```
/// use beseda_api::{Subscription, SubscriptionState};
///
/// let subscription: Subscription = serde_json::from_str(
///     r#"{"id":1,"businessId":1,"url":"https://shop.example.org/hook","name":"shop",
///         "state":"ACTIVE","createdAt":"2026-05-31T07:30:17Z","waiting":3}"#,
/// )?;
/// assert_eq!(subscription.state, SubscriptionState::Active);
/// assert_eq!(subscription.waiting, 3);
/// # Ok::<(), serde_json::Error>(())
/// ```
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
///
/// ```
/// use beseda_api::NewSubscription;
///
/// let url = "https://shop.example.org/hook".to_owned();
/// assert!(NewSubscription { url: url.clone(), name: "shop".to_owned() }.check().is_ok());
/// assert!(NewSubscription { url, name: String::new() }.check().is_err());
/// ```
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
        sized("name", self.name.chars().count(), MAX_NAME_CHARS, self.name.trim().is_empty())?;
        sized("url", self.url.len(), MAX_URL_BYTES, self.url.is_empty())
    }
}

/// Entry of the delivery log: one attempt.
///
/// ```
/// use beseda_api::{Delivery, DeliveryOutcome};
///
/// let delivery: Delivery = serde_json::from_str(
///     r#"{"id":7,"subscriptionId":1,"notification":{"notificationType":"PING"},
///         "attemptedAt":"2026-05-31T07:30:17Z","tookMs":35,"outcome":"DELIVERED","status":200}"#,
/// )?;
/// assert_eq!((delivery.outcome, delivery.status), (DeliveryOutcome::Delivered, Some(200)));
/// # Ok::<(), serde_json::Error>(())
/// ```
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
///
/// ```
/// use beseda_api::{DeliveryFailure, FailureKind, FailureReason};
///
/// let failure = DeliveryFailure {
///     kind: FailureKind::CantGetResponse,
///     reason: FailureReason::Http,
///     detail: "status 502".to_owned(),
/// };
/// assert_eq!(failure.to_string(), "CANT_GET_RESPONSE/HTTP: status 502");
/// ```
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
///
/// ```
/// use beseda_api::DeliveryPage;
///
/// let page: DeliveryPage = serde_json::from_str(r#"{"deliveries":[],"paging":{}}"#)?;
/// assert!(page.deliveries.is_empty() && page.paging.next_page_token.is_none());
/// # Ok::<(), serde_json::Error>(())
/// ```
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
///
/// ```
/// use beseda_api::{DeliveriesRequest, Limit};
///
/// let newest = DeliveriesRequest::first(Limit::new(10)?);
/// assert_eq!(newest.limit.map(|limit| limit.get()), Some(10));
/// # Ok::<(), beseda_api::Error>(())
/// ```
pub type DeliveriesRequest = PageRequest<100>;

/// Administration of webhook subscriptions. An unknown cabinet, subscription or delivery is a 404.
///
/// ```
/// use beseda_api::{BusinessId, Result, SubscriptionState, Subscriptions};
///
/// /// Resumes the paused subscriptions of a cabinet.
/// async fn resume_all(subscriptions: &dyn Subscriptions, business: BusinessId) -> Result<()> {
///     for subscription in subscriptions.list_subscriptions(business).await? {
///         if subscription.state == SubscriptionState::Paused {
///             subscriptions.resume(business, subscription.id).await?;
///         }
///     }
///     Ok(())
/// }
/// ```
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

//! Administration of subscriptions: verification of URLs by a `PING`, state, delivery log.

use async_trait::async_trait;
use beseda_api::{
    BusinessId, DeliveriesRequest, DeliveryAttempt, DeliveryPage, Error, ErrorKind,
    NewSubscription, PageToken, Paging, QueueAction, Result, Subscription, SubscriptionState,
    Subscriptions, Time, notification::Notification,
};
use jiff::Timestamp;

use super::{
    dispatcher::{self, Dispatcher},
    http::HttpResult,
};

#[async_trait]
impl Subscriptions for Dispatcher {
    async fn create_subscription(
        &self,
        business: BusinessId,
        new: NewSubscription,
    ) -> Result<Subscription> {
        new.check()?;
        let wrong = |text| Error::bad_request(format!("url: {text}"));
        self.http.check(&new.url).map_err(wrong)?;
        self.list_subscriptions(business).await?;
        let (ping, sent) = self.ping(&new.url).await;
        require_ping_response(&sent)?;
        let created = self.queue.insert_subscription(business, new, ping.at).await?;
        let created = created.ok_or_else(|| business_not_found(business))?;
        self.queue.record_attempt(ping.attempt(created.id, sent)).await?;
        Ok(created)
    }

    async fn list_subscriptions(&self, business: BusinessId) -> Result<Vec<Subscription>> {
        let found = self.queue.subscriptions(business).await?;
        found.ok_or_else(|| business_not_found(business))
    }

    async fn pause(&self, business: BusinessId, subscription: i64) -> Result<Subscription> {
        let found = self.subscription(business, subscription).await?;
        if found.state == SubscriptionState::Disabled {
            let text = format!("Subscription {subscription} is disabled");
            return Err(Error::bad_request(text));
        }
        self.set_state(business, subscription, SubscriptionState::Paused).await
    }

    async fn resume(&self, business: BusinessId, subscription: i64) -> Result<Subscription> {
        let found = self.subscription(business, subscription).await?;
        let (ping, sent) = self.ping(&found.url).await;
        let answered = require_ping_response(&sent);
        self.queue.record_attempt(ping.attempt(subscription, sent)).await?;
        answered?;
        self.set_state(business, subscription, SubscriptionState::Active).await
    }

    async fn delete(&self, business: BusinessId, subscription: i64) -> Result<()> {
        let found = self.queue.delete_subscription(business, subscription).await?;
        found.then_some(()).ok_or_else(|| not_found("Subscription", subscription))
    }

    async fn deliveries(
        &self,
        business: BusinessId,
        subscription: i64,
        page: DeliveriesRequest,
    ) -> Result<DeliveryPage> {
        self.subscription(business, subscription).await?;
        let before = match &page.token {
            None => i64::MAX,
            Some(token) => token.as_str().parse().map_err(|_| Error::bad_page_token())?,
        };
        let limit = page.limit.unwrap_or_default().get() as usize;
        let mut deliveries = self.queue.attempts(subscription, before, limit + 1).await?;
        let more = deliveries.len() > limit;
        deliveries.truncate(limit);
        let last = deliveries.last().filter(|_| more);
        let next_page_token = last.map(|last| PageToken::new(last.id.to_string()));
        Ok(DeliveryPage { deliveries, paging: Paging { next_page_token } })
    }

    async fn replay(&self, business: BusinessId, subscription: i64, delivery: i64) -> Result<()> {
        let state = self.subscription(business, subscription).await?.state;
        if state == SubscriptionState::Disabled {
            let text = format!("Subscription {subscription} is disabled: resume it first");
            return Err(Error::bad_request(text));
        }
        let found = self.queue.attempt(subscription, delivery).await?;
        let found = found.ok_or_else(|| not_found("Delivery", delivery))?;
        if found.event_id.is_none() {
            return Err(Error::bad_request("A PING can't be replayed"));
        }
        let found = self.queue.replay(subscription, delivery).await?;
        found.then_some(()).ok_or_else(|| not_found("Delivery", delivery))
    }
}

/// `PING` that was sent.
struct Ping {
    notification: Notification,
    at: Timestamp,
}

impl Ping {
    fn attempt(self, subscription: i64, sent: HttpResult) -> DeliveryAttempt {
        DeliveryAttempt {
            subscription,
            position: None,
            notification: self.notification,
            at: self.at,
            took_ms: sent.took_ms,
            outcome: dispatcher::outcome(&sent.result),
            status: sent.status.map(|status| status.as_u16()),
            failure: sent.result.err().map(|error| error.failure().clone()),
            action: QueueAction::Keep,
        }
    }
}

impl Dispatcher {
    async fn ping(&self, url: &str) -> (Ping, HttpResult) {
        let at = self.clock.now();
        let notification = Notification::Ping { time: Some(Time::utc(at)) };
        let sent = self.http.send(url, &notification).await;
        (Ping { notification, at }, sent)
    }

    async fn subscription(&self, business: BusinessId, wanted: i64) -> Result<Subscription> {
        let all = self.list_subscriptions(business).await?;
        let found = all.into_iter().find(|subscription| subscription.id == wanted);
        found.ok_or_else(|| not_found("Subscription", wanted))
    }

    async fn set_state(
        &self,
        business: BusinessId,
        subscription: i64,
        state: SubscriptionState,
    ) -> Result<Subscription> {
        let found = self.queue.set_subscription_state(business, subscription, state).await?;
        found.ok_or_else(|| not_found("Subscription", subscription))
    }
}

fn require_ping_response(sent: &HttpResult) -> Result<()> {
    match &sent.result {
        Ok(()) => Ok(()),
        Err(error) => {
            let text = format!("The PING was not answered correctly: {}", error.failure());
            Err(Error::bad_request(text))
        }
    }
}

fn business_not_found(business: BusinessId) -> Error {
    Error::new(ErrorKind::NotFound, format!("Business not found: {business}"))
}

fn not_found(what: &str, id: i64) -> Error {
    Error::new(ErrorKind::NotFound, format!("{what} not found: {id}"))
}

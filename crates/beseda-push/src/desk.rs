//! Subscriptions as they are administered: checks, the `PING` before anything is sent, the log. What is sent later is the sender's business.

use async_trait::async_trait;
use beseda_api::{
    BusinessId, DeliveriesRequest, DeliveryAttempt, DeliveryPage, Error, ErrorKind,
    NewSubscription, PageToken, Paging, QueueAction, Result, Subscription, SubscriptionState,
    Subscriptions, Time, notification::Notification,
};
use jiff::Timestamp;

use crate::{
    post::Sent,
    sender::{self, Sender},
};

#[async_trait]
impl Subscriptions for Sender {
    async fn create_subscription(
        &self,
        business: BusinessId,
        new: NewSubscription,
    ) -> Result<Subscription> {
        new.check()?;
        let wrong = |text| Error::bad_request(format!("url: {text}"));
        self.post.check(&new.url).map_err(wrong)?;
        self.list_subscriptions(business).await?;
        let (ping, sent) = self.ping(&new.url).await;
        refuse_unless_answered(&sent)?;
        let made = self.outbox.insert_subscription(business, new, ping.at).await?;
        let made = made.ok_or_else(|| business_not_found(business))?;
        self.outbox.record_attempt(ping.attempt(made.id, sent)).await?;
        Ok(made)
    }

    async fn list_subscriptions(&self, business: BusinessId) -> Result<Vec<Subscription>> {
        let found = self.outbox.subscriptions(business).await?;
        found.ok_or_else(|| business_not_found(business))
    }

    async fn pause(&self, business: BusinessId, subscription: i64) -> Result<Subscription> {
        let found = self.subscription(business, subscription).await?;
        if found.state == SubscriptionState::Disabled {
            let text = format!("Subscription {subscription} is disabled");
            return Err(Error::bad_request(text));
        }
        self.set(business, subscription, SubscriptionState::Paused).await
    }

    async fn resume(&self, business: BusinessId, subscription: i64) -> Result<Subscription> {
        let found = self.subscription(business, subscription).await?;
        let (ping, sent) = self.ping(&found.url).await;
        let answered = refuse_unless_answered(&sent);
        self.outbox.record_attempt(ping.attempt(subscription, sent)).await?;
        answered?;
        self.set(business, subscription, SubscriptionState::Active).await
    }

    async fn delete(&self, business: BusinessId, subscription: i64) -> Result<()> {
        let found = self.outbox.delete_subscription(business, subscription).await?;
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
        let mut deliveries = self.outbox.attempts(subscription, before, limit + 1).await?;
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
        let found = self.outbox.attempt(subscription, delivery).await?;
        let found = found.ok_or_else(|| not_found("Delivery", delivery))?;
        if found.event_id.is_none() {
            return Err(Error::bad_request("A PING can't be replayed"));
        }
        let found = self.outbox.replay(subscription, delivery).await?;
        found.then_some(()).ok_or_else(|| not_found("Delivery", delivery))
    }
}

/// A `PING` that was sent.
struct Ping {
    notification: Notification,
    at: Timestamp,
}

impl Ping {
    fn attempt(self, subscription: i64, sent: Sent) -> DeliveryAttempt {
        DeliveryAttempt {
            subscription,
            position: None,
            notification: self.notification,
            at: self.at,
            took_ms: sent.took_ms,
            outcome: sender::outcome(&sent.result),
            status: sent.status.map(|status| status.as_u16()),
            failure: sent.result.err().map(|miss| miss.failure().clone()),
            action: QueueAction::Keep,
        }
    }
}

impl Sender {
    async fn ping(&self, url: &str) -> (Ping, Sent) {
        let at = self.clock.now();
        let notification = Notification::Ping { time: Some(Time::utc(at)) };
        let sent = self.post.send(url, &notification).await;
        (Ping { notification, at }, sent)
    }

    async fn subscription(&self, business: BusinessId, wanted: i64) -> Result<Subscription> {
        let all = self.list_subscriptions(business).await?;
        let found = all.into_iter().find(|subscription| subscription.id == wanted);
        found.ok_or_else(|| not_found("Subscription", wanted))
    }

    async fn set(
        &self,
        business: BusinessId,
        subscription: i64,
        state: SubscriptionState,
    ) -> Result<Subscription> {
        let found = self.outbox.set_subscription_state(business, subscription, state).await?;
        found.ok_or_else(|| not_found("Subscription", subscription))
    }
}

fn refuse_unless_answered(sent: &Sent) -> Result<()> {
    match &sent.result {
        Ok(()) => Ok(()),
        Err(miss) => {
            let text = format!("The PING was not answered correctly: {}", miss.failure());
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

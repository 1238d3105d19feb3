//! Notification queue: pending notifications and the outcome of delivery attempts.

use async_trait::async_trait;
use beseda_api::{
    BusinessId, Delivery, DeliveryAttempt, NewSubscription, NotificationQueue, QueueAction,
    QueuedNotification, Result, Subscription, SubscriptionState, notification::Notification,
};
use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row};

use super::{deliveries, event::notification, forward, subscriptions};
use crate::sqlite::{
    SqliteStore,
    columns::optional_timestamp,
    directory,
    transaction::{WriteError, WriteTransaction},
};

/// Columns of a pending notification, in the order in which [`pending`] reads them.
macro_rules! pending_columns {
    () => {
        "s.subscription_id, s.url, o.place, s.failing_since, s.due, \
         o.kind, o.business_id, o.chat_id, o.message_id, o.at"
    };
}

#[async_trait]
impl NotificationQueue for SqliteStore {
    async fn insert_subscription(
        &self,
        business: BusinessId,
        new: NewSubscription,
        at: Timestamp,
    ) -> Result<Option<Subscription>> {
        self.writer
            .write(move |transaction| subscriptions::insert(transaction, business, &new, at))
            .await
    }

    async fn subscriptions(&self, business: BusinessId) -> Result<Option<Vec<Subscription>>> {
        self.read(|connection| {
            if directory::cabinet(connection, business.get())?.is_none() {
                return Ok(None);
            }
            subscriptions::of_cabinet(connection, business).map(Some)
        })
    }

    async fn set_subscription_state(
        &self,
        business: BusinessId,
        subscription: i64,
        state: SubscriptionState,
    ) -> Result<Option<Subscription>> {
        self.writer
            .write(move |transaction| {
                subscriptions::set_state(transaction, business, subscription, &state)
            })
            .await
    }

    async fn delete_subscription(&self, business: BusinessId, subscription: i64) -> Result<bool> {
        self.writer
            .write(move |transaction| subscriptions::delete(transaction, business, subscription))
            .await
    }

    async fn heads(&self) -> Result<Vec<QueuedNotification>> {
        self.read(|connection| {
            let sql = concat!(
                "SELECT ",
                pending_columns!(),
                " FROM subscriptions s JOIN outbox o ON o.place =
                    (SELECT min(place) FROM outbox WHERE subscription_id = s.subscription_id)
                  WHERE s.state = 'ACTIVE' ORDER BY s.subscription_id"
            );
            let mut statement = connection.prepare_cached(sql)?;
            statement.query_map([], pending)?.collect()
        })
    }

    async fn head(&self, subscription: i64) -> Result<Option<QueuedNotification>> {
        self.read(|connection| {
            let sql = concat!(
                "SELECT ",
                pending_columns!(),
                " FROM subscriptions s JOIN outbox o USING (subscription_id)
                  WHERE s.subscription_id = ?1 AND s.state = 'ACTIVE' ORDER BY place LIMIT 1"
            );
            connection.prepare_cached(sql)?.query_row([subscription], pending).optional()
        })
    }

    async fn record_attempt(&self, attempt: DeliveryAttempt) -> Result<()> {
        self.writer.write(move |transaction| record(transaction, &attempt)).await
    }

    async fn attempts(
        &self,
        subscription: i64,
        before: i64,
        limit: usize,
    ) -> Result<Vec<Delivery>> {
        self.read(|connection| deliveries::page(connection, subscription, before, limit))
    }

    async fn attempt(&self, subscription: i64, delivery: i64) -> Result<Option<Delivery>> {
        self.read(|connection| deliveries::by_id(connection, subscription, delivery))
    }

    async fn replay(&self, subscription: i64, delivery: i64) -> Result<bool> {
        self.writer
            .write(move |transaction| {
                let sql = "INSERT INTO outbox (subscription_id, event_id, kind, business_id, chat_id, message_id, at)
                           SELECT subscription_id, event_id, kind, business_id, chat_id, message_id, at
                           FROM deliveries
                           WHERE subscription_id = ?1 AND delivery_id = ?2 AND event_id IS NOT NULL";
                let added = transaction.connection.execute(sql, (subscription, delivery))?;
                transaction.mark_queue_changed();
                Ok(added > 0)
            })
            .await
    }

    async fn requeue(&self, subscription: i64, position: i64) -> Result<bool> {
        self.writer
            .write(move |transaction| {
                let sql = "INSERT INTO outbox (subscription_id, event_id, kind, business_id, chat_id, message_id, at)
                           SELECT subscription_id, event_id, kind, business_id, chat_id, message_id, at
                           FROM outbox WHERE place = ?2 AND subscription_id = ?1 AND EXISTS
                             (SELECT 1 FROM outbox WHERE subscription_id = ?1 AND place > ?2)";
                if transaction.connection.execute(sql, (subscription, position))? == 0 {
                    return Ok(false);
                }
                transaction.connection.execute("DELETE FROM outbox WHERE place = ?1", [position])?;
                Ok(true)
            })
            .await
    }

    async fn publish(&self, business: BusinessId, notification: Notification) -> Result<bool> {
        self.writer
            .write(move |transaction| forward::forward(transaction, business, &notification))
            .await
    }

    async fn changed(&self, seen: u64) -> u64 {
        let mut changes = self.writer.changes();
        let count = changes.wait_for(|count| *count != seen).await.map(|count| *count);
        match count {
            Ok(count) => count,
            // The store is closed: the queue doesn't change any more.
            Err(_) => std::future::pending().await,
        }
    }
}

/// Reads a pending notification.
fn pending(row: &Row<'_>) -> rusqlite::Result<QueuedNotification> {
    Ok(QueuedNotification {
        subscription: row.get(0)?,
        url: row.get(1)?,
        position: row.get(2)?,
        failing_since: optional_timestamp(row, 3)?,
        due: optional_timestamp(row, 4)?,
        notification: notification(row, 5)?,
    })
}

/// Records a delivery attempt and its action on the queue. Ignores an attempt of a deleted subscription.
fn record(transaction: &mut WriteTransaction, attempt: &DeliveryAttempt) -> Result<(), WriteError> {
    let sql = "SELECT count(*) FROM subscriptions WHERE subscription_id = ?1";
    let mut statement = transaction.connection.prepare_cached(sql)?;
    let subscriptions: i64 = statement.query_row([attempt.subscription], |row| row.get(0))?;
    drop(statement);
    if subscriptions == 0 {
        return Ok(());
    }
    deliveries::insert(&transaction.connection, attempt)?;
    match attempt.action {
        QueueAction::Acknowledge => {
            transaction
                .connection
                .prepare_cached("DELETE FROM outbox WHERE place = ?1")?
                .execute([attempt.position])?;
            set_retry(transaction, attempt.subscription, None, None)?;
        }
        QueueAction::Retry { failing_since, due } => {
            set_retry(transaction, attempt.subscription, Some(failing_since), Some(due))?;
        }
        QueueAction::Disable => {
            let sql = "UPDATE subscriptions SET state = 'DISABLED', due = NULL WHERE subscription_id = ?1";
            transaction.connection.execute(sql, [attempt.subscription])?;
            let sql = "DELETE FROM outbox WHERE subscription_id = ?1";
            transaction.connection.execute(sql, [attempt.subscription])?;
            transaction.reload_subscriptions()?;
        }
        QueueAction::Keep => {}
    }
    Ok(())
}

/// Sets the start of the current series of failures and the time of the next attempt.
fn set_retry(
    transaction: &WriteTransaction,
    subscription: i64,
    failing_since: Option<Timestamp>,
    due: Option<Timestamp>,
) -> rusqlite::Result<()> {
    let sql = "UPDATE subscriptions SET failing_since = ?2, due = ?3 WHERE subscription_id = ?1";
    let values = (
        subscription,
        failing_since.map(Timestamp::as_microsecond),
        due.map(Timestamp::as_microsecond),
    );
    transaction.connection.prepare_cached(sql)?.execute(values).map(|_| ())
}

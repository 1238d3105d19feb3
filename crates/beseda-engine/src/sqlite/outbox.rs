//! Statements on subscriptions, on what waits for them and on what came of it. What becomes of a failure is decided by whoever sends.

use async_trait::async_trait;
use beseda_api::{
    BusinessId, ChatId, Delivery, DeliveryAttempt, Error, MessageId, NewSubscription,
    NotificationQueue, QueueAction, QueuedNotification, Result, Subscription, SubscriptionState,
    Time, notification::Notification,
};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row};

use super::{
    SqliteStore,
    chats::{id, moment, strange},
    directory,
    writer::{Failed, Group},
};

mod announce;
mod log;

/// The columns of what waits, in the order [`pending`] reads them.
macro_rules! pending_columns {
    () => {
        "s.subscription_id, s.url, o.place, s.failing_since, s.due, \
         o.kind, o.business_id, o.chat_id, o.message_id, o.at"
    };
}

/// Events the subscriptions of one cabinet are told of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told {
    pub(super) kind: Kind,
    pub(super) business: BusinessId,
    pub(super) chat: ChatId,
    pub(super) message: Option<MessageId>,
    pub(super) at: Timestamp,
}

/// What happened. The numbers are kept, so they never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    ChatCreated = 0,
    MessageSent = 1,
    ArbitrageStarted = 2,
    ArbitrageFinished = 3,
    Ping = 4,
}

#[async_trait]
impl NotificationQueue for SqliteStore {
    async fn insert_subscription(
        &self,
        business: BusinessId,
        new: NewSubscription,
        at: Timestamp,
    ) -> Result<Option<Subscription>> {
        self.writer.write(move |group| put(group, business, &new, at)).await
    }

    async fn subscriptions(&self, business: BusinessId) -> Result<Option<Vec<Subscription>>> {
        self.read(|connection| {
            if directory::cabinet(connection, business.get())?.is_none() {
                return Ok(None);
            }
            of_cabinet(connection, business).map(Some)
        })
    }

    async fn set_subscription_state(
        &self,
        business: BusinessId,
        subscription: i64,
        state: SubscriptionState,
    ) -> Result<Option<Subscription>> {
        self.writer.write(move |group| set(group, business, subscription, &state)).await
    }

    async fn delete_subscription(&self, business: BusinessId, subscription: i64) -> Result<bool> {
        self.writer.write(move |group| delete(group, business, subscription)).await
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
        self.writer.write(move |group| settle(group, &attempt)).await
    }

    async fn attempts(
        &self,
        subscription: i64,
        before: i64,
        limit: usize,
    ) -> Result<Vec<Delivery>> {
        self.read(|connection| log::part(connection, subscription, before, limit))
    }

    async fn attempt(&self, subscription: i64, delivery: i64) -> Result<Option<Delivery>> {
        self.read(|connection| log::one(connection, subscription, delivery))
    }

    async fn replay(&self, subscription: i64, delivery: i64) -> Result<bool> {
        self.writer
            .write(move |group| {
                let sql = "INSERT INTO outbox (subscription_id, event_id, kind, business_id, chat_id, message_id, at)
                           SELECT subscription_id, event_id, kind, business_id, chat_id, message_id, at
                           FROM deliveries
                           WHERE subscription_id = ?1 AND delivery_id = ?2 AND event_id IS NOT NULL";
                let added = group.connection.execute(sql, (subscription, delivery))?;
                group.outbox_changed();
                Ok(added > 0)
            })
            .await
    }

    async fn requeue(&self, subscription: i64, place: i64) -> Result<bool> {
        self.writer
            .write(move |group| {
                let sql = "INSERT INTO outbox (subscription_id, event_id, kind, business_id, chat_id, message_id, at)
                           SELECT subscription_id, event_id, kind, business_id, chat_id, message_id, at
                           FROM outbox WHERE place = ?2 AND subscription_id = ?1 AND EXISTS
                             (SELECT 1 FROM outbox WHERE subscription_id = ?1 AND place > ?2)";
                if group.connection.execute(sql, (subscription, place))? == 0 {
                    return Ok(false);
                }
                group.connection.execute("DELETE FROM outbox WHERE place = ?1", [place])?;
                Ok(true)
            })
            .await
    }

    async fn publish(&self, business: BusinessId, notification: Notification) -> Result<bool> {
        self.writer.write(move |group| announce::announce(group, business, &notification)).await
    }

    async fn changed(&self, seen: u64) -> u64 {
        let mut changes = self.writer.changes();
        let another = changes.wait_for(|now| *now != seen).await.map(|now| *now);
        match another {
            Ok(now) => now,
            // The store is being closed: nothing will change any more.
            Err(_) => std::future::pending().await,
        }
    }
}

/// Writes an event for everybody who wants it.
pub(super) fn tell(group: &mut Group, told: Told) -> rusqlite::Result<()> {
    if !group.is_subscribed(told.business) {
        return Ok(());
    }
    group
        .connection
        .prepare_cached(
            "INSERT INTO outbox (subscription_id, event_id, kind, business_id, chat_id, message_id, at)
             SELECT subscription_id,
                    (SELECT coalesce(max(seq), 0) + 1 FROM sqlite_sequence WHERE name = 'outbox'),
                    ?1, ?2, ?3, ?4, ?5 FROM subscriptions
             WHERE business_id = ?2 AND state IN ('ACTIVE', 'PAUSED') ORDER BY subscription_id",
        )?
        .execute((
            told.kind as i64,
            told.business.get(),
            told.chat.get(),
            told.message.map(MessageId::get),
            told.at.as_microsecond(),
        ))?;
    group.outbox_changed();
    Ok(())
}

/// The cabinets with subscriptions that want events.
pub(super) fn subscribed(connection: &Connection) -> rusqlite::Result<Vec<i64>> {
    let mut statement = connection.prepare_cached(
        "SELECT DISTINCT business_id FROM subscriptions WHERE state IN ('ACTIVE', 'PAUSED')",
    )?;
    statement.query_map([], |row| row.get(0))?.collect()
}

fn pending(row: &Row<'_>) -> rusqlite::Result<QueuedNotification> {
    Ok(QueuedNotification {
        subscription: row.get(0)?,
        url: row.get(1)?,
        position: row.get(2)?,
        failing_since: maybe_moment(row, 3)?,
        due: maybe_moment(row, 4)?,
        notification: notification(row, 5)?,
    })
}

/// A notification out of five columns: kind, cabinet, chat, message, time.
fn notification(row: &Row<'_>, at: usize) -> rusqlite::Result<Notification> {
    let time = Time::utc(moment(row, at + 4)?);
    let kind: i64 = row.get(at)?;
    if kind == Kind::Ping as i64 {
        return Ok(Notification::Ping { time: Some(time) });
    }
    let business_id = id(row, at + 1, BusinessId::new)?;
    let chat_id = id(row, at + 2, ChatId::new)?;
    Ok(match kind {
        0 => Notification::ChatCreated { chat_id, business_id, created_at: time },
        1 => Notification::ChatMessageSent {
            chat_id,
            message_id: id(row, at + 3, MessageId::new)?,
            business_id,
            sent_at: time,
        },
        2 => Notification::ChatArbitrageStarted { chat_id, business_id, started_at: time },
        3 => Notification::ChatArbitrageFinished { chat_id, business_id, finished_at: time },
        _ => return Err(strange(at, std::io::Error::other("no such kind of notification"))),
    })
}

fn maybe_moment(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Timestamp>> {
    match row.get_ref(column)? {
        rusqlite::types::ValueRef::Null => Ok(None),
        _ => moment(row, column).map(Some),
    }
}

const SUBSCRIPTION: &str = "SELECT subscription_id, business_id, url, name, state, created_at,
    (SELECT count(*) FROM outbox o WHERE o.subscription_id = s.subscription_id), failing_since, due
    FROM subscriptions s WHERE business_id = ?1";

fn of_cabinet(
    connection: &Connection,
    business: BusinessId,
) -> rusqlite::Result<Vec<Subscription>> {
    let sql = format!("{SUBSCRIPTION} ORDER BY subscription_id");
    connection.prepare_cached(&sql)?.query_map([business.get()], subscription)?.collect()
}

fn by_id(
    connection: &Connection,
    business: BusinessId,
    wanted: i64,
) -> rusqlite::Result<Option<Subscription>> {
    let sql = format!("{SUBSCRIPTION} AND subscription_id = ?2");
    let mut statement = connection.prepare_cached(&sql)?;
    statement.query_row((business.get(), wanted), subscription).optional()
}

fn subscription(row: &Row<'_>) -> rusqlite::Result<Subscription> {
    Ok(Subscription {
        id: row.get(0)?,
        business_id: id(row, 1, BusinessId::new)?,
        url: row.get(2)?,
        name: row.get(3)?,
        state: SubscriptionState::from(row.get::<_, String>(4)?.as_str()),
        created_at: Time::moscow(moment(row, 5)?),
        waiting: row.get(6)?,
        failing_since: maybe_moment(row, 7)?.map(Time::moscow),
        next_attempt_at: maybe_moment(row, 8)?.map(Time::moscow),
    })
}

fn put(
    group: &mut Group,
    business: BusinessId,
    new: &NewSubscription,
    at: Timestamp,
) -> Result<Option<Subscription>, Failed> {
    if directory::cabinet(&group.connection, business.get())?.is_none() {
        return Ok(None);
    }
    group.connection.execute(
        "INSERT INTO subscriptions (business_id, url, name, state, created_at)
         VALUES (?1, ?2, ?3, 'ACTIVE', ?4)",
        (business.get(), &new.url, &new.name, at.as_microsecond()),
    )?;
    let made = group.connection.last_insert_rowid();
    group.load_subscribed()?;
    Ok(by_id(&group.connection, business, made)?)
}

fn set(
    group: &mut Group,
    business: BusinessId,
    subscription: i64,
    state: &SubscriptionState,
) -> Result<Option<Subscription>, Failed> {
    if !state.is_known() {
        return Err(Error::illegal_input("state").into());
    }
    group.connection.execute(
        "UPDATE subscriptions SET state = ?3, failing_since = NULL, due = NULL
         WHERE business_id = ?1 AND subscription_id = ?2",
        (business.get(), subscription, state.as_str()),
    )?;
    group.load_subscribed()?;
    Ok(by_id(&group.connection, business, subscription)?)
}

fn delete(group: &mut Group, business: BusinessId, subscription: i64) -> Result<bool, Failed> {
    let deleted = group.connection.execute(
        "DELETE FROM subscriptions WHERE business_id = ?1 AND subscription_id = ?2",
        (business.get(), subscription),
    )?;
    if deleted == 0 {
        return Ok(false);
    }
    for sql in [
        "DELETE FROM outbox WHERE subscription_id = ?1",
        "DELETE FROM deliveries WHERE subscription_id = ?1",
    ] {
        group.connection.execute(sql, [subscription])?;
    }
    group.load_subscribed()?;
    Ok(true)
}

fn settle(group: &mut Group, attempt: &DeliveryAttempt) -> Result<(), Failed> {
    let known = "SELECT count(*) FROM subscriptions WHERE subscription_id = ?1";
    let known: i64 =
        group.connection.prepare_cached(known)?.query_row([attempt.subscription], |r| r.get(0))?;
    if known == 0 {
        return Ok(());
    }
    log::add(&group.connection, attempt)?;
    let again = |group: &Group, since: Option<Timestamp>, due: Option<Timestamp>| {
        let sql =
            "UPDATE subscriptions SET failing_since = ?2, due = ?3 WHERE subscription_id = ?1";
        let values = (
            attempt.subscription,
            since.map(Timestamp::as_microsecond),
            due.map(Timestamp::as_microsecond),
        );
        group.connection.prepare_cached(sql)?.execute(values)
    };
    match attempt.action {
        QueueAction::Acknowledge => {
            group
                .connection
                .prepare_cached("DELETE FROM outbox WHERE place = ?1")?
                .execute([attempt.position])?;
            again(group, None, None)?;
        }
        QueueAction::Retry { failing_since, due } => {
            again(group, Some(failing_since), Some(due))?;
        }
        QueueAction::Disable => {
            let sql = "UPDATE subscriptions SET state = 'DISABLED', due = NULL WHERE subscription_id = ?1";
            group.connection.execute(sql, [attempt.subscription])?;
            let sql = "DELETE FROM outbox WHERE subscription_id = ?1";
            group.connection.execute(sql, [attempt.subscription])?;
            group.load_subscribed()?;
        }
        QueueAction::Keep => {}
    }
    Ok(())
}

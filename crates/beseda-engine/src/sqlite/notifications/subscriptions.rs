//! Statements on subscriptions.

use beseda_api::{BusinessId, Error, NewSubscription, Subscription, SubscriptionState, Time};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row};

use crate::sqlite::{
    columns::{id, optional_timestamp, timestamp},
    directory,
    transaction::{WriteError, WriteTransaction},
};

/// Query of a cabinet's subscriptions, in the order in which [`subscription`] reads the columns.
const SUBSCRIPTION: &str = "SELECT subscription_id, business_id, url, name, state, created_at,
    (SELECT count(*) FROM outbox o WHERE o.subscription_id = s.subscription_id), failing_since, due
    FROM subscriptions s WHERE business_id = ?1";

/// Returns the subscriptions of a cabinet, ordered by id.
pub(super) fn of_cabinet(
    connection: &Connection,
    business: BusinessId,
) -> rusqlite::Result<Vec<Subscription>> {
    let sql = format!("{SUBSCRIPTION} ORDER BY subscription_id");
    connection.prepare_cached(&sql)?.query_map([business.get()], subscription)?.collect()
}

/// Returns a subscription of a cabinet.
fn by_id(
    connection: &Connection,
    business: BusinessId,
    id: i64,
) -> rusqlite::Result<Option<Subscription>> {
    let sql = format!("{SUBSCRIPTION} AND subscription_id = ?2");
    let mut statement = connection.prepare_cached(&sql)?;
    statement.query_row((business.get(), id), subscription).optional()
}

/// Reads a subscription.
fn subscription(row: &Row<'_>) -> rusqlite::Result<Subscription> {
    Ok(Subscription {
        id: row.get(0)?,
        business_id: id(row, 1, BusinessId::new)?,
        url: row.get(2)?,
        name: row.get(3)?,
        state: SubscriptionState::from(row.get::<_, String>(4)?.as_str()),
        created_at: Time::moscow(timestamp(row, 5)?),
        waiting: row.get(6)?,
        failing_since: optional_timestamp(row, 7)?.map(Time::moscow),
        next_attempt_at: optional_timestamp(row, 8)?.map(Time::moscow),
    })
}

/// Creates a subscription, or returns `None` if the cabinet doesn't exist.
pub(super) fn insert(
    transaction: &mut WriteTransaction,
    business: BusinessId,
    new: &NewSubscription,
    at: Timestamp,
) -> Result<Option<Subscription>, WriteError> {
    if directory::cabinet(&transaction.connection, business.get())?.is_none() {
        return Ok(None);
    }
    transaction.connection.execute(
        "INSERT INTO subscriptions (business_id, url, name, state, created_at)
         VALUES (?1, ?2, ?3, 'ACTIVE', ?4)",
        (business.get(), &new.url, &new.name, at.as_microsecond()),
    )?;
    let id = transaction.connection.last_insert_rowid();
    transaction.reload_subscriptions()?;
    Ok(by_id(&transaction.connection, business, id)?)
}

/// Sets the state of a subscription and ends its series of failures. Returns `None` if it doesn't exist.
pub(super) fn set_state(
    transaction: &mut WriteTransaction,
    business: BusinessId,
    subscription: i64,
    state: &SubscriptionState,
) -> Result<Option<Subscription>, WriteError> {
    if !state.is_known() {
        return Err(Error::illegal_input("state").into());
    }
    transaction.connection.execute(
        "UPDATE subscriptions SET state = ?3, failing_since = NULL, due = NULL
         WHERE business_id = ?1 AND subscription_id = ?2",
        (business.get(), subscription, state.as_str()),
    )?;
    transaction.reload_subscriptions()?;
    Ok(by_id(&transaction.connection, business, subscription)?)
}

/// Deletes a subscription with its queue and its delivery log; returns `false` if it doesn't exist.
pub(super) fn delete(
    transaction: &mut WriteTransaction,
    business: BusinessId,
    subscription: i64,
) -> Result<bool, WriteError> {
    let deleted = transaction.connection.execute(
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
        transaction.connection.execute(sql, [subscription])?;
    }
    transaction.reload_subscriptions()?;
    Ok(true)
}

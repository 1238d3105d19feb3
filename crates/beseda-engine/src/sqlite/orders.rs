//! Statements on orders and returns.

use beseda_api::{BusinessId, CampaignId, Customer, Model, Order, OrderId, Return, ReturnId};
use rusqlite::{Connection, OptionalExtension, Row};

use super::columns::{id, optional_id};

/// Inserts an order unless its id exists; returns the order with the id.
pub(super) fn put_order(
    connection: &Connection,
    business: BusinessId,
    order: Order,
) -> rusqlite::Result<Order> {
    if let Some(found) = by_id(connection, business, order.order_id)? {
        return Ok(found);
    }
    let customer = order.customer.as_ref();
    connection.execute(
        "INSERT INTO orders (business_id, order_id, campaign_id, model, customer_name, customer_public_id)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        (
            business.get(),
            order.order_id.get(),
            order.campaign_id.map(CampaignId::get),
            order.model.as_str(),
            customer.and_then(|customer| customer.name.as_deref()),
            customer.and_then(|customer| customer.public_id.as_deref()),
        ),
    )?;
    Ok(order)
}

/// Returns an order of this cabinet.
pub(super) fn by_id(
    connection: &Connection,
    business: BusinessId,
    order: OrderId,
) -> rusqlite::Result<Option<Order>> {
    let mut statement = connection.prepare_cached(
        "SELECT order_id, campaign_id, model, customer_name, customer_public_id
         FROM orders WHERE business_id = ?1 AND order_id = ?2",
    )?;
    statement.query_row((business.get(), order.get()), read_order).optional()
}

fn read_order(row: &Row<'_>) -> rusqlite::Result<Order> {
    let (name, public_id): (Option<String>, Option<String>) = (row.get(3)?, row.get(4)?);
    let has_customer = name.is_some() || public_id.is_some();
    Ok(Order {
        order_id: id(row, 0, OrderId::new)?,
        campaign_id: optional_id(row, 1, CampaignId::new)?,
        model: Model::from(row.get::<_, String>(2)?.as_str()),
        customer: has_customer.then_some(Customer { name, public_id }),
    })
}

/// Inserts a return unless its id exists; returns the return with the id.
pub(super) fn put_return(
    connection: &Connection,
    business: BusinessId,
    ret: Return,
) -> rusqlite::Result<Return> {
    if let Some(found) = return_by_id(connection, business, ret.return_id)? {
        return Ok(found);
    }
    connection.execute(
        "INSERT INTO returns (business_id, return_id, order_id) VALUES (?1, ?2, ?3)",
        (business.get(), ret.return_id.get(), ret.order_id.get()),
    )?;
    Ok(ret)
}

/// Returns a return of this cabinet.
pub(super) fn return_by_id(
    connection: &Connection,
    business: BusinessId,
    ret: ReturnId,
) -> rusqlite::Result<Option<Return>> {
    let mut statement = connection.prepare_cached(
        "SELECT return_id, order_id FROM returns WHERE business_id = ?1 AND return_id = ?2",
    )?;
    let read = |row: &Row<'_>| {
        Ok(Return { return_id: id(row, 0, ReturnId::new)?, order_id: id(row, 1, OrderId::new)? })
    };
    statement.query_row((business.get(), ret.get()), read).optional()
}

//! Statements on cabinets, campaigns, keys, users and tokens.

use beseda_api::{
    Access, ApiAvailability, ApiKeyInfo, AuthResult, Business, BusinessId, Cabinet, Campaign,
    CampaignId, NewCabinet, NewCampaign, PlacementType, Principal, Scope, Time, TokenInfo, User,
};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row};

use super::columns::{id, optional_timestamp, timestamp};
use crate::store::KeyRecord;

/// Inserts a cabinet, or returns `None` if its id exists.
pub(super) fn put_cabinet(
    connection: &Connection,
    new: &NewCabinet,
) -> rusqlite::Result<Option<Cabinet>> {
    let inserted = connection.execute(
        "INSERT INTO cabinets (business_id, name) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
        (new.business_id.map(BusinessId::get), &new.name),
    )?;
    if inserted == 0 {
        return Ok(None);
    }
    cabinet(connection, connection.last_insert_rowid())
}

/// Returns a cabinet.
pub(super) fn cabinet(connection: &Connection, business: i64) -> rusqlite::Result<Option<Cabinet>> {
    let mut statement = connection
        .prepare_cached("SELECT business_id, name FROM cabinets WHERE business_id = ?1")?;
    statement.query_row([business], read_cabinet).optional()
}

/// Returns all cabinets, ordered by id.
pub(super) fn cabinets(connection: &Connection) -> rusqlite::Result<Vec<Cabinet>> {
    let mut statement =
        connection.prepare_cached("SELECT business_id, name FROM cabinets ORDER BY business_id")?;
    let found = statement.query_map([], read_cabinet)?;
    found.collect()
}

fn read_cabinet(row: &Row<'_>) -> rusqlite::Result<Cabinet> {
    Ok(Cabinet { business_id: id(row, 0, BusinessId::new)?, name: row.get(1)? })
}

/// Inserts a campaign, or returns `None` if its id exists.
pub(super) fn put_campaign(
    connection: &Connection,
    business: BusinessId,
    new: &NewCampaign,
) -> rusqlite::Result<Option<Campaign>> {
    let inserted = connection.execute(
        "INSERT INTO campaigns (campaign_id, business_id, name, placement) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT DO NOTHING",
        (
            new.campaign_id.map(CampaignId::get),
            business.get(),
            &new.name,
            new.placement_type.as_str(),
        ),
    )?;
    if inserted == 0 {
        return Ok(None);
    }
    let id = connection.last_insert_rowid();
    let all = campaigns(connection, business)?;
    Ok(all.into_iter().find(|campaign| campaign.id.is_some_and(|campaign| campaign.get() == id)))
}

/// Returns the campaigns of a cabinet, ordered by id.
pub(super) fn campaigns(
    connection: &Connection,
    business: BusinessId,
) -> rusqlite::Result<Vec<Campaign>> {
    let mut statement = connection.prepare_cached(
        "SELECT p.campaign_id, p.name, p.placement, c.business_id, c.name
         FROM campaigns p JOIN cabinets c USING (business_id)
         WHERE business_id = ?1 ORDER BY campaign_id",
    )?;
    let found = statement.query_map([business.get()], |row| {
        Ok(Campaign {
            id: Some(id(row, 0, CampaignId::new)?),
            domain: Some(row.get(1)?),
            client_id: None,
            business: Some(Business {
                id: Some(id(row, 3, BusinessId::new)?),
                name: Some(row.get(4)?),
            }),
            placement_type: Some(PlacementType::from(row.get::<_, String>(2)?.as_str())),
            api_availability: Some(ApiAvailability::Available),
        })
    })?;
    found.collect()
}

/// Inserts a key, or returns `None` if the cabinet has `max` keys that aren't revoked.
pub(super) fn put_key(
    connection: &Connection,
    key: &KeyRecord,
    max: u32,
) -> rusqlite::Result<Option<i64>> {
    let active: u32 = connection.query_row(
        "SELECT count(*) FROM api_keys WHERE business_id = ?1 AND revoked_at IS NULL",
        [key.business.get()],
        |row| row.get(0),
    )?;
    if active >= max {
        return Ok(None);
    }
    let scopes: Vec<&str> = key.scopes.iter().map(Scope::as_str).collect();
    connection.execute(
        "INSERT INTO api_keys (business_id, name, scopes, hash, created_at) VALUES (?1, ?2, ?3, ?4, ?5)",
        (key.business.get(), &key.name, scopes.join(" "), key.hash, key.at.as_microsecond()),
    )?;
    Ok(Some(connection.last_insert_rowid()))
}

/// Returns the keys of a cabinet, ordered by id.
pub(super) fn keys(
    connection: &Connection,
    business: BusinessId,
) -> rusqlite::Result<Vec<ApiKeyInfo>> {
    let mut statement = connection.prepare_cached(
        "SELECT key_id, business_id, name, scopes, created_at, revoked_at
         FROM api_keys WHERE business_id = ?1 ORDER BY key_id",
    )?;
    let found = statement.query_map([business.get()], |row| {
        Ok(ApiKeyInfo {
            id: row.get(0)?,
            business_id: id(row, 1, BusinessId::new)?,
            name: row.get(2)?,
            scopes: scopes(&row.get::<_, String>(3)?),
            created_at: Time::moscow(timestamp(row, 4)?),
            revoked_at: optional_time(row, 5)?,
        })
    })?;
    found.collect()
}

fn scopes(stored: &str) -> Vec<Scope> {
    stored.split_ascii_whitespace().map(Scope::from).collect()
}

fn optional_time(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Time>> {
    Ok(optional_timestamp(row, column)?.map(Time::moscow))
}

/// Revokes a key; returns `false` if it doesn't exist. A revoked key keeps its time.
pub(super) fn revoke_key(
    connection: &Connection,
    business: BusinessId,
    key: i64,
    at: Timestamp,
) -> rusqlite::Result<bool> {
    let changed = connection.execute(
        "UPDATE api_keys SET revoked_at = coalesce(revoked_at, ?3)
         WHERE key_id = ?1 AND business_id = ?2",
        (key, business.get(), at.as_microsecond()),
    )?;
    Ok(changed > 0)
}

/// Inserts a user with access to these cabinets.
pub(super) fn put_user(
    connection: &Connection,
    name: &str,
    businesses: &[BusinessId],
) -> rusqlite::Result<User> {
    connection.execute("INSERT INTO users (name) VALUES (?1)", [name])?;
    let user = connection.last_insert_rowid();
    for business in businesses {
        set_access(connection, user, *business, true)?;
    }
    let business_ids = businesses_of(connection, user)?;
    Ok(User { id: user, name: name.to_owned(), business_ids })
}

/// Returns all users, ordered by id.
pub(super) fn users(connection: &Connection) -> rusqlite::Result<Vec<User>> {
    let mut statement =
        connection.prepare_cached("SELECT user_id, name FROM users ORDER BY user_id")?;
    let found = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let names: Vec<(i64, String)> = found.collect::<Result<_, _>>()?;
    let with_businesses =
        |(id, name)| Ok(User { id, name, business_ids: businesses_of(connection, id)? });
    names.into_iter().map(with_businesses).collect()
}

/// Returns a user.
pub(super) fn user(connection: &Connection, id: i64) -> rusqlite::Result<Option<User>> {
    let mut statement = connection.prepare_cached("SELECT name FROM users WHERE user_id = ?1")?;
    let name = statement.query_row([id], |row| row.get(0)).optional()?;
    name.map(|name| Ok(User { id, name, business_ids: businesses_of(connection, id)? })).transpose()
}

fn businesses_of(connection: &Connection, user: i64) -> rusqlite::Result<Vec<BusinessId>> {
    let mut statement = connection.prepare_cached(
        "SELECT business_id FROM user_cabinets WHERE user_id = ?1 ORDER BY business_id",
    )?;
    let found = statement.query_map([user], |row| id(row, 0, BusinessId::new))?;
    found.collect()
}

/// Grants or withdraws access; returns `false` if the user doesn't exist.
pub(super) fn set_access(
    connection: &Connection,
    user: i64,
    business: BusinessId,
    access: bool,
) -> rusqlite::Result<bool> {
    let sql = "SELECT 1 FROM users WHERE user_id = ?1";
    if connection.query_row(sql, [user], |_| Ok(())).optional()?.is_none() {
        return Ok(false);
    }
    let sql = if access {
        "INSERT OR IGNORE INTO user_cabinets (user_id, business_id) VALUES (?1, ?2)"
    } else {
        "DELETE FROM user_cabinets WHERE user_id = ?1 AND business_id = ?2"
    };
    connection.execute(sql, (user, business.get()))?;
    Ok(true)
}

/// Inserts a token, or returns `None` if the user doesn't exist.
pub(super) fn put_token(
    connection: &Connection,
    user: i64,
    hash: &[u8; 32],
    at: Timestamp,
) -> rusqlite::Result<Option<i64>> {
    let inserted = connection.execute(
        "INSERT INTO oauth_tokens (user_id, hash, created_at)
         SELECT user_id, ?2, ?3 FROM users WHERE user_id = ?1",
        (user, hash, at.as_microsecond()),
    )?;
    Ok((inserted > 0).then(|| connection.last_insert_rowid()))
}

/// Returns the tokens of a user, ordered by id.
pub(super) fn tokens(connection: &Connection, user: i64) -> rusqlite::Result<Vec<TokenInfo>> {
    let mut statement = connection.prepare_cached(
        "SELECT token_id, user_id, created_at, revoked_at FROM oauth_tokens
         WHERE user_id = ?1 ORDER BY token_id",
    )?;
    let found = statement.query_map([user], |row| {
        Ok(TokenInfo {
            id: row.get(0)?,
            user_id: row.get(1)?,
            created_at: Time::moscow(timestamp(row, 2)?),
            revoked_at: optional_time(row, 3)?,
        })
    })?;
    found.collect()
}

/// Revokes a token; returns `false` if it doesn't exist. A revoked token keeps its time.
pub(super) fn revoke_token(
    connection: &Connection,
    user: i64,
    token: i64,
    at: Timestamp,
) -> rusqlite::Result<bool> {
    let changed = connection.execute(
        "UPDATE oauth_tokens SET revoked_at = coalesce(revoked_at, ?3)
         WHERE token_id = ?1 AND user_id = ?2",
        (token, user, at.as_microsecond()),
    )?;
    Ok(changed > 0)
}

/// Returns the access of a key.
pub(super) fn key_access(connection: &Connection, hash: &[u8; 32]) -> rusqlite::Result<AuthResult> {
    let mut statement = connection.prepare_cached(
        "SELECT business_id, name, scopes, revoked_at IS NOT NULL FROM api_keys WHERE hash = ?1",
    )?;
    let found = statement.query_row([hash], |row| {
        if row.get(3)? {
            return Ok(AuthResult::Revoked);
        }
        let principal =
            Principal::ApiKey { name: row.get(1)?, scopes: scopes(&row.get::<_, String>(2)?) };
        let businesses = vec![id(row, 0, BusinessId::new)?];
        Ok(AuthResult::Granted(Access { principal, businesses }))
    });
    Ok(found.optional()?.unwrap_or(AuthResult::Unknown))
}

/// Returns the access of an OAuth token.
pub(super) fn token_access(
    connection: &Connection,
    hash: &[u8; 32],
) -> rusqlite::Result<AuthResult> {
    let mut statement = connection.prepare_cached(
        "SELECT user_id, revoked_at IS NOT NULL FROM oauth_tokens WHERE hash = ?1",
    )?;
    let found = statement.query_row([hash], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    match found {
        None => Ok(AuthResult::Unknown),
        Some((_, true)) => Ok(AuthResult::Revoked),
        Some((user, false)) => Ok(AuthResult::Granted(Access {
            principal: Principal::User { id: user },
            businesses: businesses_of(connection, user)?,
        })),
    }
}

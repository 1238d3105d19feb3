//! The gateway's SQLite database: quotas of programs, campaigns of the upstream, audit log,
//! attachment links. Keys and subscriptions are in the engine's database.

pub(crate) mod audit;
pub(crate) mod links;

use std::{
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use beseda_api::{BusinessId, Campaign, Error, Result};
use beseda_client::Priority;
use beseda_sqlite::private;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use crate::{scheduler::share::Quota, settings::GatewayOpenError};

const MIGRATIONS: [&str; 2] =
    [include_str!("migrations/0001_gateway.sql"), include_str!("migrations/0002_links.sql")];

/// The gateway's database. Several processes may have it open.
///
/// ```no_run
/// use beseda_api::SystemClock;
/// use beseda_gateway::{AuditFilter, KeyStore};
///
/// # async fn audit() -> Result<(), Box<dyn std::error::Error>> {
/// let keys = KeyStore::open("archive".as_ref(), std::sync::Arc::new(SystemClock)).await?;
/// for send in keys.db().sends(AuditFilter { limit: Some(20), ..AuditFilter::default() }).await? {
///     println!("{} {} {}", send.key, send.operation, send.outcome.as_str());
/// }
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct GatewayDb {
    connection: Arc<Mutex<Connection>>,
}

impl std::fmt::Debug for GatewayDb {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GatewayDb").finish_non_exhaustive()
    }
}

/// Quota of a program in a cabinet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProgramQuota {
    /// Cabinet.
    pub business: BusinessId,
    /// Program: the name of its key.
    pub program: String,
    /// Share and priority.
    pub quota: Quota,
}

impl GatewayDb {
    /// Opens the database, creating and migrating it as needed.
    ///
    /// # Errors
    /// If it can't be opened, or has a newer schema than this version supports.
    pub fn open(path: &Path) -> Result<Self, GatewayOpenError> {
        // Locked: SQLite's busy timeout doesn't apply while another process switches the file to
        // WAL mode.
        let failed = |error| GatewayOpenError::Folder(path.to_owned(), error);
        let lock = path.with_file_name("opening.lock");
        let open_lock = private::open_lock_file(&lock).map_err(failed)?;
        open_lock.lock().map_err(failed)?;
        private::create_or_restrict_database(path).map_err(failed)?;
        let mut connection = Connection::open(path)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        migrate(&mut connection)?;
        Ok(Self { connection: Arc::new(Mutex::new(connection)) })
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a closure on a blocking thread. Its changes are durable on return.
    async fn run<T: Send + 'static>(
        &self,
        closure: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        let db = self.clone();
        let result = tokio::task::spawn_blocking(move || closure(&mut db.lock())).await;
        result.map_err(Error::internal)?.map_err(Error::internal)
    }

    /// Returns all quotas.
    ///
    /// # Errors
    /// If the database can't be read.
    pub async fn quotas(&self) -> Result<Vec<ProgramQuota>> {
        self.run(|connection| {
            let sql =
                "SELECT business, name, share, priority FROM programs ORDER BY business, name";
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map([], |row| {
                let (business, program, share) = (row.get(0)?, row.get(1)?, row.get(2)?);
                let priority: String = row.get(3)?;
                Ok((business, program, share, priority))
            })?;
            let mut quotas = Vec::new();
            for row in rows {
                let (business, program, share, priority) = row?;
                let Ok(business) = BusinessId::new(business) else { continue };
                let priority = priority.parse().unwrap_or(Priority::Interactive);
                quotas.push(ProgramQuota { business, program, quota: Quota { share, priority } });
            }
            Ok(quotas)
        })
        .await
    }

    /// Sets the quota of a program.
    ///
    /// # Errors
    /// If the database can't be written.
    pub async fn set_quota(&self, quota: ProgramQuota) -> Result<()> {
        self.run(move |connection| {
            let ProgramQuota { business, program, quota } = quota;
            let priority = quota.priority.as_str();
            let sql = "INSERT INTO programs (business, name, share, priority) VALUES (?1, ?2, ?3, ?4) \
                       ON CONFLICT DO UPDATE SET share = excluded.share, priority = excluded.priority";
            connection.execute(sql, params![business.get(), program, quota.share, priority])
        })
        .await
        .map(drop)
    }

    /// Deletes the quota of a program.
    ///
    /// # Errors
    /// If the database can't be written.
    pub async fn delete_quota(&self, business: BusinessId, program: String) -> Result<()> {
        self.run(move |connection| {
            let sql = "DELETE FROM programs WHERE business = ?1 AND name = ?2";
            connection.execute(sql, params![business.get(), program])
        })
        .await
        .map(drop)
    }

    /// Returns the saved campaigns of the upstream; `None` if none were saved yet.
    pub(crate) async fn campaigns(&self) -> Result<Option<Vec<Campaign>>> {
        let text: Option<String> = self
            .run(|connection| {
                let sql = "SELECT campaigns FROM upstream";
                connection.query_row(sql, [], |row| row.get(0)).optional()
            })
            .await?;
        text.map(|text| serde_json::from_str(&text).map_err(Error::internal)).transpose()
    }

    /// Saves the campaigns of the upstream.
    pub(crate) async fn save_campaigns(
        &self,
        campaigns: &[Campaign],
        at: jiff::Timestamp,
    ) -> Result<()> {
        let text = serde_json::to_string(campaigns).map_err(Error::internal)?;
        self.run(move |connection| {
            let sql = "INSERT INTO upstream (one, campaigns, at) VALUES (1, ?1, ?2) \
                       ON CONFLICT DO UPDATE SET campaigns = excluded.campaigns, at = excluded.at";
            connection.execute(sql, params![text, at.as_millisecond()])
        })
        .await
        .map(drop)
    }
}

fn migrate(connection: &mut Connection) -> Result<(), GatewayOpenError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let pending = usize::try_from(version).ok().and_then(|version| MIGRATIONS.get(version..));
    let pending = pending.ok_or(GatewayOpenError::NewerSchema(version))?;
    for (migration, number) in pending.iter().zip(version + 1..) {
        transaction.execute_batch(migration)?;
        transaction.pragma_update(None, "user_version", number)?;
    }
    Ok(transaction.commit()?)
}

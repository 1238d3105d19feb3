//! What the gateway keeps of its own in one SQLite file: agreements with programs, the upstream's shops, who sent what,
//! where links of attachments lead.
//! Keys and subscriptions are the engine's, conversations the upstream's.

mod audit;
mod links;

use std::{
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use beseda_api::{BusinessId, Campaign, Error, Result};
use beseda_engine::private;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

pub use audit::{AuditFilter, Outcome, SendRecord};
pub(crate) use audit::{Began, Begun, Finish, Nameless, Unclear, kept};
pub(crate) use links::Link;

use crate::{OpenError, Priority, Terms};

const MIGRATIONS: [&str; 2] =
    [include_str!("migrations/0001_gateway.sql"), include_str!("migrations/0002_links.sql")];

/// The file. Several processes may have it open.
#[derive(Clone)]
pub struct Ledger {
    connection: Arc<Mutex<Connection>>,
}

impl std::fmt::Debug for Ledger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ledger").finish_non_exhaustive()
    }
}

/// What was agreed with a program of a cabinet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agreement {
    /// The cabinet.
    pub business: BusinessId,
    /// The program, by the name of its key.
    pub program: String,
    /// Its share and who goes first.
    pub terms: Terms,
}

impl Ledger {
    /// Opens the file, or makes it, and brings its tables up to date.
    ///
    /// # Errors
    /// If it can't be used, or a newer version of this program wrote it.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        // One at a time: SQLite lets nobody wait who changes a file to its write-ahead log while another does.
        let unusable = |error| OpenError::Folder(path.to_owned(), error);
        let lock = path.with_file_name("opening.lock");
        let alone = private::lock(&lock).map_err(unusable)?;
        alone.lock().map_err(unusable)?;
        private::database(path).map_err(unusable)?;
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

    /// Works on the file off the runtime's threads; it is durable on return.
    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        let ledger = self.clone();
        let done = tokio::task::spawn_blocking(move || work(&mut ledger.lock())).await;
        done.map_err(Error::internal)?.map_err(Error::internal)
    }

    /// Everything that was agreed.
    ///
    /// # Errors
    /// If the file can't be read.
    pub async fn agreements(&self) -> Result<Vec<Agreement>> {
        self.work(|connection| {
            let sql =
                "SELECT business, name, share, priority FROM programs ORDER BY business, name";
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map([], |row| {
                let (business, program, share) = (row.get(0)?, row.get(1)?, row.get(2)?);
                let priority: String = row.get(3)?;
                Ok((business, program, share, priority))
            })?;
            let mut all = Vec::new();
            for row in rows {
                let (business, program, share, priority) = row?;
                let Ok(business) = BusinessId::new(business) else { continue };
                let priority = priority.parse().unwrap_or(Priority::Interactive);
                all.push(Agreement { business, program, terms: Terms { share, priority } });
            }
            Ok(all)
        })
        .await
    }

    /// Keeps what was agreed with a program, in place of what was before.
    ///
    /// # Errors
    /// If the file can't be written.
    pub async fn agree(&self, agreement: Agreement) -> Result<()> {
        self.work(move |connection| {
            let Agreement { business, program, terms } = agreement;
            let priority = terms.priority.as_str();
            let sql = "INSERT INTO programs (business, name, share, priority) VALUES (?1, ?2, ?3, ?4) \
                       ON CONFLICT DO UPDATE SET share = excluded.share, priority = excluded.priority";
            connection.execute(sql, params![business.get(), program, terms.share, priority])
        })
        .await
        .map(drop)
    }

    /// Forgets what was agreed with a program.
    ///
    /// # Errors
    /// If the file can't be written.
    pub async fn disagree(&self, business: BusinessId, program: String) -> Result<()> {
        self.work(move |connection| {
            let sql = "DELETE FROM programs WHERE business = ?1 AND name = ?2";
            connection.execute(sql, params![business.get(), program])
        })
        .await
        .map(drop)
    }

    /// The upstream's shops, as last seen.
    pub(crate) async fn campaigns(&self) -> Result<Option<Vec<Campaign>>> {
        let text: Option<String> = self
            .work(|connection| {
                let sql = "SELECT campaigns FROM upstream";
                connection.query_row(sql, [], |row| row.get(0)).optional()
            })
            .await?;
        text.map(|text| serde_json::from_str(&text).map_err(Error::internal)).transpose()
    }

    pub(crate) async fn keep_campaigns(
        &self,
        campaigns: &[Campaign],
        at: jiff::Timestamp,
    ) -> Result<()> {
        let text = serde_json::to_string(campaigns).map_err(Error::internal)?;
        self.work(move |connection| {
            let sql = "INSERT INTO upstream (one, campaigns, at) VALUES (1, ?1, ?2) \
                       ON CONFLICT DO UPDATE SET campaigns = excluded.campaigns, at = excluded.at";
            connection.execute(sql, params![text, at.as_millisecond()])
        })
        .await
        .map(drop)
    }
}

fn migrate(connection: &mut Connection) -> Result<(), OpenError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let known = usize::try_from(version).ok().and_then(|version| MIGRATIONS.get(version..));
    let missing = known.ok_or(OpenError::Newer(version))?;
    for (migration, number) in missing.iter().zip(version + 1..) {
        transaction.execute_batch(migration)?;
        transaction.pragma_update(None, "user_version", number)?;
    }
    Ok(transaction.commit()?)
}

//! Operations on the whole state: reset, snapshots, export, import, seeds. All are atomic.

pub mod seed;
pub(crate) mod snapshots;

use std::sync::{Arc, atomic::Ordering};

use beseda_api::{
    Administration, BusinessId, ChatFilter, ChatId, ChatsApi, Clock, Error, ErrorKind, HistoryFrom,
    ManualClock, PageRequest, Result,
};
use beseda_engine::{Engine, EngineSettings, Orders, snapshot::Snapshot};

use self::snapshots::lock;
use crate::{Control, clock::ClockMode};

/// Maximum number of snapshots.
const MAX_SNAPSHOTS: usize = 32;

/// Operations on the whole state.
impl Control {
    /// Saves the current state for later resets.
    ///
    /// # Errors
    ///
    /// Internal errors only.
    pub async fn save_start(&self) -> Result<()> {
        let start = (self.engine.snapshot().await?, self.clock.reading());
        *lock(&self.snapshots.start) = Some(start);
        Ok(())
    }

    /// Restores initial state, clock, faults and limits, stops scenarios and empties the journal.
    /// Snapshots stay.
    ///
    /// # Errors
    ///
    /// 400 if the initial state was too large to be saved.
    pub async fn reset(&self) -> Result<()> {
        let start = lock(&self.snapshots.start).clone();
        let (state, reading) = start.ok_or_else(|| {
            Error::bad_request(
                "the initial state was not saved, because the data folder was too large",
            )
        })?;
        let _guard = self.state_lock.write().await;
        self.scenarios.clear();
        self.replace(state).await?;
        match reading.mode {
            ClockMode::Manual => self.clock.set(reading.now),
            ClockMode::Real => self.clock.reset(),
        }
        self.faults.clear();
        self.journal.clear();
        Ok(())
    }

    /// Saves the state under a name and replaces an older snapshot of that name.
    ///
    /// # Errors
    ///
    /// 400 for an invalid name or too many snapshots.
    pub async fn snapshot(&self, name: &str) -> Result<()> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if !(1..=64).contains(&name.len()) || !name.chars().all(plain) {
            let text =
                "name: must consist of 1 to 64 letters, digits, dots, dashes and underscores";
            return Err(Error::bad_request(text));
        }
        let _guard = self.state_lock.write().await;
        let state = self.engine.snapshot().await?;
        let mut snapshots = lock(&self.snapshots.by_name);
        if snapshots.len() >= MAX_SNAPSHOTS && !snapshots.contains_key(name) {
            let text = format!("there are {MAX_SNAPSHOTS} snapshots already: delete one");
            return Err(Error::bad_request(text));
        }
        snapshots.insert(name.to_owned(), state);
        Ok(())
    }

    /// Returns the names of the snapshots.
    #[must_use]
    pub fn snapshot_names(&self) -> Vec<String> {
        lock(&self.snapshots.by_name).keys().cloned().collect()
    }

    /// Restores a snapshot. Clock, faults and journal stay.
    ///
    /// # Errors
    ///
    /// 404 for an unknown snapshot.
    pub async fn restore(&self, name: &str) -> Result<()> {
        let found = lock(&self.snapshots.by_name).get(name).cloned();
        let state = found.ok_or_else(|| no_snapshot(name))?;
        let _guard = self.state_lock.write().await;
        self.replace(state).await
    }

    /// Deletes a snapshot.
    ///
    /// # Errors
    ///
    /// 404 for an unknown snapshot.
    pub fn delete_snapshot(&self, name: &str) -> Result<()> {
        let removed = lock(&self.snapshots.by_name).remove(name);
        removed.map(drop).ok_or_else(|| no_snapshot(name))
    }

    /// Returns the whole state.
    ///
    /// # Errors
    ///
    /// Internal errors only.
    pub async fn export(&self) -> Result<Snapshot> {
        let _guard = self.state_lock.write().await;
        self.engine.snapshot().await
    }

    /// Replaces the whole state by an exported one.
    ///
    /// # Errors
    ///
    /// 400 for an invalid state; nothing changes then.
    pub async fn import(&self, state: Snapshot) -> Result<()> {
        // Validated in a scratch engine first, so that an invalid state changes nothing here.
        let (_folder, scratch) = self.scratch(Arc::new(ManualClock::new(self.clock.now()))).await?;
        scratch.restore(state.clone()).await.map_err(import_error)?;
        read_all(&scratch, &state).await.map_err(import_error)?;
        let _guard = self.state_lock.write().await;
        self.replace(state).await
    }

    /// Adds the contents of a seed.
    ///
    /// # Errors
    ///
    /// 400 with line and reason; nothing changes then.
    pub async fn seed(&self, text: &str) -> Result<seed::SeedSummary> {
        self.seed_with_progress(text, &|_, _| {}).await
    }

    /// Adds the contents of a seed and reports the numbers of messages written and in total.
    ///
    /// # Errors
    ///
    /// As [`Control::seed`].
    pub async fn seed_with_progress(
        &self,
        text: &str,
        progress: &(dyn Fn(usize, usize) + Send + Sync),
    ) -> Result<seed::SeedSummary> {
        let seed = seed::parse(text)?;
        let all = seed.message_count();
        progress(0, all);
        let clock = Arc::new(ManualClock::new(self.clock.now()));
        let with_line = |refused: seed::SeedError| refused.with_line(text);
        let _guard = self.state_lock.write().await;
        let files = seed::apply::store_files(&seed, &self.engine).await.map_err(with_line)?;
        let settings = EngineSettings { orders: Orders::Strict, ..self.engine.settings().clone() };
        // Dropping the transaction before its commit, on error or cancellation, leaves no trace.
        let transaction = self.engine.begin(settings, clock.clone()).await?;
        let report = |done| progress(done, all);
        let applied = seed::apply::apply(&seed, files, &transaction, &clock, &report).await;
        let summary = applied.map_err(with_line)?;
        let committed = transaction.commit().await;
        self.snapshots.server_caches_stale.store(true, Ordering::Release);
        committed?;
        progress(all, all);
        Ok(summary)
    }

    /// Replaces the state. The caller holds the state lock exclusively.
    async fn replace(&self, state: Snapshot) -> Result<()> {
        let replaced = self.engine.restore(state).await;
        self.snapshots.server_caches_stale.store(true, Ordering::Release);
        replaced
    }

    /// Opens an empty engine in a temporary folder, which is deleted when both are dropped.
    async fn scratch(&self, clock: Arc<ManualClock>) -> Result<(tempfile::TempDir, Engine)> {
        let folder = tempfile::tempdir().map_err(Error::internal)?;
        let settings = EngineSettings { orders: Orders::Strict, ..EngineSettings::default() };
        let engine = Engine::open_sqlite(folder.path(), settings, clock).await;
        Ok((folder, engine.map_err(Error::internal)?))
    }
}

fn no_snapshot(name: &str) -> Error {
    Error::new(ErrorKind::NotFound, format!("Snapshot not found: {name}"))
}

/// Converts internal errors of the scratch engine, which are caused by the imported state.
fn import_error(error: Error) -> Error {
    match error {
        Error::Internal(source) => Error::bad_request(format!("inconsistent rows: {source}")),
        refused => refused,
    }
}

/// Reads everything once and rejects a state with unreadable rows.
async fn read_all(engine: &Engine, state: &Snapshot) -> Result<()> {
    let mut readable = ReadableRows::default();
    for cabinet in engine.list_cabinets().await? {
        let business = cabinet.business_id;
        engine.list_campaigns(business).await?;
        engine.list_keys(business).await?;
        readable.chats_of(engine, business).await?;
    }
    engine.list_users().await?;
    for (table, readable) in [("chats", readable.chats), ("messages", readable.messages)] {
        let rows = state.tables.get(table).map_or(0, |table| table.rows.len());
        if rows != readable {
            return Err(Error::bad_request(format!(
                "tables.{table}: {readable} of {rows} rows can be read; the others have unknown enum values or dangling references"
            )));
        }
    }
    Ok(())
}

/// Numbers of chats and messages that the API can read.
#[derive(Debug, Default)]
struct ReadableRows {
    chats: usize,
    messages: usize,
}

impl ReadableRows {
    async fn chats_of(&mut self, engine: &Engine, business: BusinessId) -> Result<()> {
        let mut page = PageRequest::default();
        loop {
            let found = engine.get_chats(business, ChatFilter::default(), page).await?;
            self.chats += found.chats.len();
            for chat in &found.chats {
                self.messages_of(engine, business, chat.chat_id).await?;
            }
            let Some(token) = found.paging.next_page_token else { return Ok(()) };
            page = PageRequest { token: Some(token), ..PageRequest::default() };
        }
    }

    async fn messages_of(
        &mut self,
        engine: &Engine,
        business: BusinessId,
        chat: ChatId,
    ) -> Result<()> {
        let mut from = HistoryFrom::default();
        loop {
            let history = engine.get_chat_history(business, chat, from).await?;
            self.messages += history.messages.len();
            let Some(token) = history.paging.next_page_token else { return Ok(()) };
            from = HistoryFrom::default();
            from.page.token = Some(token);
        }
    }
}

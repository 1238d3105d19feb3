//! The whole state of a stand-in: reset, snapshots, export, import, seeds. Each of them happens as a whole or not at all.

pub mod seed;
pub(crate) mod snapshots;

use std::sync::{Arc, atomic::Ordering};

use beseda_api::{
    Administration, BusinessId, ChatFilter, ChatId, ChatsApi, Clock, Error, ErrorKind, HistoryFrom,
    ManualClock, PageRequest, Result,
};
use beseda_engine::{Engine, Orders, Settings, state::State};

use self::snapshots::lock;
use crate::{Control, clock::ClockMode};

/// The most snapshots at once.
const MAX_SNAPSHOTS: usize = 32;

/// Everything that replaces or reads the whole state.
impl Control {
    /// Remembers how it is now, for later resets.
    ///
    /// # Errors
    /// Only breakages.
    pub async fn save_start(&self) -> Result<()> {
        let start = (self.engine.state().await?, self.clock.reading());
        *lock(&self.snapshots.start) = Some(start);
        Ok(())
    }

    /// Goes back to the start: state, clock, faults, limits; scenarios end and the journal is emptied. Snapshots stay.
    ///
    /// # Errors
    /// Only breakages.
    pub async fn reset(&self) -> Result<()> {
        let start = lock(&self.snapshots.start).clone();
        let (state, reading) = start.ok_or_else(|| {
            Error::bad_request(
                "the start of this stand-in was not kept: its data folder was too large",
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

    /// Remembers the state under a name; an older one of that name is forgotten.
    ///
    /// # Errors
    /// 400 for a name that can't be one, or one snapshot too many.
    pub async fn snapshot(&self, name: &str) -> Result<()> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if !(1..=64).contains(&name.len()) || !name.chars().all(plain) {
            let text = "name: 1 to 64 letters, digits, dots, dashes and underscores are wanted";
            return Err(Error::bad_request(text));
        }
        let _guard = self.state_lock.write().await;
        let state = self.engine.state().await?;
        let mut snapshots = lock(&self.snapshots.by_name);
        if snapshots.len() >= MAX_SNAPSHOTS && !snapshots.contains_key(name) {
            let text = format!("there are {MAX_SNAPSHOTS} snapshots already: delete one");
            return Err(Error::bad_request(text));
        }
        snapshots.insert(name.to_owned(), state);
        Ok(())
    }

    /// The names of the snapshots.
    #[must_use]
    pub fn snapshot_names(&self) -> Vec<String> {
        lock(&self.snapshots.by_name).keys().cloned().collect()
    }

    /// Goes back to a snapshot. Clock, faults and journal stay.
    ///
    /// # Errors
    /// 404 if there is no such snapshot.
    pub async fn restore(&self, name: &str) -> Result<()> {
        let found = lock(&self.snapshots.by_name).get(name).cloned();
        let state = found.ok_or_else(|| no_snapshot(name))?;
        let _guard = self.state_lock.write().await;
        self.replace(state).await
    }

    /// Forgets a snapshot.
    ///
    /// # Errors
    /// 404 if there is no such snapshot.
    pub fn delete_snapshot(&self, name: &str) -> Result<()> {
        let removed = lock(&self.snapshots.by_name).remove(name);
        removed.map(drop).ok_or_else(|| no_snapshot(name))
    }

    /// Everything there is, as one value.
    ///
    /// # Errors
    /// Only breakages.
    pub async fn export(&self) -> Result<State> {
        let _guard = self.state_lock.write().await;
        self.engine.state().await
    }

    /// Puts an exported state in the place of everything there is.
    ///
    /// # Errors
    /// 400 that says what of it can't be; then nothing has changed.
    pub async fn import(&self, state: State) -> Result<()> {
        // Tried out elsewhere first: what breaks there changes nothing here.
        let (_folder, scratch) = self.scratch(Arc::new(ManualClock::new(self.clock.now()))).await?;
        scratch.put_state(state.clone()).await.map_err(import_error)?;
        read_all(&scratch, &state).await.map_err(import_error)?;
        let _guard = self.state_lock.write().await;
        self.replace(state).await
    }

    /// Adds what a seed says to what there is.
    ///
    /// # Errors
    /// 400 with line and reason; then nothing has changed.
    pub async fn seed(&self, text: &str) -> Result<seed::SeedSummary> {
        self.seed_with_progress(text, &|_, _| {}).await
    }

    /// The same, telling how many messages of how many are there so far.
    ///
    /// # Errors
    /// As those of [`Control::seed`].
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
        let settings = Settings { orders: Orders::Strict, ..self.engine.settings().clone() };
        // Dropped before its commit, by a refusal or because nobody waits any more, it leaves nothing.
        let transaction = self.engine.begin(settings, clock.clone()).await?;
        let report = |done| progress(done, all);
        let applied = seed::apply::apply(&seed, files, &transaction, &clock, &report).await;
        let summary = applied.map_err(with_line)?;
        let committed = transaction.commit().await;
        self.snapshots.is_stale.store(true, Ordering::Release);
        committed?;
        progress(all, all);
        Ok(summary)
    }

    /// Must be called with the turn taken alone.
    async fn replace(&self, state: State) -> Result<()> {
        let replaced = self.engine.put_state(state).await;
        self.snapshots.is_stale.store(true, Ordering::Release);
        replaced
    }

    /// An empty engine in a folder of its own, which goes when both are dropped.
    async fn scratch(&self, clock: Arc<ManualClock>) -> Result<(tempfile::TempDir, Engine)> {
        let folder = tempfile::tempdir().map_err(Error::internal)?;
        let settings = Settings { orders: Orders::Strict, ..Settings::default() };
        let engine = Engine::open_sqlite(folder.path(), settings, clock).await;
        Ok((folder, engine.map_err(Error::internal)?))
    }
}

fn no_snapshot(name: &str) -> Error {
    Error::new(ErrorKind::NotFound, format!("Snapshot not found: {name}"))
}

/// What broke in a scratch engine is the fault of what was put there.
fn import_error(error: Error) -> Error {
    match error {
        Error::Internal(source) => {
            Error::bad_request(format!("the rows don't fit together: {source}"))
        }
        refused => refused,
    }
}

/// Reads everything once, so that nothing unreadable gets in.
async fn read_all(engine: &Engine, state: &State) -> Result<()> {
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
                "tables.{table}: of {rows} rows {readable} can be read; the others have words nobody knows or belong to nothing"
            )));
        }
    }
    Ok(())
}

/// How much of a state can be read through the API.
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

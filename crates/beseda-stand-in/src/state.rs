//! The whole state of a stand-in: reset, snapshots, export, import, seeds. Each of them happens as a whole or not at all.

pub mod seed;

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use beseda_api::{
    Administration, BusinessId, ChatFilter, ChatId, ChatsApi, Clock, Error, ErrorKind, HistoryFrom,
    ManualClock, PageRequest, Result,
};
use beseda_engine::{Engine, Orders, Settings, state::State};

use crate::{
    Control,
    clock::{Mode, Reading},
};

/// The most snapshots at once.
const MOST_SNAPSHOTS: usize = 32;

/// What is remembered of the state.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    start: Mutex<Option<(State, Reading)>>,
    snapshots: Mutex<BTreeMap<String, State>>,
    /// Whether the server still remembers credentials and limits of a state that is gone.
    pub(crate) stale: AtomicBool,
}

fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Everything that replaces or reads the whole state.
impl Control {
    /// Remembers how it is now, for later resets.
    ///
    /// # Errors
    /// Only breakages.
    pub async fn remember_start(&self) -> Result<()> {
        let start = (self.engine.state().await?, self.clock.reading());
        *held(&self.memory.start) = Some(start);
        Ok(())
    }

    /// Goes back to the start: state, clock, faults, limits; scenarios end and the journal is emptied. Snapshots stay.
    ///
    /// # Errors
    /// Only breakages.
    pub async fn reset(&self) -> Result<()> {
        let start = held(&self.memory.start).clone();
        let (state, reading) = start.ok_or_else(|| {
            Error::bad_request(
                "the start of this stand-in was not kept: its data folder was too large",
            )
        })?;
        let _alone = self.turn.write().await;
        self.scenarios.clear();
        self.replace(state).await?;
        match reading.mode {
            Mode::Manual => self.clock.set(reading.now),
            Mode::Real => self.clock.reset(),
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
        let _alone = self.turn.write().await;
        let state = self.engine.state().await?;
        let mut snapshots = held(&self.memory.snapshots);
        if snapshots.len() >= MOST_SNAPSHOTS && !snapshots.contains_key(name) {
            let text = format!("there are {MOST_SNAPSHOTS} snapshots already: delete one");
            return Err(Error::bad_request(text));
        }
        snapshots.insert(name.to_owned(), state);
        Ok(())
    }

    /// The names of the snapshots.
    #[must_use]
    pub fn snapshots(&self) -> Vec<String> {
        held(&self.memory.snapshots).keys().cloned().collect()
    }

    /// Goes back to a snapshot. Clock, faults and journal stay.
    ///
    /// # Errors
    /// 404 if there is no such snapshot.
    pub async fn restore(&self, name: &str) -> Result<()> {
        let found = held(&self.memory.snapshots).get(name).cloned();
        let state = found.ok_or_else(|| no_snapshot(name))?;
        let _alone = self.turn.write().await;
        self.replace(state).await
    }

    /// Forgets a snapshot.
    ///
    /// # Errors
    /// 404 if there is no such snapshot.
    pub fn forget_snapshot(&self, name: &str) -> Result<()> {
        let gone = held(&self.memory.snapshots).remove(name);
        gone.map(drop).ok_or_else(|| no_snapshot(name))
    }

    /// Everything there is, as one value.
    ///
    /// # Errors
    /// Only breakages.
    pub async fn export(&self) -> Result<State> {
        let _alone = self.turn.write().await;
        self.engine.state().await
    }

    /// Puts an exported state in the place of everything there is.
    ///
    /// # Errors
    /// 400 that says what of it can't be; then nothing has changed.
    pub async fn import(&self, state: State) -> Result<()> {
        // Tried out elsewhere first: what breaks there changes nothing here.
        let (_folder, scratch) = self.scratch(Arc::new(ManualClock::new(self.clock.now()))).await?;
        scratch.put_state(state.clone()).await.map_err(misfit)?;
        walk(&scratch, &state).await.map_err(misfit)?;
        let _alone = self.turn.write().await;
        self.replace(state).await
    }

    /// Adds what a seed says to what there is.
    ///
    /// # Errors
    /// 400 with line and reason; then nothing has changed.
    pub async fn seed(&self, text: &str) -> Result<seed::Summary> {
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
    ) -> Result<seed::Summary> {
        let seed = seed::read(text)?;
        let all = seed.messages();
        progress(0, all);
        let clock = Arc::new(ManualClock::new(self.clock.now()));
        let located = |refused: seed::Misfit| refused.located(text);
        let _alone = self.turn.write().await;
        let files = seed::take_files(&seed, &self.engine).await.map_err(located)?;
        let settings = Settings { orders: Orders::Strict, ..self.engine.settings().clone() };
        // Dropped before its commit, by a refusal or because nobody waits any more, it leaves nothing.
        let transaction = self.engine.begin(settings, clock.clone()).await?;
        let told = |done| progress(done, all);
        let sown = seed::sow(&seed, files, &transaction, &clock, &told).await;
        let summary = sown.map_err(located)?;
        let committed = transaction.commit().await;
        self.memory.stale.store(true, Ordering::Release);
        committed?;
        progress(all, all);
        Ok(summary)
    }

    /// Must be called with the turn taken alone.
    async fn replace(&self, state: State) -> Result<()> {
        let replaced = self.engine.put_state(state).await;
        self.memory.stale.store(true, Ordering::Release);
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
fn misfit(error: Error) -> Error {
    match error {
        Error::Internal(source) => {
            Error::bad_request(format!("the rows don't fit together: {source}"))
        }
        refused => refused,
    }
}

/// Reads everything once, so that nothing unreadable gets in.
async fn walk(engine: &Engine, state: &State) -> Result<()> {
    let mut seen = Seen::default();
    for cabinet in engine.list_cabinets().await? {
        let business = cabinet.business_id;
        engine.list_campaigns(business).await?;
        engine.list_keys(business).await?;
        seen.chats_of(engine, business).await?;
    }
    engine.list_users().await?;
    for (table, seen) in [("chats", seen.chats), ("messages", seen.messages)] {
        let rows = state.tables.get(table).map_or(0, |table| table.rows.len());
        if rows != seen {
            return Err(Error::bad_request(format!(
                "tables.{table}: of {rows} rows {seen} can be read; the others have words nobody knows or belong to nothing"
            )));
        }
    }
    Ok(())
}

/// How much of a state can be read through the API.
#[derive(Debug, Default)]
struct Seen {
    chats: usize,
    messages: usize,
}

impl Seen {
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

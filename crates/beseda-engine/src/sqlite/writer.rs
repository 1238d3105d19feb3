//! The one thread that writes. It takes whatever has queued up, commits it as one group and then answers all of it at once.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
    sync::Arc,
    thread::JoinHandle,
};

use beseda_api::{BusinessId, Error, Result};
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot, watch};

use super::checkpoint::Checkpointer;
use crate::store::ChatRow;

/// Writes that may wait for the writer; more callers wait for a place in the queue.
const QUEUE: usize = 1024;
/// The largest group: one commit answers at most so many writes.
const GROUP: usize = 256;
/// Chats whose rows the writer keeps at hand.
const HEADS: usize = 4096;

/// Why a piece of work wrote nothing.
#[derive(Debug)]
pub(super) enum Failed {
    /// It must not be done. Said before anything of it was written.
    Refused(Error),
    /// The database failed; the whole group is undone.
    Sql(rusqlite::Error),
    /// The group was undone, for whatever reason.
    Undone,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

impl From<rusqlite::Error> for Failed {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

/// Work on a group; without one only the answer is made.
type Job = Box<dyn FnOnce(Option<&mut Group>) -> Answer + Send>;
type Answer = Box<dyn FnOnce(Committed) + Send>;
/// Whether the group is on disk, or why not.
type Committed = Option<Arc<rusqlite::Error>>;

/// A handle on the thread that writes.
pub(super) struct Writer {
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
    changes: watch::Receiver<u64>,
}

impl Writer {
    /// Starts the thread on an open database.
    pub(super) fn start(connection: Connection, path: &Path) -> Result<Self, crate::OpenError> {
        let (changes, changed) = watch::channel(0);
        let mut group = Group::new(connection, changes)?;
        let checkpointer = Checkpointer::start(path)?;
        let (jobs, mut queue) = mpsc::channel::<Job>(QUEUE);
        let run = move || {
            while let Some(first) = queue.blocking_recv() {
                group.run(first, &mut queue);
                checkpointer.wrote(&group.connection);
            }
        };
        let thread = std::thread::Builder::new().name("beseda-writer".to_owned()).spawn(run)?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread), changes: changed })
    }

    /// How often the outbox has changed, as of the last commit.
    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.clone()
    }

    /// Does a piece of work inside the next group; returns after the group is on disk.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Group) -> Result<T, Failed> + Send + 'static,
    ) -> Result<T> {
        let (done, outcome) = oneshot::channel();
        let job: Job = Box::new(move |group| {
            let worked = match group {
                None => Err(Failed::Undone),
                Some(group) => work(group).map_err(|failed| group.note(failed)),
            };
            Box::new(move |committed| {
                // The caller may have gone away: the write stands all the same.
                let _ = done.send(settle(worked, committed));
            })
        });
        let jobs = self.jobs.as_ref().ok_or_else(stopped)?;
        jobs.send(job).await.map_err(|_| stopped())?;
        outcome.await.map_err(|_| stopped())?
    }
}

fn settle<T>(worked: Result<T, Failed>, committed: Committed) -> Result<T> {
    match (worked, committed) {
        (Err(Failed::Refused(refusal)), _) => Err(refusal),
        (Ok(value), None) => Ok(value),
        (_, Some(error)) => Err(Error::broken(error)),
        (Err(Failed::Sql(error)), None) => Err(Error::broken(error)),
        (Err(Failed::Undone), None) => Err(stopped()),
    }
}

fn stopped() -> Error {
    Error::broken("the store has been closed")
}

impl Drop for Writer {
    /// Lets the queue run empty, then waits for the thread.
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the writing thread ended with a panic");
        }
    }
}

/// A transaction being filled, with what the writer remembers between transactions.
pub(super) struct Group {
    pub(super) connection: Connection,
    heads: HashMap<i64, Head>,
    counters: Counters,
    outbox: OutboxState,
    failed: Option<rusqlite::Error>,
}

/// A chat's row as this group left it.
struct Head {
    row: ChatRow,
    changed: bool,
}

/// The last ids given out.
#[derive(Clone, Copy, PartialEq)]
struct Counters {
    chat: i64,
    message: i64,
}

/// What the writer knows of notifications, so that cabinets without subscriptions cost nothing.
struct OutboxState {
    subscribed: HashSet<i64>,
    /// Whether this group changed anything in it.
    changed: bool,
    changes: watch::Sender<u64>,
}

impl Counters {
    /// Chat ids look like the published ones: eight digits.
    const FIRST: Self = Self { chat: 10_000_000, message: 0 };

    fn load(connection: &Connection) -> rusqlite::Result<Self> {
        let read = |name: &str, first: i64| {
            let found =
                connection
                    .query_row("SELECT value FROM meta WHERE name = ?1", [name], |row| row.get(0));
            match found {
                Err(rusqlite::Error::QueryReturnedNoRows) => Ok(first),
                found => found,
            }
        };
        Ok(Self {
            chat: read("last_chat_id", Self::FIRST.chat)?,
            message: read("last_message_id", Self::FIRST.message)?,
        })
    }

    fn save(self, connection: &Connection) -> rusqlite::Result<()> {
        let mut put = connection
            .prepare_cached("INSERT OR REPLACE INTO meta (name, value) VALUES (?1, ?2)")?;
        put.execute(("last_chat_id", self.chat))?;
        put.execute(("last_message_id", self.message))?;
        Ok(())
    }
}

impl Group {
    fn new(connection: Connection, changes: watch::Sender<u64>) -> rusqlite::Result<Self> {
        let counters = Counters::load(&connection)?;
        let subscribed = super::outbox::subscribed(&connection)?.into_iter().collect();
        let outbox = OutboxState { subscribed, changed: false, changes };
        Ok(Self { connection, heads: HashMap::new(), counters, outbox, failed: None })
    }

    /// Commits the first job and what else is waiting, then answers.
    fn run(&mut self, first: Job, queue: &mut mpsc::Receiver<Job>) {
        let before = self.counters;
        let mut answers = Vec::with_capacity(GROUP);
        let begun = self.statement("BEGIN IMMEDIATE");
        if begun.is_ok() {
            answers.push(first(Some(self)));
            while answers.len() < GROUP
                && let Ok(job) = queue.try_recv()
            {
                answers.push(job(Some(self)));
            }
        } else {
            answers.push(first(None));
        }
        let committed = begun.and_then(|()| self.commit(before));
        let failure = committed.err().map(|error| self.undo(before, error));
        for answer in answers {
            answer(failure.clone());
        }
        if std::mem::take(&mut self.outbox.changed) {
            self.outbox.changes.send_modify(|count| *count = count.wrapping_add(1));
        }
    }

    /// Remembers that the database failed, so that the group is not committed.
    fn note(&mut self, failed: Failed) -> Failed {
        match failed {
            Failed::Sql(error) => {
                self.failed = Some(error);
                Failed::Undone
            }
            failed => failed,
        }
    }

    fn commit(&mut self, before: Counters) -> rusqlite::Result<()> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        for head in self.heads.values_mut().filter(|head| head.changed) {
            super::chats::update(&self.connection, &head.row)?;
            head.changed = false;
        }
        if self.counters != before {
            self.counters.save(&self.connection)?;
        }
        if self.heads.len() > HEADS {
            self.heads.clear();
        }
        self.statement("COMMIT")
    }

    fn undo(&mut self, before: Counters, error: rusqlite::Error) -> Arc<rusqlite::Error> {
        tracing::error!(%error, "a group of writes was undone");
        self.heads.clear();
        self.counters = before;
        if !self.connection.is_autocommit()
            && let Err(error) = self.statement("ROLLBACK")
        {
            tracing::error!(%error, "the undoing failed too");
        }
        if self.outbox.changed
            && let Err(error) = self.load_subscribed()
        {
            tracing::error!(%error, "who is subscribed is no longer known for sure");
        }
        Arc::new(error)
    }

    /// Forgets what it knew of rows: all of them have been replaced.
    pub(super) fn start_anew(&mut self) -> rusqlite::Result<()> {
        self.heads.clear();
        self.counters = Counters::load(&self.connection)?;
        self.load_subscribed()
    }

    fn statement(&self, sql: &str) -> rusqlite::Result<()> {
        self.connection.prepare_cached(sql)?.execute([]).map(|_| ())
    }

    /// The row of a chat as this group sees it.
    pub(super) fn head(&mut self, chat: i64) -> Result<Option<ChatRow>, rusqlite::Error> {
        if let Some(head) = self.heads.get(&chat) {
            return Ok(Some(head.row.clone()));
        }
        let row = super::chats::by_id(&self.connection, chat)?;
        if let Some(row) = &row {
            self.heads.insert(chat, Head { row: row.clone(), changed: false });
        }
        Ok(row)
    }

    /// Keeps a changed row; it is written once, when the group ends.
    pub(super) fn change_head(&mut self, row: ChatRow) {
        self.heads.insert(row.chat.get(), Head { row, changed: true });
    }

    /// The id of the next chat.
    pub(super) fn next_chat(&mut self) -> i64 {
        self.counters.chat += 1;
        self.counters.chat
    }

    /// The id of the next message: the time in microseconds, or one more than the last if that isn't later.
    pub(super) fn next_message(&mut self, now: i64) -> i64 {
        self.counters.message = now.max(self.counters.message + 1);
        self.counters.message
    }

    /// Whether anybody wants to hear of this cabinet.
    pub(super) fn is_subscribed(&self, business: BusinessId) -> bool {
        self.outbox.subscribed.contains(&business.get())
    }

    /// Asks anew who is subscribed, as subscriptions have changed.
    pub(super) fn load_subscribed(&mut self) -> rusqlite::Result<()> {
        self.outbox_changed();
        self.outbox.subscribed = super::outbox::subscribed(&self.connection)?.into_iter().collect();
        Ok(())
    }

    /// Lets whoever waits for notifications know after the commit.
    pub(super) fn outbox_changed(&mut self) {
        self.outbox.changed = true;
    }
}

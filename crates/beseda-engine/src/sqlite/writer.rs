//! The one thread that writes. It takes whatever has queued up, commits it as one group and then answers all of it at once.
//! A transaction of its own is lent what the thread writes with (`transaction.rs`).

use std::{
    collections::{HashMap, HashSet},
    path::Path,
    sync::{Arc, mpsc as std_mpsc},
    thread::JoinHandle,
};

use beseda_api::{BusinessId, Error, Result};
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot, watch};

use super::{
    checkpoint::Checkpointer,
    transaction::{End, Lent, Returned},
};
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
pub(super) type Committed = Option<Arc<rusqlite::Error>>;

/// What the thread is asked for.
enum Task {
    /// A piece of work in the next group.
    Write(Job),
    /// A transaction of its own.
    Lend(oneshot::Sender<rusqlite::Result<Lent>>),
}

/// A handle on the thread that writes, or on what it has lent to a transaction.
pub(super) struct Writer {
    way: Way,
    changes: watch::Receiver<u64>,
}

enum Way {
    Thread { tasks: Option<mpsc::Sender<Task>>, thread: Option<JoinHandle<()>> },
    Transaction(Arc<Lent>),
}

impl Writer {
    /// Starts the thread on an open database.
    pub(super) fn start(connection: Connection, path: &Path) -> Result<Self, crate::OpenError> {
        let (changes, changed) = watch::channel(0);
        let mut group = Group::new(connection, changes)?;
        let checkpointer = Checkpointer::start(path)?;
        let (tasks, mut queue) = mpsc::channel::<Task>(QUEUE);
        let run = move || {
            let mut next = None;
            while let Some(task) = next.take().or_else(|| queue.blocking_recv()) {
                match task {
                    Task::Write(first) => next = group.run(first, &mut queue),
                    Task::Lend(to) => match group.lend(to) {
                        Some(back) => group = back,
                        None => return tracing::error!("a transaction lost the database"),
                    },
                }
                checkpointer.wrote(&group.connection);
            }
        };
        let thread = std::thread::Builder::new().name("beseda-writer".to_owned()).spawn(run)?;
        let way = Way::Thread { tasks: Some(tasks), thread: Some(thread) };
        Ok(Self { way, changes: changed })
    }

    /// Writes into a transaction.
    pub(super) fn within(lent: Arc<Lent>) -> Self {
        // Whoever waits for notifications does so outside.
        let (_, changes) = watch::channel(0);
        Self { way: Way::Transaction(lent), changes }
    }

    /// Begins a transaction of its own, as soon as what is under way has been committed. Other writes wait until it ends.
    pub(super) async fn lend(&self) -> Result<Lent> {
        let Way::Thread { tasks, .. } = &self.way else {
            return Err(Error::internal("a transaction is under way already"));
        };
        let (to, lent) = oneshot::channel();
        let tasks = tasks.as_ref().ok_or_else(stopped)?;
        tasks.send(Task::Lend(to)).await.map_err(|_| stopped())?;
        lent.await.map_err(|_| stopped())?.map_err(Error::internal)
    }

    /// How often the outbox has changed, as of the last commit.
    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.clone()
    }

    /// Does a piece of work inside the next group; returns after the group is on disk. In a transaction it is done at
    /// once, and on disk after the commit.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Group) -> Result<T, Failed> + Send + 'static,
    ) -> Result<T> {
        let tasks = match &self.way {
            Way::Transaction(lent) => return lent.write(work),
            Way::Thread { tasks, .. } => tasks.as_ref().ok_or_else(stopped)?,
        };
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
        tasks.send(Task::Write(job)).await.map_err(|_| stopped())?;
        outcome.await.map_err(|_| stopped())?
    }
}

fn settle<T>(worked: Result<T, Failed>, committed: Committed) -> Result<T> {
    match (worked, committed) {
        (Err(Failed::Refused(refusal)), _) => Err(refusal),
        (Ok(value), None) => Ok(value),
        (_, Some(error)) => Err(Error::internal(error)),
        (Err(Failed::Sql(error)), None) => Err(Error::internal(error)),
        (Err(Failed::Undone), None) => Err(stopped()),
    }
}

fn stopped() -> Error {
    Error::internal("the store has been closed")
}

impl Drop for Writer {
    /// Lets the queue run empty, then waits for the thread.
    fn drop(&mut self) {
        let Way::Thread { tasks, thread } = &mut self.way else { return };
        *tasks = None;
        if let Some(thread) = thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the writing thread ended with a panic");
        }
    }
}

/// A transaction being filled, with what the writer remembers between transactions.
pub(super) struct Group {
    pub(super) connection: Connection,
    heads: HashMap<i64, ChatRow>,
    /// The chats whose rows are still to be written, each once.
    changed: HashSet<i64>,
    counters: Counters,
    outbox: OutboxState,
    failed: Option<rusqlite::Error>,
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
        let (heads, changed) = (HashMap::new(), HashSet::new());
        Ok(Self { connection, heads, changed, counters, outbox, failed: None })
    }

    /// Commits the first job and what else is waiting, then answers. Gives back what can't be a part of a group.
    fn run(&mut self, first: Job, queue: &mut mpsc::Receiver<Task>) -> Option<Task> {
        let (before, mut later) = (self.counters, None);
        let mut answers = Vec::with_capacity(GROUP);
        let begun = self.statement("BEGIN IMMEDIATE");
        if begun.is_ok() {
            answers.push(first(Some(self)));
            while answers.len() < GROUP
                && let Ok(task) = queue.try_recv()
            {
                match task {
                    Task::Write(job) => answers.push(job(Some(self))),
                    lend @ Task::Lend(_) => {
                        later = Some(lend);
                        break;
                    }
                }
            }
        } else {
            answers.push(first(None));
        }
        let committed = begun.and_then(|()| self.commit(before));
        let failure = committed.err().map(|error| self.undo(before, error));
        for answer in answers {
            answer(failure.clone());
        }
        self.tell_changes();
        later
    }

    /// Lends all of this to a transaction, and waits until it has ended. `None` if it never comes back.
    fn lend(self, to: oneshot::Sender<rusqlite::Result<Lent>>) -> Option<Self> {
        let before = self.counters;
        if let Err(error) = self.statement("BEGIN IMMEDIATE") {
            drop(to.send(Err(error)));
            return Some(self);
        }
        let (back, returned) = std_mpsc::sync_channel(1);
        // If whoever asked has gone away it comes back at once.
        drop(to.send(Ok(Lent::new(self, back))));
        let Returned { mut group, end } = returned.recv().ok()?;
        match end {
            End::Abandon => group.roll_back(before),
            End::Commit(told) => {
                let failure = group.commit(before).err().map(|error| group.undo(before, error));
                drop(told.send(failure));
            }
        }
        group.tell_changes();
        Some(group)
    }

    /// Lets those who wait for notifications look.
    fn tell_changes(&mut self) {
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
        self.write_changed_heads()?;
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
        self.roll_back(before);
        Arc::new(error)
    }

    fn roll_back(&mut self, before: Counters) {
        self.heads.clear();
        self.changed.clear();
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
    }

    /// Writes the rows of chats that have changed, so that statements see them.
    pub(super) fn write_changed_heads(&mut self) -> rusqlite::Result<()> {
        for chat in self.changed.drain() {
            if let Some(row) = self.heads.get(&chat) {
                super::chats::update(&self.connection, row)?;
            }
        }
        Ok(())
    }

    /// Forgets what it knew of rows: all of them have been replaced.
    pub(super) fn start_anew(&mut self) -> rusqlite::Result<()> {
        self.heads.clear();
        self.changed.clear();
        self.counters = Counters::load(&self.connection)?;
        self.load_subscribed()
    }

    fn statement(&self, sql: &str) -> rusqlite::Result<()> {
        self.connection.prepare_cached(sql)?.execute([]).map(|_| ())
    }

    /// The row of a chat as this group sees it.
    pub(super) fn head(&mut self, chat: i64) -> Result<Option<ChatRow>, rusqlite::Error> {
        if let Some(row) = self.heads.get(&chat) {
            return Ok(Some(row.clone()));
        }
        let row = super::chats::by_id(&self.connection, chat)?;
        if let Some(row) = &row {
            self.heads.insert(chat, row.clone());
        }
        Ok(row)
    }

    /// Keeps a changed row; it is written once, when the group ends.
    pub(super) fn change_head(&mut self, row: ChatRow) {
        self.changed.insert(row.chat.get());
        self.heads.insert(row.chat.get(), row);
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

//! Writer thread with group commit: commits all queued writes in one transaction, then replies to each.
//! An exclusive transaction leases the thread's connection (`lease.rs`).

use std::{
    path::Path,
    sync::{Arc, mpsc as std_mpsc},
    thread::JoinHandle,
};

use beseda_api::{Error, Result};
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot, watch};

use super::{
    checkpoint::Checkpointer,
    lease::{LeaseEnd, ReturnedLease, WriterLease},
    transaction::{CommitResult, WriteError, WriteTransaction},
};
use crate::EngineOpenError;

/// Capacity of the write queue; further callers wait.
const QUEUE_CAPACITY: usize = 1024;
/// Maximum number of writes per commit.
const MAX_GROUP: usize = 256;

/// Write to run in a transaction, or `None` if none could begin.
type WriteJob = Box<dyn FnOnce(Option<&mut WriteTransaction>) -> WriteReply + Send>;
/// Reply to the caller of a write, sent after the commit.
type WriteReply = Box<dyn FnOnce(CommitResult) + Send>;

/// Request to the writer thread.
enum Task {
    /// Write in the next group.
    Write(WriteJob),
    /// Lease of the connection for an exclusive transaction.
    Lease(oneshot::Sender<rusqlite::Result<WriterLease>>),
}

/// Handle of the writer thread, or of the lease of an exclusive transaction.
pub(super) struct WriteQueue {
    target: Target,
    changes: watch::Receiver<u64>,
}

enum Target {
    Thread { tasks: Option<mpsc::Sender<Task>>, thread: Option<JoinHandle<()>> },
    Lease(Arc<WriterLease>),
}

impl WriteQueue {
    /// Starts the thread on an open database.
    pub(super) fn start(connection: Connection, path: &Path) -> Result<Self, EngineOpenError> {
        let (sender, changes) = watch::channel(0);
        let mut transaction = WriteTransaction::new(connection, sender)?;
        let checkpointer = Checkpointer::start(path)?;
        let (tasks, mut queue) = mpsc::channel::<Task>(QUEUE_CAPACITY);
        let run = move || {
            let mut next = None;
            while let Some(task) = next.take().or_else(|| queue.blocking_recv()) {
                match task {
                    Task::Write(first) => next = run_group(&mut transaction, first, &mut queue),
                    Task::Lease(reply) => match run_lease(transaction, reply) {
                        Some(returned) => transaction = returned,
                        None => return tracing::error!("a transaction lost the connection"),
                    },
                }
                checkpointer.group_committed(&transaction.connection);
            }
        };
        let thread = std::thread::Builder::new().name("beseda-writer".to_owned()).spawn(run)?;
        let target = Target::Thread { tasks: Some(tasks), thread: Some(thread) };
        Ok(Self { target, changes })
    }

    /// Creates a writer into an exclusive transaction.
    pub(super) fn in_lease(lease: Arc<WriterLease>) -> Self {
        // Changes of the queue are observed outside of the transaction only.
        let (_, changes) = watch::channel(0);
        Self { target: Target::Lease(lease), changes }
    }

    /// Leases the connection for an exclusive transaction, after the current group. Other writes wait until it ends.
    pub(super) async fn lease(&self) -> Result<WriterLease> {
        let Target::Thread { tasks, .. } = &self.target else {
            return Err(Error::internal("nested transactions are not supported"));
        };
        let (reply, lease) = oneshot::channel();
        let tasks = tasks.as_ref().ok_or_else(closed)?;
        tasks.send(Task::Lease(reply)).await.map_err(|_| closed())?;
        lease.await.map_err(|_| closed())?.map_err(Error::internal)
    }

    /// Returns a counter of the committed changes of the notification queue.
    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.clone()
    }

    /// Runs a write in the next group; returns after its commit. In an exclusive transaction it runs at once, and is
    /// durable after that transaction's commit.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut WriteTransaction) -> Result<T, WriteError> + Send + 'static,
    ) -> Result<T> {
        let tasks = match &self.target {
            Target::Lease(lease) => return lease.write(work),
            Target::Thread { tasks, .. } => tasks.as_ref().ok_or_else(closed)?,
        };
        let (sender, outcome) = oneshot::channel();
        let job: WriteJob = Box::new(move |transaction| {
            let result = match transaction {
                None => Err(WriteError::RolledBack),
                Some(transaction) => {
                    work(transaction).map_err(|error| transaction.record_failure(error))
                }
            };
            Box::new(move |committed| {
                // The caller may have dropped the future; the write is committed all the same.
                let _ = sender.send(combine(result, committed));
            })
        });
        tasks.send(Task::Write(job)).await.map_err(|_| closed())?;
        outcome.await.map_err(|_| closed())?
    }
}

/// Combines the result of a write with that of its group's commit.
fn combine<T>(result: Result<T, WriteError>, committed: CommitResult) -> Result<T> {
    match (result, committed) {
        (Err(WriteError::Rejected(rejection)), _) => Err(rejection),
        (Ok(value), Ok(())) => Ok(value),
        (_, Err(error)) => Err(Error::internal(error)),
        (Err(WriteError::Sqlite(error)), Ok(())) => Err(Error::internal(error)),
        (Err(WriteError::RolledBack), Ok(())) => Err(closed()),
    }
}

fn closed() -> Error {
    Error::internal("the store is closed")
}

impl Drop for WriteQueue {
    /// Waits until the thread has written the queue.
    fn drop(&mut self) {
        let Target::Thread { tasks, thread } = &mut self.target else { return };
        *tasks = None;
        if let Some(thread) = thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the writer thread panicked");
        }
    }
}

/// Commits the first write and the queued ones, then replies. Returns the task that ended the group, if any.
fn run_group(
    transaction: &mut WriteTransaction,
    first: WriteJob,
    queue: &mut mpsc::Receiver<Task>,
) -> Option<Task> {
    let mut next = None;
    let mut replies = Vec::with_capacity(MAX_GROUP);
    let committed = match transaction.begin() {
        Ok(()) => {
            replies.push(first(Some(transaction)));
            while replies.len() < MAX_GROUP
                && let Ok(task) = queue.try_recv()
            {
                match task {
                    Task::Write(job) => replies.push(job(Some(transaction))),
                    lease @ Task::Lease(_) => {
                        next = Some(lease);
                        break;
                    }
                }
            }
            transaction.commit()
        }
        Err(error) => {
            tracing::error!(%error, "a write transaction failed to begin");
            replies.push(first(None));
            transaction.roll_back();
            Err(Arc::new(error))
        }
    };
    for reply in replies {
        reply(committed.clone());
    }
    transaction.publish_changes();
    next
}

/// Leases the connection to an exclusive transaction and waits for its end. Returns `None` if the lease is lost.
fn run_lease(
    mut transaction: WriteTransaction,
    reply: oneshot::Sender<rusqlite::Result<WriterLease>>,
) -> Option<WriteTransaction> {
    if let Err(error) = transaction.begin() {
        drop(reply.send(Err(error)));
        return Some(transaction);
    }
    let (return_to, returned) = std_mpsc::sync_channel(1);
    // If the caller has dropped its future, the lease is dropped here and returned at once.
    drop(reply.send(Ok(WriterLease::new(transaction, return_to))));
    let ReturnedLease { mut transaction, end } = returned.recv().ok()?;
    match end {
        LeaseEnd::RollBack => transaction.roll_back(),
        LeaseEnd::Commit(reply) => drop(reply.send(transaction.commit())),
    }
    transaction.publish_changes();
    Some(transaction)
}

//! Sends the queued messages of a cabinet: one worker per chat, many chats at a time.

mod chat_worker;
mod context;
mod reconcile;

use std::{
    collections::{HashMap, HashSet},
    future::Future,
    path::Path,
    pin::pin,
    sync::Arc,
};

use beseda_api::{BusinessId, ChatId, ChatsApi};
use beseda_sqlite::{PidLock, PidLockError};
use jiff::Timestamp;
use tokio::{
    sync::Semaphore,
    task::{JoinError, JoinSet},
};

use self::{
    chat_worker::ChatWorker,
    context::{LastSeen, RunContext, StopSignal},
};
use crate::{Error, Outbox, OutboxEvent, Result, RunSettings, table};

impl Outbox {
    /// Sends the queued messages of a cabinet until `stop` completes, or until nothing is left to
    /// do with [`RunSettings::until_empty`].
    ///
    /// ```
    /// use std::sync::Arc;
    /// use beseda_client::{OutgoingMessage, api::ChatsApi};
    /// use beseda_outbox::{ItemState, NewItem, Outbox, RunSettings};
    /// use beseda_stand_in::StandIn;
    ///
    /// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// // A mock server in place of the published API.
    /// let stand_in = StandIn::start().await?;
    /// let (client, business) = (Arc::new(stand_in.client()?), stand_in.business_id());
    /// let chat = client.get_chats(business, Default::default(), Default::default()).await?.chats[0].chat_id;
    ///
    /// # let folder = tempfile::tempdir()?;
    /// let outbox = Outbox::open(folder.path()).await?;
    /// let text = OutgoingMessage::text("It leaves today")?;
    /// let id = outbox.enqueue(NewItem::new(business, chat, text)).await?;
    /// outbox.run(client, business, RunSettings::until_empty(), std::future::pending()).await?;
    /// assert_eq!(outbox.get(id).await?.state, ItemState::Confirmed);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Error::AlreadyRunning`] if another process sends for the cabinet,
    /// [`Error::AccessDenied`] if the run ends because the credential is rejected, and
    /// failures of the database or the folder. Queued messages stay queued.
    pub async fn run(
        &self,
        api: Arc<dyn ChatsApi>,
        business: BusinessId,
        settings: RunSettings,
        stop: impl Future<Output = ()>,
    ) -> Result<()> {
        let _lock = lock(self.folder(), business)?;
        self.clean_up().await?;
        let context = Arc::new(RunContext {
            outbox: self.clone(),
            api,
            business,
            call_slots: Semaphore::new(settings.concurrency.max(1)),
            settings,
            stop: StopSignal::default(),
        });
        let mut runner = Runner::new(context);
        let outcome = {
            let mut stop = pin!(stop);
            tokio::select! {
                outcome = runner.work() => outcome,
                () = &mut stop => Ok(()),
            }
        };
        runner.shut_down().await;
        outcome
    }
}

/// Takes the lock of the process that sends for a cabinet. The system releases it if the process
/// dies.
fn lock(folder: &Path, business: BusinessId) -> Result<PidLock> {
    PidLock::acquire(&folder.join(format!("outbox-{business}.lock"))).map_err(|error| match error {
        PidLockError::Held(pid) => Error::AlreadyRunning(pid),
        PidLockError::Io(error) => error.into(),
    })
}

/// Maximum number of chats with a worker. Waiting workers hold no call slot.
const MAX_WORKERS: usize = 64;

/// Number of remembered chats above which outdated ones are forgotten.
const MAX_REMEMBERED_CHATS: usize = 1_000;

/// Result of a worker: the end of its chat's history, if the worker has read it.
type WorkerResult = (ChatId, Result<Option<LastSeen>>);

struct Runner {
    context: Arc<RunContext>,
    workers: JoinSet<WorkerResult>,
    /// Chats with a worker.
    active: HashSet<ChatId>,
    /// Ends of the histories that earlier workers have read.
    last_seen: HashMap<ChatId, LastSeen>,
    /// Order in which the workers of the chats ended, to start chats that waited longest first.
    last_served: HashMap<ChatId, u64>,
    ended_workers: u64,
    /// No worker is started until this time.
    paused_until: Option<Timestamp>,
}

impl Runner {
    fn new(context: Arc<RunContext>) -> Self {
        Self {
            context,
            workers: JoinSet::new(),
            active: HashSet::new(),
            last_seen: HashMap::new(),
            last_served: HashMap::new(),
            ended_workers: 0,
            paused_until: None,
        }
    }

    /// Starts workers for chats with something left to do. Returns when there are none and the
    /// settings say so.
    async fn work(&mut self) -> Result<()> {
        let mut version = 0;
        loop {
            let (outbox, business) = (&self.context.outbox, self.context.business);
            let open =
                outbox.read(move |connection| table::open_chats(connection, business)).await?;
            if open.is_empty() && self.active.is_empty() && self.context.settings.until_empty {
                return Ok(());
            }
            let now = self.context.now();
            self.paused_until = self.paused_until.filter(|until| *until > now);
            if self.paused_until.is_none() {
                self.start_workers(open);
            }
            let paused_until = self.paused_until;
            tokio::select! {
                Some(ended) = self.workers.join_next() => self.worker_ended(ended)?,
                changed = self.context.outbox.changed_after_interval(version) => version = changed?,
                () = self.context.settings.send_once.timer.sleep_until(paused_until.unwrap_or(Timestamp::MAX)),
                    if paused_until.is_some() => {}
            }
        }
    }

    /// Starts workers for these chats, up to the maximum.
    fn start_workers(&mut self, mut open: Vec<ChatId>) {
        // The sort is stable: among chats that were served equally long ago the longest waiting
        // one stays first.
        open.sort_by_key(|chat| self.last_served.get(chat).copied().unwrap_or(0));
        for chat in open {
            if self.active.len() >= MAX_WORKERS {
                break;
            }
            if self.active.insert(chat) {
                let worker = ChatWorker::new(&self.context, chat, self.last_seen.remove(&chat));
                self.workers.spawn(async move { (chat, worker.run().await) });
            }
        }
    }

    fn worker_ended(&mut self, ended: Result<WorkerResult, JoinError>) -> Result<()> {
        let (chat, result) = match ended {
            Ok(ended) => ended,
            Err(error) => return Err(std::io::Error::other(error).into()),
        };
        self.active.remove(&chat);
        match result {
            Ok(last_seen) => {
                if self.last_seen.len() > MAX_REMEMBERED_CHATS {
                    let context = &self.context;
                    self.last_seen.retain(|_, last_seen| context.is_fresh(last_seen));
                    self.last_served.clear();
                }
                self.ended_workers += 1;
                self.last_served.insert(chat, self.ended_workers);
                self.last_seen.extend(last_seen.map(|last_seen| (chat, last_seen)));
                Ok(())
            }
            Err(Error::AccessDenied(error)) if !self.context.settings.until_empty => {
                if self.paused_until.is_none() {
                    let until =
                        self.context.now().checked_add(self.context.settings.access_retry_interval);
                    let until = until.unwrap_or(Timestamp::MAX);
                    self.context.emit(OutboxEvent::Paused { reason: error.to_string(), until });
                    self.paused_until = Some(until);
                }
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Stops the workers; requests in flight get some time to finish.
    async fn shut_down(mut self) {
        self.context.stop.send();
        let settings = &self.context.settings;
        let timeout = settings.send_once.pause(settings.shutdown_grace);
        tokio::select! {
            () = async { while self.workers.join_next().await.is_some() {} } => {}
            () = timeout => self.workers.shutdown().await,
        }
    }
}

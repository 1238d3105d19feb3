//! Runner: sends the queued messages of a cabinet, with one worker per chat.

mod chat_worker;
mod reconcile;

use std::{
    collections::{HashMap, HashSet},
    fmt,
    future::Future,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use beseda_api::{BusinessId, ChatId, ChatsApi};
use beseda_client::SendOnceOptions;
use jiff::Timestamp;
use tokio::{
    sync::{Notify, Semaphore},
    task::{JoinError, JoinSet},
};

use self::chat_worker::{ChatWorker, LastSeen};
use crate::{Error, Item, Outbox, Result, lock::SenderLock, table};

/// Event of a run.
///
/// ```
/// use beseda_outbox::{OutboxEvent, RunSettings};
///
/// let settings = RunSettings::until_empty().on_event(|event| match event {
///     OutboxEvent::Changed(item) => println!("{} is {}", item.id, item.state),
///     OutboxEvent::Waiting { chat, reason, .. } => eprintln!("chat {chat} is waiting: {reason}"),
///     other => eprintln!("{other:?}"),
/// });
/// assert!(settings.until_empty);
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum OutboxEvent {
    /// A message has a new state, which is on disk.
    Changed(Box<Item>),
    /// A chat is waiting.
    Waiting {
        /// Chat.
        chat: ChatId,
        /// Reason.
        reason: String,
        /// HTTP status of the failure, if there was a response.
        status: Option<u16>,
        /// Time of the next attempt.
        until: Timestamp,
    },
    /// All chats are waiting: the service refuses the credential or isn't at this address.
    Paused {
        /// Reason.
        reason: String,
        /// Time of the next attempt.
        until: Timestamp,
    },
}

/// Settings of a run.
///
/// ```
/// use std::time::Duration;
///
/// use beseda_outbox::RunSettings;
///
/// let settings = RunSettings { shutdown_grace: Duration::from_secs(3), ..RunSettings::default() };
/// assert_eq!((settings.concurrency, settings.until_empty), (3, false));
/// ```
#[derive(Clone)]
#[must_use]
pub struct RunSettings {
    /// Settings of the confirmed sends. Limits of time and retries are ignored: a run retries as
    /// long as it lasts.
    pub send_once: SendOnceOptions,
    /// Maximum number of concurrent calls. Defaults to 3, one less than the service allows.
    pub concurrency: usize,
    /// Maximum age of the last reading of a chat's history when a message is sent. An equal text
    /// written by someone else since then could be mistaken for ours. Defaults to 5 s.
    pub history_max_age: Duration,
    /// Number of sent messages of a chat that are looked up at once. Defaults to 20.
    pub confirm_batch: usize,
    /// Pause of all chats after the credential was refused. Defaults to one minute.
    pub access_retry_interval: Duration,
    /// Time for requests in flight to complete after a shutdown. Defaults to 10 s.
    pub shutdown_grace: Duration,
    /// Ends the run when no messages are left, or when the credential is refused. Defaults to
    /// false.
    pub until_empty: bool,
    /// Callback for events.
    pub on_event: Arc<dyn Fn(OutboxEvent) + Send + Sync>,
}

impl Default for RunSettings {
    fn default() -> Self {
        Self {
            send_once: SendOnceOptions::default(),
            concurrency: 3,
            history_max_age: Duration::from_secs(5),
            confirm_batch: 20,
            access_retry_interval: Duration::from_secs(60),
            shutdown_grace: Duration::from_secs(10),
            until_empty: false,
            on_event: Arc::new(|_| {}),
        }
    }
}

impl fmt::Debug for RunSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("RunSettings");
        debug.field("send_once", &self.send_once).field("concurrency", &self.concurrency);
        debug.field("until_empty", &self.until_empty).finish_non_exhaustive()
    }
}

impl RunSettings {
    /// Creates settings of a run that ends when no messages are left.
    pub fn until_empty() -> Self {
        Self { until_empty: true, ..Self::default() }
    }

    /// Sets the callback for events.
    pub fn on_event(mut self, callback: impl Fn(OutboxEvent) + Send + Sync + 'static) -> Self {
        self.on_event = Arc::new(callback);
        self
    }
}

/// State shared by the workers of a run.
pub(crate) struct RunContext {
    outbox: Outbox,
    api: Arc<dyn ChatsApi>,
    business: BusinessId,
    settings: RunSettings,
    /// Permits for concurrent calls.
    slots: Semaphore,
    shutdown: Shutdown,
}

/// Shutdown signal.
#[derive(Default)]
pub(crate) struct Shutdown {
    requested: AtomicBool,
    notify: Notify,
}

impl Shutdown {
    fn request(&self) {
        self.requested.store(true, Ordering::Release);
        self.notify.notify_waiters();
    }

    pub(crate) fn is_requested(&self) -> bool {
        self.requested.load(Ordering::Acquire)
    }

    pub(crate) async fn wait(&self) {
        let mut notify = pin!(self.notify.notified());
        notify.as_mut().enable();
        if !self.is_requested() {
            notify.await;
        }
    }
}

impl Outbox {
    /// Sends the queued messages of a cabinet until `stop` resolves, or until none are left if the
    /// settings say so.
    ///
    /// # Errors
    ///
    /// [`Error::AlreadyRunning`] if another process does it, [`Error::AccessDenied`] if the
    /// credential is refused and
    /// [`RunSettings::until_empty`] is set, and errors of the database. Messages that were not sent
    /// stay queued.
    pub async fn run(
        &self,
        api: Arc<dyn ChatsApi>,
        business: BusinessId,
        settings: RunSettings,
        stop: impl Future<Output = ()>,
    ) -> Result<()> {
        let _lock = SenderLock::take(self.folder(), business)?;
        self.clean_up().await?;
        let shared = Arc::new(RunContext {
            outbox: self.clone(),
            api,
            business,
            slots: Semaphore::new(settings.concurrency.max(1)),
            settings,
            shutdown: Shutdown::default(),
        });
        let mut runner = Runner::new(shared);
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

/// Maximum number of concurrent workers; waiting ones cost nothing.
const MAX_WORKERS: usize = 64;

struct Runner {
    shared: Arc<RunContext>,
    workers: JoinSet<(ChatId, Result<Option<LastSeen>>)>,
    active: HashSet<ChatId>,
    /// Chats whose histories were read recently.
    last_seen: HashMap<ChatId, LastSeen>,
    /// Order in which chats were served last; others come first.
    last_served: HashMap<ChatId, u64>,
    served_count: u64,
    /// No worker is started before this time.
    paused: Option<Timestamp>,
}

impl Runner {
    fn new(shared: Arc<RunContext>) -> Self {
        Self {
            shared,
            workers: JoinSet::new(),
            active: HashSet::new(),
            last_seen: HashMap::new(),
            last_served: HashMap::new(),
            served_count: 0,
            paused: None,
        }
    }

    /// Runs until no messages are left, if the settings say so.
    async fn work(&mut self) -> Result<()> {
        let mut version = 0;
        loop {
            let business = self.shared.business;
            let open =
                self.shared.outbox.read(move |tables| table::open_chats(tables, business)).await?;
            if open.is_empty() && self.active.is_empty() && self.shared.settings.until_empty {
                return Ok(());
            }
            let options = &self.shared.settings.send_once;
            self.paused = self.paused.filter(|until| *until > options.now());
            if self.paused.is_none() {
                self.start_workers(open);
            }
            let paused = self.paused;
            tokio::select! {
                Some(finished) = self.workers.join_next() => self.worker_finished(finished)?,
                changed = self.shared.outbox.changed_after_interval(version) => version = changed?,
                () = self.shared.settings.send_once.timer.sleep_until(paused.unwrap_or(Timestamp::MAX)),
                    if paused.is_some() => {}
            }
        }
    }

    /// Starts workers for these chats as far as there is room.
    fn start_workers(&mut self, mut open: Vec<ChatId>) {
        // The sort is stable: among equals, the chat that has waited longest comes first.
        open.sort_by_key(|chat| self.last_served.get(chat).copied().unwrap_or(0));
        for chat in open {
            if self.active.len() >= MAX_WORKERS {
                break;
            }
            if self.active.insert(chat) {
                let worker = ChatWorker::new(&self.shared, chat, self.last_seen.remove(&chat));
                self.workers.spawn(async move { (chat, worker.serve().await) });
            }
        }
    }

    fn worker_finished(
        &mut self,
        ended: Result<(ChatId, Result<Option<LastSeen>>), JoinError>,
    ) -> Result<()> {
        let (chat, outcome) = match ended {
            Ok(ended) => ended,
            Err(error) => return Err(std::io::Error::other(error).into()),
        };
        self.active.remove(&chat);
        let settings = &self.shared.settings;
        match outcome {
            Ok(last_seen) => {
                if self.last_seen.len() > 1_000 {
                    self.last_seen.retain(|_, seen| seen.is_fresh(settings));
                    self.last_served.clear();
                }
                self.served_count += 1;
                self.last_served.insert(chat, self.served_count);
                self.last_seen.extend(last_seen.map(|last_seen| (chat, last_seen)));
                Ok(())
            }
            Err(Error::AccessDenied(error)) if !settings.until_empty => {
                if self.paused.is_none() {
                    let until =
                        settings.send_once.now().checked_add(settings.access_retry_interval);
                    let until = until.unwrap_or(Timestamp::MAX);
                    (settings.on_event)(OutboxEvent::Paused { reason: error.to_string(), until });
                    self.paused = Some(until);
                }
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Waits for running workers for a limited time.
    async fn shut_down(mut self) {
        self.shared.shutdown.request();
        let grace = self.shared.settings.send_once.pause(self.shared.settings.shutdown_grace);
        tokio::select! {
            () = async { while self.workers.join_next().await.is_some() {} } => {}
            () = grace => self.workers.shutdown().await,
        }
    }
}

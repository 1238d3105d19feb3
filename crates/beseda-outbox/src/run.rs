//! The runner: sends what is queued for one cabinet, chats side by side. What happens in one chat stands in `run/lane.rs`.

mod lane;
mod look;

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

use self::lane::{Lane, Seen};
use crate::{Error, Item, Outbox, Result, lock::Lock, table};

/// What a runner tells of its work.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event {
    /// The state of a message is another, and that is on disk.
    Changed(Box<Item>),
    /// A chat has to wait.
    Waiting {
        /// The chat.
        chat: ChatId,
        /// Why.
        reason: String,
        /// The HTTP status of that, if there was an answer.
        status: Option<u16>,
        /// Until when.
        until: Timestamp,
    },
    /// Everything has to wait: the service doesn't take the credential, or isn't there at this address.
    Paused {
        /// Why.
        reason: String,
        /// Until when.
        until: Timestamp,
    },
}

/// How a runner works.
#[derive(Clone)]
#[must_use]
pub struct RunSettings {
    /// How certain it is; `repeats`, `longest` and `wants_id` don't count here: it goes on as long as it runs.
    pub safety: SendOnceOptions,
    /// How many calls are made at once; 3 unless said, one less than the service allows.
    pub slots: usize,
    /// How old the last look into a chat may be when something is sent there; 5 seconds unless said. An equal text of
    /// another writer since then could be taken for ours.
    pub fresh: Duration,
    /// So many sent messages of a chat are looked for at once; 20 unless said.
    pub batch: usize,
    /// How long everything waits when the credential is refused; a minute unless said.
    pub pause: Duration,
    /// How long requests under way may take when it is asked to stop; 10 seconds unless said.
    pub grace: Duration,
    /// Whether it ends when nothing is left to do, and when the credential is refused; it goes on unless said.
    pub until_empty: bool,
    /// Is told everything that happens.
    pub on_event: Arc<dyn Fn(Event) + Send + Sync>,
}

impl Default for RunSettings {
    fn default() -> Self {
        Self {
            safety: SendOnceOptions::default(),
            slots: 3,
            fresh: Duration::from_secs(5),
            batch: 20,
            pause: Duration::from_secs(60),
            grace: Duration::from_secs(10),
            until_empty: false,
            on_event: Arc::new(|_| {}),
        }
    }
}

impl fmt::Debug for RunSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("RunSettings");
        shown.field("safety", &self.safety).field("slots", &self.slots);
        shown.field("until_empty", &self.until_empty).finish_non_exhaustive()
    }
}

impl RunSettings {
    /// Ends when nothing is left to do.
    pub fn until_empty() -> Self {
        Self { until_empty: true, ..Self::default() }
    }

    /// Tells this of everything that happens.
    pub fn on_event(mut self, tell: impl Fn(Event) + Send + Sync + 'static) -> Self {
        self.on_event = Arc::new(tell);
        self
    }
}

/// What all chats of a run share.
pub(crate) struct Shared {
    outbox: Outbox,
    api: Arc<dyn ChatsApi>,
    business: BusinessId,
    settings: RunSettings,
    /// Calls that may be made at once.
    slots: Semaphore,
    stop: Stop,
}

/// That it is time to stop.
#[derive(Default)]
pub(crate) struct Stop {
    asked: AtomicBool,
    rung: Notify,
}

impl Stop {
    fn ask(&self) {
        self.asked.store(true, Ordering::Release);
        self.rung.notify_waiters();
    }

    pub(crate) fn is_asked(&self) -> bool {
        self.asked.load(Ordering::Acquire)
    }

    pub(crate) async fn wait(&self) {
        let mut rung = pin!(self.rung.notified());
        rung.as_mut().enable();
        if !self.is_asked() {
            rung.await;
        }
    }
}

impl Outbox {
    /// Sends what is queued for a cabinet until `stop` is ready, or until nothing is left if the settings say so.
    ///
    /// # Errors
    /// [`Error::Held`] if another process does it already, [`Error::Denied`] if it ends because the credential is
    /// refused, and breakages of the outbox itself. What is queued stays queued.
    pub async fn run(
        &self,
        api: Arc<dyn ChatsApi>,
        business: BusinessId,
        settings: RunSettings,
        stop: impl Future<Output = ()>,
    ) -> Result<()> {
        let _lock = Lock::take(self.folder(), business)?;
        self.sweep().await?;
        let shared = Arc::new(Shared {
            outbox: self.clone(),
            api,
            business,
            slots: Semaphore::new(settings.slots.max(1)),
            settings,
            stop: Stop::default(),
        });
        let mut runner = Runner::new(shared);
        let outcome = {
            let mut stop = pin!(stop);
            tokio::select! {
                outcome = runner.work() => outcome,
                () = &mut stop => Ok(()),
            }
        };
        runner.end().await;
        outcome
    }
}

/// Chats served side by side: those that only wait cost nothing.
const LANES: usize = 64;

struct Runner {
    shared: Arc<Shared>,
    lanes: JoinSet<(ChatId, Result<Option<Seen>>)>,
    active: HashSet<ChatId>,
    /// The chats that were looked at lately.
    seen: HashMap<ChatId, Seen>,
    /// When chats were served last, as a number that grows: the others come first.
    served: HashMap<ChatId, u64>,
    turns: u64,
    /// Nothing is begun before that.
    paused: Option<Timestamp>,
}

impl Runner {
    fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            lanes: JoinSet::new(),
            active: HashSet::new(),
            seen: HashMap::new(),
            served: HashMap::new(),
            turns: 0,
            paused: None,
        }
    }

    /// Comes back when nothing is left to do, if it ever does.
    async fn work(&mut self) -> Result<()> {
        let mut version = 0;
        loop {
            let business = self.shared.business;
            let open =
                self.shared.outbox.read(move |tables| table::open_chats(tables, business)).await?;
            if open.is_empty() && self.active.is_empty() && self.shared.settings.until_empty {
                return Ok(());
            }
            let safety = &self.shared.settings.safety;
            self.paused = self.paused.filter(|until| *until > safety.now());
            if self.paused.is_none() {
                self.begin(open);
            }
            let paused = self.paused;
            tokio::select! {
                Some(ended) = self.lanes.join_next() => self.ended(ended)?,
                changed = self.shared.outbox.changed_later(version) => version = changed?,
                () = self.shared.settings.safety.timer.sleep_until(paused.unwrap_or(Timestamp::MAX)),
                    if paused.is_some() => {}
            }
        }
    }

    /// Serves as many of these chats as there is room for.
    fn begin(&mut self, mut open: Vec<ChatId>) {
        // What was given in first comes first among those that were served equally long ago.
        open.sort_by_key(|chat| self.served.get(chat).copied().unwrap_or(0));
        for chat in open {
            if self.active.len() >= LANES {
                break;
            }
            if self.active.insert(chat) {
                let lane = Lane::new(&self.shared, chat, self.seen.remove(&chat));
                self.lanes.spawn(async move { (chat, lane.serve().await) });
            }
        }
    }

    fn ended(&mut self, ended: Result<(ChatId, Result<Option<Seen>>), JoinError>) -> Result<()> {
        let (chat, outcome) = match ended {
            Ok(ended) => ended,
            Err(error) => return Err(std::io::Error::other(error).into()),
        };
        self.active.remove(&chat);
        let settings = &self.shared.settings;
        match outcome {
            Ok(seen) => {
                if self.seen.len() > 1_000 {
                    self.seen.retain(|_, seen| seen.is_fresh(settings));
                    self.served.clear();
                }
                self.turns += 1;
                self.served.insert(chat, self.turns);
                self.seen.extend(seen.map(|seen| (chat, seen)));
                Ok(())
            }
            Err(Error::Denied(error)) if !settings.until_empty => {
                if self.paused.is_none() {
                    let until = settings.safety.now().checked_add(settings.pause);
                    let until = until.unwrap_or(Timestamp::MAX);
                    (settings.on_event)(Event::Paused { reason: error.to_string(), until });
                    self.paused = Some(until);
                }
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Lets what is under way come to its end, for a while.
    async fn end(mut self) {
        self.shared.stop.ask();
        let grace = self.shared.settings.safety.pause(self.shared.settings.grace);
        tokio::select! {
            () = async { while self.lanes.join_next().await.is_some() {} } => {}
            () = grace => self.lanes.shutdown().await,
        }
    }
}

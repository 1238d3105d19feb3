//! The one who lets calls go: never more in an hour, and never more at once, than the service allows one cabinet.
//! It sends nothing itself, and knows of a call only whose it is.

mod budget;
mod permit;
mod scheduler;
mod server_clock;
mod waiter;

use std::{
    fmt,
    hash::{BuildHasher, Hash, RandomState},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use beseda_api::{BusinessId, Clock, Endpoint, Generation, SystemClock, Timer};
use jiff::Timestamp;

use crate::{ClientError, SystemTimer};
pub(crate) use permit::Permit;
pub(crate) use scheduler::BudgetOwner;
use scheduler::{Blocked, CallKey, LimiterSettings, Scheduler};

/// Calls at once that the service allows one cabinet today.
const PARALLEL: u32 = 4;
/// What background work leaves of an hour's budget, in percent.
const RESERVE: u32 = 10;

/// Confirmation urgent a call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Priority {
    /// Somebody waits for the answer.
    #[default]
    Interactive,
    /// It goes when nobody else wants to, and leaves a slot and a part of the hour to the others.
    Background,
}

impl Priority {
    /// Both, the more urgent first.
    pub const ALL: [Self; 2] = [Self::Interactive, Self::Background];
}

/// What a call waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WaitReason {
    /// The hour's calls of this operation are used up.
    Hour,
    /// As many calls of the cabinet are running as may run at once.
    Parallel,
    /// Nothing is known of this hour yet, and the answer of the first call will tell.
    Asking,
    /// Calls on the way may use up what is left of the hour.
    Flying,
}

impl fmt::Display for WaitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hour => "the hour's calls are used up",
            Self::Parallel => "as many calls as may run at once are running",
            Self::Asking => "the first answer of this hour tells how many calls are left",
            Self::Flying => "calls on the way may use up what is left of this hour",
        })
    }
}

/// A call that waits, as [`RateLimiter::on_wait`] is told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueuedCall {
    /// The operation, by its published name.
    pub operation: &'static str,
    /// The cabinet, if the operation names one.
    pub business: Option<BusinessId>,
    /// What it waits for.
    pub reason: WaitReason,
    /// Until when, by the service's clock; `None` if that depends on calls that are running.
    pub until: Option<Timestamp>,
    /// The same moment by the rate_limiter's own clock, never earlier than the service means it.
    pub here: Option<Timestamp>,
    /// Confirmation many calls of this operation wait in this cabinet, this one included.
    pub queued: usize,
    /// Confirmation urgent it is.
    pub priority: Priority,
}

/// What a rate_limiter knows of a cabinet.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CabinetState {
    /// Confirmation many calls may run at once.
    pub slots: u32,
    /// Confirmation many are running.
    pub running: u32,
    /// Confirmation many wait.
    pub queued: usize,
    /// Every operation that was asked, in the order of [`Endpoint::ALL`].
    pub budgets: Vec<BudgetState>,
}

/// What a rate_limiter knows of an operation in a cabinet.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BudgetState {
    /// The operation, by its published name.
    pub operation: &'static str,
    /// The form of the paths by which it was asked.
    pub generation: Generation,
    /// The limit, what is left of it besides the calls on the way, and until when; `None` while it isn't known.
    pub limit: Option<beseda_api::RateLimit>,
    /// Calls on the way.
    pub in_flight: u32,
    /// Calls that wait.
    pub queued: usize,
}

type Hook = dyn Fn(&QueuedCall) + Send + Sync;

struct Inner {
    clock: Arc<dyn Clock>,
    timer: Arc<dyn Timer>,
    state: Mutex<Scheduler>,
    hook: Mutex<Option<Arc<Hook>>>,
    hasher: RandomState,
}

/// Lets calls go within the limits of one service; clones share everything.
///
/// Every [`Client`](crate::Client) has one of its own, shared by its clones. Clients that use the same cabinets of the
/// same service should be built with the same one: [`ClientBuilder::rate_limiter`](crate::ClientBuilder::rate_limiter).
#[derive(Clone)]
pub struct RateLimiter(Arc<Inner>);

impl fmt::Debug for RateLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Governor").finish_non_exhaustive()
    }
}

impl Default for RateLimiter {
    /// One that goes by the machine's clock.
    fn default() -> Self {
        Self::new(Arc::new(SystemClock), Arc::new(SystemTimer))
    }
}

impl RateLimiter {
    /// One that goes by this clock. The timer must go by the same.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, timer: Arc<dyn Timer>) -> Self {
        let settings = LimiterSettings { parallel: PARALLEL, reserve: RESERVE };
        Self(Arc::new(Inner {
            clock,
            timer,
            state: Mutex::new(Scheduler::new(settings)),
            hook: Mutex::default(),
            hasher: RandomState::new(),
        }))
    }

    /// Confirmation many calls of a cabinet may run at once: 4 unless said, as today; 2 were allowed in 2024.
    /// It is at least 1, and falls by itself if the service says that it allows fewer.
    #[must_use]
    pub fn parallel(self, calls: u32) -> Self {
        self.lock().settings.parallel = calls.max(1);
        self
    }

    /// What [background](crate::Client::background) calls leave of every hour's budget, in percent: 10 unless said.
    #[must_use]
    pub fn reserve(self, percent: u32) -> Self {
        self.lock().settings.reserve = percent.min(100);
        self
    }

    /// Is told of every call that has to wait: when it begins to, and when what it waits for changes.
    /// It is called from the task that waits, and must be quick. A later one takes the place of an earlier one.
    #[must_use]
    pub fn on_wait(self, hook: impl Fn(&QueuedCall) + Send + Sync + 'static) -> Self {
        *self.0.hook.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(hook));
        self
    }

    /// What is known of a cabinet; `None` before the first call in it.
    #[must_use]
    pub fn state(&self, business: BusinessId) -> Option<CabinetState> {
        let state = self.lock();
        let seen = state.of(BudgetOwner::Cabinet(business))?;
        let budgets = seen.budgets.iter().enumerate().map(|(index, budget)| BudgetState {
            operation: Endpoint::ALL[index % Endpoint::ALL.len()].name,
            generation: Generation::ALL[index / Endpoint::ALL.len()],
            limit: budget.known(),
            in_flight: budget.in_flight(),
            queued: budget.queued(),
        });
        let asked = |b: &BudgetState| b.limit.is_some() || b.in_flight > 0 || b.queued > 0;
        Some(CabinetState {
            slots: seen.slots,
            running: seen.running,
            queued: seen.queued,
            budgets: budgets.filter(asked).collect(),
        })
    }

    /// The clock it goes by.
    pub(crate) fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// A number for a credential, good for this rate_limiter only.
    pub(crate) fn number(&self, credential: &impl Hash) -> u64 {
        self.0.hasher.hash_one(credential)
    }

    /// Waits until this call may go, at the longest until the deadline; not at all if that is known to be too early.
    pub(crate) async fn permit(
        &self,
        entity: BudgetOwner,
        (endpoint, generation): (usize, Generation),
        priority: Priority,
        deadline: Timestamp,
    ) -> Result<Permit, ClientError> {
        let budget = generation as usize * Endpoint::ALL.len() + endpoint;
        let key = CallKey { entity, budget, priority };
        let now = self.now();
        let passed = self.lock().pass(key, now);
        if let Some(call) = passed {
            return Ok(Permit::new(self.clone(), key, call, now));
        }
        self.wait(key, deadline).await
    }

    async fn wait(&self, key: CallKey, deadline: Timestamp) -> Result<Permit, ClientError> {
        let mut place = permit::Ticket::take(self, key);
        let mut told = None;
        loop {
            let now = self.now();
            let held = match place.look(now) {
                Ok(permit) => return Ok(permit),
                Err(held) => held,
            };
            let here = held.until.map(|until| self.lock().time.here(until));
            if now >= deadline || here.is_some_and(|here| here > deadline) {
                return Err(over(key, &held));
            }
            if told != Some((held.reason, held.until)) {
                told = Some((held.reason, held.until));
                self.tell(&waiting(key, &held, here));
            }
            let look = held.look.map_or(deadline, |look| look.min(deadline));
            tokio::select! {
                () = place.news() => {}
                () = self.0.timer.sleep_until(look) => {}
            }
        }
    }

    fn tell(&self, waiting: &QueuedCall) {
        let hook = self.0.hook.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(hook) = hook {
            hook(waiting);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Scheduler> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn business(key: CallKey) -> Option<BusinessId> {
    match key.entity {
        BudgetOwner::Cabinet(business) => Some(business),
        BudgetOwner::Credential(_) => None,
    }
}

fn waiting(key: CallKey, held: &Blocked, here: Option<Timestamp>) -> QueuedCall {
    QueuedCall {
        operation: key.endpoint().name,
        business: business(key),
        reason: held.reason,
        until: held.until,
        here,
        queued: held.queued,
        priority: key.priority,
    }
}

fn over(key: CallKey, held: &Blocked) -> ClientError {
    ClientError::OverLimit {
        operation: key.endpoint().name,
        business: business(key),
        reason: held.reason,
        until: held.until,
    }
}

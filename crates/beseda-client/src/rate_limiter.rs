//! Client-side rate limiter: hourly budgets per operation and a concurrency limit per cabinet.

mod budget;
mod permit;
mod scheduler;
mod server_clock;
mod waiter;

use std::{
    fmt,
    hash::{BuildHasher, Hash, RandomState},
    str::FromStr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use beseda_api::{BusinessId, Clock, Endpoint, Generation, SystemClock, Timer};
use jiff::Timestamp;

use crate::{ClientError, SystemTimer};
pub(crate) use permit::Permit;
pub(crate) use scheduler::BudgetOwner;
use scheduler::{Blocked, CallKey, LimiterSettings, Scheduler};

/// Current concurrency limit of the service per cabinet.
const PARALLEL: u32 = 4;
/// Part of the hourly limit that background calls leave, in percent.
const RESERVE: u32 = 10;

/// Priority of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Priority {
    /// Somebody waits for the response.
    #[default]
    Interactive,
    /// Sent when no other call waits; leaves a slot and a part of the hourly limit to others.
    Background,
}

impl Priority {
    /// Both priorities, the higher first.
    pub const ALL: [Self; 2] = [Self::Interactive, Self::Background];

    /// Returns `"interactive"` or `"background"`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Interactive => "interactive",
            Self::Background => "background",
        }
    }
}

impl FromStr for Priority {
    type Err = String;

    /// Parses a priority, ignoring case and surrounding whitespace.
    fn from_str(text: &str) -> Result<Self, String> {
        let name = text.trim();
        Self::ALL
            .into_iter()
            .find(|known| known.as_str().eq_ignore_ascii_case(name))
            .ok_or_else(|| format!("unknown priority '{name}'; known ones: interactive background"))
    }
}

/// Reason why a call waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WaitReason {
    /// The hourly limit of the operation is used up.
    HourlyLimit,
    /// The concurrency limit of the cabinet is reached.
    ConcurrencyLimit,
    /// The number of calls left is unknown until the first response of this hour.
    LimitUnknown,
    /// Calls in flight may use up the hourly limit.
    CallsInFlight,
}

impl fmt::Display for WaitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::HourlyLimit => "the hourly limit is used up",
            Self::ConcurrencyLimit => "the concurrency limit is reached",
            Self::LimitUnknown => "waiting for the first response of this hour",
            Self::CallsInFlight => "calls in flight may use up the hourly limit",
        })
    }
}

/// Waiting call, as passed to [`RateLimiter::on_wait`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueuedCall {
    /// Name of the operation.
    pub operation: &'static str,
    /// Cabinet, if the operation has one.
    pub business: Option<BusinessId>,
    /// Reason of the wait.
    pub reason: WaitReason,
    /// End of the wait by the service's clock; `None` if it depends on calls in progress.
    pub until: Option<Timestamp>,
    /// End of the wait by the local clock, never too early.
    pub here: Option<Timestamp>,
    /// Number of calls of this operation that wait in this cabinet, including this one.
    pub queued: usize,
    /// Priority.
    pub priority: Priority,
}

/// State of a cabinet in the rate limiter.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CabinetState {
    /// Concurrency limit.
    pub slots: u32,
    /// Number of running calls.
    pub running: u32,
    /// Number of waiting calls.
    pub queued: usize,
    /// Operations called so far, in the order of [`Endpoint::ALL`].
    pub budgets: Vec<BudgetState>,
}

/// State of an operation in a cabinet.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BudgetState {
    /// Name of the operation.
    pub operation: &'static str,
    /// Version of the paths.
    pub generation: Generation,
    /// Limit, requests left besides calls in flight, and end of the window; `None` while unknown.
    pub limit: Option<beseda_api::RateLimit>,
    /// Number of calls in flight.
    pub in_flight: u32,
    /// Number of waiting calls.
    pub queued: usize,
}

type Hook = dyn Fn(&QueuedCall) + Send + Sync;

struct LimiterState {
    clock: Arc<dyn Clock>,
    timer: Arc<dyn Timer>,
    state: Mutex<Scheduler>,
    hook: Mutex<Option<Arc<Hook>>>,
    hasher: RandomState,
}

/// Client-side rate limiter for the calls to one service. Clones share their state.
///
/// Every [`Client`](crate::Client) has its own, shared by the clones of the client. Clients that use the same cabinets of
/// the same service should share one: [`ClientBuilder::rate_limiter`](crate::ClientBuilder::rate_limiter).
#[derive(Clone)]
pub struct RateLimiter(Arc<LimiterState>);

impl fmt::Debug for RateLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimiter").finish_non_exhaustive()
    }
}

impl Default for RateLimiter {
    /// Creates a rate limiter on the system clock.
    fn default() -> Self {
        Self::new(Arc::new(SystemClock), Arc::new(SystemTimer))
    }
}

impl RateLimiter {
    /// Creates a rate limiter on this clock. The timer must follow the same clock.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, timer: Arc<dyn Timer>) -> Self {
        let settings = LimiterSettings { parallel: PARALLEL, reserve: RESERVE };
        Self(Arc::new(LimiterState {
            clock,
            timer,
            state: Mutex::new(Scheduler::new(settings)),
            hook: Mutex::default(),
            hasher: RandomState::new(),
        }))
    }

    /// Sets the maximum number of concurrent calls per cabinet, at least 1. Defaults to 4, the
    /// current limit; 2 were allowed in 2024. Lowered automatically if the service reports a lower
    /// limit.
    #[must_use]
    pub fn parallel(self, calls: u32) -> Self {
        self.lock().settings.parallel = calls.max(1);
        self
    }

    /// Sets the part of each hourly limit that [background](crate::Client::background) calls leave,
    /// in percent. Defaults to 10.
    #[must_use]
    pub fn reserve(self, percent: u32) -> Self {
        self.lock().settings.reserve = percent.min(100);
        self
    }

    /// Sets a hook that is called when a call starts to wait and when the reason changes.
    ///
    /// It runs in the task of the waiting call and must be quick. Replaces an earlier hook.
    #[must_use]
    pub fn on_wait(self, hook: impl Fn(&QueuedCall) + Send + Sync + 'static) -> Self {
        *self.0.hook.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(hook));
        self
    }

    /// Returns the state of a cabinet, or `None` before its first call.
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

    /// Returns the current time of the limiter's clock.
    pub(crate) fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// Returns a number for a credential, valid for this rate limiter only.
    pub(crate) fn number(&self, credential: &impl Hash) -> u64 {
        self.0.hasher.hash_one(credential)
    }

    /// Waits until the call may be sent, at most until the deadline. Returns an error immediately
    /// if the wait is known to exceed it.
    pub(crate) async fn permit(
        &self,
        entity: BudgetOwner,
        endpoint: usize,
        generation: Generation,
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

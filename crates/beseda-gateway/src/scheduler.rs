//! Weighted fair scheduling of upstream calls: a queue per cabinet, with concurrency and hourly
//! limits.

mod fair_queue;
pub(crate) mod request;
pub(crate) mod share;

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use beseda_api::{BusinessId, Clock, Endpoint, RateLimit};
use tokio::sync::oneshot;

use fair_queue::FairQueue;
use request::CallRequest;
use share::Quota;

/// Interval at which waiting calls are scheduled again: the start of an hour wakes none of them.
const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// Source of the remaining hourly budgets, as the upstream reports them.
pub(crate) trait BudgetSource: Send + Sync {
    /// Returns the limit of an operation in a cabinet, or `None` if it is unknown.
    fn budget(&self, business: BusinessId, endpoint: &Endpoint) -> Option<RateLimit>;
}

/// Reason why a call gets no permit before its deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum QueueError {
    /// The program's hourly budget is used up.
    Budget { limit: u32 },
    /// All slots are taken, or the program's queue is full.
    Slots { max: u32 },
}

/// Scheduler of the upstream calls of all cabinets.
pub(crate) struct CallScheduler {
    queues: Mutex<HashMap<BusinessId, FairQueue>>,
    budgets: Arc<dyn BudgetSource>,
    clock: Arc<dyn Clock>,
    slots: u32,
    next_id: AtomicU64,
}

/// Permit for a single upstream call. Releases its slot on drop.
pub(crate) struct UpstreamPermit {
    scheduler: Arc<CallScheduler>,
    business: BusinessId,
}

impl Drop for UpstreamPermit {
    fn drop(&mut self) {
        self.scheduler.with_queue(self.business, |queue| queue.release());
    }
}

/// Position in a queue. Leaves the queue on drop.
pub(crate) struct QueueTicket {
    scheduler: Arc<CallScheduler>,
    request: CallRequest,
    id: u64,
    granted: oneshot::Receiver<()>,
    is_acquired: bool,
}

impl CallScheduler {
    /// Creates a scheduler with this many slots per cabinet, at least one.
    pub(crate) fn new(
        budgets: Arc<dyn BudgetSource>,
        clock: Arc<dyn Clock>,
        slots: u32,
    ) -> Arc<Self> {
        let (queues, next_id) = (Mutex::default(), AtomicU64::new(1));
        Arc::new(Self { queues, budgets, clock, slots: slots.max(1), next_id })
    }

    /// Changes the queue of a cabinet, then grants permits.
    fn with_queue<T>(&self, business: BusinessId, change: impl FnOnce(&mut FairQueue) -> T) -> T {
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        let queue = queues.entry(business).or_insert_with(|| FairQueue::new(self.slots));
        let result = change(queue);
        queue.grant(self.clock.now(), &|endpoint| self.budgets.budget(business, endpoint));
        result
    }

    /// Enqueues a call.
    ///
    /// # Errors
    /// If the program's queue is full, or its budget is used up until after the deadline.
    pub(crate) fn enqueue(
        self: &Arc<Self>,
        request: CallRequest,
    ) -> Result<QueueTicket, QueueError> {
        let (grant, granted) = oneshot::channel();
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        self.with_queue(request.business, |queue| {
            if let Some(limit) = self.exhausted_limit(queue, &request) {
                return Err(QueueError::Budget { limit });
            }
            queue
                .push(id, &request, self.clock.now(), grant)
                .map_err(|_full| QueueError::Slots { max: self.slots })
        })?;
        Ok(QueueTicket { scheduler: Arc::clone(self), request, id, granted, is_acquired: false })
    }

    /// Returns the program's limit if its budget is used up until after the deadline.
    fn exhausted_limit(&self, queue: &mut FairQueue, request: &CallRequest) -> Option<u32> {
        let CallRequest { business, program, quota, endpoint, deadline } = request;
        let budget = self.budgets.budget(*business, endpoint)?;
        let now = self.clock.now();
        let limit = queue.program_limit(program, *quota, endpoint, budget, now);
        let max_wait = deadline.saturating_duration_since(Instant::now());
        let until = Duration::try_from(limit.until.duration_since(now)).unwrap_or_default();
        (limit.remaining == 0 && until > max_wait).then_some(limit.limit)
    }

    /// Returns the reason why a call has got no permit.
    fn timeout_reason(&self, request: &CallRequest) -> QueueError {
        let CallRequest { business, program, quota, endpoint, .. } = request;
        match self.program_limit(*business, program, *quota, endpoint) {
            Some(limit) if limit.remaining == 0 => QueueError::Budget { limit: limit.limit },
            _ => QueueError::Slots { max: self.slots },
        }
    }

    /// Returns a program's part of the cabinet's budget, or `None` if the budget is unknown.
    pub(crate) fn program_limit(
        &self,
        business: BusinessId,
        program: &Arc<str>,
        quota: Quota,
        endpoint: &'static Endpoint,
    ) -> Option<RateLimit> {
        let budget = self.budgets.budget(business, endpoint)?;
        let now = self.clock.now();
        Some(self.with_queue(business, |queue| {
            queue.program_limit(program, quota, endpoint, budget, now)
        }))
    }

    /// Replaces the quotas of a cabinet's programs.
    pub(crate) fn set_quotas(&self, business: BusinessId, quotas: &[(Arc<str>, Quota)]) {
        self.with_queue(business, |queue| queue.set_quotas(quotas));
    }

    /// Returns the queue lengths, interactive and background, by cabinet.
    pub(crate) fn queue_lengths(&self) -> Vec<(BusinessId, [usize; 2])> {
        let queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        let mut lengths: Vec<_> = queues.iter().map(|(id, queue)| (*id, queue.lengths())).collect();
        lengths.sort_by_key(|(business, _)| *business);
        lengths
    }

    /// Returns the budget of a cabinet, as last reported by the upstream.
    pub(crate) fn budget(&self, business: BusinessId, endpoint: &Endpoint) -> Option<RateLimit> {
        self.budgets.budget(business, endpoint)
    }
}

impl QueueTicket {
    /// Waits for the permit.
    ///
    /// # Errors
    /// If the deadline passes, or if the budget is used up until after it.
    pub(crate) async fn acquire(&mut self) -> Result<UpstreamPermit, QueueError> {
        loop {
            let remaining = self.request.deadline.saturating_duration_since(Instant::now());
            match tokio::time::timeout(remaining.min(POLL_INTERVAL), &mut self.granted).await {
                Ok(Ok(())) => {
                    self.is_acquired = true;
                    let (scheduler, business) =
                        (Arc::clone(&self.scheduler), self.request.business);
                    return Ok(UpstreamPermit { scheduler, business });
                }
                // Unreachable: the queue keeps the sender of a waiting call.
                Ok(Err(_)) => return Err(QueueError::Slots { max: self.scheduler.slots }),
                Err(_) if remaining.is_zero() => {
                    return Err(self.scheduler.timeout_reason(&self.request));
                }
                Err(_) => {
                    let exhausted = |queue: &mut FairQueue| {
                        self.scheduler.exhausted_limit(queue, &self.request)
                    };
                    if let Some(limit) = self.scheduler.with_queue(self.request.business, exhausted)
                    {
                        return Err(QueueError::Budget { limit });
                    }
                }
            }
        }
    }
}

impl Drop for QueueTicket {
    fn drop(&mut self) {
        if !self.is_acquired {
            self.scheduler.with_queue(self.request.business, |queue| queue.leave(self.id));
        }
    }
}

#[cfg(test)]
mod tests;

//! Weighted fair queue of a cabinet: slots, virtual times, and each program's use of the hourly
//! budget.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use beseda_api::{Endpoint, RateLimit};
use beseda_client::Priority;
use jiff::Timestamp;
use tokio::sync::oneshot;

use super::{
    request::CallRequest,
    share::{self, Quota, ShareClaim},
};

/// Maximum number of queued calls per program.
const MAX_QUEUED_PER_PROGRAM: usize = 256;
/// Number of interactive calls after which a background call goes first, if any is queued.
const MAX_INTERACTIVE_STREAK: u32 = 7;
/// Time without calls in seconds after which a program without a share reserves nothing.
const IDLE_SECONDS: i64 = 3_600;
/// Part of the unassigned budget that is reserved in equal shares for active programs, in percent.
const RESERVED_PERCENT: f64 = 50.0;

/// Function from an operation to its remaining budget.
type Budgets<'a> = &'a dyn Fn(&Endpoint) -> Option<RateLimit>;

struct PendingCall {
    program: Arc<str>,
    priority: Priority,
    endpoint: &'static Endpoint,
    grant: oneshot::Sender<()>,
}

#[derive(Default)]
struct ProgramState {
    quota: Quota,
    /// Virtual time of weighted fair queueing: the program with the least one is next.
    virtual_time: f64,
    last_call: Timestamp,
    queued: usize,
    /// End of the window and number of calls in it, by operation.
    used: HashMap<&'static str, (Timestamp, u32)>,
}

/// Error: the program has [`MAX_QUEUED_PER_PROGRAM`] queued calls already.
pub(super) struct QueueFull;

/// Queue of a cabinet.
pub(super) struct FairQueue {
    free_slots: u32,
    calls: BTreeMap<u64, PendingCall>,
    programs: HashMap<Arc<str>, ProgramState>,
    /// Virtual time of the last granted call.
    virtual_time: f64,
    /// Number of interactive calls granted since the last background call.
    interactive_streak: u32,
}

impl FairQueue {
    pub(super) fn new(slots: u32) -> Self {
        Self {
            free_slots: slots,
            calls: BTreeMap::new(),
            programs: HashMap::new(),
            virtual_time: 0.0,
            interactive_streak: 0,
        }
    }

    /// Enqueues a call. `grant` fires when it gets a slot.
    pub(super) fn push(
        &mut self,
        id: u64,
        request: &CallRequest,
        now: Timestamp,
        grant: oneshot::Sender<()>,
    ) -> Result<(), QueueFull> {
        let program = self.programs.entry(Arc::clone(&request.program)).or_default();
        (program.quota, program.last_call) = (request.quota, now);
        if program.queued >= MAX_QUEUED_PER_PROGRAM {
            return Err(QueueFull);
        }
        program.queued += 1;
        let call = PendingCall {
            program: Arc::clone(&request.program),
            priority: request.quota.priority,
            endpoint: request.endpoint,
            grant,
        };
        self.calls.insert(id, call);
        Ok(())
    }

    /// Replaces all quotas. They apply to programs that have made no call yet as well.
    pub(super) fn set_quotas(&mut self, quotas: &[(Arc<str>, Quota)]) {
        for program in self.programs.values_mut() {
            program.quota.share = None;
        }
        for (name, quota) in quotas {
            self.programs.entry(Arc::clone(name)).or_default().quota = *quota;
        }
    }

    /// Removes a call from the queue, or releases its slot if it was granted but not acquired.
    pub(super) fn leave(&mut self, id: u64) {
        match self.calls.remove(&id) {
            Some(call) => self.dequeued(&call.program),
            None => self.release(),
        }
    }

    /// Releases a slot.
    pub(super) fn release(&mut self) {
        self.free_slots += 1;
    }

    /// Returns the number of interactive and of background calls in the queue.
    pub(super) fn lengths(&self) -> [usize; 2] {
        let is_interactive = |call: &&PendingCall| call.priority == Priority::Interactive;
        let interactive = self.calls.values().filter(is_interactive).count();
        [interactive, self.calls.len() - interactive]
    }

    fn dequeued(&mut self, program: &Arc<str>) {
        if let Some(program) = self.programs.get_mut(program) {
            program.queued = program.queued.saturating_sub(1);
        }
    }

    /// Returns a program's part of the budget, and marks the program as active.
    pub(super) fn program_limit(
        &mut self,
        program: &Arc<str>,
        quota: Quota,
        endpoint: &'static Endpoint,
        budget: RateLimit,
        now: Timestamp,
    ) -> RateLimit {
        let state = self.programs.entry(Arc::clone(program)).or_default();
        (state.quota, state.last_call) = (quota, now);
        self.limit_of(program, endpoint, budget, now)
    }

    fn limit_of(
        &self,
        program: &Arc<str>,
        endpoint: &'static Endpoint,
        budget: RateLimit,
        now: Timestamp,
    ) -> RateLimit {
        let equal_share = self.equal_share(now);
        let claim = |state: &ProgramState| ShareClaim {
            percent: state.quota.share.map_or(equal_share * RESERVED_PERCENT / 100.0, f64::from),
            used: state.used_calls(endpoint, budget.until),
            is_guaranteed: state.quota.share.is_some(),
        };
        let own = self
            .programs
            .get(program)
            .map_or(ShareClaim { percent: 0.0, used: 0, is_guaranteed: false }, claim);
        let others = self
            .programs
            .iter()
            .filter(|(name, state)| *name != program && state.is_active(now))
            .map(|(_, state)| claim(state));
        share::program_limit(own, others, budget, now)
    }

    /// Returns the share of each active program without a share of its own, in percent.
    fn equal_share(&self, now: Timestamp) -> f64 {
        let (mut assigned, mut unassigned_programs) = (0, 0_u32);
        for program in self.programs.values().filter(|program| program.is_active(now)) {
            match program.quota.share {
                Some(share) => assigned += share,
                None => unassigned_programs += 1,
            }
        }
        let unassigned = f64::from(100_u32.saturating_sub(assigned));
        unassigned / f64::from(unassigned_programs.max(1))
    }

    /// Grants free slots to queued calls.
    pub(super) fn grant(&mut self, now: Timestamp, budgets: Budgets<'_>) {
        while self.free_slots > 0 && !self.calls.is_empty() {
            let order = if self.interactive_streak >= MAX_INTERACTIVE_STREAK {
                [Priority::Background, Priority::Interactive]
            } else {
                [Priority::Interactive, Priority::Background]
            };
            let next = order.into_iter().find_map(|priority| self.next(priority, now, budgets));
            let Some(id) = next else { return };
            self.grant_call(id, now, budgets);
        }
    }

    /// Returns the first call, within the budget, of the program with the least virtual time.
    fn next(&self, priority: Priority, now: Timestamp, budgets: Budgets<'_>) -> Option<u64> {
        let mut within_budget: HashMap<(&Arc<str>, &str), bool> = HashMap::new();
        let mut best: Option<(f64, u64)> = None;
        for (id, call) in self.calls.iter().filter(|(_, call)| call.priority == priority) {
            let program = self.programs.get(&call.program);
            let time = program.map_or(0.0, |state| state.virtual_time.max(self.virtual_time));
            if best.is_some_and(|(least, _)| least <= time) {
                continue;
            }
            let key = (&call.program, call.endpoint.name);
            let is_within = *within_budget.entry(key).or_insert_with(|| {
                budgets(call.endpoint).is_none_or(|budget| {
                    self.limit_of(&call.program, call.endpoint, budget, now).remaining > 0
                })
            });
            if is_within {
                best = Some((time, *id));
            }
        }
        best.map(|(_, id)| id)
    }

    fn grant_call(&mut self, id: u64, now: Timestamp, budgets: Budgets<'_>) {
        let Some(PendingCall { program, priority, endpoint, grant }) = self.calls.remove(&id)
        else {
            return;
        };
        self.dequeued(&program);
        if grant.send(()).is_err() {
            return;
        }
        self.free_slots -= 1;
        self.interactive_streak = match priority {
            Priority::Interactive => self.interactive_streak + 1,
            Priority::Background => 0,
        };
        let equal_share = self.equal_share(now);
        let program = self.programs.entry(program).or_default();
        let start = program.virtual_time.max(self.virtual_time);
        let weight = program.quota.share.map_or(equal_share, f64::from).max(1.0);
        program.virtual_time = start + 1.0 / weight;
        self.virtual_time = start;
        if let Some(budget) = budgets(endpoint) {
            let used = program.used.entry(endpoint.name).or_insert((budget.until, 0));
            *used = if used.0 == budget.until { (used.0, used.1 + 1) } else { (budget.until, 1) };
        }
    }
}

impl ProgramState {
    /// Returns true if the program has a share, or has called recently.
    fn is_active(&self, now: Timestamp) -> bool {
        self.quota.share.is_some() || now.as_second() - self.last_call.as_second() < IDLE_SECONDS
    }

    fn used_calls(&self, endpoint: &Endpoint, until: Timestamp) -> u32 {
        self.used.get(endpoint.name).filter(|used| used.0 == until).map_or(0, |used| used.1)
    }
}

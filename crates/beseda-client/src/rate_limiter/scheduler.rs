//! State of the rate limiter: cabinets with their budgets, slots and queues, and the choice of the
//! next call. Never waits.

use std::{collections::HashMap, sync::Arc};

use beseda_api::{BusinessId, Endpoint, Generation};
use jiff::Timestamp;

use super::{
    Priority, WaitReason,
    budget::{Admission, Budget, CallOutcome},
    server_clock::ServerClock,
    waiter::Waiter,
};

const BUDGETS: usize = Endpoint::ALL.len() * Generation::ALL.len();

/// Owner of a budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum BudgetOwner {
    /// Cabinet.
    Cabinet(BusinessId),
    /// Credential, for calls without a cabinet.
    Credential(u64),
}

/// Budget of a call and its priority.
#[derive(Debug, Clone, Copy)]
pub(super) struct CallKey {
    pub(super) entity: BudgetOwner,
    /// Index of operation and API version.
    pub(super) budget: usize,
    pub(super) priority: Priority,
}

impl CallKey {
    pub(super) fn endpoint(&self) -> &'static Endpoint {
        &Endpoint::ALL[self.budget % Endpoint::ALL.len()]
    }
}

/// Settings.
#[derive(Debug, Clone, Copy)]
pub(super) struct LimiterSettings {
    /// Maximum number of concurrent calls per cabinet.
    pub(super) parallel: u32,
    /// Part of the hourly limit that background calls leave, in percent.
    pub(super) reserve: u32,
}

/// Queue state of a cabinet or credential.
#[derive(Debug)]
struct CabinetQueue {
    budgets: [Budget; BUDGETS],
    /// Concurrency limit reported by the service, if lower than the setting.
    parallel: u32,
    running: u32,
    background: u32,
    queued: usize,
}

/// Reason why a call is blocked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Blocked {
    pub(super) reason: WaitReason,
    /// End of the window by the service's clock, if it must be waited for.
    pub(super) until: Option<Timestamp>,
    /// Time to check again by the local clock.
    pub(super) look: Option<Timestamp>,
    pub(super) queued: usize,
}

/// State behind the rate limiter's lock.
#[derive(Debug)]
pub(super) struct Scheduler {
    pub(super) settings: LimiterSettings,
    pub(super) time: ServerClock,
    desks: HashMap<BudgetOwner, CabinetQueue>,
    /// Running calls without a cabinet; they count for a cabinet of their credential, which is
    /// unknown.
    unscoped: u32,
    unscoped_queued: usize,
    /// Number of the last ticket.
    place: u64,
    /// Number of the last call.
    call: u64,
}

impl Scheduler {
    pub(super) fn new(settings: LimiterSettings) -> Self {
        Self {
            settings,
            time: ServerClock::default(),
            desks: HashMap::new(),
            unscoped: 0,
            unscoped_queued: 0,
            place: 0,
            call: 0,
        }
    }

    /// Admits a call immediately if no other is waiting before it.
    pub(super) fn pass(&mut self, key: CallKey, now: Timestamp) -> Option<u64> {
        let here = self.desk(key.entity).queued;
        if here > 0 || self.unscoped_queued > 0 {
            return None;
        }
        self.may_go(key, now).ok()?;
        Some(self.start(key))
    }

    /// Queues a call and admits those that may be sent.
    pub(super) fn join(&mut self, key: CallKey, waiter: Arc<Waiter>, now: Timestamp) -> u64 {
        self.place += 1;
        let place = self.place;
        let desk = self.desk(key.entity);
        desk.queued += 1;
        desk.budgets[key.budget].lines[key.priority as usize].insert(place, waiter);
        self.unscoped_queued += usize::from(is_unscoped(key.entity));
        self.advance(key.entity, now);
        place
    }

    /// Removes a ticket from its queue.
    pub(super) fn leave(&mut self, key: CallKey, place: u64) {
        let desk = self.desk(key.entity);
        if desk.budgets[key.budget].lines[key.priority as usize].remove(&place).is_some() {
            desk.queued -= 1;
            self.unscoped_queued -= usize::from(is_unscoped(key.entity));
        }
    }

    /// Returns why the first call of this queue is blocked.
    pub(super) fn held(&mut self, key: CallKey, now: Timestamp) -> Blocked {
        let reason = self.may_go(key, now).err().unwrap_or((WaitReason::ConcurrencyLimit, None));
        let time = self.time;
        let budget = &self.desk(key.entity).budgets[key.budget];
        Blocked {
            reason: reason.0,
            until: reason.1,
            look: budget.until().map(|until| time.here(until)),
            queued: budget.queued(),
        }
    }

    /// Records the outcome of a call. Its slot is released by [`Scheduler::done`].
    pub(super) fn arrive(&mut self, key: CallKey, call: u64, outcome: CallOutcome, now: Timestamp) {
        let (latest, at_service) = (self.call, self.time.at_least(now));
        self.desk(key.entity).budgets[key.budget].arrive(call, outcome, latest, at_service);
        self.tell(key.entity, key.budget, now);
        self.advance(key.entity, now);
    }

    /// Releases a slot.
    pub(super) fn done(&mut self, key: CallKey, now: Timestamp) {
        let desk = self.desk(key.entity);
        desk.running -= 1;
        desk.background -= u32::from(key.priority == Priority::Background);
        self.unscoped -= u32::from(is_unscoped(key.entity));
        self.advance(key.entity, now);
    }

    /// Lowers the concurrency limit.
    pub(super) fn reduce_concurrency(&mut self, entity: BudgetOwner, parallel: u32) {
        let desk = self.desk(entity);
        desk.parallel = desk.parallel.min(parallel.max(1));
    }

    /// Wakes every waiting call after a change of the clocks.
    pub(super) fn wake_all(&self) {
        let budgets = self.desks.values().flat_map(|desk| &desk.budgets);
        budgets.flat_map(|b| &b.lines).flat_map(|line| line.values()).for_each(|w| w.wake());
    }

    /// Admits the calls of this cabinet that may be sent.
    pub(super) fn advance(&mut self, entity: BudgetOwner, now: Timestamp) {
        if !is_unscoped(entity) && self.unscoped_queued == 0 {
            return self.advance_cabinet(entity, now);
        }
        // Calls without a cabinet go first and need a free slot in every cabinet: they are few and
        // would starve otherwise.
        let waiting = |unscoped: bool| {
            let queued = self.desks.iter().filter(|(_, desk)| desk.queued > 0);
            let of_kind = queued.filter(move |(entity, _)| is_unscoped(**entity) == unscoped);
            of_kind.map(|(entity, _)| *entity).collect::<Vec<_>>()
        };
        let (unscoped, cabinets) = (waiting(true), waiting(false));
        unscoped.into_iter().for_each(|entity| self.advance_cabinet(entity, now));
        if !self.is_unscoped_blocked(now) {
            cabinets.into_iter().for_each(|entity| self.advance_cabinet(entity, now));
        }
    }

    /// Returns true if a call without a cabinet waits only for a slot.
    fn is_unscoped_blocked(&mut self, now: Timestamp) -> bool {
        self.unscoped_queued > 0
            && self.heads().any(|key| {
                is_unscoped(key.entity)
                    && matches!(self.may_go(key, now), Err((WaitReason::ConcurrencyLimit, None)))
            })
    }

    fn heads(&self) -> std::vec::IntoIter<CallKey> {
        let mut heads = Vec::new();
        for (entity, desk) in &self.desks {
            heads.extend(desk.heads(*entity).map(|(_, key)| key));
        }
        heads.into_iter()
    }

    fn advance_cabinet(&mut self, entity: BudgetOwner, now: Timestamp) {
        while self.desk(entity).queued > 0 {
            let mut heads: Vec<(u64, CallKey)> = self.desk(entity).heads(entity).collect();
            heads.sort_by_key(|(place, key)| (key.priority as usize, *place));
            let next = heads.into_iter().find(|(_, key)| self.may_go(*key, now).is_ok());
            let Some((place, key)) = next else { return };
            let call = self.start(key);
            let desk = self.desk(entity);
            desk.queued -= 1;
            let line = &mut desk.budgets[key.budget].lines[key.priority as usize];
            if let Some(waiter) = line.remove(&place) {
                waiter.admit(call);
            }
            self.unscoped_queued -= usize::from(is_unscoped(entity));
        }
    }

    /// Decides whether the next call with this key may be sent; otherwise returns the reason and
    /// the end of the wait.
    fn may_go(
        &mut self,
        key: CallKey,
        now: Timestamp,
    ) -> Result<(), (WaitReason, Option<Timestamp>)> {
        let (settings, at_service) = (self.settings, self.time.at_least(now));
        let (unscoped, busiest) = if is_unscoped(key.entity) {
            let cabinets = self.desks.iter().filter(|(entity, _)| !is_unscoped(**entity));
            (self.unscoped, cabinets.map(|(_, desk)| desk.running).max().unwrap_or(0))
        } else {
            (self.unscoped, 0)
        };
        let desk = self.desk(key.entity);
        match desk.budgets[key.budget].admit(key.priority, settings.reserve, at_service) {
            Admission::UsedUp(until) => return Err((WaitReason::HourlyLimit, Some(until))),
            Admission::LimitUnknown => return Err((WaitReason::LimitUnknown, None)),
            Admission::CallsInFlight => return Err((WaitReason::CallsInFlight, None)),
            Admission::Allowed => {}
        }
        let slots = desk.parallel.min(settings.parallel);
        let running =
            if is_unscoped(key.entity) { unscoped + busiest } else { desk.running + unscoped };
        let crowded = running >= slots
            || (key.priority == Priority::Background
                && desk.background >= slots.saturating_sub(1).max(1));
        if crowded { Err((WaitReason::ConcurrencyLimit, None)) } else { Ok(()) }
    }

    fn start(&mut self, key: CallKey) -> u64 {
        self.call += 1;
        let call = self.call;
        self.unscoped += u32::from(is_unscoped(key.entity));
        let desk = self.desk(key.entity);
        desk.running += 1;
        desk.background += u32::from(key.priority == Priority::Background);
        desk.budgets[key.budget].start(call);
        call
    }

    /// Wakes calls whose hour turned out to be used up: some have an earlier deadline.
    fn tell(&mut self, entity: BudgetOwner, budget: usize, now: Timestamp) {
        for priority in Priority::ALL {
            let key = CallKey { entity, budget, priority };
            let reserve = self.settings.reserve;
            let at_service = self.time.at_least(now);
            let budget = &mut self.desk(key.entity).budgets[key.budget];
            if budget.lines[priority as usize].is_empty() {
                budget.blocked[priority as usize] = None;
                continue;
            }
            let blocked = match budget.admit(priority, reserve, at_service) {
                Admission::UsedUp(until) => Some(until),
                _ => None,
            };
            if budget.blocked[priority as usize] != blocked {
                budget.blocked[priority as usize] = blocked;
                budget.lines[priority as usize].values().for_each(|waiter| waiter.wake());
            }
        }
    }

    fn desk(&mut self, entity: BudgetOwner) -> &mut CabinetQueue {
        self.desks.entry(entity).or_default()
    }

    /// Returns the state of a cabinet, if any call was made.
    pub(super) fn of(&self, entity: BudgetOwner) -> Option<CabinetView<'_>> {
        let desk = self.desks.get(&entity)?;
        let slots = desk.parallel.min(self.settings.parallel);
        Some(CabinetView {
            slots,
            running: desk.running,
            queued: desk.queued,
            budgets: &desk.budgets,
        })
    }
}

/// View of a cabinet's state.
pub(super) struct CabinetView<'a> {
    pub(super) slots: u32,
    pub(super) running: u32,
    pub(super) queued: usize,
    pub(super) budgets: &'a [Budget],
}

impl Default for CabinetQueue {
    fn default() -> Self {
        Self {
            budgets: std::array::from_fn(|index| {
                Budget::new(index % Endpoint::ALL.len() == Endpoint::SEND_FILE_TO_CHAT.index())
            }),
            parallel: u32::MAX,
            running: 0,
            background: 0,
            queued: 0,
        }
    }
}

impl CabinetQueue {
    /// Returns the first call of every queue with its ticket number.
    fn heads(&self, entity: BudgetOwner) -> impl Iterator<Item = (u64, CallKey)> {
        self.budgets.iter().enumerate().flat_map(move |(budget, of)| {
            Priority::ALL.into_iter().filter_map(move |priority| {
                let (place, _) = of.lines[priority as usize].first_key_value()?;
                Some((*place, CallKey { entity, budget, priority }))
            })
        })
    }
}

fn is_unscoped(entity: BudgetOwner) -> bool {
    matches!(entity, BudgetOwner::Credential(_))
}

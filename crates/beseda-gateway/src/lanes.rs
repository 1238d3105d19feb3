//! Whose call goes up next: programs take turns by their shares, people before machines, within the slots and the hourly
//! budget of the cabinet. It decides and counts; the calls themselves are made elsewhere.

mod cabinet;
mod share;

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

use cabinet::Cabinet;
pub use share::Terms;

/// How often whoever waits looks by itself whether its turn has come: an hour that began wakes nobody.
const LOOK: Duration = Duration::from_millis(200);
/// The most calls of one program that wait at once.
pub(crate) const MOST_WAITING: usize = 256;

/// Who goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Priority {
    /// Somebody waits for the answer.
    Interactive,
    /// A program that can wait. It still gets every eighth turn.
    Background,
}

impl Priority {
    /// The word people write.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Interactive => "interactive",
            Self::Background => "background",
        }
    }
}

impl std::str::FromStr for Priority {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.trim() {
            word if word.eq_ignore_ascii_case("interactive") => Ok(Self::Interactive),
            word if word.eq_ignore_ascii_case("background") => Ok(Self::Background),
            other => Err(format!("unknown priority '{other}'; known ones: interactive background")),
        }
    }
}

/// What is left of a cabinet's hourly budget for an operation, as the upstream tells it.
pub(crate) trait Meter: Send + Sync {
    /// `None` as long as nothing is known.
    fn left(&self, business: BusinessId, endpoint: &Endpoint) -> Option<RateLimit>;
}

/// A wish to call.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    pub(crate) business: BusinessId,
    pub(crate) program: Arc<str>,
    pub(crate) terms: Terms,
    pub(crate) endpoint: &'static Endpoint,
    pub(crate) deadline: Instant,
}

/// Why there was no turn in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoTurn {
    /// The hour's budget for this program is used up.
    Budget { limit: u32 },
    /// Others were at it until the deadline.
    Slots { most: u32 },
}

/// All cabinets' queues.
pub(crate) struct Lanes {
    cabinets: Mutex<HashMap<BusinessId, Cabinet>>,
    meter: Arc<dyn Meter>,
    clock: Arc<dyn Clock>,
    slots: u32,
    next: AtomicU64,
}

/// The right to make one call upstream. Dropping it lets the next one go.
pub(crate) struct Turn {
    lanes: Arc<Lanes>,
    business: BusinessId,
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.lanes.with(self.business, |cabinet| cabinet.give_back());
    }
}

/// A place in the queue; given up when dropped.
pub(crate) struct Place {
    lanes: Arc<Lanes>,
    wish: Wish,
    id: u64,
    granted: oneshot::Receiver<()>,
    taken: bool,
}

impl Lanes {
    pub(crate) fn new(meter: Arc<dyn Meter>, clock: Arc<dyn Clock>, slots: u32) -> Arc<Self> {
        let cabinets = Mutex::default();
        Arc::new(Self { cabinets, meter, clock, slots: slots.max(1), next: AtomicU64::new(1) })
    }

    /// Changes a cabinet's queue and lets go whoever may go then.
    fn with<T>(&self, business: BusinessId, change: impl FnOnce(&mut Cabinet) -> T) -> T {
        let mut cabinets = self.cabinets.lock().unwrap_or_else(PoisonError::into_inner);
        let cabinet = cabinets.entry(business).or_insert_with(|| Cabinet::new(self.slots));
        let changed = change(cabinet);
        cabinet.grant(self.clock.now(), &|endpoint| self.meter.left(business, endpoint));
        changed
    }

    /// Takes a place in the queue, unless it is clear already that the turn won't come in time.
    pub(crate) fn queue(self: &Arc<Self>, wish: Wish) -> Result<Place, NoTurn> {
        let (grant, granted) = oneshot::channel();
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        self.with(wish.business, |cabinet| {
            if let Some(limit) = self.hopeless(cabinet, &wish) {
                return Err(NoTurn::Budget { limit });
            }
            cabinet
                .put(id, &wish, self.clock.now(), grant)
                .map_err(|_full| NoTurn::Slots { most: self.slots })
        })?;
        Ok(Place { lanes: Arc::clone(self), wish, id, granted, taken: false })
    }

    /// The program's limit, if its budget is used up and the next hour begins after the deadline.
    fn hopeless(&self, cabinet: &mut Cabinet, wish: &Wish) -> Option<u32> {
        let left = self.meter.left(wish.business, wish.endpoint)?;
        let now = self.clock.now();
        let told = cabinet.standing(&wish.program, wish.terms, wish.endpoint, left, now);
        let patience = wish.deadline.saturating_duration_since(Instant::now());
        let until = Duration::try_from(told.until.duration_since(now)).unwrap_or_default();
        (told.remaining == 0 && until > patience).then_some(told.limit)
    }

    /// What stood in the way until the deadline.
    fn why_not(&self, wish: &Wish) -> NoTurn {
        let asked = (&wish.program, wish.terms);
        match self.standing(wish.business, asked, wish.endpoint) {
            Some(told) if told.remaining == 0 => NoTurn::Budget { limit: told.limit },
            _ => NoTurn::Slots { most: self.slots },
        }
    }

    /// What is left for a program, of what is left for the cabinet.
    pub(crate) fn standing(
        &self,
        business: BusinessId,
        (program, terms): (&Arc<str>, Terms),
        endpoint: &'static Endpoint,
    ) -> Option<RateLimit> {
        let left = self.meter.left(business, endpoint)?;
        let now = self.clock.now();
        Some(self.with(business, |cabinet| cabinet.standing(program, terms, endpoint, left, now)))
    }

    /// Takes over what was agreed with the programs of a cabinet.
    pub(crate) fn agree(&self, business: BusinessId, agreed: &[(Arc<str>, Terms)]) {
        self.with(business, |cabinet| cabinet.agree(agreed));
    }

    /// How many wait, by cabinet and priority.
    pub(crate) fn waiting(&self) -> Vec<(BusinessId, [usize; 2])> {
        let cabinets = self.cabinets.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<_> = cabinets.iter().map(|(id, c)| (*id, c.waiting())).collect();
        all.sort_by_key(|(business, _)| *business);
        all
    }

    /// What the upstream has left, as it told last.
    pub(crate) fn left(&self, business: BusinessId, endpoint: &Endpoint) -> Option<RateLimit> {
        self.meter.left(business, endpoint)
    }
}

impl Place {
    /// Waits for the turn.
    pub(crate) async fn turn(&mut self) -> Result<Turn, NoTurn> {
        loop {
            let left = self.wish.deadline.saturating_duration_since(Instant::now());
            match tokio::time::timeout(left.min(LOOK), &mut self.granted).await {
                Ok(Ok(())) => {
                    self.taken = true;
                    let (lanes, business) = (Arc::clone(&self.lanes), self.wish.business);
                    return Ok(Turn { lanes, business });
                }
                // The queue never drops a place that waits.
                Ok(Err(_)) => return Err(NoTurn::Slots { most: self.lanes.slots }),
                Err(_) if left.is_zero() => return Err(self.lanes.why_not(&self.wish)),
                Err(_) => {
                    let hopeless = |cabinet: &mut Cabinet| self.lanes.hopeless(cabinet, &self.wish);
                    if let Some(limit) = self.lanes.with(self.wish.business, hopeless) {
                        return Err(NoTurn::Budget { limit });
                    }
                }
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.taken {
            self.lanes.with(self.wish.business, |cabinet| cabinet.leave(self.id));
        }
    }
}

#[cfg(test)]
mod tests;

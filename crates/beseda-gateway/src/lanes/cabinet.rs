//! The queue of one cabinet: slots, turns by share, and who has used how much of the hour. Nothing waits here.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use beseda_api::{Endpoint, RateLimit};
use jiff::Timestamp;
use tokio::sync::oneshot;

use super::{MOST_WAITING, Priority, Terms, Wish, share, share::Claim};

/// After so many turns of people one is a machine's, if any waits.
const PATIENCE_OF_MACHINES: u32 = 7;
/// A program that hasn't called for so long claims nothing.
const FORGOTTEN_SECONDS: i64 = 3_600;
/// The part of what nobody was promised that is kept evenly for the programs that call, in percent.
const KEPT_EVENLY: f64 = 50.0;

struct Waiting {
    program: Arc<str>,
    priority: Priority,
    endpoint: &'static Endpoint,
    grant: oneshot::Sender<()>,
}

#[derive(Default)]
struct Program {
    terms: Terms,
    /// Its place in the order of turns: the next one is where this is least.
    pass: f64,
    seen: Timestamp,
    waiting: usize,
    /// By operation: the window's end and the calls made in it.
    used: HashMap<&'static str, (Timestamp, u32)>,
}

/// Too many wait already.
pub(super) struct Full;

/// The queue of one cabinet.
pub(super) struct Cabinet {
    free: u32,
    waiting: BTreeMap<u64, Waiting>,
    programs: HashMap<Arc<str>, Program>,
    /// The place in the order of turns that the last one had.
    reached: f64,
    /// Turns of people since the last one of a machine.
    streak: u32,
}

impl Cabinet {
    pub(super) fn new(slots: u32) -> Self {
        let (waiting, programs) = (BTreeMap::new(), HashMap::new());
        Self { free: slots, waiting, programs, reached: 0.0, streak: 0 }
    }

    pub(super) fn put(
        &mut self,
        id: u64,
        wish: &Wish,
        now: Timestamp,
        grant: oneshot::Sender<()>,
    ) -> Result<(), Full> {
        let program = self.programs.entry(Arc::clone(&wish.program)).or_default();
        (program.terms, program.seen) = (wish.terms, now);
        if program.waiting >= MOST_WAITING {
            return Err(Full);
        }
        program.waiting += 1;
        self.waiting.insert(
            id,
            Waiting {
                program: Arc::clone(&wish.program),
                priority: wish.terms.priority,
                endpoint: wish.endpoint,
                grant,
            },
        );
        Ok(())
    }

    /// Takes over what was agreed with whom, which holds before they ever call.
    pub(super) fn agree(&mut self, agreed: &[(Arc<str>, Terms)]) {
        for program in self.programs.values_mut() {
            program.terms.share = None;
        }
        for (name, terms) in agreed {
            self.programs.entry(Arc::clone(name)).or_default().terms = *terms;
        }
    }

    pub(super) fn leave(&mut self, id: u64) {
        match self.waiting.remove(&id) {
            Some(gone) => self.no_longer_waits(&gone.program),
            // It had its turn and never took it.
            None => self.give_back(),
        }
    }

    pub(super) fn give_back(&mut self) {
        self.free += 1;
    }

    pub(super) fn waiting(&self) -> [usize; 2] {
        let people = self.waiting.values().filter(|w| w.priority == Priority::Interactive).count();
        [people, self.waiting.len() - people]
    }

    fn no_longer_waits(&mut self, program: &Arc<str>) {
        if let Some(program) = self.programs.get_mut(program) {
            program.waiting = program.waiting.saturating_sub(1);
        }
    }

    /// What is left for a program; it counts as one that calls from now on.
    pub(super) fn standing(
        &mut self,
        program: &Arc<str>,
        terms: Terms,
        endpoint: &'static Endpoint,
        left: RateLimit,
        now: Timestamp,
    ) -> RateLimit {
        let known = self.programs.entry(Arc::clone(program)).or_default();
        (known.terms, known.seen) = (terms, now);
        self.left_for(program, endpoint, left, now)
    }

    fn left_for(
        &self,
        program: &Arc<str>,
        endpoint: &'static Endpoint,
        left: RateLimit,
        now: Timestamp,
    ) -> RateLimit {
        let (even, _) = self.even(now);
        let claim = |of: &Program| Claim {
            percent: of.terms.share.map_or(even * KEPT_EVENLY / 100.0, f64::from),
            used: of.used_of(endpoint, left.until),
            firm: of.terms.share.is_some(),
        };
        let own =
            self.programs.get(program).map_or(Claim { percent: 0.0, used: 0, firm: false }, claim);
        let others = self.programs.iter().filter(|(name, of)| *name != program && of.calls(now));
        share::standing(own, others.map(|(_, of)| claim(of)), left, now)
    }

    /// What nobody was promised, divided by those who were promised nothing, in percent; and how many they are.
    fn even(&self, now: Timestamp) -> (f64, u32) {
        let (mut promised, mut others) = (0, 0_u32);
        for program in self.programs.values().filter(|program| program.calls(now)) {
            match program.terms.share {
                Some(share) => promised += share,
                None => others += 1,
            }
        }
        let rest = f64::from(100_u32.saturating_sub(promised));
        (rest / f64::from(others.max(1)), others)
    }

    /// Gives turns to whoever may go.
    pub(super) fn grant(&mut self, now: Timestamp, left: &dyn Fn(&Endpoint) -> Option<RateLimit>) {
        while self.free > 0 && !self.waiting.is_empty() {
            let machines_first = self.streak >= PATIENCE_OF_MACHINES;
            let order = if machines_first {
                [Priority::Background, Priority::Interactive]
            } else {
                [Priority::Interactive, Priority::Background]
            };
            let next = order.into_iter().find_map(|priority| self.next(priority, now, left));
            let Some(id) = next else { return };
            self.let_go(id, now, left);
        }
    }

    /// The first call that may go, of the program whose turn it is.
    fn next(
        &self,
        priority: Priority,
        now: Timestamp,
        left: &dyn Fn(&Endpoint) -> Option<RateLimit>,
    ) -> Option<u64> {
        let mut may: HashMap<(&Arc<str>, &str), bool> = HashMap::new();
        let mut best: Option<(f64, u64)> = None;
        for (id, waiting) in self.waiting.iter().filter(|(_, w)| w.priority == priority) {
            let pass =
                self.programs.get(&waiting.program).map_or(0.0, |p| p.pass.max(self.reached));
            if best.is_some_and(|(least, _)| least <= pass) {
                continue;
            }
            let asked = (&waiting.program, waiting.endpoint.name);
            let may = *may.entry(asked).or_insert_with(|| match left(waiting.endpoint) {
                None => true,
                Some(left) => {
                    self.left_for(&waiting.program, waiting.endpoint, left, now).remaining > 0
                }
            });
            if may {
                best = Some((pass, *id));
            }
        }
        best.map(|(_, id)| id)
    }

    fn let_go(&mut self, id: u64, now: Timestamp, left: &dyn Fn(&Endpoint) -> Option<RateLimit>) {
        let Some(Waiting { program, priority, endpoint, grant }) = self.waiting.remove(&id) else {
            return;
        };
        self.no_longer_waits(&program);
        if grant.send(()).is_err() {
            return;
        }
        self.free -= 1;
        self.streak = if priority == Priority::Interactive { self.streak + 1 } else { 0 };
        let (even, _) = self.even(now);
        let reached = self.reached;
        let program = self.programs.entry(program).or_default();
        let start = program.pass.max(reached);
        let weight = program.terms.share.map_or(even, f64::from).max(1.0);
        program.pass = start + 1.0 / weight;
        self.reached = start;
        if let Some(left) = left(endpoint) {
            let used = program.used.entry(endpoint.name).or_insert((left.until, 0));
            *used = if used.0 == left.until { (used.0, used.1 + 1) } else { (left.until, 1) };
        }
    }
}

impl Program {
    /// Whether it has called lately, or was promised something.
    fn calls(&self, now: Timestamp) -> bool {
        self.terms.share.is_some() || now.as_second() - self.seen.as_second() < FORGOTTEN_SECONDS
    }

    fn used_of(&self, endpoint: &Endpoint, until: Timestamp) -> u32 {
        self.used.get(endpoint.name).filter(|used| used.0 == until).map_or(0, |used| used.1)
    }
}

//! Everything one stand-in is controlled by, in one place: clock, faults, journal, state. It steps between requests and answers.

use std::{fmt, sync::Arc};

use beseda_api::{BusinessId, Subscriptions};
use beseda_engine::Engine;
use beseda_scenario::{ChangeNotifier, Claims, ScenarioRunner, World};
use beseda_server::Unversioned;
use secrecy::SecretString;
use tokio::sync::RwLock;

use crate::{Faults, Journal, StandInClock, state::snapshots::Snapshots};

/// What a stand-in is controlled with.
#[derive(Clone)]
pub struct ControlSettings {
    /// What it serves.
    pub engine: Arc<Engine>,
    /// The clock that engine and server were given.
    pub clock: Arc<StandInClock>,
    /// The key of the surface under `/__admin`.
    pub admin_key: SecretString,
    /// The cabinet that scenarios play in unless they say otherwise.
    pub business: BusinessId,
    /// What the chances of faults follow from.
    pub seed: u64,
    /// What the server's paths without a version answer.
    pub unversioned: Unversioned,
    /// Where subscriptions to notifications are kept; none are sent if `None`.
    pub subscriptions: Option<Arc<dyn Subscriptions>>,
}

/// The controls of one stand-in.
pub struct Control {
    pub(crate) engine: Arc<Engine>,
    pub(crate) clock: Arc<StandInClock>,
    pub(crate) admin_key: SecretString,
    pub(crate) faults: Faults,
    pub(crate) journal: Arc<Journal>,
    /// Both sides of the engine; actors hear of what goes through here.
    pub(crate) notifier: Arc<ChangeNotifier>,
    world: World,
    pub(crate) scenarios: Arc<ScenarioRunner>,
    pub(crate) unversioned: Unversioned,
    pub(crate) subscriptions: Option<Arc<dyn Subscriptions>>,
    pub(crate) snapshots: Snapshots,
    /// Requests take it together; what replaces the whole state takes it alone.
    pub(crate) state_lock: RwLock<()>,
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Control").field("clock", &self.clock.reading()).finish_non_exhaustive()
    }
}

impl Control {
    /// Controls that change nothing yet.
    #[must_use]
    pub fn new(settings: ControlSettings) -> Self {
        let ControlSettings {
            engine,
            clock,
            admin_key,
            business,
            seed,
            unversioned,
            subscriptions,
        } = settings;
        let notifier = Arc::new(ChangeNotifier::new(engine.clone(), engine.clone()));
        let world = World {
            market: notifier.clone(),
            chats: notifier.clone(),
            clock: clock.clone(),
            timer: clock.clone(),
            changes: notifier.changes(),
            claims: Claims::default(),
        };
        Self {
            engine,
            clock,
            admin_key,
            faults: Faults::new(seed),
            journal: Arc::default(),
            notifier,
            scenarios: Arc::new(ScenarioRunner::new(world.clone(), business)),
            world,
            unversioned,
            subscriptions,
            snapshots: Snapshots::default(),
            state_lock: RwLock::default(),
        }
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> &Arc<StandInClock> {
        &self.clock
    }

    /// The rules by which requests go wrong.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Both sides of the conversations, to be served in place of the engine: actors hear of what goes through them.
    #[must_use]
    pub fn notifier(&self) -> &Arc<ChangeNotifier> {
        &self.notifier
    }

    /// Where actors act.
    #[must_use]
    pub fn world(&self) -> &World {
        &self.world
    }

    /// The scenarios that play.
    #[must_use]
    pub fn scenarios(&self) -> &Arc<ScenarioRunner> {
        &self.scenarios
    }

    /// What was asked and answered.
    #[must_use]
    pub fn journal(&self) -> &Journal {
        &self.journal
    }
}

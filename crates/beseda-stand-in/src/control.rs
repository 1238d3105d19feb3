//! Controls of a stand-in: clock, faults, journal, scenarios, state.

use std::{fmt, sync::Arc};

use beseda_api::{BusinessId, Subscriptions};
use beseda_engine::Engine;
use beseda_scenario::{ChangeNotifier, Claims, ScenarioRunner, ScenarioWorld};
use beseda_server::Unversioned;
use secrecy::SecretString;
use tokio::sync::RwLock;

use crate::{Faults, Journal, StandInClock, state::snapshots::Snapshots};

/// Settings of [`Control`].
#[derive(Clone)]
pub struct ControlSettings {
    /// Engine that is served.
    pub engine: Arc<Engine>,
    /// Clock of engine and server.
    pub clock: Arc<StandInClock>,
    /// Key of the admin API.
    pub admin_key: SecretString,
    /// Default cabinet of scenarios.
    pub business: BusinessId,
    /// Seed of the fault probabilities.
    pub seed: u64,
    /// Behaviour of the server's unversioned paths.
    pub unversioned: Unversioned,
    /// Webhook subscriptions; `None` if notifications are not sent.
    pub subscriptions: Option<Arc<dyn Subscriptions>>,
}

/// Controls of one stand-in.
pub struct Control {
    pub(crate) engine: Arc<Engine>,
    pub(crate) clock: Arc<StandInClock>,
    pub(crate) admin_key: SecretString,
    pub(crate) faults: Faults,
    pub(crate) journal: Arc<Journal>,
    /// Both sides of the engine; broadcasts changes to scenarios and buyers.
    pub(crate) notifier: Arc<ChangeNotifier>,
    world: ScenarioWorld,
    pub(crate) scenarios: Arc<ScenarioRunner>,
    pub(crate) unversioned: Unversioned,
    pub(crate) subscriptions: Option<Arc<dyn Subscriptions>>,
    pub(crate) snapshots: Snapshots,
    /// Held shared by requests and exclusively while the whole state is replaced.
    pub(crate) state_lock: RwLock<()>,
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Control").field("clock", &self.clock.reading()).finish_non_exhaustive()
    }
}

impl Control {
    /// Creates controls with no faults and an empty journal.
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
        let world = ScenarioWorld {
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

    /// Returns the clock.
    #[must_use]
    pub fn clock(&self) -> &Arc<StandInClock> {
        &self.clock
    }

    /// Returns the fault rules.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Returns both sides of the engine, to be served in its place so that scenarios and buyers
    /// notice changes.
    #[must_use]
    pub fn notifier(&self) -> &Arc<ChangeNotifier> {
        &self.notifier
    }

    /// Returns the environment of scenarios and buyers.
    #[must_use]
    pub fn world(&self) -> &ScenarioWorld {
        &self.world
    }

    /// Returns the running and finished scenarios.
    #[must_use]
    pub fn scenarios(&self) -> &Arc<ScenarioRunner> {
        &self.scenarios
    }

    /// Returns the request journal.
    #[must_use]
    pub fn journal(&self) -> &Journal {
        &self.journal
    }
}

//! Registry of scenarios that run in the background.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use beseda_api::{BusinessId, Time};
use serde::{Deserialize, Serialize};
use tokio::{sync::watch, task::JoinHandle};

use crate::{
    model::Scenario,
    parse::{FileSource, ParseErrors},
    player::play,
    report::{RunState, ScenarioReport},
    world::ScenarioWorld,
};

/// Maximum number of finished runs kept.
const MAX_FINISHED: usize = 200;

/// Runs scenarios in the background and keeps their reports.
#[derive(Debug)]
pub struct ScenarioRunner {
    world: ScenarioWorld,
    /// Cabinet of scenarios that don't name one.
    business: BusinessId,
    runs: Mutex<RunTable>,
}

#[derive(Debug, Default)]
struct RunTable {
    last: u64,
    by_id: BTreeMap<u64, RunTask>,
}

#[derive(Debug)]
struct RunTask {
    report: watch::Receiver<ScenarioReport>,
    sender: watch::Sender<ScenarioReport>,
    task: JoinHandle<()>,
}

/// Run of a scenario.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScenarioRun {
    /// Number of the run.
    pub id: u64,
    /// Progress or result.
    #[serde(flatten)]
    pub report: ScenarioReport,
}

impl ScenarioRunner {
    /// Creates a registry. Scenarios without a cabinet play in `business`.
    #[must_use]
    pub fn new(world: ScenarioWorld, business: BusinessId) -> Self {
        Self { world, business, runs: Mutex::default() }
    }

    /// Parses and starts a scenario, and returns at once. Must be called within a tokio runtime.
    ///
    /// # Errors
    ///
    /// All errors of the scenario; nothing of it is played then.
    pub fn start(&self, body: &str) -> Result<ScenarioRun, ParseErrors> {
        let scenario = Scenario::parse(body, &FileSource::Inline)?;
        Ok(self.play(scenario))
    }

    /// Starts a parsed scenario.
    pub fn play(&self, scenario: Scenario) -> ScenarioRun {
        let business = scenario.cabinet.unwrap_or(self.business);
        let initial = ScenarioReport::start(&scenario, self.world.clock.now());
        let (sender, report) = watch::channel(initial.clone());
        let (world, telling) = (self.world.clone(), sender.clone());
        let task = tokio::spawn(async move { play(&scenario, &world, business, &telling).await });
        let mut runs = self.runs();
        runs.last += 1;
        let id = runs.last;
        runs.by_id.insert(id, RunTask { report, sender, task });
        runs.evict_finished();
        ScenarioRun { id, report: initial }
    }

    /// Returns all runs kept, oldest first.
    #[must_use]
    pub fn list(&self) -> Vec<ScenarioRun> {
        let runs = self.runs();
        let run = |(id, running): (&u64, &RunTask)| ScenarioRun { id: *id, report: running.now() };
        runs.by_id.iter().map(run).collect()
    }

    /// Returns a run.
    #[must_use]
    pub fn get(&self, id: u64) -> Option<ScenarioRun> {
        self.runs().by_id.get(&id).map(|running| ScenarioRun { id, report: running.now() })
    }

    /// Waits until a run has ended and returns it.
    pub async fn ended(&self, id: u64) -> Option<ScenarioRun> {
        let mut report = self.runs().by_id.get(&id)?.report.clone();
        let ended = report.wait_for(|report| report.state != RunState::Running).await.ok()?.clone();
        Some(ScenarioRun { id, report: ended })
    }

    /// Waits until a run has ended or waits for something itself, and returns it.
    pub async fn idle(&self, id: u64) -> Option<ScenarioRun> {
        let mut report = self.runs().by_id.get(&id)?.report.clone();
        let is_idle = |report: &ScenarioReport| report.is_idle || report.state != RunState::Running;
        let report = report.wait_for(is_idle).await.ok()?.clone();
        Some(ScenarioRun { id, report })
    }

    /// Stops a run. What it has done remains.
    pub fn stop(&self, id: u64) -> Option<ScenarioRun> {
        let ended = Time::moscow(self.world.clock.now());
        self.runs().by_id.get(&id).map(|running| {
            running.stop(ended);
            ScenarioRun { id, report: running.now() }
        })
    }

    /// Stops all runs and waits until they have released the world.
    pub async fn shut_down(&self) {
        let ended = Time::moscow(self.world.clock.now());
        let runs = std::mem::take(&mut self.runs().by_id);
        for running in runs.into_values() {
            running.stop(ended);
            // A cancelled task is expected here.
            running.task.await.ok();
        }
    }

    /// Stops all runs and removes them.
    pub fn clear(&self) {
        let ended = Time::moscow(self.world.clock.now());
        let runs = std::mem::take(&mut self.runs().by_id);
        runs.values().for_each(|running| running.stop(ended));
    }

    fn runs(&self) -> MutexGuard<'_, RunTable> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for ScenarioRunner {
    fn drop(&mut self) {
        self.clear();
    }
}

impl RunTable {
    fn evict_finished(&mut self) {
        let ended = |running: &RunTask| running.report.borrow().state != RunState::Running;
        while self.by_id.len() > MAX_FINISHED {
            let Some(oldest) = self.by_id.iter().find(|(_, run)| ended(run)).map(|(id, _)| *id)
            else {
                break;
            };
            self.by_id.remove(&oldest);
        }
    }
}

impl RunTask {
    fn now(&self) -> ScenarioReport {
        self.report.borrow().clone()
    }

    fn stop(&self, ended: Time) {
        self.task.abort();
        self.sender.send_if_modified(|report| {
            let running = report.state == RunState::Running;
            if running {
                report.state = RunState::Stopped;
                report.ended_at = Some(ended);
            }
            running
        });
    }
}

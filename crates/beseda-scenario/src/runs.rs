//! Scenarios that play in the background, and their HTTP surface. A broken one is refused before anything of it happens.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use beseda_api::{BusinessId, Time};
use serde::{Deserialize, Serialize};
use tokio::{sync::watch, task::JoinHandle};

use crate::{
    model::Scenario,
    parse::{Files, ParseErrors},
    player::play,
    report::{RunState, ScenarioReport},
    world::World,
};

/// So many ended runs are remembered.
const MAX_FINISHED: usize = 200;

/// The scenarios of one stand-in.
#[derive(Debug)]
pub struct ScenarioRunner {
    world: World,
    /// Where a scenario plays that doesn't say.
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

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScenarioRun {
    /// Its number.
    pub id: u64,
    /// How far it is.
    #[serde(flatten)]
    pub report: ScenarioReport,
}

impl ScenarioRunner {
    /// Those that play on this stage, in this cabinet unless they say otherwise.
    #[must_use]
    pub fn new(world: World, business: BusinessId) -> Self {
        Self { world, business, runs: Mutex::default() }
    }

    /// Starts one; it plays on after the call. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// Everything that is wrong with it, if anything is.
    pub fn start(&self, body: &str) -> Result<ScenarioRun, ParseErrors> {
        let scenario = Scenario::parse(body, &Files::Inline)?;
        Ok(self.play(scenario))
    }

    /// Starts one that was read already.
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

    /// Every one that is remembered, the latest last.
    #[must_use]
    pub fn list(&self) -> Vec<ScenarioRun> {
        let runs = self.runs();
        let run = |(id, running): (&u64, &RunTask)| ScenarioRun { id: *id, report: running.now() };
        runs.by_id.iter().map(run).collect()
    }

    /// One of them.
    #[must_use]
    pub fn get(&self, id: u64) -> Option<ScenarioRun> {
        self.runs().by_id.get(&id).map(|running| ScenarioRun { id, report: running.now() })
    }

    /// One of them, when it has ended.
    pub async fn ended(&self, id: u64) -> Option<ScenarioRun> {
        let mut report = self.runs().by_id.get(&id)?.report.clone();
        let ended = report.wait_for(|report| report.state != RunState::Running).await.ok()?.clone();
        Some(ScenarioRun { id, report: ended })
    }

    /// One of them, when it waits for something or has ended: what it can do by itself is done then.
    pub async fn idle(&self, id: u64) -> Option<ScenarioRun> {
        let mut report = self.runs().by_id.get(&id)?.report.clone();
        let is_idle = |report: &ScenarioReport| report.is_idle || report.state != RunState::Running;
        let report = report.wait_for(is_idle).await.ok()?.clone();
        Some(ScenarioRun { id, report })
    }

    /// Stops one; what it has done stays done.
    pub fn stop(&self, id: u64) -> Option<ScenarioRun> {
        let ended = Time::moscow(self.world.clock.now());
        self.runs().by_id.get(&id).map(|running| {
            running.stop(ended);
            ScenarioRun { id, report: running.now() }
        })
    }

    /// Stops all of them, and comes back when nothing of the stage is in use by them.
    pub async fn shut_down(&self) {
        let ended = Time::moscow(self.world.clock.now());
        let runs = std::mem::take(&mut self.runs().by_id);
        for running in runs.into_values() {
            running.stop(ended);
            // Cut off, as it is meant to be.
            running.task.await.ok();
        }
    }

    /// Stops all of them and forgets them.
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

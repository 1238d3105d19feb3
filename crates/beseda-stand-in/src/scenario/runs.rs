//! Scenarios that play in the background, and their HTTP surface. A broken one is refused before anything of it happens.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    Json, Router,
    extract::{Path, Query, State as Shared},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use beseda_api::{
    ApiErrorItem, BusinessId, ErrorKind, Time,
    wire::{Envelope, ErrorResponse},
};
use serde::{Deserialize, Serialize};
use tokio::{sync::watch, task::JoinHandle};

use super::{
    model::Scenario,
    play::play,
    read::{Files, Refused},
    report::{Report, State},
    stage::Stage,
};

/// So many ended runs are remembered.
const REMEMBERED: usize = 200;

/// The scenarios of one stand-in.
#[derive(Debug)]
pub struct Scenarios {
    stage: Stage,
    /// Where a scenario plays that doesn't say.
    business: BusinessId,
    runs: Mutex<Runs>,
}

#[derive(Debug, Default)]
struct Runs {
    last: u64,
    by_id: BTreeMap<u64, Running>,
}

#[derive(Debug)]
struct Running {
    report: watch::Receiver<Report>,
    told: watch::Sender<Report>,
    task: JoinHandle<()>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Its number.
    pub id: u64,
    /// How far it is.
    #[serde(flatten)]
    pub report: Report,
}

impl Scenarios {
    /// Those that play on this stage, in this cabinet unless they say otherwise.
    #[must_use]
    pub fn new(stage: Stage, business: BusinessId) -> Self {
        Self { stage, business, runs: Mutex::default() }
    }

    /// Starts one; it plays on after the call. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// Everything that is wrong with it, if anything is.
    pub fn start(&self, body: &str) -> Result<Run, Refused> {
        let scenario = Scenario::read(body, &Files::Inline)?;
        Ok(self.play(scenario))
    }

    /// Starts one that was read already.
    pub fn play(&self, scenario: Scenario) -> Run {
        let business = scenario.cabinet.unwrap_or(self.business);
        let begun = Report::begin(&scenario, self.stage.clock.now());
        let (told, report) = watch::channel(begun.clone());
        let (stage, telling) = (self.stage.clone(), told.clone());
        let task = tokio::spawn(async move { play(&scenario, &stage, business, &telling).await });
        let mut runs = self.runs();
        runs.last += 1;
        let id = runs.last;
        runs.by_id.insert(id, Running { report, told, task });
        runs.forget();
        Run { id, report: begun }
    }

    /// Every one that is remembered, the latest last.
    #[must_use]
    pub fn list(&self) -> Vec<Run> {
        let runs = self.runs();
        let run = |(id, running): (&u64, &Running)| Run { id: *id, report: running.now() };
        runs.by_id.iter().map(run).collect()
    }

    /// One of them.
    #[must_use]
    pub fn get(&self, id: u64) -> Option<Run> {
        self.runs().by_id.get(&id).map(|running| Run { id, report: running.now() })
    }

    /// One of them, when it has ended.
    pub async fn ended(&self, id: u64) -> Option<Run> {
        let mut report = self.runs().by_id.get(&id)?.report.clone();
        let ended = report.wait_for(|report| report.state != State::Running).await.ok()?.clone();
        Some(Run { id, report: ended })
    }

    /// One of them, when it waits for something or has ended: what it can do by itself is done then.
    async fn resting(&self, id: u64) -> Option<Run> {
        let mut report = self.runs().by_id.get(&id)?.report.clone();
        let resting = |report: &Report| report.resting || report.state != State::Running;
        let report = report.wait_for(resting).await.ok()?.clone();
        Some(Run { id, report })
    }

    /// Stops one; what it has done stays done.
    pub fn stop(&self, id: u64) -> Option<Run> {
        let ended = Time::moscow(self.stage.clock.now());
        self.runs().by_id.get(&id).map(|running| {
            running.stop(ended);
            Run { id, report: running.now() }
        })
    }

    /// Stops all of them, and comes back when nothing of the stage is in use by them.
    pub async fn end(&self) {
        let ended = Time::moscow(self.stage.clock.now());
        let runs = std::mem::take(&mut self.runs().by_id);
        for running in runs.into_values() {
            running.stop(ended);
            // Cut off, as it is meant to be.
            running.task.await.ok();
        }
    }

    /// Stops all of them and forgets them.
    pub fn clear(&self) {
        let ended = Time::moscow(self.stage.clock.now());
        let runs = std::mem::take(&mut self.runs().by_id);
        runs.values().for_each(|running| running.stop(ended));
    }

    fn runs(&self) -> MutexGuard<'_, Runs> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Scenarios {
    fn drop(&mut self) {
        self.clear();
    }
}

impl Runs {
    fn forget(&mut self) {
        let ended = |running: &Running| running.report.borrow().state != State::Running;
        while self.by_id.len() > REMEMBERED {
            let Some(oldest) = self.by_id.iter().find(|(_, run)| ended(run)).map(|(id, _)| *id)
            else {
                break;
            };
            self.by_id.remove(&oldest);
        }
    }
}

impl Running {
    fn now(&self) -> Report {
        self.report.borrow().clone()
    }

    fn stop(&self, ended: Time) {
        self.task.abort();
        self.told.send_if_modified(|report| {
            let running = report.state == State::Running;
            if running {
                report.state = State::Stopped;
                report.ended_at = Some(ended);
            }
            running
        });
    }
}

/// The paths below `/__admin`: `scenarios` and `scenarios/{id}`. Who may call is asked by whoever mounts it.
pub fn router<S: Clone + Send + Sync + 'static>(scenarios: Arc<Scenarios>) -> Router<S> {
    Router::new()
        .route("/scenarios", post(start).get(list))
        .route("/scenarios/{id}", get(one).delete(stop))
        .with_state(scenarios)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Waiting {
    /// Whether the answer comes when the scenario has ended.
    #[serde(default)]
    wait: bool,
}

async fn start(
    Shared(scenarios): Shared<Arc<Scenarios>>,
    Query(waiting): Query<Waiting>,
    body: String,
) -> Response {
    let run = match scenarios.start(&body) {
        Ok(run) => run,
        Err(refused) => return refusal(&refused),
    };
    let wait = waiting.wait;
    let reached =
        if wait { scenarios.ended(run.id).await } else { scenarios.resting(run.id).await };
    Json(Envelope::ok(reached.unwrap_or(run))).into_response()
}

async fn list(Shared(scenarios): Shared<Arc<Scenarios>>) -> Response {
    #[derive(Serialize)]
    struct Listed {
        scenarios: Vec<Run>,
    }
    Json(Envelope::ok(Listed { scenarios: scenarios.list() })).into_response()
}

async fn one(
    Shared(scenarios): Shared<Arc<Scenarios>>,
    Path(id): Path<u64>,
    Query(waiting): Query<Waiting>,
) -> Response {
    found(id, if waiting.wait { scenarios.ended(id).await } else { scenarios.get(id) })
}

async fn stop(Shared(scenarios): Shared<Arc<Scenarios>>, Path(id): Path<u64>) -> Response {
    found(id, scenarios.stop(id))
}

fn found(id: u64, run: Option<Run>) -> Response {
    match run {
        Some(run) => Json(Envelope::ok(run)).into_response(),
        None => {
            let text = format!("Scenario not found: {id}");
            failed(StatusCode::NOT_FOUND, vec![fault(ErrorKind::NotFound, text)])
        }
    }
}

fn refusal(refused: &Refused) -> Response {
    let faults = refused.0.iter().map(|problem| fault(ErrorKind::BadRequest, problem.to_string()));
    failed(StatusCode::BAD_REQUEST, faults.collect())
}

fn fault(refusal: ErrorKind, text: String) -> ApiErrorItem {
    ApiErrorItem { code: refusal.code().to_owned(), message: Some(text) }
}

fn failed(status: StatusCode, faults: Vec<ApiErrorItem>) -> Response {
    (status, Json(ErrorResponse::new(faults))).into_response()
}

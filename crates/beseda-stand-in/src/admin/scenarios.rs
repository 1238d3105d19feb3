//! `/__admin/scenarios`: starts, lists and stops scenarios.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use beseda_api::{
    ApiErrorItem, ErrorKind,
    wire::{Envelope, ErrorResponse},
};
use beseda_scenario::{ParseErrors, ScenarioRun, ScenarioRunner};
use serde::{Deserialize, Serialize};

/// Returns the routes `/scenarios` and `/scenarios/{id}`.
pub(super) fn routes<S: Clone + Send + Sync + 'static>(runner: Arc<ScenarioRunner>) -> Router<S> {
    Router::new()
        .route("/scenarios", post(start).get(list))
        .route("/scenarios/{id}", get(show).delete(stop))
        .with_state(runner)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WaitQuery {
    /// Delays the response until the scenario has ended.
    #[serde(default)]
    wait: bool,
}

/// Starts the scenario in the body. Answers when it has ended with `wait=true`, otherwise when it waits for something.
async fn start(
    State(runner): State<Arc<ScenarioRunner>>,
    Query(query): Query<WaitQuery>,
    body: String,
) -> Response {
    let run = match runner.start(&body) {
        Ok(run) => run,
        Err(errors) => return parse_errors(&errors),
    };
    let reached = if query.wait { runner.ended(run.id).await } else { runner.idle(run.id).await };
    Json(Envelope::ok(reached.unwrap_or(run))).into_response()
}

async fn list(State(runner): State<Arc<ScenarioRunner>>) -> Response {
    #[derive(Serialize)]
    struct ScenarioList {
        scenarios: Vec<ScenarioRun>,
    }
    Json(Envelope::ok(ScenarioList { scenarios: runner.list() })).into_response()
}

async fn show(
    State(runner): State<Arc<ScenarioRunner>>,
    Path(id): Path<u64>,
    Query(query): Query<WaitQuery>,
) -> Response {
    run_or_404(id, if query.wait { runner.ended(id).await } else { runner.get(id) })
}

async fn stop(State(runner): State<Arc<ScenarioRunner>>, Path(id): Path<u64>) -> Response {
    run_or_404(id, runner.stop(id))
}

fn run_or_404(id: u64, run: Option<ScenarioRun>) -> Response {
    match run {
        Some(run) => Json(Envelope::ok(run)).into_response(),
        None => {
            let text = format!("Scenario not found: {id}");
            error_response(StatusCode::NOT_FOUND, vec![item(ErrorKind::NotFound, text)])
        }
    }
}

fn parse_errors(errors: &ParseErrors) -> Response {
    let items = errors.0.iter().map(|error| item(ErrorKind::BadRequest, error.to_string()));
    error_response(StatusCode::BAD_REQUEST, items.collect())
}

fn item(kind: ErrorKind, text: String) -> ApiErrorItem {
    ApiErrorItem { code: kind.code().to_owned(), message: Some(text) }
}

fn error_response(status: StatusCode, items: Vec<ApiErrorItem>) -> Response {
    (status, Json(ErrorResponse::new(items))).into_response()
}

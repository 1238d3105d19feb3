//! `/__admin/clock`: reads and sets the clock.

use std::{sync::Arc, time::Duration};

use axum::extract::State;
use beseda_api::Error;
use bytes::Bytes;
use jiff::Timestamp;
use serde::Deserialize;

use super::{
    parse,
    response::{self, AdminResult},
};
use crate::{Control, clock::ClockMode};

/// Maximum step: a thousand years.
const MAX_STEP_SECONDS: f64 = 1_000.0 * 366.0 * 86_400.0;

pub(super) async fn show(State(control): State<Arc<Control>>) -> AdminResult {
    response::ok(control.clock.reading())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockUpdate {
    #[serde(default)]
    mode: Option<ClockMode>,
    #[serde(default)]
    now: Option<Timestamp>,
}

pub(super) async fn set(State(control): State<Arc<Control>>, body: Bytes) -> AdminResult {
    let update: ClockUpdate = parse::json(&body)?;
    let clock = &control.clock;
    match (update.mode, update.now) {
        (None, None) => {
            return Err(Error::bad_request("missing field `mode` or `now`").into());
        }
        (Some(ClockMode::Real), None) => clock.reset(),
        (Some(ClockMode::Manual), None) => clock.stop(),
        (Some(ClockMode::Manual), Some(now)) => clock.set(now),
        (Some(ClockMode::Real), Some(now)) => clock.set_running(now),
        (None, Some(now)) if clock.reading().mode == ClockMode::Manual => clock.set(now),
        (None, Some(now)) => clock.set_running(now),
    }
    response::ok(clock.reading())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockStep {
    seconds: f64,
}

pub(super) async fn advance(State(control): State<Arc<Control>>, body: Bytes) -> AdminResult {
    let step: ClockStep = parse::json(&body)?;
    if !(0.0..=MAX_STEP_SECONDS).contains(&step.seconds) {
        return Err(Error::bad_request("seconds must be between 0 and a thousand years").into());
    }
    control.clock.advance(Duration::from_secs_f64(step.seconds));
    response::ok(control.clock.reading())
}

pub(super) async fn resume(State(control): State<Arc<Control>>) -> AdminResult {
    control.clock.resume();
    response::ok(control.clock.reading())
}

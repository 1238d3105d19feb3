//! `/__admin/clock`: what time it is, and what time it shall be.

use std::{sync::Arc, time::Duration};

use axum::extract::State;
use beseda_api::Error;
use bytes::Bytes;
use jiff::Timestamp;
use serde::Deserialize;

use super::{
    read,
    reply::{self, Answer},
};
use crate::{Control, clock::Mode};

/// The furthest step: a thousand years.
const FURTHEST: f64 = 1_000.0 * 366.0 * 86_400.0;

pub(super) async fn show(State(control): State<Arc<Control>>) -> Answer {
    reply::ok(control.clock.reading())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    #[serde(default)]
    mode: Option<Mode>,
    #[serde(default)]
    now: Option<Timestamp>,
}

pub(super) async fn set(State(control): State<Arc<Control>>, body: Bytes) -> Answer {
    let wanted: Wanted = read::json(&body)?;
    let clock = &control.clock;
    match (wanted.mode, wanted.now) {
        (None, None) => {
            return Err(Error::bad_request("name the mode, the moment (now), or both").into());
        }
        (Some(Mode::Real), None) => clock.reset(),
        (Some(Mode::Manual), None) => clock.stop(),
        (Some(Mode::Manual), Some(now)) => clock.set(now),
        (Some(Mode::Real), Some(now)) => clock.set_going(now),
        (None, Some(now)) if clock.reading().mode == Mode::Manual => clock.set(now),
        (None, Some(now)) => clock.set_going(now),
    }
    reply::ok(clock.reading())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    seconds: f64,
}

pub(super) async fn advance(State(control): State<Arc<Control>>, body: Bytes) -> Answer {
    let step: Step = read::json(&body)?;
    if !(0.0..=FURTHEST).contains(&step.seconds) {
        return Err(Error::bad_request("seconds must be between 0 and a thousand years").into());
    }
    control.clock.advance(Duration::from_secs_f64(step.seconds));
    reply::ok(control.clock.reading())
}

pub(super) async fn resume(State(control): State<Arc<Control>>) -> Answer {
    control.clock.resume();
    reply::ok(control.clock.reading())
}

//! `/__admin/faults`: lists, adds and removes fault rules.

use std::sync::Arc;

use axum::extract::{Path, State};
use beseda_api::{Error, ErrorKind};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{
    parse,
    response::{self, AdminResult},
};
use crate::{
    Control,
    faults::{Fault, NewFault},
};

/// Several rules in one request.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FaultBatch {
    faults: Vec<NewFault>,
}

#[derive(Serialize)]
struct FaultList {
    faults: Vec<Fault>,
}

pub(super) async fn list(State(control): State<Arc<Control>>) -> AdminResult {
    response::ok(FaultList { faults: control.faults.list() })
}

/// Adds one rule, or all rules of `{"faults":[…]}` or none.
pub(super) async fn add(State(control): State<Arc<Control>>, body: Bytes) -> AdminResult {
    let is_single = !serde_json::from_slice::<serde_json::Value>(&body)
        .is_ok_and(|body| body.get("faults").is_some());
    let rules = if is_single {
        vec![parse::json(&body)?]
    } else {
        parse::json::<FaultBatch>(&body)?.faults
    };
    let mut added = control.faults.add(rules)?;
    match added.pop() {
        Some(only) if is_single => response::ok(only),
        last => {
            added.extend(last);
            response::ok(FaultList { faults: added })
        }
    }
}

pub(super) async fn clear(State(control): State<Arc<Control>>) -> AdminResult {
    control.faults.clear();
    response::empty()
}

pub(super) async fn remove(
    State(control): State<Arc<Control>>,
    Path(id): Path<String>,
) -> AdminResult {
    if control.faults.remove(parse::number(&id)?) {
        return response::empty();
    }
    Err(Error::new(ErrorKind::NotFound, format!("Fault not found: {id}")).into())
}

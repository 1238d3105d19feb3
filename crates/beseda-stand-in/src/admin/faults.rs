//! `/__admin/faults`: the rules by which requests go wrong.

use std::sync::Arc;

use axum::extract::{Path, State};
use beseda_api::{Error, ErrorKind};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{
    read,
    reply::{self, Answer},
};
use crate::{
    Control,
    faults::{Fault, NewFault},
};

/// Several rules at once.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Several {
    faults: Vec<NewFault>,
}

#[derive(Serialize)]
struct Listed {
    faults: Vec<Fault>,
}

pub(super) async fn list(State(control): State<Arc<Control>>) -> Answer {
    reply::ok(Listed { faults: control.faults.list() })
}

/// Takes one rule, or `{"faults":[…]}`: all of them or none.
pub(super) async fn add(State(control): State<Arc<Control>>, body: Bytes) -> Answer {
    let one = !serde_json::from_slice::<serde_json::Value>(&body)
        .is_ok_and(|body| body.get("faults").is_some());
    let rules = if one { vec![read::json(&body)?] } else { read::json::<Several>(&body)?.faults };
    let mut added = control.faults.add(rules)?;
    match added.pop() {
        Some(only) if one => reply::ok(only),
        last => {
            added.extend(last);
            reply::ok(Listed { faults: added })
        }
    }
}

pub(super) async fn clear(State(control): State<Arc<Control>>) -> Answer {
    control.faults.clear();
    reply::done()
}

pub(super) async fn remove(State(control): State<Arc<Control>>, Path(id): Path<String>) -> Answer {
    if control.faults.remove(read::number(&id)?) {
        return reply::done();
    }
    Err(Error::new(ErrorKind::NotFound, format!("Fault not found: {id}")).into())
}

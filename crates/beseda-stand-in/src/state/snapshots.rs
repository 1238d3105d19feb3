//! States kept in memory: the start, for resets, and named snapshots.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError, atomic::AtomicBool},
};

use beseda_engine::state::State;

use crate::clock::ClockReading;

/// What is remembered of the state.
#[derive(Debug, Default)]
pub(crate) struct Snapshots {
    pub(super) start: Mutex<Option<(State, ClockReading)>>,
    pub(super) by_name: Mutex<BTreeMap<String, State>>,
    /// Whether the server still remembers credentials and limits of a state that is gone.
    pub(crate) is_stale: AtomicBool,
}

pub(super) fn lock<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

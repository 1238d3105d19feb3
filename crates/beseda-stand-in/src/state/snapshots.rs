//! States kept in memory: the initial one for resets, and named snapshots.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError, atomic::AtomicBool},
};

use beseda_engine::snapshot::Snapshot;

use crate::clock::ClockReading;

/// Saved states.
#[derive(Debug, Default)]
pub(crate) struct Snapshots {
    pub(super) start: Mutex<Option<(Snapshot, ClockReading)>>,
    pub(super) by_name: Mutex<BTreeMap<String, Snapshot>>,
    /// Set after the state was replaced, until the server has dropped its cached credentials and
    /// limits.
    pub(crate) server_caches_stale: AtomicBool,
}

pub(super) fn lock<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

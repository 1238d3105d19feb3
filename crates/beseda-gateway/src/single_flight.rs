//! Single flight: equal reads share one upstream call. A read that starts after a write or a
//! webhook never gets the result of a call started before it.

use std::{
    collections::HashMap,
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use beseda_api::BusinessId;
use tokio::sync::watch;

use crate::read_request::{ReadKey, ReadResponse, SharedError};

/// Result of a shared read.
pub(crate) type FlightResult = Result<ReadResponse, SharedError>;

/// State of a shared read.
#[derive(Clone)]
enum FlightState {
    /// Waiting for a permit.
    Queued,
    /// The call is in progress.
    InFlight,
    /// The call is finished.
    Done(FlightResult),
}

/// Key of a read and its cabinet's epoch.
type FlightKey = (ReadKey, u64);

/// All shared reads that are queued or in flight.
#[derive(Default)]
pub(crate) struct SingleFlight {
    state: Mutex<FlightTable>,
}

#[derive(Default)]
struct FlightTable {
    flights: HashMap<FlightKey, Arc<watch::Sender<FlightState>>>,
    /// Number of invalidations, by cabinet.
    epochs: HashMap<BusinessId, u64>,
}

/// Participation in a shared read.
pub(crate) struct FlightWaiter {
    single_flight: Arc<SingleFlight>,
    key: FlightKey,
    sender: Arc<watch::Sender<FlightState>>,
    receiver: watch::Receiver<FlightState>,
}

impl SingleFlight {
    /// Joins the read with this key, or creates it.
    pub(crate) fn join(self: &Arc<Self>, key: ReadKey) -> FlightWaiter {
        let mut table = self.lock();
        let epoch = table.epochs.get(&key.business).copied().unwrap_or(0);
        let key = (key, epoch);
        let sender = table.flights.entry(key.clone());
        let sender =
            Arc::clone(sender.or_insert_with(|| Arc::new(watch::Sender::new(FlightState::Queued))));
        drop(table);
        FlightWaiter { single_flight: Arc::clone(self), key, receiver: sender.subscribe(), sender }
    }

    /// Invalidates all reads of a cabinet: later reads don't join them.
    pub(crate) fn invalidate(&self, business: BusinessId) {
        *self.lock().epochs.entry(business).or_default() += 1;
    }

    fn lock(&self) -> MutexGuard<'_, FlightTable> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FlightWaiter {
    /// Returns true if the call is in progress or finished.
    pub(crate) fn is_started(&self) -> bool {
        !matches!(*self.receiver.borrow(), FlightState::Queued)
    }

    /// Waits until a waiter starts the call.
    pub(crate) async fn started(&mut self) {
        // Can't fail: this waiter owns a sender.
        let _ = self.receiver.wait_for(|state| !matches!(state, FlightState::Queued)).await;
    }

    /// Starts the call on a task of its own, so that it continues if this waiter is dropped.
    /// Drops `call` and returns false if another waiter has started it.
    pub(crate) fn start(&self, call: impl Future<Output = FlightResult> + Send + 'static) -> bool {
        let is_first = self.sender.send_if_modified(|state| {
            let is_queued = matches!(state, FlightState::Queued);
            if is_queued {
                *state = FlightState::InFlight;
            }
            is_queued
        });
        if is_first {
            let flight = Flight {
                single_flight: Arc::clone(&self.single_flight),
                key: self.key.clone(),
                sender: Arc::clone(&self.sender),
            };
            tokio::spawn(async move {
                let result = call.await;
                flight.complete(result);
            });
        }
        is_first
    }

    /// Waits for the result.
    pub(crate) async fn result(&mut self) -> FlightResult {
        let done = self.receiver.wait_for(|state| matches!(state, FlightState::Done(_))).await;
        match done.as_deref() {
            Ok(FlightState::Done(result)) => result.clone(),
            _ => Err(no_result()),
        }
    }
}

impl Drop for FlightWaiter {
    fn drop(&mut self) {
        let mut table = self.single_flight.lock();
        // The last waiter removes a read that was never started: the senders left are its own and
        // the table's.
        let is_queued = matches!(*self.sender.borrow(), FlightState::Queued);
        if is_queued && Arc::strong_count(&self.sender) <= 2 {
            table.flights.remove(&self.key);
        }
    }
}

/// Call in progress. Completes its waiters with an error if it is dropped, for example by a panic.
struct Flight {
    single_flight: Arc<SingleFlight>,
    key: FlightKey,
    sender: Arc<watch::Sender<FlightState>>,
}

impl Flight {
    fn complete(&self, result: FlightResult) {
        self.single_flight.lock().flights.remove(&self.key);
        self.sender.send_modify(|state| {
            if !matches!(state, FlightState::Done(_)) {
                *state = FlightState::Done(result);
            }
        });
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.complete(Err(no_result()));
    }
}

fn no_result() -> SharedError {
    SharedError::Internal(Arc::from(Box::<dyn std::error::Error + Send + Sync>::from(
        "the upstream call ended without a response",
    )))
}

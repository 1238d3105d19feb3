//! Equal reads go up once: whoever asks while one is under way, or waits for the same turn, is told the same answer.
//! After a write or a notification nobody is told an answer that was asked for before.

use std::{
    collections::HashMap,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
};

use beseda_api::BusinessId;
use tokio::sync::watch;

use crate::question::{Key, Reply, Trouble};

/// An answer as it is shared.
pub(crate) type Told = Result<Reply, Trouble>;

/// Where a read stands.
#[derive(Clone)]
enum Stage {
    /// Nobody has had a turn yet.
    Waiting,
    /// It is under way.
    Gone,
    /// It is answered.
    Landed(Told),
}

/// All reads that wait or are under way.
#[derive(Default)]
pub(crate) struct Flights {
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    boards: HashMap<(Key, u64), Arc<watch::Sender<Stage>>>,
    /// By cabinet: how often something was written in it.
    epochs: HashMap<BusinessId, u64>,
}

/// A part in a read.
pub(crate) struct Part {
    flights: Arc<Flights>,
    key: (Key, u64),
    board: Arc<watch::Sender<Stage>>,
    seen: watch::Receiver<Stage>,
}

impl Flights {
    /// Joins the read with this key, which may have others in it already.
    pub(crate) fn join(self: &Arc<Self>, key: Key) -> Part {
        let mut open = self.open();
        let epoch = open.epochs.get(&key.business).copied().unwrap_or(0);
        let key = (key, epoch);
        let board = open.boards.entry(key.clone());
        let board =
            Arc::clone(board.or_insert_with(|| Arc::new(watch::Sender::new(Stage::Waiting))));
        drop(open);
        Part { flights: Arc::clone(self), key, seen: board.subscribe(), board }
    }

    /// Something was written: answers asked for before are for those who asked before.
    pub(crate) fn written(&self, business: BusinessId) {
        *self.open().epochs.entry(business).or_default() += 1;
    }

    fn open(&self) -> std::sync::MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Part {
    /// Whether somebody else makes the call.
    pub(crate) fn is_gone(&self) -> bool {
        !matches!(*self.seen.borrow(), Stage::Waiting)
    }

    /// Waits until somebody else makes the call.
    pub(crate) async fn gone(&mut self) {
        // The board lives as long as this part does.
        let _ = self.seen.wait_for(|stage| !matches!(stage, Stage::Waiting)).await;
    }

    /// Makes the call for everybody, on a task of its own: whoever goes away takes nothing from the others.
    /// If somebody was faster, `call` is dropped and `false` told.
    pub(crate) fn go(&self, call: impl Future<Output = Told> + Send + 'static) -> bool {
        let first = self.board.send_if_modified(|stage| {
            let first = matches!(stage, Stage::Waiting);
            if first {
                *stage = Stage::Gone;
            }
            first
        });
        if first {
            let landing = Landing {
                flights: Arc::clone(&self.flights),
                key: self.key.clone(),
                board: Arc::clone(&self.board),
            };
            tokio::spawn(async move {
                let told = call.await;
                landing.land(told);
            });
        }
        first
    }

    /// The answer, as soon as it is there.
    pub(crate) async fn told(&mut self) -> Told {
        let landed = self.seen.wait_for(|stage| matches!(stage, Stage::Landed(_))).await;
        match landed.as_deref() {
            Ok(Stage::Landed(told)) => told.clone(),
            _ => Err(lost()),
        }
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        let mut open = self.flights.open();
        // The map's, this one's, and nobody else's: the last who waited is gone.
        let waits = matches!(*self.board.borrow(), Stage::Waiting);
        if waits && Arc::strong_count(&self.board) <= 2 {
            open.boards.remove(&self.key);
        }
    }
}

/// Sees to it that a read ends, even if the call panics.
struct Landing {
    flights: Arc<Flights>,
    key: (Key, u64),
    board: Arc<watch::Sender<Stage>>,
}

impl Landing {
    fn land(&self, told: Told) {
        self.flights.open().boards.remove(&self.key);
        self.board.send_modify(|stage| {
            if !matches!(stage, Stage::Landed(_)) {
                *stage = Stage::Landed(told);
            }
        });
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        self.land(Err(lost()));
    }
}

fn lost() -> Trouble {
    Trouble::Broken(Arc::from(Box::<dyn std::error::Error + Send + Sync>::from(
        "the call upstream ended without an answer",
    )))
}

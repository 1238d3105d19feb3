//! State shared by the workers of a run.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use beseda_api::{BusinessId, ChatsApi};
use jiff::Timestamp;
use tokio::sync::{Notify, Semaphore};

use crate::{Item, Outbox, OutboxEvent, RunSettings};

pub(super) struct RunContext {
    pub(super) outbox: Outbox,
    pub(super) api: Arc<dyn ChatsApi>,
    pub(super) business: BusinessId,
    pub(super) settings: RunSettings,
    /// Limits concurrent calls.
    pub(super) call_slots: Semaphore,
    pub(super) stop: StopSignal,
}

impl RunContext {
    pub(super) fn now(&self) -> Timestamp {
        self.settings.send_once.now()
    }

    pub(super) fn emit(&self, event: OutboxEvent) {
        (self.settings.on_event)(event);
    }

    pub(super) fn emit_changed(&self, item: Item) {
        self.emit(OutboxEvent::Changed(Box::new(item)));
    }

    /// Returns `true` if the history was read recently enough to send a message.
    pub(super) fn is_fresh(&self, last_seen: &LastSeen) -> bool {
        let read_at = last_seen.read_at;
        let until = read_at.checked_add(self.settings.history_max_age).unwrap_or(Timestamp::MAX);
        (read_at..=until).contains(&self.now())
    }
}

/// End of a chat's history when it was last read.
#[derive(Debug, Clone, Copy)]
pub(super) struct LastSeen {
    /// Last message; 0 if the chat was empty.
    pub(super) message: i64,
    /// Time before the read.
    pub(super) read_at: Timestamp,
}

/// Request to stop the run.
#[derive(Default)]
pub(super) struct StopSignal {
    sent: AtomicBool,
    notify: Notify,
}

impl StopSignal {
    pub(super) fn send(&self) {
        self.sent.store(true, Ordering::Release);
        self.notify.notify_waiters();
    }

    pub(super) fn is_sent(&self) -> bool {
        self.sent.load(Ordering::Acquire)
    }

    pub(super) async fn wait(&self) {
        let mut notified = pin!(self.notify.notified());
        notified.as_mut().enable();
        if !self.is_sent() {
            notified.await;
        }
    }
}

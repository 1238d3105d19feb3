//! Recognizes duplicates among the last accepted events, in memory.

use std::{
    collections::{HashMap, VecDeque, hash_map::RandomState},
    hash::BuildHasher,
    sync::{Arc, Mutex, PoisonError},
};

use beseda_api::{BusinessId, ChatId, MessageId, Time, notification::Notification};
use tokio::sync::OnceCell;

use super::{Ack, WebhookEvent};

/// Identity of an event; equal for repeated notifications.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum EventKey {
    /// Type, cabinet, chat, and message id or time in nanoseconds.
    Chat(u8, i64, i64, i128),
    /// Two independent hashes of the body, for unknown types.
    Other(u64, u64),
}

/// Set of the last accepted events.
#[derive(Debug)]
pub(super) struct Deduplicator {
    dedup_window: usize,
    hashers: [RandomState; 2],
    accepted: Mutex<AcceptedEvents>,
}

#[derive(Debug, Default)]
struct AcceptedEvents {
    /// Initialized once the event is accepted; empty while one is being handled.
    cells: HashMap<EventKey, Arc<OnceCell<()>>>,
    /// Accepted events, oldest first.
    order: VecDeque<EventKey>,
}

impl Deduplicator {
    /// Creates a set of this capacity; 0 turns deduplication off.
    pub(super) fn new(dedup_window: usize) -> Self {
        let hashers = [RandomState::new(), RandomState::new()];
        Self { dedup_window, hashers, accepted: Mutex::default() }
    }

    /// Handles an event unless it was accepted before, then returns `None`. Concurrent duplicates
    /// wait for the first one, and are handled in turn if it fails.
    pub(super) async fn once<F>(
        &self,
        event: &WebhookEvent,
        take: impl FnOnce() -> F,
    ) -> Option<Ack>
    where
        F: Future<Output = Ack>,
    {
        if self.dedup_window == 0 {
            return Some(take().await);
        }
        let key = self.key(event);
        let cell = Arc::clone(self.accepted().cells.entry(key).or_default());
        let mut said = None;
        let taking = async {
            let ack = take().await;
            let taken = ack.is_accepted();
            said = Some(ack);
            if taken { Ok(()) } else { Err(()) }
        };
        let taken = cell.get_or_try_init(|| taking).await.is_ok();
        match (taken, &said) {
            (true, Some(_)) => self.keep(key),
            (true, None) => {}
            (false, _) => self.forget(key, &cell),
        }
        said
    }

    fn accepted(&self) -> std::sync::MutexGuard<'_, AcceptedEvents> {
        // A panic can't leave the set half changed.
        self.accepted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, key: EventKey) {
        let mut accepted = self.accepted();
        accepted.order.push_back(key);
        while accepted.order.len() > self.dedup_window
            && let Some(oldest) = accepted.order.pop_front()
        {
            accepted.cells.remove(&oldest);
        }
    }

    /// Removes the key of a failed event unless a duplicate is waiting.
    fn forget(&self, key: EventKey, cell: &Arc<OnceCell<()>>) {
        let mut accepted = self.accepted();
        if !cell.initialized() && Arc::strong_count(cell) <= 2 {
            accepted.cells.remove(&key);
        }
    }

    fn key(&self, event: &WebhookEvent) -> EventKey {
        let about = |kind, business: BusinessId, chat: ChatId, what| {
            EventKey::Chat(kind, business.get(), chat.get(), what)
        };
        let at = |time: &Time| time.timestamp().as_nanosecond();
        match &event.notification {
            Notification::ChatCreated { chat_id, business_id, created_at } => {
                about(0, *business_id, *chat_id, at(created_at))
            }
            Notification::ChatMessageSent { chat_id, message_id, business_id, .. } => {
                about(1, *business_id, *chat_id, MessageId::get(*message_id).into())
            }
            Notification::ChatArbitrageStarted { chat_id, business_id, started_at } => {
                about(2, *business_id, *chat_id, at(started_at))
            }
            Notification::ChatArbitrageFinished { chat_id, business_id, finished_at } => {
                about(3, *business_id, *chat_id, at(finished_at))
            }
            _ => {
                let [one, two] = self.hashers.each_ref().map(|hasher| hasher.hash_one(&event.body));
                EventKey::Other(one, two)
            }
        }
    }
}

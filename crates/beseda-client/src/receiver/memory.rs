//! The last events that were taken, so that a double isn't an event again. What is double is decided here; nothing outlives the process.

use std::{
    collections::{HashMap, VecDeque, hash_map::RandomState},
    hash::BuildHasher,
    sync::{Arc, Mutex, PoisonError},
};

use beseda_api::{BusinessId, ChatId, MessageId, Time, notification::Notification};
use tokio::sync::OnceCell;

use super::{Event, Verdict};

/// What two notifications about one event have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    /// Type, cabinet, chat, and the message or the moment in nanoseconds.
    Chat(u8, i64, i64, i128),
    /// Of a type that isn't known: two independent hashes of the body.
    Other(u64, u64),
}

/// Events that were taken.
#[derive(Debug)]
pub(super) struct Memory {
    window: usize,
    hashers: [RandomState; 2],
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    /// Filled when it was taken; empty while somebody is about to.
    cells: HashMap<Key, Arc<OnceCell<()>>>,
    /// Those that were taken, oldest first.
    order: VecDeque<Key>,
}

impl Memory {
    /// Remembers so many events; none if it is 0.
    pub(super) fn new(window: usize) -> Self {
        let hashers = [RandomState::new(), RandomState::new()];
        Self { window, hashers, seen: Mutex::default() }
    }

    /// Hands an event over unless it was taken already, which is said by `None`. Whoever comes with the same event meanwhile
    /// waits for what comes of it, and tries in turn if nothing does.
    pub(super) async fn once<F>(&self, event: &Event, take: impl FnOnce() -> F) -> Option<Verdict>
    where
        F: Future<Output = Verdict>,
    {
        if self.window == 0 {
            return Some(take().await);
        }
        let key = self.key(event);
        let cell = Arc::clone(self.seen().cells.entry(key).or_default());
        let mut said = None;
        let taking = async {
            let verdict = take().await;
            let taken = verdict.is_taken();
            said = Some(verdict);
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

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        // Nothing in there is left half done by a panic.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, key: Key) {
        let mut seen = self.seen();
        seen.order.push_back(key);
        while seen.order.len() > self.window
            && let Some(oldest) = seen.order.pop_front()
        {
            seen.cells.remove(&oldest);
        }
    }

    /// Nothing came of it, and nobody else is at it.
    fn forget(&self, key: Key, cell: &Arc<OnceCell<()>>) {
        let mut seen = self.seen();
        if !cell.initialized() && Arc::strong_count(cell) <= 2 {
            seen.cells.remove(&key);
        }
    }

    fn key(&self, event: &Event) -> Key {
        let about = |kind, business: BusinessId, chat: ChatId, what| {
            Key::Chat(kind, business.get(), chat.get(), what)
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
                Key::Other(one, two)
            }
        }
    }
}

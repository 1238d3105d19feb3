//! Locks that serialize the sends of a chat, with the known end of its history. The order of sends
//! is kept, and an uncertain send can be reconciled with the history.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use beseda_api::{BusinessId, ChatId, HistoryFrom, MessageId, MessagePage};
use beseda_client::send_once::Fingerprint;
use tokio::sync::OwnedMutexGuard;

/// Number of chats above which unused ones are forgotten.
const MAX_CHATS: usize = 10_000;
/// Number of sends after which the end of the history is read again.
const MAX_SENT: usize = 50;

/// Known end of a chat's history.
#[derive(Debug, Default)]
pub(crate) struct ChatTail {
    /// Last known message. `None`: not known; `Some(None)`: the chat was empty.
    pub(crate) last_seen: Option<Option<MessageId>>,
    /// Messages sent after it, oldest first.
    pub(crate) sent: Vec<Fingerprint>,
}

impl ChatTail {
    /// Returns true if the history must be read before the next send.
    pub(crate) fn is_stale(&self) -> bool {
        self.last_seen.is_none() || self.sent.len() >= MAX_SENT
    }

    /// Sets the last known message. All messages sent before are included in it.
    pub(crate) fn set_last_seen(&mut self, last: Option<MessageId>) {
        self.last_seen = Some(last);
        self.sent.clear();
    }
}

#[derive(Debug, Default)]
struct ChatLock {
    tail: Arc<tokio::sync::Mutex<ChatTail>>,
    /// Incremented at the start and at the end of each send.
    send_epoch: AtomicU64,
}

/// Locks of all chats.
#[derive(Debug, Default)]
pub(crate) struct ChatLocks {
    chats: Mutex<HashMap<(BusinessId, ChatId), Arc<ChatLock>>>,
}

/// Guard of a send into a chat.
pub(crate) struct SendGuard {
    lock: Arc<ChatLock>,
    pub(crate) tail: OwnedMutexGuard<ChatTail>,
}

impl Drop for SendGuard {
    fn drop(&mut self) {
        self.lock.send_epoch.fetch_add(1, Ordering::AcqRel);
    }
}

/// Read of a chat's history that has started.
pub(crate) struct HistoryRead {
    lock: Arc<ChatLock>,
    send_epoch: u64,
}

impl ChatLocks {
    fn chat(&self, business: BusinessId, chat: ChatId) -> Arc<ChatLock> {
        let mut chats = self.chats.lock().unwrap_or_else(PoisonError::into_inner);
        if chats.len() >= MAX_CHATS {
            chats.retain(|_, lock| Arc::strong_count(lock) > 1);
        }
        Arc::clone(chats.entry((business, chat)).or_default())
    }

    /// Waits for the lock of a chat.
    pub(crate) async fn lock(&self, business: BusinessId, chat: ChatId) -> SendGuard {
        let lock = self.chat(business, chat);
        let tail = Arc::clone(&lock.tail).lock_owned().await;
        lock.send_epoch.fetch_add(1, Ordering::AcqRel);
        SendGuard { lock, tail }
    }

    /// Starts a read of a chat's history, without locking the chat.
    pub(crate) fn start_read(&self, business: BusinessId, chat: ChatId) -> HistoryRead {
        let lock = self.chat(business, chat);
        let send_epoch = lock.send_epoch.load(Ordering::Acquire);
        HistoryRead { lock, send_epoch }
    }
}

impl HistoryRead {
    /// Updates the known end of the chat from a last page, unless a send has started or ended since
    /// the read started.
    pub(crate) fn finish(self, from: &HistoryFrom, page: &MessagePage) {
        if page.paging.next_page_token.is_some() {
            return;
        }
        let last = page.messages.iter().map(|message| message.message_id).max();
        let is_first_page = from.page.token.is_none() && from.message_id_from.is_none();
        if last.is_none() && !is_first_page {
            return;
        }
        let Ok(mut tail) = self.lock.tail.try_lock() else { return };
        if self.lock.send_epoch.load(Ordering::Acquire) == self.send_epoch {
            let last = last.max(tail.last_seen.flatten());
            tail.set_last_seen(last);
        }
    }
}

#[cfg(test)]
mod tests {
    use beseda_api::{BusinessId, ChatId, HistoryFrom, MessageId, MessagePage};
    use beseda_client::send_once::Fingerprint;
    use serde_json::json;

    use super::ChatLocks;

    fn page(ids: &[i64], more: bool) -> MessagePage {
        let messages: Vec<_> = ids
            .iter()
            .map(|id| json!({ "messageId": id, "createdAt": "2026-11-21T00:00:00Z", "sender": "PARTNER" }))
            .collect();
        let paging = if more { json!({ "nextPageToken": "x" }) } else { json!({}) };
        serde_json::from_value(json!({
            "context": { "type": "DIRECT" }, "messages": messages, "paging": paging
        }))
        .unwrap()
    }

    #[tokio::test]
    async fn a_last_page_sets_the_end_of_a_chat_unless_a_send_runs_at_the_same_time() {
        let (business, chat) = (BusinessId::new(1).unwrap(), ChatId::new(2).unwrap());
        let locks = ChatLocks::default();
        let from = HistoryFrom::default();
        locks.start_read(business, chat).finish(&from, &page(&[1, 2], true));
        assert!(locks.lock(business, chat).await.tail.is_stale());
        locks.start_read(business, chat).finish(&from, &page(&[1, 2], false));
        assert_eq!(locks.lock(business, chat).await.tail.last_seen, Some(MessageId::new(2).ok()));

        let read = locks.start_read(business, chat);
        let mut guard = locks.lock(business, chat).await;
        guard.tail.sent.push(Fingerprint::Text("да".to_owned()));
        drop(guard);
        read.finish(&from, &page(&[1, 2], false));
        assert_eq!(locks.lock(business, chat).await.tail.sent.len(), 1);
        locks.start_read(business, chat).finish(&from, &page(&[1, 2, 3], false));
        let guard = locks.lock(business, chat).await;
        assert_eq!(
            (guard.tail.last_seen, guard.tail.sent.len()),
            (Some(MessageId::new(3).ok()), 0)
        );
    }
}

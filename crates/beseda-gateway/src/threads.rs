//! What is known of the end of each chat: the last message anybody saw, and what was sent after it. Sends into a chat go one
//! at a time, which keeps their order and lets the history decide about the last of them.

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

/// So many chats are kept in mind.
const MOST: usize = 10_000;
/// After so many sends in a row the end is looked at again.
const MOST_SENT: usize = 50;

/// The end of a chat.
#[derive(Debug, Default)]
pub(crate) struct End {
    /// The last message seen; `None` inside for an empty chat, outside if nobody looked.
    pub(crate) since: Option<Option<MessageId>>,
    /// What was sent after it, oldest first.
    pub(crate) sent: Vec<Fingerprint>,
}

impl End {
    /// What is known is too old to decide by.
    pub(crate) fn must_be_looked_at(&self) -> bool {
        self.since.is_none() || self.sent.len() >= MOST_SENT
    }

    /// The end was seen, and everything sent with it.
    pub(crate) fn seen(&mut self, last: Option<MessageId>) {
        self.since = Some(last);
        self.sent.clear();
    }
}

#[derive(Debug, Default)]
struct Thread {
    end: Arc<tokio::sync::Mutex<End>>,
    /// Grows when a send begins and when it ends.
    sends: AtomicU64,
}

/// All chats.
#[derive(Debug, Default)]
pub(crate) struct Threads {
    of: Mutex<HashMap<(BusinessId, ChatId), Arc<Thread>>>,
}

/// The right to send into a chat.
pub(crate) struct Writing {
    thread: Arc<Thread>,
    pub(crate) end: OwnedMutexGuard<End>,
}

impl Drop for Writing {
    fn drop(&mut self) {
        self.thread.sends.fetch_add(1, Ordering::AcqRel);
    }
}

/// A reading of a chat's end that has begun.
pub(crate) struct Reading {
    thread: Arc<Thread>,
    sends: u64,
}

impl Threads {
    fn thread(&self, business: BusinessId, chat: ChatId) -> Arc<Thread> {
        let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        if of.len() >= MOST {
            of.retain(|_, thread| Arc::strong_count(thread) > 1);
        }
        Arc::clone(of.entry((business, chat)).or_default())
    }

    /// Waits until nobody else sends into the chat.
    pub(crate) async fn write(&self, business: BusinessId, chat: ChatId) -> Writing {
        let thread = self.thread(business, chat);
        let end = Arc::clone(&thread.end).lock_owned().await;
        thread.sends.fetch_add(1, Ordering::AcqRel);
        Writing { thread, end }
    }

    /// A page of the chat's history is going to be read.
    pub(crate) fn read(&self, business: BusinessId, chat: ChatId) -> Reading {
        let thread = self.thread(business, chat);
        let sends = thread.sends.load(Ordering::Acquire);
        Reading { thread, sends }
    }
}

impl Reading {
    /// The page is there. If it shows the end and nobody sent meanwhile, the end is known.
    pub(crate) fn done(self, asked: &HistoryFrom, page: &MessagePage) {
        if page.paging.next_page_token.is_some() {
            return;
        }
        let last = page.messages.iter().map(|message| message.message_id).max();
        let first_page = asked.page.token.is_none() && asked.message_id_from.is_none();
        if last.is_none() && !first_page {
            return;
        }
        let Ok(mut end) = self.thread.end.try_lock() else { return };
        if self.thread.sends.load(Ordering::Acquire) == self.sends {
            let last = last.max(end.since.flatten());
            end.seen(last);
        }
    }
}

#[cfg(test)]
mod tests {
    use beseda_api::{BusinessId, ChatId, HistoryFrom, MessageId, MessagePage};
    use beseda_client::send_once::Fingerprint;
    use serde_json::json;

    use super::Threads;

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
    async fn the_end_is_known_from_a_page_that_shows_it_unless_something_was_sent_meanwhile() {
        let (business, chat) = (BusinessId::new(1).unwrap(), ChatId::new(2).unwrap());
        let threads = Threads::default();
        let asked = HistoryFrom::default();
        threads.read(business, chat).done(&asked, &page(&[1, 2], true));
        assert!(threads.write(business, chat).await.end.must_be_looked_at());
        threads.read(business, chat).done(&asked, &page(&[1, 2], false));
        assert_eq!(threads.write(business, chat).await.end.since, Some(MessageId::new(2).ok()));

        let reading = threads.read(business, chat);
        let mut writing = threads.write(business, chat).await;
        writing.end.sent.push(Fingerprint::Text("да".to_owned()));
        drop(writing);
        reading.done(&asked, &page(&[1, 2], false));
        assert_eq!(threads.write(business, chat).await.end.sent.len(), 1);
        threads.read(business, chat).done(&asked, &page(&[1, 2, 3], false));
        let writing = threads.write(business, chat).await;
        assert_eq!((writing.end.since, writing.end.sent.len()), (Some(MessageId::new(3).ok()), 0));
    }
}

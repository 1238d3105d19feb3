//! A service in memory that can be unordered, coarse with its dates, failing, and that writes down every call.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use async_trait::async_trait;
use beseda_api::{
    Attachment, BusinessId, Chat, ChatContext, ChatFilter, ChatId, ChatPage, ChatStatus, ChatsApi,
    Clock, Error, FileUpload, HistoryFrom, ManualClock, Message, MessageId, MessagePage,
    MessageText, PageRequest, PageToken, Paging, Result, Sender, Time, Timer,
};
use beseda_archive::{Archive, AttachmentFetcher};
use jiff::Timestamp;

use crate::values::{business, chat};

/// Deviations of the service from correct behaviour.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Manners {
    /// Lists come in the order of ids, histories newest first.
    pub(crate) unordered: bool,
    /// Dates lack their fraction.
    pub(crate) whole_seconds: bool,
}

#[derive(Default)]
struct State {
    chats: BTreeMap<(BusinessId, ChatId), (Chat, Vec<Message>)>,
    calls: Vec<String>,
    /// Calls that still succeed; all of them if `None`.
    left: Option<usize>,
    /// ExportKind is written after each call, as by people meanwhile.
    meanwhile: Option<(i64, i64)>,
    last_id: i64,
}

pub(crate) struct Double {
    state: Mutex<State>,
    pub(crate) clock: ManualClock,
    manners: Manners,
}

impl Double {
    pub(crate) fn new(manners: Manners) -> Self {
        let clock = ManualClock::new("2026-06-01T09:00:00.000001Z".parse().unwrap());
        Self { state: Mutex::default(), clock, manners }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn at(&self, moment: Timestamp) -> Time {
        let micros = moment.as_microsecond();
        let coarse = if self.manners.whole_seconds { micros - micros % 1_000_000 } else { micros };
        Time::moscow(Timestamp::from_microsecond(coarse).unwrap())
    }

    pub(crate) fn open(&self, cabinet: i64, raw: i64) {
        self.clock.advance(Duration::from_millis(700));
        let mut new = chat(raw, "2026-06-01T00:00:00Z");
        (new.created_at, new.updated_at) = (self.at(self.clock.now()), self.at(self.clock.now()));
        self.state().chats.insert((business(cabinet), new.chat_id), (new, Vec::new()));
    }

    /// Somebody writes, a moment after the last one.
    pub(crate) fn write(
        &self,
        cabinet: i64,
        raw: i64,
        sender: Sender,
        files: &[&str],
    ) -> MessageId {
        self.clock.advance(Duration::from_millis(7));
        let now = self.clock.now();
        let mut state = self.state();
        state.last_id = now.as_microsecond().max(state.last_id + 1);
        let message_id = MessageId::new(state.last_id).unwrap();
        let link = |url: &&str| Attachment { name: "a".into(), url: (*url).to_owned(), size: 3 };
        let payload: Vec<Attachment> = files.iter().map(link).collect();
        let message = Message {
            message_id,
            created_at: self.at(now),
            sender,
            message: Some(format!("Сообщение {message_id}")),
            payload: (!payload.is_empty()).then_some(payload),
        };
        let key = (business(cabinet), ChatId::new(raw).unwrap());
        let (chat, messages) = state.chats.get_mut(&key).unwrap();
        chat.updated_at = message.created_at;
        messages.push(message);
        message_id
    }

    pub(crate) fn close(&self, cabinet: i64, raw: i64) {
        let key = (business(cabinet), ChatId::new(raw).unwrap());
        self.state().chats.get_mut(&key).unwrap().0.status = ChatStatus::Finished;
    }

    pub(crate) fn remove(&self, cabinet: i64, raw: i64) {
        self.state().chats.remove(&(business(cabinet), ChatId::new(raw).unwrap()));
    }

    /// From now on only so many calls succeed.
    pub(crate) fn fail_after(&self, calls: Option<usize>) {
        self.state().left = calls;
    }

    /// After each call one of these chats (the first, and how many) of cabinet 1 is written to.
    pub(crate) fn write_meanwhile(&self, chats: Option<(i64, i64)>) {
        self.state().meanwhile = chats;
    }

    /// The calls since the last time this was asked.
    pub(crate) fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.state().calls)
    }

    fn called(&self, name: &str) -> Result<()> {
        let mut state = self.state();
        state.calls.push(name.to_owned());
        let number = i64::try_from(state.calls.len()).unwrap();
        if let Some(left) = &mut state.left {
            *left = left.checked_sub(1).ok_or_else(|| Error::internal("the connection broke"))?;
        }
        let meanwhile = state.meanwhile;
        drop(state);
        if let Some((first, count)) = meanwhile {
            self.write(1, first + number * 7 % count, Sender::Customer, &[]);
        }
        Ok(())
    }

    /// Asserts that an archive has exactly what the service has.
    pub(crate) fn assert_equal(&self, archive: &Archive) {
        let state = self.state();
        for ((business, id), (chat, messages)) in &state.chats {
            let found = archive.chat(*business, *id).unwrap().unwrap();
            assert_eq!(&found.chat, chat);
            assert!(found.whole, "{id} is not whole");
            let found = archive.history(*business, *id, None, 100_000).unwrap();
            let found: Vec<Message> = found.into_iter().map(|message| message.message).collect();
            assert_eq!(&found, messages, "in chat {id} of {business}");
        }
        let counts = archive.counts(None).unwrap();
        assert_eq!(counts.chats, state.chats.len() as u64);
        let messages: usize = state.chats.values().map(|(_, messages)| messages.len()).sum();
        assert_eq!(counts.messages, messages as u64);
    }
}

fn place(token: Option<&PageToken>) -> usize {
    token.map_or(0, |token| token.as_str().parse().unwrap())
}

/// A page of a list, and where it goes on.
fn cut<T: Clone>(all: &[T], from: usize, limit: usize) -> (Vec<T>, Paging) {
    let end = (from + limit).min(all.len());
    let next = (end < all.len()).then(|| PageToken::new(end.to_string()));
    (all.get(from..end).unwrap_or_default().to_vec(), Paging { next_page_token: next })
}

#[async_trait]
impl ChatsApi for Double {
    async fn get_chats(
        &self,
        business: BusinessId,
        _: ChatFilter,
        page: PageRequest<20>,
    ) -> Result<ChatPage> {
        self.called("getChats")?;
        let state = self.state();
        let mut chats: Vec<Chat> = state
            .chats
            .range((business, ChatId::new(1).unwrap())..)
            .take_while(|((of, _), _)| *of == business)
            .map(|(_, (chat, _))| chat.clone())
            .collect();
        if !self.manners.unordered {
            chats.sort_by_key(|chat| std::cmp::Reverse((chat.updated_at, chat.chat_id)));
        }
        let (chats, paging) = cut(&chats, place(page.token.as_ref()), 20);
        Ok(ChatPage { chats, paging })
    }

    async fn get_chat(&self, business: BusinessId, chat: ChatId) -> Result<Chat> {
        self.called("getChat")?;
        let found = self.state().chats.get(&(business, chat)).map(|(chat, _)| chat.clone());
        found.ok_or_else(|| Error::chat_not_found(chat))
    }

    async fn get_chat_history(
        &self,
        business: BusinessId,
        chat: ChatId,
        from: HistoryFrom,
    ) -> Result<MessagePage> {
        self.called("getChatHistory")?;
        let state = self.state();
        let found = state.chats.get(&(business, chat));
        let (chat, messages) = found.ok_or_else(|| Error::chat_not_found(chat))?;
        let wanted = |message: &&Message| Some(message.message_id) >= from.message_id_from;
        let mut messages: Vec<Message> = messages.iter().filter(wanted).cloned().collect();
        if self.manners.unordered {
            messages.reverse();
        }
        let limit = from.page.limit.unwrap().get() as usize;
        let (messages, paging) = cut(&messages, place(from.page.token.as_ref()), limit);
        let context = chat.context.clone();
        Ok(MessagePage { order_id: chat.order_id, context, messages, paging })
    }

    async fn get_chat_message(&self, _: BusinessId, _: ChatId, _: MessageId) -> Result<Message> {
        unreachable!("an archive has no use for it")
    }

    async fn create_chat(&self, _: BusinessId, _: ChatContext) -> Result<ChatId> {
        unreachable!("an archive writes nothing")
    }

    async fn send_message_to_chat(&self, _: BusinessId, _: ChatId, _: MessageText) -> Result<()> {
        unreachable!("an archive writes nothing")
    }

    async fn send_file_to_chat(&self, _: BusinessId, _: ChatId, _: FileUpload) -> Result<()> {
        unreachable!("an archive writes nothing")
    }
}

impl Clock for Double {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

/// Whoever waits for a moment makes it come.
#[async_trait]
impl Timer for Double {
    async fn sleep_until(&self, moment: Timestamp) {
        if moment > self.clock.now() {
            self.clock.set(moment);
        }
        tokio::task::yield_now().await;
    }
}

#[async_trait]
impl AttachmentFetcher for Double {
    async fn fetch(&self, url: &str) -> Result<beseda_api::FileStream> {
        self.called(&format!("fetch {url}"))?;
        if url.ends_with("lost") {
            return Err(Error::new(beseda_api::ErrorKind::NotFound, "Resource not found"));
        }
        let content = url.rsplit('/').next().unwrap().to_owned();
        Ok(FileUpload::from_bytes("a", content).content)
    }
}

//! One call of one program: its reads joined with equal ones, its turn waited for, and what is told of it afterwards.

use std::{
    future::Future,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU8, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use beseda_api::{
    BusinessId, Chat, ChatContext, ChatFilter, ChatId, ChatPage, ChatsApi, Endpoint, Error,
    ErrorKind, FileUpload, HistoryFrom, Message, MessageId, MessagePage, MessageText, PageRequest,
    RateLimit, Result,
};
use beseda_client::OutgoingMessage;
use beseda_server::{CallApi, Unavailable};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::{
    counts::add,
    gateway::Inner,
    lanes::{NoTurn, Place, Terms, Turn, Wish},
    pages::Found,
    question::{Question, Reply, Trouble},
    sends::spooled,
    upstream::told,
};

static X_BESEDA_GATEWAY: HeaderName = HeaderName::from_static("x-beseda-gateway");
static X_BESEDA_WAITED: HeaderName = HeaderName::from_static("x-beseda-waited");

/// What is left of the request's time for everything after the upstream's answer.
pub(crate) const MARGIN: Duration = Duration::from_millis(300);

/// Where an answer came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Source {
    /// The gateway itself.
    Gateway,
    /// A call of its own.
    Upstream,
    /// An equal call of another program.
    Coalesced,
    /// The archive.
    Archive,
    /// What was answered before to the same `Idempotency-Key`.
    Repeated,
}

impl Source {
    const ALL: [(Self, &'static str); 5] = [
        (Self::Gateway, "gateway"),
        (Self::Upstream, "upstream"),
        (Self::Coalesced, "coalesced"),
        (Self::Archive, "archive"),
        (Self::Repeated, "repeated"),
    ];
}

/// Who calls, for how long, and under which names.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) program: Arc<str>,
    pub(crate) terms: Terms,
    pub(crate) business: Option<BusinessId>,
    pub(crate) endpoint: &'static Endpoint,
    pub(crate) deadline: Instant,
    pub(crate) request_id: String,
    pub(crate) idempotency: Option<String>,
}

/// One call.
pub(crate) struct Visited {
    pub(crate) inner: Arc<Inner>,
    pub(crate) caller: Caller,
    source: AtomicU8,
    waited: Mutex<Option<Duration>>,
    /// What the upstream said of the limit when it refused.
    refused: Mutex<Option<RateLimit>>,
}

impl Visited {
    pub(crate) fn new(inner: Arc<Inner>, caller: Caller) -> Self {
        let (waited, refused) = (Mutex::default(), Mutex::default());
        Self { inner, caller, source: AtomicU8::new(Source::Gateway as u8), waited, refused }
    }

    pub(crate) fn came_from(&self, source: Source) {
        self.source.store(source as u8, Ordering::Relaxed);
    }

    /// Takes a place in the cabinet's queue.
    pub(crate) fn queue(&self, business: BusinessId, endpoint: &'static Endpoint) -> Result<Place> {
        let Caller { program, terms, deadline, .. } = &self.caller;
        let deadline = deadline.checked_sub(MARGIN).unwrap_or(*deadline);
        let wish =
            Wish { business, program: Arc::clone(program), terms: *terms, endpoint, deadline };
        self.inner.lanes.queue(wish).map_err(|none| self.no_turn(business, endpoint, none))
    }

    /// Waits for the turn of a place.
    pub(crate) async fn turn(
        &self,
        business: BusinessId,
        endpoint: &'static Endpoint,
        place: &mut Place,
    ) -> Result<Turn> {
        let began = Instant::now();
        let turn = place.turn().await;
        let waited = began.elapsed();
        if waited >= Duration::from_millis(1) {
            add(&self.inner.counts.waited);
            let micros = u64::try_from(waited.as_micros()).unwrap_or(u64::MAX);
            self.inner.counts.waited_micros.fetch_add(micros, Ordering::Relaxed);
        }
        let mut sum = self.waited.lock().unwrap_or_else(PoisonError::into_inner);
        *sum = Some(sum.unwrap_or_default() + waited);
        drop(sum);
        turn.map_err(|none| self.no_turn(business, endpoint, none))
    }

    /// The API's own 420, before the upstream would have to say it.
    pub(crate) fn no_turn(&self, business: BusinessId, endpoint: &Endpoint, none: NoTurn) -> Error {
        add(&self.inner.counts.no_turn);
        let text = match none {
            NoTurn::Budget { limit } => format!(
                "Hit rate limit of {limit} requests per 1 hour for resource {} for businessId {business}",
                endpoint.path
            ),
            NoTurn::Slots { most } => {
                format!("Hit rate limit of {most} parallel requests for businessId {business}")
            }
        };
        Error::new(ErrorKind::LimitExceeded, text)
    }

    /// Reads, joined with whoever reads the same.
    async fn read(&self, business: BusinessId, question: Question) -> Result<Reply> {
        let endpoint = question.endpoint();
        let mut part = self.inner.flights.join(question.key(business));
        let mut joined = part.is_gone();
        if !joined {
            let mut place = self.queue(business, endpoint)?;
            let turn = tokio::select! {
                biased;
                () = part.gone() => None,
                turn = self.turn(business, endpoint, &mut place) => Some(turn?),
            };
            joined = match turn {
                Some(turn) => !part.go(self.inner.clone().call(business, question, turn)),
                None => true,
            };
        }
        self.came_from(if joined { Source::Coalesced } else { Source::Upstream });
        if joined {
            add(&self.inner.counts.coalesced);
        }
        self.in_time(part.told()).await?.map_err(|trouble: Trouble| self.heard(trouble.into()))
    }

    /// Puts links into an answer that open for the caller, in what is left of its time.
    async fn link(&self, business: BusinessId, chat: ChatId, messages: &mut [Message]) {
        let left = self.caller.deadline.saturating_duration_since(Instant::now());
        let left = left.saturating_sub(MARGIN);
        self.inner.links.rewrite(business, chat, messages, left).await;
    }

    /// Waits no longer than the caller does.
    pub(crate) async fn in_time<T>(&self, work: impl Future<Output = T>) -> Result<T> {
        let deadline = self.caller.deadline.checked_sub(MARGIN / 2).unwrap_or(self.caller.deadline);
        let done = tokio::time::timeout_at(deadline.into(), work).await;
        done.map_err(|_| Error::internal(Unavailable("the upstream didn't answer in time".into())))
    }

    /// Remembers what an error tells of the limit.
    pub(crate) fn heard(&self, error: Error) -> Error {
        if error.kind() == Some(ErrorKind::LimitExceeded) {
            *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = told(&error);
        }
        error
    }
}

impl CallApi for Visited {
    fn rate_limit(&self) -> Option<RateLimit> {
        let caller = &self.caller;
        let refused = *self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let business = caller.business?;
        let asked = (&caller.program, caller.terms);
        refused.or_else(|| self.inner.lanes.standing(business, asked, caller.endpoint))
    }

    fn headers(&self, headers: &mut HeaderMap) {
        let source = self.source.load(Ordering::Relaxed);
        let word = Source::ALL.iter().find(|(known, _)| *known as u8 == source);
        let word = word.map_or("gateway", |(_, word)| word);
        headers.insert(&X_BESEDA_GATEWAY, HeaderValue::from_static(word));
        let waited = *self.waited.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(waited) = waited {
            let millis = u64::try_from(waited.as_millis()).unwrap_or(u64::MAX);
            headers.insert(&X_BESEDA_WAITED, HeaderValue::from(millis));
        }
    }
}

fn unexpected() -> Error {
    Error::internal("a read was answered with another one's answer")
}

#[async_trait]
impl ChatsApi for Visited {
    async fn get_chats(
        &self,
        business: BusinessId,
        filter: ChatFilter,
        page: PageRequest<20>,
    ) -> Result<ChatPage> {
        match self.read(business, Question::Chats(Box::new(filter), page)).await? {
            Reply::Chats(page) => Ok(page),
            _ => Err(unexpected()),
        }
    }

    async fn get_chat(&self, business: BusinessId, chat: ChatId) -> Result<Chat> {
        match self.read(business, Question::Chat(chat)).await? {
            Reply::Chat(chat) => Ok(*chat),
            _ => Err(unexpected()),
        }
    }

    async fn get_chat_history(
        &self,
        business: BusinessId,
        chat: ChatId,
        from: HistoryFrom,
    ) -> Result<MessagePage> {
        let mut page = match self.inner.pages.find(business, chat, from)? {
            Found::Ask { asked, taken_over } => {
                let read = self.read(business, Question::History(chat, asked)).await?;
                let Reply::History(page) = read else { return Err(unexpected()) };
                let mut page = Arc::unwrap_or_clone(page);
                self.inner.pages.lead_on(business, chat, taken_over, &mut page);
                page
            }
            Found::Page(page) => {
                add(&self.inner.counts.archived);
                self.came_from(Source::Archive);
                *page
            }
        };
        self.link(business, chat, &mut page.messages).await;
        Ok(page)
    }

    async fn get_chat_message(
        &self,
        business: BusinessId,
        chat: ChatId,
        message: MessageId,
    ) -> Result<Message> {
        let mut found = match self.inner.pages.message(business, chat, message) {
            Some(found) => {
                add(&self.inner.counts.archived);
                self.came_from(Source::Archive);
                found
            }
            None => match self.read(business, Question::Message(chat, message)).await? {
                Reply::Message(message) => *message,
                _ => return Err(unexpected()),
            },
        };
        self.link(business, chat, std::slice::from_mut(&mut found)).await;
        Ok(found)
    }

    async fn create_chat(&self, business: BusinessId, context: ChatContext) -> Result<ChatId> {
        self.create(business, context).await
    }

    async fn send_message_to_chat(
        &self,
        business: BusinessId,
        chat: ChatId,
        text: MessageText,
    ) -> Result<()> {
        self.send(business, chat, OutgoingMessage::Text(text)).await
    }

    async fn send_file_to_chat(
        &self,
        business: BusinessId,
        chat: ChatId,
        file: FileUpload,
    ) -> Result<()> {
        self.send(business, chat, spooled(file).await?).await
    }
}

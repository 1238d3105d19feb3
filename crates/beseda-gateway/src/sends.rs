//! Sending for a program: noted before it goes up, one at a time in a chat, decided by the history where the answer leaves a
//! doubt, and remembered under its `Idempotency-Key`.

use std::{sync::Arc, time::Instant};

use beseda_api::{
    BusinessId, ChatContext, ChatId, ChatsApi, Endpoint, Error, FileUpload, MAX_FILE_BYTES,
    MessageId, Result,
};
use beseda_client::{
    ChatsExt, ErrorExt, OutgoingMessage, SendOnce,
    send_once::{Fingerprint, Reconciliation, SendErrorClass, UncertainSend},
};
use beseda_server::Unavailable;
use bytes::{Bytes, BytesMut};
use futures::TryStreamExt;
use sha2::{Digest, Sha256};

use crate::{
    counts::add,
    gateway::Inner,
    lanes::{NoTurn, Turn},
    ledger::{Began, Begun, Finish, Outcome, Unclear, kept},
    threads::Writing,
    upstream::for_caller,
    visit::{MARGIN, Source, Visited},
};

/// The whole of a file, before anything of it goes up: a slow sender keeps nobody's turn.
pub(crate) async fn spooled(file: FileUpload) -> Result<OutgoingMessage> {
    let most = usize::try_from(MAX_FILE_BYTES).unwrap_or(usize::MAX);
    let mut content = BytesMut::new();
    let mut pieces = file.content;
    while let Some(piece) = pieces.try_next().await.map_err(Error::internal)? {
        if content.len() + piece.len() > most {
            let text = format!("The request is too big: a file has at most {MAX_FILE_BYTES} bytes");
            return Err(Error::bad_request(text));
        }
        content.extend_from_slice(&piece);
    }
    Ok(OutgoingMessage::File { name: file.name, content: Bytes::from(content) })
}

fn endpoint(what: &OutgoingMessage) -> &'static Endpoint {
    match what {
        OutgoingMessage::Text(_) => &Endpoint::SEND_MESSAGE_TO_CHAT,
        OutgoingMessage::File { .. } => &Endpoint::SEND_FILE_TO_CHAT,
    }
}

fn bytes(what: &OutgoingMessage) -> &[u8] {
    match what {
        OutgoingMessage::Text(text) => text.as_str().as_bytes(),
        OutgoingMessage::File { content, .. } => content,
    }
}

/// SHA-256 of what is sent, as the audit shows it.
pub(crate) fn sha256(content: &[u8]) -> String {
    use std::fmt::Write;
    Sha256::digest(content).iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a String can't fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

impl Visited {
    fn began(
        &self,
        business: BusinessId,
        chat: Option<ChatId>,
        operation: &'static str,
        content: &[u8],
    ) -> Began {
        Began {
            at: self.inner.clock.now(),
            business,
            chat,
            program: self.caller.program.to_string(),
            operation,
            size: content.len(),
            sha256: sha256(content),
            request_id: self.caller.request_id.clone(),
            idempotency: self.caller.idempotency.clone().filter(|_| chat.is_some()),
            since: None,
            nth: 1,
        }
    }

    /// Sends a text or a file.
    pub(crate) async fn send(
        &self,
        business: BusinessId,
        chat: ChatId,
        what: OutgoingMessage,
    ) -> Result<()> {
        let endpoint = endpoint(&what);
        let mut began = self.began(business, Some(chat), endpoint.name, bytes(&what));
        let writing = self.in_time(self.inner.threads.write(business, chat)).await;
        let busy = |_| self.no_turn(business, endpoint, NoTurn::Slots { most: 1 });
        let mut writing = writing.map_err(busy)?;
        if let Some(before) = self.inner.ledger.begun(began.clone()).await? {
            match before {
                Begun::Another => {
                    let text =
                        "Idempotency-Key: something else was sent to this chat under this key";
                    return Err(Error::bad_request(text));
                }
                Begun::Sent => return self.repeated(Ok(())),
                Begun::Refused(refused) => return self.repeated(Err(Error::Api(refused))),
                Begun::Unclear(unclear) => {
                    let found = self.find_out(business, chat, &what, unclear);
                    if self.in_time(found).await?? {
                        return self.repeated(Ok(()));
                    }
                }
            }
        }
        self.look_at_the_end(business, chat, &mut writing).await;
        let mut place = self.queue(business, endpoint)?;
        let turn = self.turn(business, endpoint, &mut place).await?;
        let trace = Fingerprint::of(&what);
        let equal = writing.end.sent.iter().filter(|sent| **sent == trace).count();
        (began.since, began.nth) =
            (writing.end.since, u32::try_from(equal).unwrap_or(u32::MAX - 1) + 1);
        self.came_from(Source::Upstream);
        let deadline = self.caller.deadline.checked_sub(MARGIN).unwrap_or(self.caller.deadline);
        let sending =
            Sending { inner: Arc::clone(&self.inner), business, chat, what, trace, deadline };
        // On a task of its own: a caller who goes away leaves nothing half done.
        let task = self.inner.sending.spawn(sending.run(began, writing, turn));
        let sent = self.in_time(task).await?.map_err(Error::internal)?;
        sent.map_err(|error| self.heard(for_caller(error)))
    }

    fn repeated(&self, answer: Result<()>) -> Result<()> {
        add(&self.inner.counts.repeated);
        self.came_from(Source::Repeated);
        answer
    }

    /// Reads the history from the last known message on, if what is known is too old. A failure only means that a doubt
    /// can't be decided later.
    async fn look_at_the_end(&self, business: BusinessId, chat: ChatId, writing: &mut Writing) {
        if !writing.end.must_be_looked_at() {
            return;
        }
        let endpoint = &Endpoint::GET_CHAT_HISTORY;
        let Ok(mut place) = self.queue(business, endpoint) else { return };
        let Ok(_turn) = self.turn(business, endpoint, &mut place).await else { return };
        self.inner.counts.called(endpoint);
        let since = writing.end.since.flatten();
        let read = async {
            match since {
                Some(since) => {
                    let rest =
                        self.inner.client.history_sorted(business, chat, Some(since)).await?;
                    Ok(rest.last().map(|message| message.message_id).or(Some(since)))
                }
                None => self.inner.client.newest_message(business, chat).await,
            }
        };
        match self.in_time(read).await {
            Ok(Ok(last)) => writing.end.seen(last),
            Ok(Err(error)) | Err(error) => {
                let error: Error = error;
                tracing::debug!(%error, %chat, "the end of a chat can't be read before sending");
            }
        }
    }

    /// Whether what was sent before under the same `Idempotency-Key` is there; `false` if it certainly isn't.
    async fn find_out(
        &self,
        business: BusinessId,
        chat: ChatId,
        what: &OutgoingMessage,
        unclear: Unclear,
    ) -> Result<bool> {
        let cant = || {
            let text = "nobody knows whether what was sent under this Idempotency-Key has arrived";
            Error::internal(Unavailable(text.into()))
        };
        let Some(since) = unclear.since else { return Err(cant()) };
        let endpoint = &Endpoint::GET_CHAT_HISTORY;
        let mut place = self.queue(business, endpoint)?;
        let _turn = self.turn(business, endpoint, &mut place).await?;
        self.inner.counts.called(endpoint);
        add(&self.inner.counts.doubts);
        let history =
            self.inner.client.history_sorted(business, chat, since).await.map_err(for_caller)?;
        let trace = Fingerprint::of(what);
        let after = |id: MessageId| Some(id) > since;
        let mut ours = history.iter().filter(|m| after(m.message_id) && trace.matches(m));
        let nth = usize::try_from(unclear.nth.saturating_sub(1)).unwrap_or(usize::MAX);
        if let Some(message) = ours.nth(nth) {
            self.inner.ledger.name(unclear.id, message.message_id).await?;
            return Ok(true);
        }
        let age = self.inner.clock.now().duration_since(unclear.at);
        let settled =
            std::time::Duration::try_from(age).is_ok_and(|age| age > self.inner.safety.settle_time);
        if settled { Ok(false) } else { Err(cant()) }
    }

    /// Makes a chat, or finds it.
    pub(crate) async fn create(
        &self,
        business: BusinessId,
        context: ChatContext,
    ) -> Result<ChatId> {
        let endpoint = &Endpoint::CREATE_CHAT;
        let mut place = self.queue(business, endpoint)?;
        let turn = self.turn(business, endpoint, &mut place).await?;
        let began = self.began(business, None, endpoint.name, format!("{context:?}").as_bytes());
        self.came_from(Source::Upstream);
        let inner = Arc::clone(&self.inner);
        let task = self.inner.sending.spawn(async move {
            let id = inner.ledger.begin(began).await?;
            inner.counts.called(endpoint);
            let made = inner.client.create_chat(business, context).await;
            drop(turn);
            inner.flights.written(business);
            let (chat, outcome) = match &made {
                Ok(chat) => (Some(*chat), Ok(())),
                Err(error) => (None, Err(error)),
            };
            inner.finish(id, outcome, chat, None).await;
            made
        });
        let made = self.in_time(task).await?.map_err(Error::internal)?;
        made.map_err(|error| self.heard(for_caller(error)))
    }
}

impl Inner {
    /// Notes what came of a send. That it can't be noted changes nothing for the caller.
    async fn finish(
        &self,
        id: i64,
        result: Result<(), &Error>,
        chat: Option<ChatId>,
        message: Option<MessageId>,
    ) {
        let (outcome, answer) = match result {
            Ok(()) => (Outcome::Sent, None),
            Err(Error::Api(refused)) => (Outcome::Refused, Some(kept(refused))),
            Err(error) if SendErrorClass::of(error) == SendErrorClass::NotSent => {
                (Outcome::Failed, Some(error.to_string()))
            }
            Err(error) => (Outcome::Unknown, Some(error.to_string())),
        };
        self.note(id, outcome, answer, (result.err(), chat, message)).await;
    }

    async fn note(
        &self,
        id: i64,
        outcome: Outcome,
        answer: Option<String>,
        (error, chat, message): (Option<&Error>, Option<ChatId>, Option<MessageId>),
    ) {
        let upstream_request_id = error.and_then(|e| e.answer()).and_then(|a| a.request_id.clone());
        let at = self.clock.now();
        let finish = Finish { outcome, answer, upstream_request_id, chat, message, at };
        if let Err(error) = self.ledger.finish(id, finish).await {
            tracing::error!(%error, "what came of a send can't be noted");
        }
    }
}

/// A send on its way.
struct Sending {
    inner: Arc<Inner>,
    business: BusinessId,
    chat: ChatId,
    what: OutgoingMessage,
    trace: Fingerprint,
    deadline: Instant,
}

/// What came of it: perhaps with its id, or the error and whether it is certain that nothing was written.
enum Came {
    Sent(Option<MessageId>),
    NotSent(Error),
    Unknown(Error),
}

impl Sending {
    async fn run(self, began: Began, mut writing: Writing, turn: Turn) -> Result<()> {
        let inner = Arc::clone(&self.inner);
        let id = inner.ledger.begin(began).await?;
        let came = self.until_certain(&mut writing, turn).await;
        inner.flights.written(self.business);
        match came {
            Came::Sent(message) => {
                match message {
                    Some(message) => writing.end.seen(Some(message)),
                    None => writing.end.sent.push(self.trace),
                }
                inner.finish(id, Ok(()), None, message).await;
                Ok(())
            }
            Came::NotSent(error) => {
                let (outcome, answer) = match &error {
                    Error::Api(refused) => (Outcome::Refused, kept(refused)),
                    Error::Internal(source) => (Outcome::Failed, source.to_string()),
                };
                inner.note(id, outcome, Some(answer), (Some(&error), None, None)).await;
                Err(error)
            }
            Came::Unknown(error) => {
                // What is at the end now has to be seen before the next one.
                writing.end.since = None;
                inner.finish(id, Err(&error), None, None).await;
                Err(error)
            }
        }
    }

    /// Sends, and sends again only what is certainly not there, as long as the caller waits. After a failure the turn is
    /// given back: waiting until it is certain must hold up this chat and no other.
    async fn until_certain(&self, writing: &mut Writing, turn: Turn) -> Came {
        let Self { inner, business, chat, what, .. } = self;
        let (mut turn, mut repeats) = (Some(turn), 0);
        loop {
            inner.counts.called(endpoint(what));
            let Err(error) = what.send(&inner.client, *business, *chat).await else {
                return Came::Sent(None);
            };
            drop(turn.take());
            match SendErrorClass::of(&error) {
                SendErrorClass::NotSent if error.kind().is_some() || !error.is_retryable() => {
                    return Came::NotSent(error);
                }
                SendErrorClass::NotSent => inner.counts.failed(endpoint(what)),
                SendErrorClass::Uncertain { responded } => {
                    inner.counts.failed(endpoint(what));
                    match self.decide(writing, responded).await {
                        None | Some(Reconciliation::HistoryUnavailable(_)) => {
                            return Came::Unknown(error);
                        }
                        Some(Reconciliation::Found(ids)) => {
                            return Came::Sent(ids.last().copied().flatten());
                        }
                        Some(Reconciliation::Absent(_)) => {}
                    }
                }
            }
            let pause = inner.safety.pause_after(repeats);
            // Nobody waits for it any more: it would surprise.
            if Instant::now() + pause >= self.deadline {
                return Came::NotSent(error);
            }
            inner.safety.pause(pause).await;
            repeats += 1;
        }
    }

    /// Looks into the history; `None` if nobody knew the end before.
    async fn decide(&self, writing: &Writing, heard: bool) -> Option<Reconciliation> {
        let since = writing.end.since?;
        add(&self.inner.counts.doubts);
        let traces: Vec<Fingerprint> =
            writing.end.sent.iter().chain([&self.trace]).cloned().collect();
        let safety = &self.inner.safety;
        let settled = safety.settled_at(heard);
        let give_up = safety.now().checked_add(safety.deadline).unwrap_or(settled);
        let (business, chat) = (self.business, self.chat);
        let doubt =
            UncertainSend { business, chat, since, fingerprints: &traces, settled, give_up };
        Some(safety.reconcile(&self.inner.client, doubt).await)
    }
}

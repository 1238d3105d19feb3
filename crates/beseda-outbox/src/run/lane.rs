//! One chat, served in the order of its line: look, send, look. How a look works stands in `look.rs`.

use std::sync::Arc;

use beseda_api::{ChatFilter, ChatId, ErrorKind, Limit, MessageText, PageRequest};
use beseda_client::{ClientError, ErrorExt, OutgoingMessage, send_once::SendErrorClass};
use jiff::Timestamp;

use super::{
    Event, RunSettings, Shared,
    look::{Look, look},
};
use crate::{Error, Item, Result, State, table};

/// How much of a line is read at once.
const AHEAD: u32 = 64;
/// How many messages a chat sends before others get their turn.
const TURN: u32 = 100;
/// How often a message the service said it has is looked for before nobody looks any more.
const LOOKS: u32 = 5;

/// When a chat was looked at, and what was its last message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    known: i64,
    at: Timestamp,
}

impl Seen {
    pub(super) fn is_fresh(&self, settings: &RunSettings) -> bool {
        let until = self.at.checked_add(settings.fresh).unwrap_or(Timestamp::MAX);
        (self.at..=until).contains(&settings.safety.now())
    }
}

/// What a step of a lane leads to.
enum Step {
    Go,
    /// Nothing is left, or it is time to stop.
    End,
}

/// The service of one chat until its line is empty.
pub(super) struct Lane {
    shared: Arc<Shared>,
    chat: ChatId,
    seen: Option<Seen>,
    /// Failures in a row.
    failures: u32,
    /// Messages handed to the service.
    handed: u32,
    /// When the message that is being sent can no longer arrive, if it was sent by this lane.
    settled: Option<Timestamp>,
    /// Whatever was sent before this lane was there had left by then.
    began: Timestamp,
    /// How often what was sent was looked for in vain, and when to look again.
    looks: u32,
    look_at: Option<Timestamp>,
}

impl Lane {
    pub(super) fn new(shared: &Arc<Shared>, chat: ChatId, seen: Option<Seen>) -> Self {
        Self {
            shared: Arc::clone(shared),
            chat,
            seen,
            failures: 0,
            handed: 0,
            settled: None,
            began: shared.settings.safety.now(),
            looks: 0,
            look_at: None,
        }
    }

    pub(super) async fn serve(mut self) -> Result<Option<Seen>> {
        while let Step::Go = self.step().await? {}
        Ok(self.seen)
    }

    async fn step(&mut self) -> Result<Step> {
        if self.shared.stop.is_asked() {
            return Ok(Step::End);
        }
        let (business, chat) = (self.shared.business, self.chat);
        let read =
            self.shared.outbox.read(move |tables| table::line(tables, business, chat, AHEAD));
        let line = read.await?;
        let open = line.iter().position(|item| item.state != State::Sent);
        let sent = &line[..open.unwrap_or(line.len())];
        let Some(head) = open.map(|place| &line[place]) else {
            return if sent.is_empty() { Ok(Step::End) } else { self.confirm(sent).await };
        };
        if head.state == State::Sending || head.doubt {
            return self.decide(&line[..=sent.len()]).await;
        }
        if self.handed >= TURN {
            return if sent.is_empty() { Ok(Step::End) } else { self.confirm(sent).await };
        }
        let full = sent.len() >= self.shared.settings.batch.max(1);
        match self.fresh() {
            Some(_) if !full => self.send(head).await,
            _ if full => self.confirm(sent).await,
            _ => match self.look(sent).await? {
                Ok(_) => Ok(Step::Go),
                Err(error) => self.blind(head, error).await,
            },
        }
    }

    fn fresh(&self) -> Option<Seen> {
        self.seen.filter(|seen| seen.is_fresh(&self.shared.settings))
    }

    /// Looks into the history; time to stop is an end of it.
    async fn look(&mut self, sent: &[Item]) -> Result<Result<Look, beseda_api::Error>> {
        let at = self.shared.settings.safety.now();
        let looked = tokio::select! {
            looked = look(&self.shared, self.chat, sent) => looked?,
            () = self.shared.stop.wait() => Err(beseda_api::Error::internal("it was asked to stop")),
        };
        if let Ok(look) = &looked {
            self.seen = Some(Seen { known: look.known, at });
            self.failures = 0;
            if !look.found.is_empty() {
                (self.looks, self.look_at) = (0, None);
            }
        }
        Ok(looked)
    }

    /// Hands a message to the service.
    async fn send(&mut self, head: &Item) -> Result<Step> {
        let shared = Arc::clone(&self.shared);
        let slot = tokio::select! {
            slot = shared.slots.acquire() => slot,
            () = shared.stop.wait() => return Ok(Step::End),
        };
        // Only now, so that no more files are in memory than calls are made.
        let Some(what) = self.outgoing(head).await? else { return Ok(Step::Go) };
        // Waiting for the slot may have taken long.
        let Some(Seen { known: baseline, .. }) = self.fresh() else { return Ok(Step::Go) };
        let (id, now) = (head.id, shared.settings.safety.now());
        let begun = self.shared.outbox.write(move |tables| {
            let begun = table::set_sending(tables, id, baseline, now)?;
            begun.then(|| table::get(tables, id)).transpose()
        });
        // It was taken back at the last moment.
        let Some(item) = begun.await? else { return Ok(Step::Go) };
        self.tell(item);
        self.handed += 1;
        let sent = what.send(shared.api.as_ref(), shared.business, self.chat).await;
        drop(slot);
        let Err(error) = sent else {
            self.failures = 0;
            self.set(head, State::Sent, None).await?;
            return Ok(Step::Go);
        };
        match SendErrorClass::of(&error) {
            SendErrorClass::NotSent => self.refused(head, error).await,
            SendErrorClass::Uncertain { responded } => {
                tracing::debug!(id = %head.id, %error, "asking the history");
                self.settled = Some(shared.settings.safety.settled_at(responded));
                Ok(Step::Go)
            }
        }
    }

    /// What is to be sent, unless it is lost.
    async fn outgoing(&mut self, head: &Item) -> Result<Option<OutgoingMessage>> {
        let what = match (&head.text, &head.file) {
            (_, Some(file)) => match self.shared.outbox.content(file.sha256.clone()).await {
                Ok(content) => Ok(OutgoingMessage::file(&file.name, content)),
                Err(error) => Err(format!("its file can't be read: {error}")),
            },
            (text, None) => MessageText::new(text.clone().unwrap_or_default())
                .map(OutgoingMessage::Text)
                .map_err(|error| error.to_string()),
        };
        match what {
            Ok(what) => Ok(Some(what)),
            Err(reason) => {
                self.set(head, State::Failed, Some((reason, None))).await?;
                Ok(None)
            }
        }
    }

    /// Goes on after a failure that means that nothing was written.
    async fn refused(&mut self, head: &Item, error: beseda_api::Error) -> Result<Step> {
        if self.is_about_the_message(&error).await {
            let why = (error.to_string(), error.status());
            self.set(head, State::Failed, Some(why)).await?;
            return Ok(Step::Go);
        }
        self.set(head, State::Queued, Some((error.to_string(), error.status()))).await?;
        self.wait_or_pause(error).await
    }

    /// Goes on without having seen the history, before anything was sent.
    async fn blind(&mut self, head: &Item, error: beseda_api::Error) -> Result<Step> {
        if error.kind().is_some() {
            return self.refused(head, error).await;
        }
        self.wait_or_pause(error).await
    }

    /// Finds out whether the last of these, which may be in the chat, is there.
    async fn decide(&mut self, line: &[Item]) -> Result<Step> {
        let Some(head) = line.last() else { return Ok(Step::Go) };
        let safety = &self.shared.settings.safety;
        let looked_at = safety.now();
        let settled = *self.settled.get_or_insert_with(|| {
            // What a clock wrote down that was set back since is no later than now.
            let left = self.began.max(head.changed_at).min(looked_at);
            left.checked_add(safety.settle_time).unwrap_or(Timestamp::MAX)
        });
        match self.look(line).await? {
            Ok(look) if look.found.iter().any(|item| item.id == head.id) => {}
            Ok(_) if looked_at < settled => {
                let safety = &self.shared.settings.safety;
                let pause = looked_at.checked_add(safety.pause_after(self.failures));
                self.failures += 1;
                self.until(pause.unwrap_or(settled).min(settled)).await;
                return Ok(Step::Go);
            }
            Ok(_) => {
                let (id, now) = (head.id, self.shared.settings.safety.now());
                let queued = self.shared.outbox.write(move |tables| {
                    table::set_doubt(tables, id, false)?;
                    table::set_state(tables, id, State::Queued, None, now)?;
                    table::get(tables, id)
                });
                let item = queued.await?;
                self.tell(item);
            }
            Err(error) => return self.undecided(head, error).await,
        }
        (self.settled, self.failures) = (None, 0);
        Ok(Step::Go)
    }

    /// Goes on without knowing whether a message is in the chat.
    async fn undecided(&mut self, head: &Item, error: beseda_api::Error) -> Result<Step> {
        if self.is_about_the_message(&error).await {
            let id = head.id;
            self.shared.outbox.write(move |tables| table::set_doubt(tables, id, true)).await?;
            let text =
                format!("it isn't known whether it arrived, the history can't be read: {error}");
            self.set(head, State::Failed, Some((text, error.status()))).await?;
            self.settled = None;
            return Ok(Step::Go);
        }
        self.wait_or_pause(error).await
    }

    /// Looks for the ids of messages that the service said it has.
    async fn confirm(&mut self, sent: &[Item]) -> Result<Step> {
        if let Some(at) = self.look_at.filter(|at| *at > self.shared.settings.safety.now()) {
            self.until_or_change(at).await?;
            return Ok(Step::Go);
        }
        match self.look(sent).await? {
            Ok(look) if !look.found.is_empty() => return Ok(Step::Go),
            Ok(_) => {}
            Err(error) if self.is_about_the_message(&error).await => self.looks = LOOKS,
            Err(error) => return self.wait_or_pause(error).await,
        }
        self.looks += 1;
        if self.looks < LOOKS {
            let safety = &self.shared.settings.safety;
            self.look_at = safety.now().checked_add(safety.pause_after(self.looks)).ok();
            return Ok(Step::Go);
        }
        (self.looks, self.look_at) = (0, None);
        for item in sent {
            let id = item.id;
            let unseen = self.shared.outbox.write(move |tables| {
                table::set_unseen(tables, id)?;
                table::get(tables, id)
            });
            let item = unseen.await?;
            self.shared.outbox.drop_file(&item).await?;
            self.tell(item);
        }
        Ok(Step::Go)
    }

    /// Waits for a moment, but not while something new is to be sent.
    async fn until_or_change(&self, moment: Timestamp) -> Result<()> {
        let outbox = &self.shared.outbox;
        let version = outbox.changed(0).await?;
        tokio::select! {
            () = self.until(moment) => {}
            changed = outbox.changed_later(version) => drop(changed?),
        }
        Ok(())
    }

    /// Whether it is this message or its chat that the service refuses, and not the caller, the hour or the address.
    async fn is_about_the_message(&self, error: &beseda_api::Error) -> bool {
        match error.kind() {
            Some(ErrorKind::BadRequest) => true,
            // An address that knows no chats at all says 404 too.
            Some(ErrorKind::NotFound) => {
                let page = PageRequest::first(Limit::new(1).unwrap_or(Limit::MAX));
                let (api, business) = (&self.shared.api, self.shared.business);
                api.get_chats(business, ChatFilter::default(), page).await.is_ok()
            }
            Some(_) => false,
            None => {
                let failure = error.client_error();
                matches!(
                    failure,
                    Some(ClientError::Undocumented { status: 410 | 413 | 414 | 422, .. })
                )
            }
        }
    }

    /// Waits for a better moment, or has everything wait where nothing can go well.
    async fn wait_or_pause(&mut self, error: beseda_api::Error) -> Result<Step> {
        if self.shared.stop.is_asked() {
            return Ok(Step::End);
        }
        if error.kind().is_some_and(|refusal| refusal != ErrorKind::LimitExceeded) {
            return Err(Error::Denied(error));
        }
        let safety = &self.shared.settings.safety;
        let now = safety.now();
        let pause = now.checked_add(safety.pause_after(self.failures)).unwrap_or(Timestamp::MAX);
        let until = free_at(&error).map_or(pause, |free| free.max(pause));
        let (chat, reason, status) = (self.chat, error.to_string(), error.status());
        (self.shared.settings.on_event)(Event::Waiting { chat, reason, status, until });
        self.failures += 1;
        self.until(until).await;
        Ok(Step::Go)
    }

    async fn until(&self, moment: Timestamp) {
        tokio::select! {
            () = self.shared.settings.safety.timer.sleep_until(moment) => {}
            () = self.shared.stop.wait() => {}
        }
    }

    async fn set(
        &self,
        item: &Item,
        state: State,
        why: Option<(String, Option<u16>)>,
    ) -> Result<()> {
        let (id, now) = (item.id, self.shared.settings.safety.now());
        let set = self.shared.outbox.write(move |tables| {
            let why = why.as_ref().map(|(reason, status)| (reason.as_str(), *status));
            table::set_state(tables, id, state, why, now)?;
            table::get(tables, id)
        });
        let item = set.await?;
        self.tell(item);
        Ok(())
    }

    fn tell(&self, item: Item) {
        (self.shared.settings.on_event)(Event::Changed(Box::new(item)));
    }
}

/// When the limit that was hit lets calls through again, if that is known.
fn free_at(error: &beseda_api::Error) -> Option<Timestamp> {
    if let Some(ClientError::OverLimit { until, .. }) = error.client_error() {
        return *until;
    }
    let limit = error.answer().and_then(|answer| answer.limit);
    let used_up = limit.filter(|limit| limit.remaining == 0);
    used_up.filter(|_| error.kind() == Some(ErrorKind::LimitExceeded)).map(|limit| limit.until)
}

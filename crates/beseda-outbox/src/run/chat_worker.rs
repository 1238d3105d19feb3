//! Worker of one chat: sends its messages in order, reconciling with the history before and after.

use std::sync::Arc;

use beseda_api::{ChatFilter, ChatId, ErrorKind, Limit, MessageText, PageRequest};
use beseda_client::{ClientError, ErrorExt, OutgoingMessage, send_once::SendErrorClass};
use jiff::Timestamp;

use super::{
    OutboxEvent, RunContext, RunSettings,
    reconcile::{Reconciled, reconcile},
};
use crate::{Error, Item, ItemState, Result, table};

/// Number of messages read at once.
const READ_AHEAD: u32 = 64;
/// Number of messages sent before other chats get their turn.
const MAX_SENDS_PER_TURN: u32 = 100;
/// Number of lookups of a sent message before its id is given up.
const MAX_LOOKUPS: u32 = 5;

/// Last message of a chat, and when the history was read.
#[derive(Debug, Clone, Copy)]
pub(super) struct LastSeen {
    message: i64,
    at: Timestamp,
}

impl LastSeen {
    pub(super) fn is_fresh(&self, settings: &RunSettings) -> bool {
        let until = self.at.checked_add(settings.history_max_age).unwrap_or(Timestamp::MAX);
        (self.at..=until).contains(&settings.send_once.now())
    }
}

/// Result of a step.
enum Progress {
    Continue,
    /// No messages are left, or a shutdown was requested.
    Done,
}

/// Worker of a chat, running until the chat has no more messages.
pub(super) struct ChatWorker {
    shared: Arc<RunContext>,
    chat: ChatId,
    seen: Option<LastSeen>,
    /// Number of consecutive failures.
    failures: u32,
    /// Number of messages sent.
    sends: u32,
    /// Time from which the message in flight can no longer arrive, if this worker has sent it.
    settled: Option<Timestamp>,
    /// Messages in flight from earlier runs were sent before this time.
    started_at: Timestamp,
    /// Number of unsuccessful lookups of sent messages, and the time of the next one.
    lookups: u32,
    next_lookup: Option<Timestamp>,
}

impl ChatWorker {
    pub(super) fn new(shared: &Arc<RunContext>, chat: ChatId, seen: Option<LastSeen>) -> Self {
        Self {
            shared: Arc::clone(shared),
            chat,
            seen,
            failures: 0,
            sends: 0,
            settled: None,
            started_at: shared.settings.send_once.now(),
            lookups: 0,
            next_lookup: None,
        }
    }

    pub(super) async fn serve(mut self) -> Result<Option<LastSeen>> {
        while let Progress::Continue = self.step().await? {}
        Ok(self.seen)
    }

    async fn step(&mut self) -> Result<Progress> {
        if self.shared.shutdown.is_requested() {
            return Ok(Progress::Done);
        }
        let (business, chat) = (self.shared.business, self.chat);
        let read = self
            .shared
            .outbox
            .read(move |tables| table::open_items(tables, business, chat, READ_AHEAD));
        let line = read.await?;
        let open = line.iter().position(|item| item.state != ItemState::Sent);
        let sent = &line[..open.unwrap_or(line.len())];
        let Some(head) = open.map(|place| &line[place]) else {
            return if sent.is_empty() { Ok(Progress::Done) } else { self.confirm(sent).await };
        };
        if head.state == ItemState::Sending || head.uncertain {
            return self.decide_uncertain(&line[..=sent.len()]).await;
        }
        if self.sends >= MAX_SENDS_PER_TURN {
            return if sent.is_empty() { Ok(Progress::Done) } else { self.confirm(sent).await };
        }
        let full = sent.len() >= self.shared.settings.confirm_batch.max(1);
        match self.fresh() {
            Some(_) if !full => self.send(head).await,
            _ if full => self.confirm(sent).await,
            _ => match self.reconcile(sent).await? {
                Ok(_) => Ok(Progress::Continue),
                Err(error) => self.handle_unreadable_history(head, error).await,
            },
        }
    }

    fn fresh(&self) -> Option<LastSeen> {
        self.seen.filter(|seen| seen.is_fresh(&self.shared.settings))
    }

    /// Reads the history and confirms messages; a shutdown interrupts it.
    async fn reconcile(&mut self, sent: &[Item]) -> Result<Result<Reconciled, beseda_api::Error>> {
        let at = self.shared.settings.send_once.now();
        let result = tokio::select! {
            result = reconcile(&self.shared, self.chat, sent) => result?,
            () = self.shared.shutdown.wait() => Err(beseda_api::Error::internal("shutting down")),
        };
        if let Ok(reconciled) = &result {
            self.seen = Some(LastSeen { message: reconciled.last_message, at });
            self.failures = 0;
            if !reconciled.confirmed.is_empty() {
                (self.lookups, self.next_lookup) = (0, None);
            }
        }
        Ok(result)
    }

    /// Sends a message.
    async fn send(&mut self, head: &Item) -> Result<Progress> {
        let shared = Arc::clone(&self.shared);
        let slot = tokio::select! {
            slot = shared.slots.acquire() => slot,
            () = shared.shutdown.wait() => return Ok(Progress::Done),
        };
        // After the permit was acquired, so that the number of files in memory is limited as well.
        let Some(what) = self.load_message(head).await? else { return Ok(Progress::Continue) };
        // Waiting for the permit may have taken long.
        let Some(LastSeen { message: baseline, .. }) = self.fresh() else {
            return Ok(Progress::Continue);
        };
        let (id, now) = (head.id, shared.settings.send_once.now());
        let transaction = self.shared.outbox.write(move |tables| {
            let transaction = table::set_sending(tables, id, baseline, now)?;
            transaction.then(|| table::get(tables, id)).transpose()
        });
        // It was cancelled meanwhile.
        let Some(item) = transaction.await? else { return Ok(Progress::Continue) };
        self.emit(item);
        self.sends += 1;
        let sent = what.send(shared.api.as_ref(), shared.business, self.chat).await;
        drop(slot);
        let Err(error) = sent else {
            self.failures = 0;
            self.set(head, ItemState::Sent, None).await?;
            return Ok(Progress::Continue);
        };
        match SendErrorClass::of(&error) {
            SendErrorClass::NotSent => self.handle_refusal(head, error).await,
            SendErrorClass::Uncertain { responded } => {
                tracing::debug!(id = %head.id, %error, "send uncertain: reading the history");
                self.settled = Some(shared.settings.send_once.settled_at(responded));
                Ok(Progress::Continue)
            }
        }
    }

    /// Loads the content of a message; a message whose content is lost fails.
    async fn load_message(&mut self, head: &Item) -> Result<Option<OutgoingMessage>> {
        let what = match (&head.text, &head.file) {
            (_, Some(file)) => match self.shared.outbox.content(file.sha256.clone()).await {
                Ok(content) => Ok(OutgoingMessage::file(&file.name, content)),
                Err(error) => Err(format!("can't read its file: {error}")),
            },
            (text, None) => MessageText::new(text.clone().unwrap_or_default())
                .map(OutgoingMessage::Text)
                .map_err(|error| error.to_string()),
        };
        match what {
            Ok(what) => Ok(Some(what)),
            Err(reason) => {
                self.set(head, ItemState::Failed, Some((reason, None))).await?;
                Ok(None)
            }
        }
    }

    /// Handles an error which means that the message was not delivered.
    async fn handle_refusal(&mut self, head: &Item, error: beseda_api::Error) -> Result<Progress> {
        if self.is_about_the_message(&error).await {
            let why = (error.to_string(), error.status());
            self.set(head, ItemState::Failed, Some(why)).await?;
            return Ok(Progress::Continue);
        }
        self.set(head, ItemState::Queued, Some((error.to_string(), error.status()))).await?;
        self.wait_or_pause(error).await
    }

    /// Handles an unreadable history before the message was sent.
    async fn handle_unreadable_history(
        &mut self,
        head: &Item,
        error: beseda_api::Error,
    ) -> Result<Progress> {
        if error.kind().is_some() {
            return self.handle_refusal(head, error).await;
        }
        self.wait_or_pause(error).await
    }

    /// Decides by the history whether the last of these messages was delivered.
    async fn decide_uncertain(&mut self, line: &[Item]) -> Result<Progress> {
        let Some(head) = line.last() else { return Ok(Progress::Continue) };
        let options = &self.shared.settings.send_once;
        let checked_at = options.now();
        let settled = *self.settled.get_or_insert_with(|| {
            // The clock may have been set back since the state was written.
            let left = self.started_at.max(head.changed_at).min(checked_at);
            left.checked_add(options.settle_time).unwrap_or(Timestamp::MAX)
        });
        match self.reconcile(line).await? {
            Ok(reconciled) if reconciled.confirmed.iter().any(|item| item.id == head.id) => {}
            Ok(_) if checked_at < settled => {
                let options = &self.shared.settings.send_once;
                let pause = checked_at.checked_add(options.pause_after(self.failures));
                self.failures += 1;
                self.sleep_until(pause.unwrap_or(settled).min(settled)).await;
                return Ok(Progress::Continue);
            }
            Ok(_) => {
                let (id, now) = (head.id, self.shared.settings.send_once.now());
                let queued = self.shared.outbox.write(move |tables| {
                    table::set_uncertain(tables, id, false)?;
                    table::set_state(tables, id, ItemState::Queued, None, now)?;
                    table::get(tables, id)
                });
                let item = queued.await?;
                self.emit(item);
            }
            Err(error) => return self.handle_undecided(head, error).await,
        }
        (self.settled, self.failures) = (None, 0);
        Ok(Progress::Continue)
    }

    /// Handles an unreadable history while it is unknown whether the message was delivered.
    async fn handle_undecided(
        &mut self,
        head: &Item,
        error: beseda_api::Error,
    ) -> Result<Progress> {
        if self.is_about_the_message(&error).await {
            let id = head.id;
            self.shared.outbox.write(move |tables| table::set_uncertain(tables, id, true)).await?;
            let text =
                format!("unknown whether it was delivered: the history can't be read: {error}");
            self.set(head, ItemState::Failed, Some((text, error.status()))).await?;
            self.settled = None;
            return Ok(Progress::Continue);
        }
        self.wait_or_pause(error).await
    }

    /// Looks up the ids of sent messages.
    async fn confirm(&mut self, sent: &[Item]) -> Result<Progress> {
        if let Some(at) = self.next_lookup.filter(|at| *at > self.shared.settings.send_once.now()) {
            self.sleep_until_or_change(at).await?;
            return Ok(Progress::Continue);
        }
        match self.reconcile(sent).await? {
            Ok(reconciled) if !reconciled.confirmed.is_empty() => return Ok(Progress::Continue),
            Ok(_) => {}
            Err(error) if self.is_about_the_message(&error).await => self.lookups = MAX_LOOKUPS,
            Err(error) => return self.wait_or_pause(error).await,
        }
        self.lookups += 1;
        if self.lookups < MAX_LOOKUPS {
            let options = &self.shared.settings.send_once;
            self.next_lookup = options.now().checked_add(options.pause_after(self.lookups)).ok();
            return Ok(Progress::Continue);
        }
        (self.lookups, self.next_lookup) = (0, None);
        for item in sent {
            let id = item.id;
            let updated = self.shared.outbox.write(move |tables| {
                table::abandon_lookup(tables, id)?;
                table::get(tables, id)
            });
            let item = updated.await?;
            self.shared.outbox.drop_file(&item).await?;
            self.emit(item);
        }
        Ok(Progress::Continue)
    }

    /// Sleeps until a time or until the outbox changes.
    async fn sleep_until_or_change(&self, timestamp: Timestamp) -> Result<()> {
        let outbox = &self.shared.outbox;
        let version = outbox.changed(0).await?;
        tokio::select! {
            () = self.sleep_until(timestamp) => {}
            changed = outbox.changed_after_interval(version) => drop(changed?),
        }
        Ok(())
    }

    /// Returns true if the service refuses this message or its chat, rather than the credential,
    /// the rate or the URL.
    async fn is_about_the_message(&self, error: &beseda_api::Error) -> bool {
        match error.kind() {
            Some(ErrorKind::BadRequest) => true,
            // A wrong URL returns 404 for everything.
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

    /// Waits before the next attempt, or ends the worker if no chat can succeed.
    async fn wait_or_pause(&mut self, error: beseda_api::Error) -> Result<Progress> {
        if self.shared.shutdown.is_requested() {
            return Ok(Progress::Done);
        }
        if error.kind().is_some_and(|refusal| refusal != ErrorKind::LimitExceeded) {
            return Err(Error::AccessDenied(error));
        }
        let options = &self.shared.settings.send_once;
        let now = options.now();
        let pause = now.checked_add(options.pause_after(self.failures)).unwrap_or(Timestamp::MAX);
        let until = limit_reset_at(&error).map_or(pause, |free| free.max(pause));
        let (chat, reason, status) = (self.chat, error.to_string(), error.status());
        (self.shared.settings.on_event)(OutboxEvent::Waiting { chat, reason, status, until });
        self.failures += 1;
        self.sleep_until(until).await;
        Ok(Progress::Continue)
    }

    async fn sleep_until(&self, timestamp: Timestamp) {
        tokio::select! {
            () = self.shared.settings.send_once.timer.sleep_until(timestamp) => {}
            () = self.shared.shutdown.wait() => {}
        }
    }

    async fn set(
        &self,
        item: &Item,
        state: ItemState,
        why: Option<(String, Option<u16>)>,
    ) -> Result<()> {
        let (id, now) = (item.id, self.shared.settings.send_once.now());
        let set = self.shared.outbox.write(move |tables| {
            let why = why.as_ref().map(|(reason, status)| (reason.as_str(), *status));
            table::set_state(tables, id, state, why, now)?;
            table::get(tables, id)
        });
        let item = set.await?;
        self.emit(item);
        Ok(())
    }

    fn emit(&self, item: Item) {
        (self.shared.settings.on_event)(OutboxEvent::Changed(Box::new(item)));
    }
}

/// Returns the time at which an exceeded limit is reset, if known.
fn limit_reset_at(error: &beseda_api::Error) -> Option<Timestamp> {
    if let Some(ClientError::OverLimit { until, .. }) = error.client_error() {
        return *until;
    }
    let limit = error.answer().and_then(|answer| answer.limit);
    let used_up = limit.filter(|limit| limit.remaining == 0);
    used_up.filter(|_| error.kind() == Some(ErrorKind::LimitExceeded)).map(|limit| limit.until)
}

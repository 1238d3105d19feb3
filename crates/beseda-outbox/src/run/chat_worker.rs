//! Worker of one chat: sends its queue in order and reconciles uncertain sends before anything else.

use std::{ops::ControlFlow, sync::Arc};

use beseda_api::{ChatFilter, ChatId, ErrorKind, Limit, MessageText, PageRequest};
use beseda_client::{
    ClientError, ErrorExt, OutgoingMessage,
    send_once::{Reconciliation, SendErrorClass, limit_reset},
};
use jiff::Timestamp;

use super::{
    context::{LastSeen, RunContext},
    reconcile::{ReconciledHistory, reconcile},
};
use crate::{Error, Item, ItemState, OutboxEvent, Result, table};

/// Maximum number of messages of the queue read at once.
const QUEUE_READ_LIMIT: u32 = 64;
/// Maximum number of messages a worker sends before other chats get a worker.
const MAX_SENDS: u32 = 100;
/// Maximum number of vain reads of the history for the ids of sent messages.
const MAX_ID_LOOKUPS: u32 = 5;

/// Result of a step of the worker: whether there is a next one.
type Step = Result<ControlFlow<()>>;
const NEXT: Step = Ok(ControlFlow::Continue(()));
const END: Step = Ok(ControlFlow::Break(()));

/// Worker of one chat.
pub(super) struct ChatWorker {
    context: Arc<RunContext>,
    chat: ChatId,
    last_seen: Option<LastSeen>,
    consecutive_failures: u32,
    /// Number of messages sent by this worker.
    sends: u32,
    /// Time from which the uncertain send can no longer arrive, if this worker made it.
    settled: Option<Timestamp>,
    /// Number of reads of the history for the uncertain send.
    uncertain_reads: u32,
    /// Upper bound of the time of sends of earlier workers and processes.
    started_at: Timestamp,
    id_lookups: u32,
    next_id_lookup: Option<Timestamp>,
}

impl ChatWorker {
    pub(super) fn new(
        context: &Arc<RunContext>,
        chat: ChatId,
        last_seen: Option<LastSeen>,
    ) -> Self {
        Self {
            context: Arc::clone(context),
            chat,
            last_seen,
            consecutive_failures: 0,
            sends: 0,
            settled: None,
            uncertain_reads: 0,
            started_at: context.now(),
            id_lookups: 0,
            next_id_lookup: None,
        }
    }

    /// Works until the queue is empty, the run stops, or other chats get their turn.
    pub(super) async fn run(mut self) -> Result<Option<LastSeen>> {
        while self.step().await?.is_continue() {}
        Ok(self.last_seen)
    }

    async fn step(&mut self) -> Step {
        if self.context.stop.is_sent() {
            return END;
        }
        let (business, chat) = (self.context.business, self.chat);
        let queue = self
            .context
            .outbox
            .read(move |connection| table::queue(connection, business, chat, QUEUE_READ_LIMIT))
            .await?;
        let unsent = queue.iter().position(|item| item.state != ItemState::Sent);
        let sent = &queue[..unsent.unwrap_or(queue.len())];
        let Some(head) = unsent.map(|index| &queue[index]) else {
            return self.look_up_ids_or_end(sent).await;
        };
        if head.state == ItemState::Sending || head.uncertain {
            return self.decide_uncertain(&queue[..=sent.len()]).await;
        }
        if self.sends >= MAX_SENDS {
            return self.look_up_ids_or_end(sent).await;
        }
        if sent.len() >= self.context.settings.confirm_batch.max(1) {
            return self.look_up_ids(sent).await;
        }
        if self.fresh_last_seen().is_some() {
            return self.send(head).await;
        }
        match self.read_history(sent).await? {
            Ok(_) => NEXT,
            Err(error) if error.kind().is_some() => self.not_sent(head, error).await,
            Err(error) => self.wait_after(error).await,
        }
    }

    async fn look_up_ids_or_end(&mut self, sent: &[Item]) -> Step {
        if sent.is_empty() { END } else { self.look_up_ids(sent).await }
    }

    fn fresh_last_seen(&self) -> Option<LastSeen> {
        self.last_seen.filter(|last_seen| self.context.is_fresh(last_seen))
    }

    /// Reads the history and confirms the messages found. Stopping the run interrupts the read.
    async fn read_history(
        &mut self,
        sent: &[Item],
    ) -> Result<Result<ReconciledHistory, beseda_api::Error>> {
        let read_at = self.context.now();
        let history = tokio::select! {
            history = reconcile(&self.context, self.chat, sent) => history?,
            () = self.context.stop.wait() => Err(beseda_api::Error::internal("the run was stopped")),
        };
        if let Ok(history) = &history {
            self.last_seen = Some(LastSeen { message: history.last_message, read_at });
            self.consecutive_failures = 0;
            if !history.confirmed.is_empty() {
                (self.id_lookups, self.next_id_lookup) = (0, None);
            }
        }
        Ok(history)
    }

    /// Sends a message, after recording on disk that it may be in the chat.
    async fn send(&mut self, head: &Item) -> Step {
        let context = Arc::clone(&self.context);
        let slot = tokio::select! {
            slot = context.call_slots.acquire() => slot,
            () = context.stop.wait() => return END,
        };
        // The file is read only with a slot, so that no more files are in memory than calls are
        // made.
        let Some(message) = self.outgoing(head).await? else { return NEXT };
        // Waiting for the slot may have taken long.
        let Some(LastSeen { message: baseline, .. }) = self.fresh_last_seen() else { return NEXT };
        let (id, now) = (head.id, context.now());
        let sending = context.outbox.write(move |transaction| {
            let is_queued = table::set_sending(transaction, id, baseline, now)?;
            is_queued.then(|| table::get(transaction, id)).transpose()
        });
        // Otherwise it was cancelled meanwhile.
        let Some(item) = sending.await? else { return NEXT };
        context.emit_changed(item);
        self.sends += 1;
        let result = message.send(context.api.as_ref(), context.business, self.chat).await;
        drop(slot);
        let Err(error) = result else {
            self.consecutive_failures = 0;
            self.set_state(head, ItemState::Sent, None).await?;
            return NEXT;
        };
        match SendErrorClass::of(&error) {
            SendErrorClass::NotSent => self.not_sent(head, error).await,
            SendErrorClass::Uncertain { responded } => {
                tracing::debug!(id = %head.id, %error, "uncertain send, reading the history");
                self.settled = Some(context.settings.send_once.settled_at(responded));
                self.uncertain_reads = 0;
                NEXT
            }
        }
    }

    /// Returns the message to send. Without one, the item has failed.
    async fn outgoing(&mut self, item: &Item) -> Result<Option<OutgoingMessage>> {
        let message = match (&item.text, &item.file) {
            (_, Some(file)) => match self.context.outbox.content(file.sha256.clone()).await {
                Ok(content) => Ok(OutgoingMessage::file(&file.name, content)),
                Err(error) => Err(format!("can't read its file: {error}")),
            },
            (text, None) => MessageText::new(text.clone().unwrap_or_default())
                .map(OutgoingMessage::Text)
                .map_err(|error| error.to_string()),
        };
        match message {
            Ok(message) => Ok(Some(message)),
            Err(reason) => {
                self.set_state(item, ItemState::Failed, Some((reason, None))).await?;
                Ok(None)
            }
        }
    }

    /// Fails or requeues a message after an error that proves that it is not in the chat.
    async fn not_sent(&mut self, head: &Item, error: beseda_api::Error) -> Step {
        let reason = Some((error.to_string(), error.status()));
        if self.concerns_message(&error).await {
            self.set_state(head, ItemState::Failed, reason).await?;
            return NEXT;
        }
        self.set_state(head, ItemState::Queued, reason).await?;
        self.wait_after(error).await
    }

    /// Decides by the history whether the last of these messages, which may be in the chat, is
    /// there.
    async fn decide_uncertain(&mut self, sent: &[Item]) -> Step {
        let Some(head) = sent.last() else { return NEXT };
        let context = Arc::clone(&self.context);
        let read_at = context.now();
        let settled = *self.settled.get_or_insert_with(|| {
            // The clock may have been set back since `changed_at` was written.
            let sent_before = self.started_at.max(head.changed_at).min(read_at);
            let settle_time = context.settings.send_once.settle_time;
            sent_before.checked_add(settle_time).unwrap_or(Timestamp::MAX)
        });
        let history = match self.read_history(sent).await? {
            Ok(history) => history,
            Err(error) => return self.history_unavailable(head, error).await,
        };
        let found = history.confirmed.iter().find(|item| item.id == head.id);
        let ids = vec![found.and_then(|item| item.message_id)];
        match context.settings.send_once.reconcile_step(ids, read_at, self.uncertain_reads, settled)
        {
            ControlFlow::Continue(next_read) => {
                self.uncertain_reads += 1;
                self.wait_until(next_read).await;
                return NEXT;
            }
            ControlFlow::Break(Reconciliation::HistoryUnavailable(error)) => {
                return self.history_unavailable(head, error).await;
            }
            ControlFlow::Break(Reconciliation::Found(_)) => {}
            ControlFlow::Break(Reconciliation::Absent(_)) => {
                let (id, now) = (head.id, context.now());
                let queued = context.outbox.write(move |transaction| {
                    table::set_uncertain(transaction, id, false)?;
                    table::set_state(transaction, id, ItemState::Queued, None, now)?;
                    table::get(transaction, id)
                });
                context.emit_changed(queued.await?);
            }
        }
        (self.settled, self.uncertain_reads) = (None, 0);
        NEXT
    }

    /// Fails a message of uncertain delivery if its history will never be readable, else waits.
    async fn history_unavailable(&mut self, head: &Item, error: beseda_api::Error) -> Step {
        if self.concerns_message(&error).await {
            let id = head.id;
            let uncertain = move |transaction: &rusqlite::Transaction<'_>| {
                table::set_uncertain(transaction, id, true)
            };
            self.context.outbox.write(uncertain).await?;
            let reason =
                format!("unknown whether it was delivered: the history can't be read: {error}");
            self.set_state(head, ItemState::Failed, Some((reason, error.status()))).await?;
            (self.settled, self.uncertain_reads) = (None, 0);
            return NEXT;
        }
        self.wait_after(error).await
    }

    /// Looks up the ids of messages that are in the chat according to the response.
    async fn look_up_ids(&mut self, sent: &[Item]) -> Step {
        let context = Arc::clone(&self.context);
        if let Some(at) = self.next_id_lookup.filter(|at| *at > context.now()) {
            self.wait_until_or_change(at).await?;
            return NEXT;
        }
        match self.read_history(sent).await? {
            Ok(history) if !history.confirmed.is_empty() => return NEXT,
            Ok(_) => {}
            Err(error) if self.concerns_message(&error).await => self.id_lookups = MAX_ID_LOOKUPS,
            Err(error) => return self.wait_after(error).await,
        }
        self.id_lookups += 1;
        if self.id_lookups < MAX_ID_LOOKUPS {
            let pause = context.settings.send_once.pause_after(self.id_lookups);
            self.next_id_lookup = context.now().checked_add(pause).ok();
            return NEXT;
        }
        (self.id_lookups, self.next_id_lookup) = (0, None);
        for item in sent {
            let id = item.id;
            let ended = context.outbox.write(move |transaction| {
                table::abandon_lookup(transaction, id)?;
                table::get(transaction, id)
            });
            let item = ended.await?;
            context.outbox.drop_file(&item).await?;
            context.emit_changed(item);
        }
        NEXT
    }

    /// Returns `true` if the error concerns this message or chat, and not the credential, a limit
    /// or the URL.
    async fn concerns_message(&self, error: &beseda_api::Error) -> bool {
        match error.kind() {
            Some(ErrorKind::BadRequest) => true,
            // A URL that is not the API's responds with 404, too.
            Some(ErrorKind::NotFound) => {
                let page = PageRequest::first(Limit::new(1).unwrap_or(Limit::MAX));
                let (api, business) = (&self.context.api, self.context.business);
                api.get_chats(business, ChatFilter::default(), page).await.is_ok()
            }
            Some(_) => false,
            None => matches!(
                error.client_error(),
                Some(ClientError::Undocumented { status: 410 | 413 | 414 | 422, .. })
            ),
        }
    }

    /// Waits until a retry may succeed. An error that concerns every chat ends the worker.
    async fn wait_after(&mut self, error: beseda_api::Error) -> Step {
        if self.context.stop.is_sent() {
            return END;
        }
        if error.kind().is_some_and(|kind| kind != ErrorKind::LimitExceeded) {
            return Err(Error::AccessDenied(error));
        }
        let pause = self.context.settings.send_once.pause_after(self.consecutive_failures);
        let until = self.context.now().checked_add(pause).unwrap_or(Timestamp::MAX);
        let until = limit_reset(&error).map_or(until, |reset| reset.max(until));
        let (chat, reason, status) = (self.chat, error.to_string(), error.status());
        self.context.emit(OutboxEvent::Waiting { chat, reason, status, until });
        self.consecutive_failures += 1;
        self.wait_until(until).await;
        NEXT
    }

    async fn wait_until(&self, time: Timestamp) {
        tokio::select! {
            () = self.context.settings.send_once.timer.sleep_until(time) => {}
            () = self.context.stop.wait() => {}
        }
    }

    /// Waits until this time, or until the outbox changes: there may be something to send.
    async fn wait_until_or_change(&self, time: Timestamp) -> Result<()> {
        let outbox = &self.context.outbox;
        let version = outbox.changed(0).await?;
        tokio::select! {
            () = self.wait_until(time) => {}
            changed = outbox.changed_after_interval(version) => drop(changed?),
        }
        Ok(())
    }

    async fn set_state(
        &self,
        item: &Item,
        state: ItemState,
        reason: Option<(String, Option<u16>)>,
    ) -> Result<()> {
        let (id, now) = (item.id, self.context.now());
        let changed = self.context.outbox.write(move |transaction| {
            let reason = reason.as_ref().map(|(text, status)| (text.as_str(), *status));
            table::set_state(transaction, id, state, reason, now)?;
            table::get(transaction, id)
        });
        self.context.emit_changed(changed.await?);
        Ok(())
    }
}

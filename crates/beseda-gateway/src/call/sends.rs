//! Sends of a program: logged before they go upstream, one at a time per chat, with reconciliation
//! after an unclear response and stored responses per `Idempotency-Key`.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use beseda_api::{
    ApiError, BusinessId, ChatContext, ChatId, ChatsApi, Endpoint, Error, MessageId, Result,
};
use beseda_client::{
    ChatsExt, ErrorExt, OutgoingMessage, SendOnce,
    send_once::{Fingerprint, Reconciliation, SendErrorClass, UncertainSend},
};
use beseda_server::Unavailable;

use super::{GatewayCall, RESPONSE_MARGIN, ResponseSource};
use crate::{
    chat_locks::{ChatTail, SendGuard},
    db::audit::{
        AuditOutcome, PriorSend, SendFinish, SendStart, UnconfirmedSend, refusal_json, sha256,
    },
    metrics::increment,
    scheduler::{QueueError, UpstreamPermit},
    state::GatewayState,
    upstream::to_caller_error,
};

fn endpoint_of(message: &OutgoingMessage) -> &'static Endpoint {
    match message {
        OutgoingMessage::Text(_) => &Endpoint::SEND_MESSAGE_TO_CHAT,
        OutgoingMessage::File { .. } => &Endpoint::SEND_FILE_TO_CHAT,
    }
}

fn content_of(message: &OutgoingMessage) -> &[u8] {
    match message {
        OutgoingMessage::Text(text) => text.as_str().as_bytes(),
        OutgoingMessage::File { content, .. } => content,
    }
}

impl GatewayCall {
    fn send_start(
        &self,
        business: BusinessId,
        chat: Option<ChatId>,
        operation: &'static str,
        content: &[u8],
    ) -> SendStart {
        SendStart {
            at: self.shared.clock.now(),
            business,
            chat,
            program: self.caller.program.to_string(),
            operation,
            size: content.len(),
            sha256: sha256(content),
            request_id: self.caller.request_id.clone(),
            idempotency_key: self.caller.idempotency_key.clone().filter(|_| chat.is_some()),
            since: None,
            nth: 1,
        }
    }

    /// Sends a text or a file.
    pub(super) async fn send(
        &self,
        business: BusinessId,
        chat: ChatId,
        message: OutgoingMessage,
    ) -> Result<()> {
        let endpoint = endpoint_of(&message);
        let mut start = self.send_start(business, Some(chat), endpoint.name, content_of(&message));
        let guard = self.with_deadline(self.shared.chat_locks.lock(business, chat)).await;
        let mut guard = guard
            .map_err(|_| self.rate_limited(business, endpoint, QueueError::Slots { max: 1 }))?;
        if let Some(prior) = self.shared.db.prior_send(start.clone()).await?
            && let Some(response) = self.prior_response(business, chat, &message, prior).await?
        {
            increment(&self.shared.metrics.repeated_sends);
            self.set_source(ResponseSource::Repeated);
            return response.map_err(Error::Api);
        }
        self.refresh_tail(business, chat, &mut guard.tail).await;
        let mut ticket = self.enqueue(business, endpoint)?;
        let permit = self.acquire(business, endpoint, &mut ticket).await?;
        let fingerprint = Fingerprint::of(&message);
        let equal = guard.tail.sent.iter().filter(|sent| **sent == fingerprint).count();
        start.since = guard.tail.last_seen;
        start.nth = u32::try_from(equal).unwrap_or(u32::MAX - 1) + 1;
        self.set_source(ResponseSource::Upstream);
        let shared = Arc::clone(&self.shared);
        let deadline = self.caller.deadline_before(RESPONSE_MARGIN);
        let task = SendTask { shared, business, chat, message, fingerprint, deadline };
        // A task of its own: a send is completed even if the caller disconnects.
        let task = self.shared.send_tasks.spawn(task.run(start, guard, permit));
        let result = self.with_deadline(task).await?.map_err(Error::internal)?;
        result.map_err(|error| self.record_limit(to_caller_error(error)))
    }

    /// Returns the response of a prior send with the same `Idempotency-Key`, or `None` if it was
    /// certainly not delivered.
    async fn prior_response(
        &self,
        business: BusinessId,
        chat: ChatId,
        message: &OutgoingMessage,
        prior: PriorSend,
    ) -> Result<Option<Result<(), Box<ApiError>>>> {
        match prior {
            PriorSend::Different => Err(Error::bad_request(
                "Idempotency-Key: another message was sent to this chat with this key",
            )),
            PriorSend::Sent => Ok(Some(Ok(()))),
            PriorSend::Refused(refusal) => Ok(Some(Err(refusal))),
            PriorSend::Unconfirmed(send) => {
                let confirmed = self.confirm(business, chat, message, send);
                Ok(self.with_deadline(confirmed).await??.then_some(Ok(())))
            }
        }
    }

    /// Reads the end of a chat if it isn't known well enough. After a failure an uncertain send
    /// can't be reconciled.
    async fn refresh_tail(&self, business: BusinessId, chat: ChatId, tail: &mut ChatTail) {
        if !tail.is_stale() {
            return;
        }
        let endpoint = &Endpoint::GET_CHAT_HISTORY;
        let Ok(mut ticket) = self.enqueue(business, endpoint) else { return };
        let Ok(_permit) = self.acquire(business, endpoint, &mut ticket).await else { return };
        self.shared.metrics.record_upstream_call(endpoint);
        let client = &self.shared.client;
        let last_seen = tail.last_seen.flatten();
        let read = async {
            match last_seen {
                Some(since) => {
                    let newer = client.history_sorted(business, chat, Some(since)).await?;
                    Ok(newer.last().map(|message| message.message_id).or(Some(since)))
                }
                None => client.newest_message(business, chat).await,
            }
        };
        match self.with_deadline(read).await {
            Ok(Ok(last)) => tail.set_last_seen(last),
            Ok(Err(error)) | Err(error) => {
                let error: Error = error;
                tracing::debug!(%error, %chat, "failed to read the end of a chat before a send");
            }
        }
    }

    /// Returns true if an earlier send is in the history, and false if it certainly isn't and can't
    /// arrive any more.
    ///
    /// # Errors
    /// 503 if that can't be determined yet, or at all.
    async fn confirm(
        &self,
        business: BusinessId,
        chat: ChatId,
        message: &OutgoingMessage,
        send: UnconfirmedSend,
    ) -> Result<bool> {
        let unknown = || {
            let text =
                "it is unknown whether the message sent with this Idempotency-Key has arrived";
            Error::internal(Unavailable(text.into()))
        };
        let Some(since) = send.since else { return Err(unknown()) };
        let endpoint = &Endpoint::GET_CHAT_HISTORY;
        let mut ticket = self.enqueue(business, endpoint)?;
        let _permit = self.acquire(business, endpoint, &mut ticket).await?;
        self.shared.metrics.record_upstream_call(endpoint);
        increment(&self.shared.metrics.send_reconciliations);
        let history = self.shared.client.history_sorted(business, chat, since).await;
        let history = history.map_err(to_caller_error)?;
        let fingerprint = Fingerprint::of(message);
        let is_newer = |id: MessageId| Some(id) > since;
        let mut equal = history.iter().filter(|m| is_newer(m.message_id) && fingerprint.matches(m));
        let nth = usize::try_from(send.nth.saturating_sub(1)).unwrap_or(usize::MAX);
        if let Some(message) = equal.nth(nth) {
            self.shared.db.set_message_id(send.id, message.message_id).await?;
            return Ok(true);
        }
        let age = self.shared.clock.now().duration_since(send.at);
        let settle_time = self.shared.send_once.settle_time;
        let is_settled = Duration::try_from(age).is_ok_and(|age| age > settle_time);
        if is_settled { Ok(false) } else { Err(unknown()) }
    }

    /// Creates a chat, or returns the existing one.
    pub(super) async fn create(
        &self,
        business: BusinessId,
        context: ChatContext,
    ) -> Result<ChatId> {
        let endpoint = &Endpoint::CREATE_CHAT;
        let mut ticket = self.enqueue(business, endpoint)?;
        let permit = self.acquire(business, endpoint, &mut ticket).await?;
        let content = format!("{context:?}");
        let start = self.send_start(business, None, endpoint.name, content.as_bytes());
        self.set_source(ResponseSource::Upstream);
        let shared = Arc::clone(&self.shared);
        let task = self.shared.send_tasks.spawn(async move {
            let id = shared.db.record_start(start).await?;
            shared.metrics.record_upstream_call(endpoint);
            let result = shared.client.create_chat(business, context).await;
            drop(permit);
            shared.single_flight.invalidate(business);
            let finish = SendResult { chat: result.as_ref().ok().copied(), message: None };
            shared.record_finish(id, result.as_ref().map(|_| ()), finish).await;
            result
        });
        let result = self.with_deadline(task).await?.map_err(Error::internal)?;
        result.map_err(|error| self.record_limit(to_caller_error(error)))
    }
}

/// Ids that a send created.
#[derive(Default)]
struct SendResult {
    chat: Option<ChatId>,
    message: Option<MessageId>,
}

impl GatewayState {
    /// Records the outcome of a send, classified by its error.
    async fn record_finish(&self, id: i64, result: Result<(), &Error>, created: SendResult) {
        let outcome = match result {
            Ok(()) => AuditOutcome::Sent,
            Err(Error::Api(_)) => AuditOutcome::Refused,
            Err(error) if SendErrorClass::of(error) == SendErrorClass::NotSent => {
                AuditOutcome::Failed
            }
            Err(_) => AuditOutcome::Unknown,
        };
        self.record_outcome(id, outcome, result.err(), created).await;
    }

    /// Records an outcome. A failure is logged and doesn't change the caller's response.
    async fn record_outcome(
        &self,
        id: i64,
        outcome: AuditOutcome,
        error: Option<&Error>,
        created: SendResult,
    ) {
        let answer = error.map(|error| match error {
            Error::Api(refusal) => refusal_json(refusal),
            Error::Internal(_) => error.to_string(),
        });
        let response = error.and_then(|error| error.answer());
        let finish = SendFinish {
            outcome,
            answer,
            upstream_request_id: response.and_then(|response| response.request_id.clone()),
            chat: created.chat,
            message: created.message,
            at: self.clock.now(),
        };
        if let Err(error) = self.db.record_finish(id, finish).await {
            tracing::error!(%error, "failed to record the outcome of a send");
        }
    }
}

/// A send in progress.
struct SendTask {
    shared: Arc<GatewayState>,
    business: BusinessId,
    chat: ChatId,
    message: OutgoingMessage,
    fingerprint: Fingerprint,
    deadline: Instant,
}

/// Outcome of a send, after reconciliation.
enum DeliveryResult {
    Delivered(Option<MessageId>),
    NotDelivered(Error),
    Unknown(Error),
}

impl SendTask {
    async fn run(
        self,
        start: SendStart,
        mut guard: SendGuard,
        permit: UpstreamPermit,
    ) -> Result<()> {
        let shared = Arc::clone(&self.shared);
        let id = shared.db.record_start(start).await?;
        let delivery = self.deliver(&guard.tail, permit).await;
        shared.single_flight.invalidate(self.business);
        match delivery {
            DeliveryResult::Delivered(message) => {
                match message {
                    Some(message) => guard.tail.set_last_seen(Some(message)),
                    None => guard.tail.sent.push(self.fingerprint),
                }
                let created = SendResult { chat: None, message };
                shared.record_finish(id, Ok(()), created).await;
                Ok(())
            }
            DeliveryResult::NotDelivered(error) => {
                let outcome = match &error {
                    Error::Api(_) => AuditOutcome::Refused,
                    Error::Internal(_) => AuditOutcome::Failed,
                };
                shared.record_outcome(id, outcome, Some(&error), SendResult::default()).await;
                Err(error)
            }
            DeliveryResult::Unknown(error) => {
                // The end of the chat has to be read again before the next send.
                guard.tail.last_seen = None;
                shared.record_finish(id, Err(&error), SendResult::default()).await;
                Err(error)
            }
        }
    }

    /// Sends, and retries while the caller waits if the message was certainly not delivered. The
    /// permit is released after the first failure, so that reconciliation blocks this chat only.
    async fn deliver(&self, tail: &ChatTail, permit: UpstreamPermit) -> DeliveryResult {
        let Self { shared, business, chat, message, .. } = self;
        let endpoint = endpoint_of(message);
        let (mut permit, mut retries) = (Some(permit), 0);
        loop {
            shared.metrics.record_upstream_call(endpoint);
            let Err(error) = message.send(&shared.client, *business, *chat).await else {
                return DeliveryResult::Delivered(None);
            };
            drop(permit.take());
            let class = SendErrorClass::of(&error);
            if class == SendErrorClass::NotSent && (error.kind().is_some() || !error.is_retryable())
            {
                return DeliveryResult::NotDelivered(error);
            }
            shared.metrics.record_upstream_failure(endpoint);
            if let SendErrorClass::Uncertain { responded } = class {
                match self.reconcile(tail, responded).await {
                    None | Some(Reconciliation::HistoryUnavailable(_)) => {
                        return DeliveryResult::Unknown(error);
                    }
                    Some(Reconciliation::Found(ids)) => {
                        return DeliveryResult::Delivered(ids.last().copied().flatten());
                    }
                    Some(Reconciliation::Absent(_)) => {}
                }
            }
            let backoff = shared.send_once.pause_after(retries);
            // After the deadline the caller has got an error and doesn't expect a delivery.
            if Instant::now() + backoff >= self.deadline {
                return DeliveryResult::NotDelivered(error);
            }
            shared.send_once.pause(backoff).await;
            retries += 1;
        }
    }

    /// Reconciles the send with the history; `None` if the end of the chat was unknown before it.
    async fn reconcile(&self, tail: &ChatTail, responded: bool) -> Option<Reconciliation> {
        let since = tail.last_seen?;
        increment(&self.shared.metrics.send_reconciliations);
        let fingerprints: Vec<Fingerprint> =
            tail.sent.iter().chain([&self.fingerprint]).cloned().collect();
        let options = &self.shared.send_once;
        let settled = options.settled_at(responded);
        let send = UncertainSend {
            business: self.business,
            chat: self.chat,
            since,
            fingerprints: &fingerprints,
            settled,
            give_up: options.now().checked_add(options.deadline).unwrap_or(settled),
        };
        Some(options.reconcile(&self.shared.client, send).await)
    }
}

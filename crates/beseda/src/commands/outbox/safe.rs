//! `beseda chats send --safe` and `send-file --safe`: sends through the outbox if a folder is
//! given, else from memory.

use std::{
    future::Future,
    path::Path,
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use beseda_api::{ChatId, Error as ApiError, ErrorKind};
use beseda_client::{
    OutgoingMessage, SendOnce, SendOnceOptions, SendOutcome, send_once::Confirmation,
};
use beseda_outbox::{Error, Item, ItemState, NewItem, Outbox, OutboxEvent, OutboxId, RunSettings};
use futures::{FutureExt, future::FusedFuture};
use serde_json::json;

use super::{authors::AuthorRecorder, print_item, resume_command};
use crate::{
    args::{ConnectionArgs, SafeArgs},
    connect::ShopClient,
    exit_status::{ErrorClass, NotDelivered, SendFailed, StillQueued},
    output::Output,
    signals,
};

/// Polling interval while another process sends.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// Sends a message at most once and reports the outcome.
pub(crate) async fn send(
    out: Output,
    shop: ShopClient,
    chat: ChatId,
    message: OutgoingMessage,
    safe: &SafeArgs,
    connection: &ConnectionArgs,
) -> anyhow::Result<()> {
    match &safe.archive {
        Some(folder) => through_outbox(out, shop, chat, message, safe, folder, connection).await,
        None => from_memory(out, shop, chat, message, safe).await,
    }
}

async fn from_memory(
    out: Output,
    shop: ShopClient,
    chat: ChatId,
    message: OutgoingMessage,
    safe: &SafeArgs,
) -> anyhow::Result<()> {
    out.note("without --archive the message is kept in memory only and does not survive a crash of this program");
    let safety =
        SendOnceOptions { confirm_id: true, deadline: safe.give_up, ..safe.settle.safety() };
    match shop.client.send_once(shop.business, chat, message, None, &safety).await {
        SendOutcome::Delivered { message_id, confirmation: how } => {
            let how = if how == Confirmation::History { "found" } else { "answered" };
            let state = if message_id.is_some() { "confirmed" } else { "sent" };
            if out.is_json() {
                return out.document(
                    &json!({ "state": state, "chatId": chat, "messageId": message_id, "how": how }),
                );
            }
            let id = message_id.map_or(String::new(), |id| format!(" as message {id}"));
            out.say(format_args!("{state}{id}"))
        }
        SendOutcome::NotDelivered(error) => Err(NotDelivered(error).into()),
        SendOutcome::Unknown(error) => Err(SendFailed { chat, error }.into()),
    }
}

async fn through_outbox(
    out: Output,
    shop: ShopClient,
    chat: ChatId,
    message: OutgoingMessage,
    safe: &SafeArgs,
    folder: &Path,
    connection: &ConnectionArgs,
) -> anyhow::Result<()> {
    // From here on Ctrl-C reports the state of the message before exiting.
    let shutdown = signals::shutdown_signal()?;
    let outbox = Outbox::open(folder).await?;
    let operator = safe.operator.clone();
    let id =
        outbox.enqueue(NewItem { operator, ..NewItem::new(shop.business, chat, message) }).await?;
    out.note(format_args!("queued as {id}"));
    let last_error = LastError::default();
    let why = Mutex::new(None);
    let stop_waiting = async {
        let cause = tokio::select! {
            () = shutdown => "interrupted",
            () = tokio::time::sleep(safe.give_up) => "not sent in time",
        };
        *why.lock().unwrap_or_else(PoisonError::into_inner) = Some(cause);
    };
    let pending = PendingMessage { outbox: &outbox, id, last_error: Arc::clone(&last_error) };
    let item = match pending.until_final(shop, safe, folder, stop_waiting).await {
        Ok(Some(item)) => Ok(item),
        Ok(None) => {
            let why = why.lock().unwrap_or_else(PoisonError::into_inner).unwrap_or("interrupted");
            Err(pending.still_queued(why, folder, connection).await)
        }
        Err(error) => Err(error),
    };
    let item = match item {
        Err(error) if matches!(error.downcast_ref(), Some(Error::AccessDenied(_))) => {
            out.note(format_args!(
                "the message stays queued: {} sends it",
                resume_command(folder, connection)
            ));
            return Err(match error.downcast() {
                Ok(Error::AccessDenied(error)) => error.into(),
                Ok(error) => error.into(),
                Err(error) => error,
            });
        }
        item => item?,
    };
    if item.state == ItemState::Failed || item.state == ItemState::Cancelled {
        return Err(failed(&item));
    }
    if out.is_json() {
        return out.document(&item);
    }
    print_item(out, &item)
}

/// Returns the error of a failed message as the service reported it.
fn failed(item: &Item) -> anyhow::Error {
    let reason = item.reason.clone().unwrap_or_else(|| format!("it was {}", item.state));
    match item.status.and_then(ErrorKind::from_status) {
        Some(refusal) => NotDelivered(ApiError::new(refusal, reason)).into(),
        None => anyhow::anyhow!("{reason}"),
    }
}

/// Queued message that the command waits for.
struct PendingMessage<'a> {
    outbox: &'a Outbox,
    id: OutboxId,
    last_error: LastError,
}

/// Last error text of the service and its HTTP status.
type LastError = Arc<Mutex<Option<(String, Option<u16>)>>>;

impl PendingMessage<'_> {
    /// Sends the message, or waits for the process that does. Returns `None` if it is not final
    /// when the time is up.
    async fn until_final(
        &self,
        shop: ShopClient,
        safe: &SafeArgs,
        folder: &Path,
        stop_waiting: impl Future<Output = ()>,
    ) -> anyhow::Result<Option<Item>> {
        let api = Arc::new(shop.client);
        let authors = Arc::new(AuthorRecorder::open(folder)?);
        let mut stop_waiting = pin!(stop_waiting.fuse());
        loop {
            let (authors, last_error) = (Arc::clone(&authors), Arc::clone(&self.last_error));
            let send_once = safe.settle.safety();
            let settings = RunSettings { send_once, ..RunSettings::until_empty() };
            let settings = settings.on_event(move |event| match event {
                OutboxEvent::Changed(item) => authors.record(&item),
                OutboxEvent::Waiting { reason, status, .. } => {
                    let mut last_error = last_error.lock().unwrap_or_else(PoisonError::into_inner);
                    *last_error = Some((reason, status));
                }
                _ => {}
            });
            let stop = async {
                tokio::select! { () = &mut stop_waiting => {}, _ = self.wait_until_final() => {} }
            };
            match self.outbox.run(api.clone(), shop.business, settings, stop).await {
                Err(Error::AlreadyRunning(_)) => {
                    tokio::select! {
                        () = &mut stop_waiting => {},
                        _ = self.wait_until_final() => {},
                        () = tokio::time::sleep(POLL_INTERVAL) => {}
                    }
                }
                ran => ran?,
            }
            let item = self.outbox.get(self.id).await?;
            if item.is_final() {
                return Ok(Some(item));
            }
            if stop_waiting.is_terminated() {
                return Ok(None);
            }
        }
    }

    async fn wait_until_final(&self) -> beseda_outbox::Result<Item> {
        let mut version = 0;
        loop {
            version = self.outbox.changed(version).await?;
            let item = self.outbox.get(self.id).await?;
            if item.is_final() {
                return Ok(item);
            }
        }
    }

    /// Returns the error that the message stays in the outbox.
    async fn still_queued(
        &self,
        why: &str,
        folder: &Path,
        connection: &ConnectionArgs,
    ) -> anyhow::Error {
        let item = self.outbox.get(self.id).await;
        let state = item.map_or_else(|_| "queued".to_owned(), |item| item.state.to_string());
        let last_error = self.last_error.lock().unwrap_or_else(PoisonError::into_inner).take();
        let class = match &last_error {
            None => ErrorClass::Other,
            Some((_, None)) => ErrorClass::Network,
            Some((_, Some(420))) => ErrorClass::Limit,
            Some(_) => ErrorClass::Service,
        };
        let because = last_error.map_or(String::new(), |(reason, _)| format!(" ({reason})"));
        let (id, resume_command) = (self.id, resume_command(folder, connection));
        let text = format!("{why}{because}: message {id} stays in the outbox as {state}");
        StillQueued {
            text,
            hint: format!("{resume_command} sends it; don't send it yourself"),
            class,
        }
        .into()
    }
}

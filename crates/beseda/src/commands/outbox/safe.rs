//! `beseda chats send --safe` and `send-file --safe`: sends through the outbox if a folder is
//! given, else from memory.

use std::{
    future::Future,
    path::Path,
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use beseda_api::{ChatId, Error as ApiError, Refusal};
use beseda_client::{Outgoing, SafeSend, Safety, Sent, safe::How};
use beseda_outbox::{Error, Event, Item, NewItem, Outbox, OutboxId, RunSettings, State};
use futures::{FutureExt, future::FusedFuture};
use serde_json::json;

use super::{authors::Authors, go_on, told};
use crate::{
    args::{Connection, SafeArgs},
    connect::Shop,
    exit_status::{Class, NotDelivered, StillQueued, Unsent},
    output::Output,
    signals,
};

/// Polling interval while another process sends.
const LOOK: Duration = Duration::from_secs(1);

/// Sends a message at most once and reports the outcome.
pub(crate) async fn send(
    out: Output,
    shop: Shop,
    chat: ChatId,
    what: Outgoing,
    safe: &SafeArgs,
    connection: &Connection,
) -> anyhow::Result<()> {
    match &safe.archive {
        Some(folder) => through_outbox(out, shop, chat, what, safe, folder, connection).await,
        None => from_memory(out, shop, chat, what, safe).await,
    }
}

async fn from_memory(
    out: Output,
    shop: Shop,
    chat: ChatId,
    what: Outgoing,
    safe: &SafeArgs,
) -> anyhow::Result<()> {
    out.note("without --archive it is kept in memory only: it would not outlive this program");
    let safety = Safety { wants_id: true, longest: safe.give_up, ..safe.settle.safety() };
    match shop.client.send_once(shop.business, chat, what, None, &safety).await {
        Sent::Delivered { message_id, how } => {
            let how = if how == How::Found { "found" } else { "answered" };
            let state = if message_id.is_some() { "confirmed" } else { "sent" };
            if out.is_json() {
                return out.document(
                    &json!({ "state": state, "chatId": chat, "messageId": message_id, "how": how }),
                );
            }
            let id = message_id.map_or(String::new(), |id| format!(" as message {id}"));
            out.say(format_args!("{state}{id}"))
        }
        Sent::NotDelivered(error) => Err(NotDelivered(error).into()),
        Sent::Unknown(error) => Err(Unsent { chat, error }.into()),
    }
}

async fn through_outbox(
    out: Output,
    shop: Shop,
    chat: ChatId,
    what: Outgoing,
    safe: &SafeArgs,
    folder: &Path,
    connection: &Connection,
) -> anyhow::Result<()> {
    // From here on Ctrl-C reports the state of the message before exiting.
    let end = signals::asked_to_end()?;
    let outbox = Outbox::open(folder).await?;
    let operator = safe.operator.clone();
    let id =
        outbox.enqueue(NewItem { operator, ..NewItem::new(shop.business, chat, what) }).await?;
    out.note(format_args!("queued as {id}"));
    let trouble = Trouble::default();
    let why = Mutex::new(None);
    let enough = async {
        let over = tokio::select! {
            () = end => "interrupted",
            () = tokio::time::sleep(safe.give_up) => "not sent in time",
        };
        *why.lock().unwrap_or_else(PoisonError::into_inner) = Some(over);
    };
    let waiting = Waiting { outbox: &outbox, id, trouble: Arc::clone(&trouble) };
    let item = match waiting.until_final(shop, safe, folder, enough).await {
        Ok(Some(item)) => Ok(item),
        Ok(None) => {
            let why = why.lock().unwrap_or_else(PoisonError::into_inner).unwrap_or("interrupted");
            Err(waiting.left(why, folder, connection).await)
        }
        Err(error) => Err(error),
    };
    let item = match item {
        Err(error) if matches!(error.downcast_ref(), Some(Error::Denied(_))) => {
            out.note(format_args!("it stays queued: {} goes on", go_on(folder, connection)));
            return Err(match error.downcast() {
                Ok(Error::Denied(error)) => error.into(),
                Ok(error) => error.into(),
                Err(error) => error,
            });
        }
        item => item?,
    };
    if item.state == State::Failed || item.state == State::Cancelled {
        return Err(failed(&item));
    }
    if out.is_json() {
        return out.document(&item);
    }
    told(out, &item)
}

/// Returns the error of a failed message as the service reported it.
fn failed(item: &Item) -> anyhow::Error {
    let reason = item.reason.clone().unwrap_or_else(|| format!("it was {}", item.state));
    match item.status.and_then(Refusal::from_status) {
        Some(refusal) => NotDelivered(ApiError::refused(refusal, reason)).into(),
        None => anyhow::anyhow!("{reason}"),
    }
}

/// Queued message that the command waits for.
struct Waiting<'a> {
    outbox: &'a Outbox,
    id: OutboxId,
    trouble: Trouble,
}

/// Last error text of the service and its HTTP status.
type Trouble = Arc<Mutex<Option<(String, Option<u16>)>>>;

impl Waiting<'_> {
    /// Sends the message, or waits for the process that does. Returns `None` if it is not final
    /// when the time is up.
    async fn until_final(
        &self,
        shop: Shop,
        safe: &SafeArgs,
        folder: &Path,
        enough: impl Future<Output = ()>,
    ) -> anyhow::Result<Option<Item>> {
        let api = Arc::new(shop.client);
        let authors = Arc::new(Authors::of(folder)?);
        let mut enough = pin!(enough.fuse());
        loop {
            let (authors, trouble) = (Arc::clone(&authors), Arc::clone(&self.trouble));
            let safety = safe.settle.safety();
            let settings = RunSettings { safety, ..RunSettings::until_empty() };
            let settings = settings.on_event(move |event| match event {
                Event::Changed(item) => authors.note(&item),
                Event::Waiting { reason, status, .. } => {
                    let mut trouble = trouble.lock().unwrap_or_else(PoisonError::into_inner);
                    *trouble = Some((reason, status));
                }
                _ => {}
            });
            let stop = async {
                tokio::select! { () = &mut enough => {}, _ = self.over() => {} }
            };
            match self.outbox.run(api.clone(), shop.business, settings, stop).await {
                Err(Error::Held(_)) => {
                    tokio::select! {
                        () = &mut enough => {},
                        _ = self.over() => {},
                        () = tokio::time::sleep(LOOK) => {}
                    }
                }
                ran => ran?,
            }
            let item = self.outbox.get(self.id).await?;
            if item.is_final() {
                return Ok(Some(item));
            }
            if enough.is_terminated() {
                return Ok(None);
            }
        }
    }

    async fn over(&self) -> beseda_outbox::Result<Item> {
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
    async fn left(&self, why: &str, folder: &Path, connection: &Connection) -> anyhow::Error {
        let item = self.outbox.get(self.id).await;
        let state = item.map_or_else(|_| "queued".to_owned(), |item| item.state.to_string());
        let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner).take();
        let class = match &trouble {
            None => Class::Other,
            Some((_, None)) => Class::Network,
            Some((_, Some(420))) => Class::Limit,
            Some(_) => Class::Service,
        };
        let because = trouble.map_or(String::new(), |(reason, _)| format!(" ({reason})"));
        let (id, go_on) = (self.id, go_on(folder, connection));
        let text = format!("{why}{because}: message {id} stays in the outbox as {state}");
        StillQueued { text, hint: format!("{go_on} sends it; don't send it again"), class }.into()
    }
}

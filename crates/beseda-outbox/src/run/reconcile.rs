//! Reads a chat's history and confirms the messages in it.

use beseda_api::{ChatId, Message, MessageId, Sender};
use beseda_client::{ChatsExt, send_once::Fingerprint};

use super::{OutboxEvent, RunContext};
use crate::{Item, ItemState, Result, table};

/// Result of a reading.
pub(super) struct Reconciled {
    /// Last message of the chat; 0 if it has none.
    pub(super) last_message: i64,
    /// Messages that were found and are confirmed now.
    pub(super) confirmed: Vec<Item>,
}

/// Returns the fingerprint of a message.
pub(super) fn fingerprint(item: &Item) -> Fingerprint {
    match (&item.text, &item.file) {
        (_, Some(file)) => Fingerprint::File { name: file.name.clone(), size: file.size },
        (text, None) => Fingerprint::Text(text.clone().unwrap_or_default()),
    }
}

/// Reads the history as far back as these messages, given in the order they were sent, requires,
/// and confirms those that are in it. The outer error is the outbox's, the inner one the service's.
pub(super) async fn reconcile(
    shared: &RunContext,
    chat: ChatId,
    sent: &[Item],
) -> Result<Result<Reconciled, beseda_api::Error>> {
    let business = shared.business;
    let known = shared.outbox.read(move |tables| table::last_known(tables, business, chat)).await?;
    let since = sent.iter().filter_map(|item| item.baseline).min().or(known);
    let from = since.and_then(|id| MessageId::new(id).ok());
    let slot = shared.slots.acquire().await;
    let history = match shared.api.history_sorted(business, chat, from).await {
        Ok(history) => history,
        Err(error) => return Ok(Err(error)),
    };
    drop(slot);
    let last = history.last().map_or(0, |message| message.message_id.get());
    let known = last.max(known.unwrap_or(0));
    let sent = sent.to_vec();
    let now = shared.settings.send_once.now();
    let found = shared
        .outbox
        .write(move |tables| {
            let confirmed_ids = table::confirmed_ids(tables, business, chat, since.unwrap_or(0))?;
            let mut found = Vec::new();
            for (item, message) in match_messages(&history, &confirmed_ids, &sent) {
                table::confirm(tables, item.id, message.get(), now)?;
                found.push(table::get(tables, item.id)?);
            }
            table::set_last_known(tables, business, chat, known)?;
            Ok(found)
        })
        .await?;
    for item in &found {
        debug_assert_eq!(item.state, ItemState::Confirmed, "it was confirmed in the transaction");
        (shared.settings.on_event)(OutboxEvent::Changed(Box::new(item.clone())));
        shared.outbox.drop_file(item).await?;
    }
    Ok(Ok(Reconciled { last_message: known, confirmed: found }))
}

/// Matches sent messages to messages of the history. A message matches the first one with its
/// fingerprint that is not taken, comes after the match of the message sent before it, and is newer
/// than the last one known before it was sent. A retried message may have arrived long ago, so it
/// comes last and may be anywhere.
fn match_messages<'a>(
    history: &[Message],
    confirmed_ids: &[i64],
    sent: &'a [Item],
) -> Vec<(&'a Item, MessageId)> {
    let ours: Vec<&Message> = history
        .iter()
        .filter(|message| message.sender == Sender::Partner)
        .filter(|message| !confirmed_ids.contains(&message.message_id.get()))
        .collect();
    let (mut pairs, mut after): (Vec<(&Item, MessageId)>, i64) = (Vec::new(), 0);
    for item in sent {
        let fingerprint = fingerprint(item);
        let since = if item.uncertain { 0 } else { after };
        let least = item.baseline.unwrap_or(0).max(since);
        let taken = |message: &Message| pairs.iter().any(|(_, id)| *id == message.message_id);
        let fits = |message: &&&Message| {
            message.message_id.get() > least && fingerprint.matches(message) && !taken(message)
        };
        if let Some(message) = ours.iter().find(fits) {
            after = after.max(message.message_id.get());
            pairs.push((item, message.message_id));
        }
    }
    pairs
}

//! Reads a chat's history and confirms the messages of the outbox found in it.

use beseda_api::{ChatId, Message, MessageId, Sender};
use beseda_client::{ChatsExt, send_once::Fingerprint};

use super::context::RunContext;
use crate::{Item, ItemState, Result, table};

/// Result of a read of the history.
pub(super) struct ReconciledHistory {
    /// Last message of the chat; 0 if the chat is empty.
    pub(super) last_message: i64,
    /// Newly confirmed messages.
    pub(super) confirmed: Vec<Item>,
}

fn fingerprint(item: &Item) -> Fingerprint {
    match (&item.text, &item.file) {
        (_, Some(file)) => Fingerprint::File { name: file.name.clone(), size: file.size },
        (text, None) => Fingerprint::Text(text.clone().unwrap_or_default()),
    }
}

/// Reads the history as far back as these messages require, and confirms those that are in it.
/// `sent` is in the order of sending. The outer error is the outbox's, the inner one the service's.
pub(super) async fn reconcile(
    context: &RunContext,
    chat: ChatId,
    sent: &[Item],
) -> Result<Result<ReconciledHistory, beseda_api::Error>> {
    let (outbox, business) = (&context.outbox, context.business);
    let last_seen =
        outbox.read(move |connection| table::last_seen(connection, business, chat)).await?;
    let since = sent.iter().filter_map(|item| item.baseline).min().or(last_seen);
    let from = since.and_then(|id| MessageId::new(id).ok());
    let slot = context.call_slots.acquire().await;
    let history = match context.api.history_sorted(business, chat, from).await {
        Ok(history) => history,
        Err(error) => return Ok(Err(error)),
    };
    drop(slot);
    let last = history.last().map_or(0, |message| message.message_id.get());
    let last_message = last.max(last_seen.unwrap_or(0));
    let sent = sent.to_vec();
    let now = context.now();
    let confirmed = outbox
        .write(move |transaction| {
            let assigned = table::assigned_ids(transaction, business, chat, since.unwrap_or(0))?;
            let mut confirmed = Vec::new();
            for (item, message) in match_items(&history, &assigned, &sent) {
                table::confirm(transaction, item.id, message, now)?;
                confirmed.push(table::get(transaction, item.id)?);
            }
            table::set_last_seen(transaction, business, chat, last_message)?;
            Ok(confirmed)
        })
        .await?;
    for item in &confirmed {
        debug_assert_eq!(item.state, ItemState::Confirmed, "confirmed in the transaction above");
        context.emit_changed(item.clone());
        outbox.drop_file(item).await?;
    }
    Ok(Ok(ReconciledHistory { last_message, confirmed }))
}

/// Assigns messages of the history to items. Each item gets the first message that has its
/// fingerprint, is not assigned yet, follows the message of the item sent before it, and is newer
/// than its baseline. An item of uncertain delivery is a retry: it comes last in the queue, but may
/// have arrived before items that were sent since, so its message may be anywhere after the
/// baseline.
fn match_items<'a>(
    history: &[Message],
    assigned: &[i64],
    sent: &'a [Item],
) -> Vec<(&'a Item, MessageId)> {
    let own: Vec<&Message> = history
        .iter()
        .filter(|message| message.sender == Sender::Partner)
        .filter(|message| !assigned.contains(&message.message_id.get()))
        .collect();
    let (mut pairs, mut previous): (Vec<(&Item, MessageId)>, i64) = (Vec::new(), 0);
    for item in sent {
        let fingerprint = fingerprint(item);
        let previous_sent = if item.uncertain { 0 } else { previous };
        let after = item.baseline.unwrap_or(0).max(previous_sent);
        let is_taken = |message: &Message| pairs.iter().any(|(_, id)| *id == message.message_id);
        let matches = |message: &&&Message| {
            message.message_id.get() > after && fingerprint.matches(message) && !is_taken(message)
        };
        if let Some(message) = own.iter().find(matches) {
            previous = previous.max(message.message_id.get());
            pairs.push((item, message.message_id));
        }
    }
    pairs
}

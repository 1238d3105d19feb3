//! A look into a chat's history: which of our messages are there. What follows from it is decided in `lane.rs`.

use beseda_api::{ChatId, Message, MessageId, Sender};
use beseda_client::{ChatsExt, send_once::Fingerprint};

use super::{Event, Shared};
use crate::{Item, Result, State, table};

/// What a look saw.
pub(super) struct Look {
    /// The last message of the chat; 0 if it has none.
    pub(super) known: i64,
    /// The messages of ours that were found.
    pub(super) found: Vec<Item>,
}

/// What a message of ours looks like in the history.
pub(super) fn trace(item: &Item) -> Fingerprint {
    match (&item.text, &item.file) {
        (_, Some(file)) => Fingerprint::File { name: file.name.clone(), size: file.size },
        (text, None) => Fingerprint::Text(text.clone().unwrap_or_default()),
    }
}

/// Reads the history from where it has to be read for these messages, which are in the order they were sent, and
/// confirms those that are there. The outer error is the outbox's, the inner one the service's.
pub(super) async fn look(
    shared: &Shared,
    chat: ChatId,
    sent: &[Item],
) -> Result<Result<Look, beseda_api::Error>> {
    let business = shared.business;
    let known = shared.outbox.read(move |tables| table::known(tables, business, chat)).await?;
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
    let now = shared.settings.safety.now();
    let found = shared
        .outbox
        .write(move |tables| {
            let claimed = table::claimed(tables, business, chat, since.unwrap_or(0))?;
            let mut found = Vec::new();
            for (item, message) in matched(&history, &claimed, &sent) {
                table::confirm(tables, item.id, message.get(), now)?;
                found.push(table::get(tables, item.id)?);
            }
            table::set_known(tables, business, chat, known)?;
            Ok(found)
        })
        .await?;
    for item in &found {
        debug_assert_eq!(item.state, State::Confirmed, "it was confirmed in the transaction");
        (shared.settings.on_event)(Event::Changed(Box::new(item.clone())));
        shared.outbox.drop_file(item).await?;
    }
    Ok(Ok(Look { known, found }))
}

/// Which messages are which of ours: each of ours is the first that looks like it, is nobody's yet, stands behind the
/// one of ours that was sent before it, and is younger than what was known before it was sent. One that is tried again
/// may have arrived long ago, before those that were sent since: it comes last in the line, and may stand anywhere.
fn matched<'a>(
    history: &[Message],
    claimed: &[i64],
    sent: &'a [Item],
) -> Vec<(&'a Item, MessageId)> {
    let ours: Vec<&Message> = history
        .iter()
        .filter(|message| message.sender == Sender::Partner)
        .filter(|message| !claimed.contains(&message.message_id.get()))
        .collect();
    let (mut pairs, mut after): (Vec<(&Item, MessageId)>, i64) = (Vec::new(), 0);
    for item in sent {
        let trace = trace(item);
        let since = if item.doubt { 0 } else { after };
        let least = item.baseline.unwrap_or(0).max(since);
        let taken = |message: &Message| pairs.iter().any(|(_, id)| *id == message.message_id);
        let fits = |message: &&&Message| {
            message.message_id.get() > least && trace.matches(message) && !taken(message)
        };
        if let Some(message) = ours.iter().find(fits) {
            after = after.max(message.message_id.get());
            pairs.push((item, message.message_id));
        }
    }
    pairs
}

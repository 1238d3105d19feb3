//! Matches logged sends to archived messages, to record their message ids and authors. Makes no
//! upstream calls.

use beseda_api::{Endpoint, Message, MessageId, Sender};
use beseda_archive::Archive;

use crate::db::{
    GatewayDb,
    audit::{UnmatchedSend, sha256},
};

/// Age in hours above which an unmatched send is given up.
const MAX_AGE_HOURS: i64 = 48;
/// Maximum number of sends per run.
const BATCH_SIZE: u32 = 200;
/// Maximum number of messages searched for a send, from the last one known before it.
const SEARCH_WINDOW: u32 = 500;

/// Matches the sends whose messages have been archived since the last run.
pub(crate) async fn match_sends(
    db: &GatewayDb,
    archive: &Archive,
    now: jiff::Timestamp,
) -> beseda_api::Result<()> {
    let since = now.checked_sub(jiff::SignedDuration::from_hours(MAX_AGE_HOURS));
    let sends = db.unmatched_sends(since.unwrap_or(jiff::Timestamp::MIN), BATCH_SIZE).await?;
    for send in sends {
        let archive = archive.clone();
        let matched = tokio::task::spawn_blocking(move || {
            let Some(message) = find_message(&archive, &send)? else { return Ok(None) };
            archive.set_author(send.business, send.chat, message, &send.program)?;
            Ok::<_, beseda_archive::Error>(Some((send.id, message)))
        });
        let matched = matched.await.map_err(beseda_api::Error::internal)?;
        if let Some((id, message)) = matched.map_err(beseda_api::Error::internal)? {
            db.set_message_id(id, message).await?;
        }
    }
    Ok(())
}

/// Returns the message of a send: the `nth` equal one after the last message known before the send.
fn find_message(
    archive: &Archive,
    send: &UnmatchedSend,
) -> beseda_archive::Result<Option<MessageId>> {
    let history = archive.history(send.business, send.chat, send.since, SEARCH_WINDOW)?;
    let newer = history.iter().map(|archived| &archived.message);
    let newer = newer.filter(|message| Some(message.message_id) > send.since);
    let mut equal =
        newer.filter(|message| message.sender == Sender::Partner && is_equal(message, send));
    let nth = usize::try_from(send.nth.saturating_sub(1)).unwrap_or(usize::MAX);
    Ok(equal.nth(nth).map(|message| message.message_id))
}

/// Compares a message with a send: size for files, SHA-256 for texts.
fn is_equal(message: &Message, send: &UnmatchedSend) -> bool {
    if send.operation == Endpoint::SEND_FILE_TO_CHAT.name {
        return message.payload.iter().flatten().any(|file| i64::from(file.size) == send.size);
    }
    message.message.as_deref().is_some_and(|text| sha256(text.as_bytes()) == send.sha256)
}

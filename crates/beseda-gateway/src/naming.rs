//! Which message in the archive is which send of the audit, so that it gets its id and its author. The upstream isn't asked.

use beseda_api::{Endpoint, Message, MessageId, Sender};
use beseda_archive::Archive;

use crate::{
    ledger::{Ledger, Nameless},
    sends::sha256,
};

/// A send older than this stays without an id.
const OLDEST_HOURS: i64 = 48;
/// So many are looked at in one go.
const AT_ONCE: u32 = 200;
/// So many messages after the one before a send are searched for it.
const NEAR: u32 = 500;

/// Names every send whose message has come to the archive since the last time.
pub(crate) async fn name_sends(
    ledger: &Ledger,
    archive: &Archive,
    now: jiff::Timestamp,
) -> beseda_api::Result<()> {
    let since = now.checked_sub(jiff::SignedDuration::from_hours(OLDEST_HOURS));
    let all = ledger.nameless(since.unwrap_or(jiff::Timestamp::MIN), AT_ONCE).await?;
    for send in all {
        let archive = archive.clone();
        let looked = tokio::task::spawn_blocking(move || {
            let Some(message) = find(&archive, &send)? else { return Ok(None) };
            archive.set_author(send.business, send.chat, message, &send.program)?;
            Ok::<_, beseda_archive::Error>(Some((send.id, message)))
        });
        let looked = looked.await.map_err(beseda_api::Error::internal)?;
        if let Some((id, message)) = looked.map_err(beseda_api::Error::internal)? {
            ledger.name(id, message).await?;
        }
    }
    Ok(())
}

/// The message of a send: of those like it after the last one known before, the one whose turn it is.
fn find(archive: &Archive, send: &Nameless) -> beseda_archive::Result<Option<MessageId>> {
    let near = archive.history(send.business, send.chat, send.since, NEAR)?;
    let after = near.iter().map(|archived| &archived.message);
    let after = after.filter(|message| Some(message.message_id) > send.since);
    let mut like =
        after.filter(|message| message.sender == Sender::Partner && is_like(message, send));
    let nth = usize::try_from(send.nth.saturating_sub(1)).unwrap_or(usize::MAX);
    Ok(like.nth(nth).map(|message| message.message_id))
}

fn is_like(message: &Message, send: &Nameless) -> bool {
    if send.operation == Endpoint::SEND_FILE_TO_CHAT.name {
        return message.payload.iter().flatten().any(|file| i64::from(file.size) == send.size);
    }
    message.message.as_deref().is_some_and(|text| sha256(text.as_bytes()) == send.sha256)
}

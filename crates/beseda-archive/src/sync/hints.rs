//! Webhook notifications as hints which chats to read.

use std::collections::BTreeMap;

use beseda_api::{ErrorKind, MessageId, notification::Notification};
use futures::{StreamExt, stream};

use super::{PARALLEL, Syncer, history_sync::ReadCause};
use crate::{Error, Result, archive::ChatKey};

/// Hint about a chat.
#[derive(Debug, Clone, Copy, Default)]
struct Hint {
    /// Latest message.
    message: Option<MessageId>,
    /// True if the chat is new or its type or status changed.
    changed: bool,
}

/// Merges notifications by chat.
fn by_chat(told: Vec<Notification>) -> BTreeMap<ChatKey, Hint> {
    let mut hints: BTreeMap<ChatKey, Hint> = BTreeMap::new();
    for notification in told {
        let (key, message) = match notification {
            Notification::ChatMessageSent { chat_id, message_id, business_id, .. } => {
                (ChatKey { business_id, chat_id }, Some(message_id))
            }
            Notification::ChatCreated { chat_id, business_id, .. }
            | Notification::ChatArbitrageStarted { chat_id, business_id, .. }
            | Notification::ChatArbitrageFinished { chat_id, business_id, .. } => {
                (ChatKey { business_id, chat_id }, None)
            }
            _ => continue,
        };
        let hint = hints.entry(key).or_default();
        hint.message = hint.message.max(message);
        hint.changed |= message.is_none();
    }
    hints
}

impl Syncer {
    /// Reads the chats of some notifications: one call for a message of a known chat, one more for
    /// a new or changed chat.
    pub(super) async fn follow(&self, told: Vec<Notification>) -> Result<()> {
        let mut hints = by_chat(told);
        hints.retain(|key, _| self.cabinets.contains(&key.business_id));
        let followed = stream::iter(hints).map(|(key, hint)| self.follow_one(key, hint));
        let done: Vec<Result<()>> = followed.buffer_unordered(PARALLEL).collect().await;
        done.into_iter().collect()
    }

    async fn follow_one(&self, key: ChatKey, hint: Hint) -> Result<()> {
        if (hint.changed || self.archive.standing(key)?.is_none()) && !self.look_at(key).await? {
            return Ok(());
        }
        let Some(standing) = self.archive.standing(key)? else { return Ok(()) };
        if hint.message > standing.whole_to {
            self.read_chat(standing, ReadCause::Hinted).await?;
        }
        Ok(())
    }

    /// Reads one chat. Returns false if the service does not have it.
    async fn look_at(&self, key: ChatKey) -> Result<bool> {
        let now = self.clock.now();
        self.add(|tally| tally.calls.get_chat += 1);
        let chat = match self.api.get_chat(key.business_id, key.chat_id).await {
            Err(error) if error.kind() == Some(ErrorKind::NotFound) => return Ok(false),
            answer => answer.map_err(Error::Service)?,
        };
        self.write(move |write| {
            write.cabinet(key.business_id)?;
            write.chat(key.business_id, &chat, now).map(drop)
        })
        .await?;
        Ok(true)
    }
}

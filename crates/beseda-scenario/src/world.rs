//! What actors need: the two sides of the conversations, the time, and word of what happens. Nobody acts here.

use std::{
    collections::HashSet,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use beseda_api::{BusinessId, ChatId, ChatsApi, Clock, MarketSide, SystemClock};
use beseda_api::{SystemTimer, Timer};
use tokio::sync::broadcast::{self, error::RecvError};

/// Where actors act.
#[derive(Clone)]
pub struct World {
    /// The marketplace's side.
    pub market: Arc<dyn MarketSide>,
    /// The shop's side, by which they see what was said.
    pub chats: Arc<dyn ChatsApi>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Wakes them when it has come.
    pub timer: Arc<dyn Timer>,
    /// How they learn that something happened.
    pub changes: Changes,
    /// The chats that scenarios play in; casts leave them alone.
    pub claims: Claims,
}

impl World {
    /// A stage in another process: what happens there is asked for again and again.
    #[must_use]
    pub fn remote(
        market: Arc<dyn MarketSide>,
        chats: Arc<dyn ChatsApi>,
        interval: Duration,
    ) -> Self {
        Self {
            market,
            chats,
            clock: Arc::new(SystemClock),
            timer: Arc::new(SystemTimer),
            changes: Changes::polling(interval),
            claims: Claims::default(),
        }
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stage").field("changes", &self.changes).finish_non_exhaustive()
    }
}

/// Something that happened to a chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// Whose chat.
    pub business: BusinessId,
    /// Which chat.
    pub chat: ChatId,
}

/// How actors learn that something happened.
#[derive(Debug, Clone)]
pub struct Changes(ChangeSource);

#[derive(Debug, Clone)]
enum ChangeSource {
    Broadcast(broadcast::Sender<Change>),
    Polling(Duration),
}

impl Changes {
    /// They are told by this sender.
    #[must_use]
    pub fn broadcast(sender: broadcast::Sender<Change>) -> Self {
        Self(ChangeSource::Broadcast(sender))
    }

    /// They look at least this often.
    #[must_use]
    pub fn polling(interval: Duration) -> Self {
        Self(ChangeSource::Polling(interval))
    }

    /// Whether the stage is in this process, so that its dates go by our clock.
    pub(crate) fn is_local(&self) -> bool {
        matches!(self.0, ChangeSource::Broadcast(_))
    }

    /// Every change from here on; nothing where they have to ask.
    pub(crate) fn subscribe(&self) -> Option<broadcast::Receiver<Change>> {
        match &self.0 {
            ChangeSource::Broadcast(sender) => Some(sender.subscribe()),
            ChangeSource::Polling(_) => None,
        }
    }

    /// Begins to listen: what happens from here on is not missed.
    pub(crate) fn listen(&self) -> ChangeListener {
        match &self.0 {
            ChangeSource::Broadcast(sender) => ChangeListener::Broadcast(sender.subscribe()),
            ChangeSource::Polling(interval) => ChangeListener::Polling(*interval),
        }
    }
}

/// Somebody who listens.
pub(crate) enum ChangeListener {
    Broadcast(broadcast::Receiver<Change>),
    Polling(Duration),
}

impl ChangeListener {
    /// Ready when something may have happened in the cabinet.
    pub(crate) async fn changed(&mut self, business: BusinessId) {
        match self {
            Self::Polling(interval) => tokio::time::sleep(*interval).await,
            Self::Broadcast(receiver) => loop {
                match receiver.recv().await {
                    Ok(change) if change.business != business => {}
                    Ok(_) | Err(RecvError::Lagged(_)) => return,
                    Err(RecvError::Closed) => std::future::pending().await,
                }
            },
        }
    }
}

/// The chats that scenarios play in.
#[derive(Debug, Clone, Default)]
pub struct Claims(Arc<Mutex<HashSet<ChatId>>>);

impl Claims {
    pub(crate) fn claim(&self, chat: ChatId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(chat);
    }

    pub(crate) fn release(&self, chat: ChatId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&chat);
    }

    pub(crate) fn contains(&self, chat: ChatId) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&chat)
    }
}

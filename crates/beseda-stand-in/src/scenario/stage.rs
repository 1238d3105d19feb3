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
pub struct Stage {
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

impl Stage {
    /// A stage in another process: what happens there is asked for again and again.
    #[must_use]
    pub fn remote(market: Arc<dyn MarketSide>, chats: Arc<dyn ChatsApi>, every: Duration) -> Self {
        Self {
            market,
            chats,
            clock: Arc::new(SystemClock),
            timer: Arc::new(SystemTimer),
            changes: Changes::asked(every),
            claims: Claims::default(),
        }
    }
}

impl fmt::Debug for Stage {
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
pub struct Changes(Source);

#[derive(Debug, Clone)]
enum Source {
    Told(broadcast::Sender<Change>),
    Asked(Duration),
}

impl Changes {
    /// They are told by this sender.
    #[must_use]
    pub fn told(by: broadcast::Sender<Change>) -> Self {
        Self(Source::Told(by))
    }

    /// They look at least this often.
    #[must_use]
    pub fn asked(every: Duration) -> Self {
        Self(Source::Asked(every))
    }

    /// Whether the stage is in this process, so that its dates go by our clock.
    pub(super) fn are_told(&self) -> bool {
        matches!(self.0, Source::Told(_))
    }

    /// Every change from here on; nothing where they have to ask.
    pub(super) fn subscribe(&self) -> Option<broadcast::Receiver<Change>> {
        match &self.0 {
            Source::Told(sender) => Some(sender.subscribe()),
            Source::Asked(_) => None,
        }
    }

    /// Begins to listen: what happens from here on is not missed.
    pub(super) fn listen(&self) -> Listener {
        match &self.0 {
            Source::Told(sender) => Listener::Told(sender.subscribe()),
            Source::Asked(every) => Listener::Asked(*every),
        }
    }
}

/// Somebody who listens.
pub(super) enum Listener {
    Told(broadcast::Receiver<Change>),
    Asked(Duration),
}

impl Listener {
    /// Ready when something may have happened in the cabinet.
    pub(super) async fn changed(&mut self, business: BusinessId) {
        match self {
            Self::Asked(every) => tokio::time::sleep(*every).await,
            Self::Told(receiver) => loop {
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
    pub(super) fn claim(&self, chat: ChatId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(chat);
    }

    pub(super) fn release(&self, chat: ChatId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&chat);
    }

    pub(super) fn has(&self, chat: ChatId) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&chat)
    }
}

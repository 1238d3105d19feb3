//! Environment of the participants: both sides of the API, clock, timer and change events.

use std::{
    collections::HashSet,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use beseda_api::{BusinessId, ChatId, ChatsApi, Clock, MarketSide, SystemClock};
use beseda_api::{SystemTimer, Timer};
use tokio::sync::broadcast::{self, error::RecvError};

/// Environment in which participants act.
#[derive(Clone)]
pub struct ScenarioWorld {
    /// Marketplace side.
    pub market: Arc<dyn MarketSide>,
    /// Shop side; also used to read histories.
    pub chats: Arc<dyn ChatsApi>,
    /// Clock.
    pub clock: Arc<dyn Clock>,
    /// Timer of the same clock.
    pub timer: Arc<dyn Timer>,
    /// Source of change events.
    pub changes: Changes,
    /// Chats used by scenarios; automatic buyers ignore them.
    pub claims: Claims,
}

impl ScenarioWorld {
    /// Creates an environment for a server in another process, which is polled for changes.
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

impl fmt::Debug for ScenarioWorld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScenarioWorld").field("changes", &self.changes).finish_non_exhaustive()
    }
}

/// Change of a chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChatChange {
    /// Cabinet.
    pub business: BusinessId,
    /// Chat.
    pub chat: ChatId,
}

/// Source of change events: a broadcast channel or polling.
#[derive(Debug, Clone)]
pub struct Changes(ChangeSource);

#[derive(Debug, Clone)]
enum ChangeSource {
    Broadcast(broadcast::Sender<ChatChange>),
    Polling(Duration),
}

impl Changes {
    /// Creates a source backed by a broadcast channel.
    #[must_use]
    pub fn broadcast(sender: broadcast::Sender<ChatChange>) -> Self {
        Self(ChangeSource::Broadcast(sender))
    }

    /// Creates a source that polls at this interval.
    #[must_use]
    pub fn polling(interval: Duration) -> Self {
        Self(ChangeSource::Polling(interval))
    }

    /// Returns whether changes come from this process, so that dates of messages use our clock.
    pub(crate) fn is_local(&self) -> bool {
        matches!(self.0, ChangeSource::Broadcast(_))
    }

    /// Subscribes to changes from now on. Returns `None` when polling.
    pub(crate) fn subscribe(&self) -> Option<broadcast::Receiver<ChatChange>> {
        match &self.0 {
            ChangeSource::Broadcast(sender) => Some(sender.subscribe()),
            ChangeSource::Polling(_) => None,
        }
    }

    /// Starts listening; no later change is missed.
    pub(crate) fn listen(&self) -> ChangeListener {
        match &self.0 {
            ChangeSource::Broadcast(sender) => ChangeListener::Broadcast(sender.subscribe()),
            ChangeSource::Polling(interval) => ChangeListener::Polling(*interval),
        }
    }
}

/// Receiver of changes.
pub(crate) enum ChangeListener {
    Broadcast(broadcast::Receiver<ChatChange>),
    Polling(Duration),
}

impl ChangeListener {
    /// Waits until something may have changed in the cabinet.
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

/// Set of chats used by scenarios.
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

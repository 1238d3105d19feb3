//! Settings and events of a run.

use std::{fmt, sync::Arc, time::Duration};

use beseda_api::ChatId;
use beseda_client::SendOnceOptions;
use jiff::Timestamp;

use crate::Item;

/// Event of a run.
///
/// ```
/// use beseda_outbox::{OutboxEvent, RunSettings};
///
/// let settings = RunSettings::until_empty().on_event(|event| match event {
///     OutboxEvent::Changed(item) => println!("message {} is {}", item.id, item.state),
///     OutboxEvent::Waiting { chat, reason, .. } => println!("chat {chat} is waiting: {reason}"),
///     OutboxEvent::Paused { reason, until } => println!("paused until {until}: {reason}"),
///     _ => {}
/// });
/// # drop(settings);
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum OutboxEvent {
    /// The state of a message has changed on disk.
    Changed(Box<Item>),
    /// A chat's queue waits, because of a limit or a failure.
    Waiting {
        /// Chat.
        chat: ChatId,
        /// Error message.
        reason: String,
        /// HTTP status of the reason, if there was a response.
        status: Option<u16>,
        /// End of the wait.
        until: Timestamp,
    },
    /// All queues wait: the credential is rejected, or the URL is not the API's.
    Paused {
        /// Error message.
        reason: String,
        /// End of the wait.
        until: Timestamp,
    },
}

/// Settings of [`crate::Outbox::run`].
///
/// ```
/// use std::time::Duration;
/// use beseda_client::SendOnceOptions;
/// use beseda_outbox::RunSettings;
///
/// // The proxy in front of the service holds requests back for up to 30 s.
/// let send_once = SendOnceOptions { settle_time: Duration::from_secs(32), ..Default::default() };
/// let settings = RunSettings { send_once, concurrency: 2, ..RunSettings::default() };
/// # drop(settings);
/// ```
#[derive(Clone)]
#[must_use]
pub struct RunSettings {
    /// Settle times, pauses and clock. `max_retries`, `deadline` and `confirm_id` are ignored: a
    /// run retries until it ends.
    pub send_once: SendOnceOptions,
    /// Maximum number of concurrent calls. Defaults to 3, one less than the service allows.
    pub concurrency: usize,
    /// Maximum age of the last read of a chat's history when a message is sent to it. Defaults to
    /// 5 s. An equal text that somebody else has written since then could be taken for this one.
    pub history_max_age: Duration,
    /// Maximum number of sent messages of a chat whose ids are looked up with one read of the
    /// history. Defaults to 20.
    pub confirm_batch: usize,
    /// Pause of all chats when the credential is rejected. Defaults to 60 s.
    pub access_retry_interval: Duration,
    /// Time that requests in flight get to finish when the run is stopped. Defaults to 10 s.
    pub shutdown_grace: Duration,
    /// Ends the run when nothing is left to do or the credential is rejected. Defaults to `false`.
    pub until_empty: bool,
    /// Callback for every event.
    pub on_event: Arc<dyn Fn(OutboxEvent) + Send + Sync>,
}

impl Default for RunSettings {
    fn default() -> Self {
        Self {
            send_once: SendOnceOptions::default(),
            concurrency: 3,
            history_max_age: Duration::from_secs(5),
            confirm_batch: 20,
            access_retry_interval: Duration::from_secs(60),
            shutdown_grace: Duration::from_secs(10),
            until_empty: false,
            on_event: Arc::new(|_| {}),
        }
    }
}

impl fmt::Debug for RunSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunSettings")
            .field("send_once", &self.send_once)
            .field("concurrency", &self.concurrency)
            .field("until_empty", &self.until_empty)
            .finish_non_exhaustive()
    }
}

impl RunSettings {
    /// Returns the defaults with `until_empty` set.
    pub fn until_empty() -> Self {
        Self { until_empty: true, ..Self::default() }
    }

    /// Sets the callback for events.
    pub fn on_event(mut self, callback: impl Fn(OutboxEvent) + Send + Sync + 'static) -> Self {
        self.on_event = Arc::new(callback);
        self
    }
}

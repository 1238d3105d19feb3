//! What came of a scenario: which steps were done when, and why it failed if it did. For machines; people get lines from it.

use std::{collections::BTreeMap, fmt};

use beseda_api::{ChatId, MessageId, Time};
use serde::{Deserialize, Serialize};

/// How far a scenario is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum RunState {
    /// It plays.
    Running,
    /// Every step was done.
    Done,
    /// A step could not be done, or what it waited for didn't come.
    Failed,
    /// It was asked to stop.
    Stopped,
}

/// A scenario that plays or has played.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScenarioReport {
    /// The scenario's name.
    pub scenario: String,
    /// How far it is.
    pub state: RunState,
    /// When it began.
    pub started_at: Time,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Time>,
    /// The chats it has named.
    pub chats: BTreeMap<String, ChatId>,
    /// What was done, the first first.
    pub steps: Vec<StepReport>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<StepFailure>,
    /// Whether it waits for time or for somebody else.
    #[serde(skip)]
    pub(crate) is_idle: bool,
}

/// A step that was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StepReport {
    /// Its line in the scenario.
    pub line: usize,
    /// Its verb.
    pub step: String,
    /// When.
    pub at: Time,
    /// In which chat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chat_id: Option<ChatId>,
    /// The message that was written or waited for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<MessageId>,
    /// What else is to be said of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// The step that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepFailure {
    /// Its line in the scenario.
    pub line: usize,
    /// Its verb.
    pub step: String,
    /// Why.
    pub reason: String,
}

impl fmt::Display for StepFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}: {}", self.line, self.step, self.reason)
    }
}

//! Report of a scenario: completed steps with their times, and the reason of a failure.

use std::{collections::BTreeMap, fmt};

use beseda_api::{ChatId, MessageId, Time};
use serde::{Deserialize, Serialize};

/// State of a scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum RunState {
    /// Still running.
    Running,
    /// All steps succeeded.
    Done,
    /// A step failed or a wait timed out.
    Failed,
    /// Stopped on request.
    Stopped,
}

/// Progress or result of a scenario.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScenarioReport {
    /// Name of the scenario.
    pub scenario: String,
    /// State.
    pub state: RunState,
    /// Start time.
    pub started_at: Time,
    /// End time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Time>,
    /// Chats named so far.
    pub chats: BTreeMap<String, ChatId>,
    /// Completed steps, in order.
    pub steps: Vec<StepReport>,
    /// Reason of a failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<StepFailure>,
    /// Waiting for time to pass or for somebody else to act.
    #[serde(skip)]
    pub(crate) is_idle: bool,
}

/// Completed step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StepReport {
    /// Line in the scenario.
    pub line: usize,
    /// Verb.
    pub step: String,
    /// Time.
    pub at: Time,
    /// Chat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chat_id: Option<ChatId>,
    /// Message written or waited for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<MessageId>,
    /// Additional remark.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Failed step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepFailure {
    /// Line in the scenario.
    pub line: usize,
    /// Verb.
    pub step: String,
    /// Reason.
    pub reason: String,
}

impl fmt::Display for StepFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}: {}", self.line, self.step, self.reason)
    }
}

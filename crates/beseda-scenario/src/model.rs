//! Parsed and validated scenario.

use std::time::Duration;

use beseda_api::{
    BusinessId, ChatContext, ChatId, ChatStatus, ChatType, Customer, NewOrder, NewReturn, Sender,
    WaitingFor,
};
use bytes::Bytes;
use regex::Regex;

use crate::yaml::Location;

/// Script of one cabinet: who does what, and when.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// Name.
    pub name: String,
    /// Cabinet to play in. `None` leaves the choice to the caller.
    pub cabinet: Option<BusinessId>,
    /// Timeout of waits without one of their own.
    pub(crate) default_timeout: Duration,
    pub(crate) orders: Vec<(Location, NewOrder)>,
    pub(crate) returns: Vec<(Location, NewReturn)>,
    pub(crate) steps: Vec<ScriptStep>,
}

/// One step of the script.
#[derive(Debug, Clone)]
pub(crate) struct ScriptStep {
    pub(crate) location: Location,
    /// Verb as written in the file.
    pub(crate) verb: &'static str,
    pub(crate) action: StepAction,
    /// Expected HTTP status of a rejected step.
    pub(crate) refused: Option<u16>,
}

/// Reference to a chat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ChatRef {
    /// Name given by an earlier step.
    Named(String),
    /// Chat id.
    Id(ChatId),
}

/// Subject of a dispute.
#[derive(Debug, Clone)]
pub(crate) enum DisputeSubject {
    Chat(ChatRef),
    Context(ChatContext),
}

/// Action of a step.
#[derive(Debug, Clone)]
pub(crate) enum StepAction {
    /// A buyer opens a chat.
    OpenChat {
        name: String,
        context: Option<ChatContext>,
        customer: Option<Customer>,
        text: Option<String>,
    },
    /// The shop creates a chat.
    CreateChat {
        name: String,
        context: ChatContext,
    },
    Write {
        sender: Sender,
        text: String,
        waiting_for: Option<WaitingFor>,
        chat: ChatRef,
    },
    Send {
        sender: Sender,
        name: String,
        content: Bytes,
        chat: ChatRef,
    },
    Sticker {
        sender: Sender,
        chat: ChatRef,
    },
    Dispute {
        name: String,
        subject: DisputeSubject,
        text: Option<String>,
    },
    Resolve {
        chat: ChatRef,
    },
    Close {
        chat: ChatRef,
    },
    Pause(Duration),
    Await {
        condition: WaitCondition,
        within: Option<Duration>,
        otherwise: Option<Vec<ScriptStep>>,
    },
    Expect {
        expected: Expectation,
        chat: ChatRef,
    },
    Repeat {
        times: u32,
        steps: Vec<ScriptStep>,
    },
}

/// Condition of a wait.
#[derive(Debug, Clone)]
pub(crate) enum WaitCondition {
    Message { pattern: MessagePattern, chat: ChatRef },
    Status { status: ChatStatus, chat: ChatRef },
    Chat { name: String, context: ChatContext, chat_type: ChatType },
}

/// Condition that must hold immediately.
#[derive(Debug, Clone)]
pub(crate) enum Expectation {
    Status(ChatStatus),
    Messages(usize),
    Message(MessagePattern),
}

/// Filter for messages.
#[derive(Debug, Clone)]
pub(crate) struct MessagePattern {
    /// Sender; `None` matches every sender.
    pub(crate) sender: Option<Sender>,
    pub(crate) kind: Option<MessageKind>,
    /// Regular expression for the text or the file name.
    pub(crate) matching: Option<Regex>,
}

/// Content type of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MessageKind {
    Text,
    File,
    Sticker,
}

impl MessagePattern {
    /// Returns whether the message matches.
    pub(crate) fn matches(&self, message: &beseda_api::Message) -> bool {
        let kind = match (&message.message, &message.payload) {
            (Some(_), _) => MessageKind::Text,
            (None, Some(_)) => MessageKind::File,
            (None, None) => MessageKind::Sticker,
        };
        let files = message.payload.iter().flatten().map(|file| &file.name);
        let mut words = message.message.iter().chain(files);
        self.sender.as_ref().is_none_or(|sender| *sender == message.sender)
            && self.kind.is_none_or(|wanted| wanted == kind)
            && self.matching.as_ref().is_none_or(|regex| words.any(|text| regex.is_match(text)))
    }
}

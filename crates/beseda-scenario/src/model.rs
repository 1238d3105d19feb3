//! A scenario as it stands in memory once everything in it was found right. Neither read nor played here.

use std::time::Duration;

use beseda_api::{
    BusinessId, ChatContext, ChatId, ChatStatus, ChatType, Customer, NewOrder, NewReturn, Sender,
    WaitingFor,
};
use bytes::Bytes;
use regex::Regex;

use crate::yaml::Location;

/// Who says and does what when, in one cabinet.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// What it is called.
    pub name: String,
    /// The cabinet it plays in; whoever plays it decides if `None`.
    pub cabinet: Option<BusinessId>,
    /// How long a step waits for its condition unless it says otherwise.
    pub(crate) default_timeout: Duration,
    pub(crate) orders: Vec<(Location, NewOrder)>,
    pub(crate) returns: Vec<(Location, NewReturn)>,
    pub(crate) steps: Vec<ScriptStep>,
}

/// One line of the script.
#[derive(Debug, Clone)]
pub(crate) struct ScriptStep {
    pub(crate) location: Location,
    /// Its verb as written.
    pub(crate) verb: &'static str,
    pub(crate) action: StepAction,
    /// The HTTP status of the refusal that it must end with.
    pub(crate) refused: Option<u16>,
}

/// A chat as a step names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ChatRef {
    /// By the name an earlier step gave it.
    Named(String),
    /// By its id.
    Id(ChatId),
}

/// What a dispute is about.
#[derive(Debug, Clone)]
pub(crate) enum DisputeSubject {
    Chat(ChatRef),
    Context(ChatContext),
}

/// What happens in a step.
#[derive(Debug, Clone)]
pub(crate) enum StepAction {
    /// A buyer opens a chat.
    OpenChat {
        name: String,
        context: Option<ChatContext>,
        customer: Option<Customer>,
        text: Option<String>,
    },
    /// The shop opens one.
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

/// What a step waits for.
#[derive(Debug, Clone)]
pub(crate) enum WaitCondition {
    Message { pattern: MessagePattern, chat: ChatRef },
    Status { status: ChatStatus, chat: ChatRef },
    Chat { name: String, context: ChatContext, chat_type: ChatType },
}

/// What must be so at once.
#[derive(Debug, Clone)]
pub(crate) enum Expectation {
    Status(ChatStatus),
    Messages(usize),
    Message(MessagePattern),
}

/// Which messages are meant.
#[derive(Debug, Clone)]
pub(crate) struct MessagePattern {
    /// Anyone if `None`.
    pub(crate) sender: Option<Sender>,
    pub(crate) kind: Option<MessageKind>,
    /// What its text, or the name of its file, holds.
    pub(crate) matching: Option<Regex>,
}

/// What a message consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MessageKind {
    Text,
    File,
    Sticker,
}

impl MessagePattern {
    /// Whether a message is one of these.
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

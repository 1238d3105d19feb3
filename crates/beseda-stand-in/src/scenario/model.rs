//! A scenario as it stands in memory once everything in it was found right. Neither read nor played here.

use std::time::Duration;

use beseda_api::{
    BusinessId, ChatContext, ChatId, ChatStatus, ChatType, Customer, NewOrder, NewReturn, Sender,
    WaitingFor,
};
use bytes::Bytes;
use regex::Regex;

use super::yaml::Place;

/// Who says and does what when, in one cabinet.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// What it is called.
    pub name: String,
    /// The cabinet it plays in; whoever plays it decides if `None`.
    pub cabinet: Option<BusinessId>,
    /// How long a step waits for its condition unless it says otherwise.
    pub(super) patience: Duration,
    pub(super) orders: Vec<(Place, NewOrder)>,
    pub(super) returns: Vec<(Place, NewReturn)>,
    pub(super) steps: Vec<Step>,
}

/// One line of the script.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) place: Place,
    /// Its verb as written.
    pub(super) words: &'static str,
    pub(super) act: Act,
    /// The HTTP status of the refusal that it must end with.
    pub(super) refused: Option<u16>,
}

/// A chat as a step names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ChatRef {
    /// By the name an earlier step gave it.
    Named(String),
    /// By its id.
    Id(ChatId),
}

/// What a dispute is about.
#[derive(Debug, Clone)]
pub(super) enum About {
    Chat(ChatRef),
    Context(ChatContext),
}

/// What happens in a step.
#[derive(Debug, Clone)]
pub(super) enum Act {
    /// A buyer opens a chat.
    Open {
        name: String,
        context: Option<ChatContext>,
        customer: Option<Customer>,
        text: Option<String>,
    },
    /// The shop opens one.
    Create {
        name: String,
        context: ChatContext,
    },
    Write {
        by: Sender,
        text: String,
        waiting_for: Option<WaitingFor>,
        chat: ChatRef,
    },
    Send {
        by: Sender,
        name: String,
        content: Bytes,
        chat: ChatRef,
    },
    Sticker {
        by: Sender,
        chat: ChatRef,
    },
    Dispute {
        name: String,
        about: About,
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
        condition: Condition,
        within: Option<Duration>,
        otherwise: Option<Vec<Step>>,
    },
    Expect {
        expected: Expected,
        chat: ChatRef,
    },
    Repeat {
        times: u32,
        steps: Vec<Step>,
    },
}

/// What a step waits for.
#[derive(Debug, Clone)]
pub(super) enum Condition {
    Message { pattern: Pattern, chat: ChatRef },
    Status { status: ChatStatus, chat: ChatRef },
    Chat { name: String, context: ChatContext, chat_type: ChatType },
}

/// What must be so at once.
#[derive(Debug, Clone)]
pub(super) enum Expected {
    Status(ChatStatus),
    Messages(usize),
    Message(Pattern),
}

/// Which messages are meant.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    /// Anyone if `None`.
    pub(super) by: Option<Sender>,
    pub(super) kind: Option<Kind>,
    /// What its text, or the name of its file, holds.
    pub(super) matching: Option<Regex>,
}

/// What a message consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    File,
    Sticker,
}

impl Pattern {
    /// Whether a message is one of these.
    pub(super) fn fits(&self, message: &beseda_api::Message) -> bool {
        let kind = match (&message.message, &message.payload) {
            (Some(_), _) => Kind::Text,
            (None, Some(_)) => Kind::File,
            (None, None) => Kind::Sticker,
        };
        let files = message.payload.iter().flatten().map(|file| &file.name);
        let mut words = message.message.iter().chain(files);
        self.by.as_ref().is_none_or(|by| *by == message.sender)
            && self.kind.is_none_or(|wanted| wanted == kind)
            && self.matching.as_ref().is_none_or(|regex| words.any(|text| regex.is_match(text)))
    }
}

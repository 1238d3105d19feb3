//! Parses the steps of a script: each verb with its fields.

use std::{path::Path, str::FromStr};

use base64::{Engine, prelude::BASE64_STANDARD};
use beseda_api::{
    ChatContext, ChatId, ChatStatus, ChatType, FileName, MAX_FILE_BYTES, MessageText, OrderId,
    ReturnId, Sender, WaitingFor,
};
use bytes::Bytes;

use super::{
    FileSource, Parser,
    fields::{self, Fields},
};
use crate::{
    model::{
        ChatRef, DisputeSubject, Expectation, MessageKind, MessagePattern, ScriptStep, StepAction,
        WaitCondition,
    },
    yaml::{Location, YamlNode, YamlValue},
};

/// All verbs, as listed in `docs/scenarios.md`.
const VERBS: &[&str] = &[
    "buyer opens",
    "shop opens",
    "buyer writes",
    "shop writes",
    "market writes",
    "support writes",
    "arbiter writes",
    "buyer sends",
    "shop sends",
    "market sends",
    "support sends",
    "arbiter sends",
    "buyer sends a sticker",
    "market sends a sticker",
    "support sends a sticker",
    "arbiter sends a sticker",
    "buyer disputes",
    "arbiter asks",
    "arbiter finishes",
    "market closes",
    "wait",
    "wait for",
    "wait for status",
    "wait for chat",
    "expect status",
    "expect messages",
    "expect message",
    "repeat",
];

/// Maximum of `repeat`, so that a short file can't cause unbounded work.
const MAX_REPEATS: u64 = 10_000;

/// Step being parsed.
struct StepFields<'n> {
    location: Location,
    verb: &'static str,
    value: Option<&'n YamlNode>,
    fields: Fields<'n>,
}

impl Parser<'_> {
    pub(crate) fn steps(&mut self, node: &YamlNode) -> Vec<ScriptStep> {
        let items = fields::items(node, &mut self.errors);
        if items.is_empty() && matches!(node.value, YamlValue::List(_)) {
            self.errors.add(node.location, "`steps` is empty");
        }
        items.iter().filter_map(|item| self.step(item)).collect()
    }

    fn step(&mut self, node: &YamlNode) -> Option<ScriptStep> {
        let mut line = self.line(node)?;
        let refused = self.refusal(&mut line);
        let (location, verb) = (line.location, line.verb);
        let (names, current) = (self.names.len(), self.current.clone());
        let action = self.perform(&mut line);
        if refused.is_some() {
            // A rejected step opens no chat.
            self.names.truncate(names);
            if matches!(
                action,
                Some(
                    StepAction::OpenChat { .. }
                        | StepAction::CreateChat { .. }
                        | StepAction::Dispute { .. }
                )
            ) {
                self.current = current;
            }
        }
        line.fields.reject_unknown(&mut self.errors);
        Some(ScriptStep { location, verb, action: action?, refused })
    }

    /// Finds the verb. A step is a mapping with exactly one verb, or a verb alone.
    fn line<'n>(&mut self, node: &'n YamlNode) -> Option<StepFields<'n>> {
        let location = node.location;
        let known = |words: Option<&str>| VERBS.iter().copied().find(|verb| Some(*verb) == words);
        let YamlValue::Map(entries) = &node.value else {
            let verb = known(node.as_str());
            if verb.is_none() {
                self.errors
                    .add(location, unknown_verb(node.as_str().unwrap_or_else(|| node.kind())));
            }
            return Some(StepFields { location, verb: verb?, value: None, fields: Fields::none() });
        };
        let verbs: Vec<&'static str> =
            entries.iter().filter_map(|(key, _)| known(key.as_str())).collect();
        let [verb] = verbs.as_slice() else {
            let first = entries.first().and_then(|(key, _)| key.as_str()).unwrap_or_default();
            let reason = match verbs.as_slice() {
                [] => unknown_verb(first),
                [one, two, ..] => {
                    format!("a step has one verb: split `{one}` and `{two}` into two steps")
                }
                [_] => return None,
            };
            self.errors.add(location, reason);
            return None;
        };
        let mut fields = Fields::of(node, &mut self.errors)?;
        let value = fields.take_entry(verb).map(|(_, value)| value);
        let value = value.filter(|value| !matches!(value.value, YamlValue::Null));
        let location = entries.first().map_or(location, |(key, _)| key.location);
        Some(StepFields { location, verb, value, fields })
    }

    fn perform(&mut self, line: &mut StepFields<'_>) -> Option<StepAction> {
        if let Some((who, verb)) = line.verb.split_once(' ')
            && let Some(sender) = actor(who)
        {
            match verb {
                "writes" => return self.writes(line, sender),
                "sends" => return self.sends(line, sender),
                "sends a sticker" => {
                    return Some(StepAction::Sticker { sender, chat: self.chat(line)? });
                }
                _ => {}
            }
        }
        match line.verb {
            "buyer opens" => self.opens(line),
            "shop opens" => {
                let context = self.context(line);
                let (name, context) = (self.name(line)?, self.required(line, context)?);
                Some(StepAction::CreateChat { name, context })
            }
            "buyer disputes" => self.disputes(line),
            "arbiter asks" => self.asks(line),
            "arbiter finishes" => Some(StepAction::Resolve { chat: self.chat_as_value(line)? }),
            "market closes" => Some(StepAction::Close { chat: self.chat_as_value(line)? }),
            "wait" => {
                let value = self.value(line, "how long, as 3s or 1h 30m")?;
                fields::duration(value, &mut self.errors).map(StepAction::Pause)
            }
            "repeat" => self.repeats(line),
            waiting if waiting.starts_with("wait for") => self.waits(line),
            _ => self.expects(line),
        }
    }

    fn opens(&mut self, line: &mut StepFields<'_>) -> Option<StepAction> {
        let context = self.context(line);
        let customer = self.customer(&mut line.fields);
        let text = self.text(line, "text");
        Some(StepAction::OpenChat { name: self.name(line)?, context, customer, text })
    }

    fn writes(&mut self, line: &mut StepFields<'_>, sender: Sender) -> Option<StepAction> {
        let chat = self.chat(line);
        let waiting_for = match sender {
            Sender::Support => line.fields.take("waiting for").and_then(|node| self.side(node)),
            _ => None,
        };
        let text = self.value(line, "the text").and_then(|node| self.message_text(node));
        Some(StepAction::Write { sender, text: text?, waiting_for, chat: chat? })
    }

    fn sends(&mut self, line: &mut StepFields<'_>, sender: Sender) -> Option<StepAction> {
        let chat = self.chat(line);
        let name = self.value(line, "the file's name, as photo.jpg");
        let name = name.and_then(|node| fields::text(node, &mut self.errors));
        let content = self.content(line, name.as_deref().unwrap_or_default());
        let name = FileName::new(&name?).as_str().to_owned();
        Some(StepAction::Send { sender, name, content: content?, chat: chat? })
    }

    /// Returns the bytes of a file from `from`, `text` or `base64`, or `size` generated bytes
    /// (1,024 by default).
    fn content(&mut self, line: &mut StepFields<'_>, name: &str) -> Option<Bytes> {
        let location = line.location;
        let from = line.fields.take("from");
        let text = line.fields.text("text", &mut self.errors);
        let base64 = line.fields.take("base64");
        let size = line.fields.take("size");
        let sources = [from.is_some(), text.is_some(), base64.is_some(), size.is_some()];
        if sources.iter().filter(|given| **given).count() > 1 {
            self.errors.add(location, "a file has one of `from`, `text`, `base64` and `size`");
            return None;
        }
        let bytes = if let Some(node) = from {
            self.read_file(node)?
        } else if let Some(text) = text {
            text.into_bytes()
        } else if let Some(node) = base64 {
            let words = fields::text(node, &mut self.errors)?;
            let Ok(bytes) = BASE64_STANDARD.decode(words.split_whitespace().collect::<String>())
            else {
                self.errors.add(node.location, "invalid base64");
                return None;
            };
            bytes
        } else {
            let most = MAX_FILE_BYTES;
            let size = size.map(|node| fields::number(node, most, &mut self.errors));
            let size = usize::try_from(size.unwrap_or(Some(1024))?).ok()?;
            name.bytes().chain([b'\n']).cycle().take(size).collect()
        };
        if bytes.len() as u64 > MAX_FILE_BYTES {
            self.errors.add(location, format!("a file has at most {MAX_FILE_BYTES} bytes"));
            return None;
        }
        Some(bytes.into())
    }

    fn read_file(&mut self, node: &YamlNode) -> Option<Vec<u8>> {
        let path = fields::text(node, &mut self.errors)?;
        let FileSource::Folder(folder) = self.files else {
            let reason = "`from` is not supported for scenarios received over the network: give `text`, `base64` or `size`";
            self.errors.add(node.location, reason);
            return None;
        };
        match std::fs::read(folder.join(Path::new(&path))) {
            Ok(bytes) => Some(bytes),
            Err(error) => {
                self.errors.add(node.location, format!("failed to read {path}: {error}"));
                None
            }
        }
    }

    fn disputes(&mut self, line: &mut StepFields<'_>) -> Option<StepAction> {
        let context = self.context(line);
        let text = self.text(line, "text");
        let subject = match (line.fields.take("about"), context) {
            (Some(node), Some(_)) => {
                self.errors.add(node.location, "give only one of `about`, `order` and `return`");
                None
            }
            (Some(node), None) => self.chat_ref(node).map(DisputeSubject::Chat),
            (None, Some(context)) => Some(DisputeSubject::Context(context)),
            (None, None) => match self.current.clone() {
                Some(chat) => Some(DisputeSubject::Chat(chat)),
                None => {
                    self.errors.add(line.location, "no subject: give `about`, `order` or `return`");
                    None
                }
            },
        };
        Some(StepAction::Dispute { name: self.name(line)?, subject: subject?, text })
    }

    fn asks(&mut self, line: &mut StepFields<'_>) -> Option<StepAction> {
        let chat = self.chat(line);
        let side = self.value(line, "who is asked: shop, buyer or market");
        let side = side.and_then(|node| self.side(node));
        let text = self.text(line, "text");
        if text.is_none() {
            self.errors.add(line.location, "missing field `text`: the question of the arbiter");
        }
        Some(StepAction::Write {
            sender: Sender::Support,
            text: text?,
            waiting_for: Some(side?),
            chat: chat?,
        })
    }

    fn waits(&mut self, line: &mut StepFields<'_>) -> Option<StepAction> {
        let condition = match line.verb {
            "wait for chat" => {
                let context = self.context(line);
                let types = [("CHAT", ChatType::Chat), ("ARBITRAGE", ChatType::Arbitrage)];
                let chat_type = line.fields.take("type");
                let chat_type = chat_type.and_then(|n| fields::word(n, &types, &mut self.errors));
                let (name, context) = (self.name(line)?, self.required(line, context)?);
                let chat_type = chat_type.unwrap_or(ChatType::Chat);
                Some(WaitCondition::Chat { name, context, chat_type })
            }
            "wait for status" => {
                let chat = self.chat(line);
                self.status(line)
                    .zip(chat)
                    .map(|(status, chat)| WaitCondition::Status { status, chat })
            }
            _ => {
                let chat = self.chat(line);
                let who = self.value(line, "who: shop, buyer, support, market or anyone");
                let sender = who.and_then(|node| self.sender(node));
                let pattern = MessagePattern { sender: sender?, ..self.pattern(line) };
                chat.map(|chat| WaitCondition::Message { pattern, chat })
            }
        };
        let within = line.fields.duration("within", &mut self.errors);
        let otherwise = line.fields.take("otherwise").map(|node| self.nested_steps(node));
        Some(StepAction::Await { condition: condition?, within, otherwise })
    }

    fn expects(&mut self, line: &mut StepFields<'_>) -> Option<StepAction> {
        let chat = self.chat(line);
        let expected = match line.verb {
            "expect status" => self.status(line).map(Expectation::Status),
            "expect messages" => {
                let value = self.value(line, "how many messages")?;
                let count = fields::number(value, u32::MAX.into(), &mut self.errors);
                count.and_then(|count| usize::try_from(count).ok()).map(Expectation::Messages)
            }
            _ => {
                let who = self.value(line, "who: shop, buyer, support, market or anyone")?;
                let sender = self.sender(who)?;
                Some(Expectation::Message(MessagePattern { sender, ..self.pattern(line) }))
            }
        };
        Some(StepAction::Expect { expected: expected?, chat: chat? })
    }

    fn repeats(&mut self, line: &mut StepFields<'_>) -> Option<StepAction> {
        let times = self.value(line, "how many times")?;
        let times = fields::number(times, MAX_REPEATS, &mut self.errors);
        let steps = line.fields.take("steps");
        if steps.is_none() {
            self.errors.add(line.location, "missing field `steps`: the steps to repeat");
        }
        let steps = steps.map(|node| self.nested_steps(node));
        Some(StepAction::Repeat { times: u32::try_from(times?).ok()?, steps: steps? })
    }

    /// Parses steps that may be skipped or repeated. Chats named in them are unknown to later
    /// steps.
    fn nested_steps(&mut self, node: &YamlNode) -> Vec<ScriptStep> {
        let (names, current) = (self.names.len(), self.current.clone());
        let steps = self.steps(node);
        self.names.truncate(names);
        self.current = current;
        steps
    }

    fn refusal(&mut self, line: &mut StepFields<'_>) -> Option<u16> {
        if line.verb.starts_with("wait") || line.verb.starts_with("expect") || line.verb == "repeat"
        {
            return None;
        }
        let node = line.fields.take("refused")?;
        let status = fields::number(node, 499, &mut self.errors)?;
        if status < 400 {
            self.errors.add(node.location, "`refused` must be a status from 400 to 499");
        }
        u16::try_from(status).ok()
    }

    fn pattern(&mut self, line: &mut StepFields<'_>) -> MessagePattern {
        let kinds = [
            ("text", MessageKind::Text),
            ("file", MessageKind::File),
            ("sticker", MessageKind::Sticker),
        ];
        let kind = line.fields.take("kind");
        let kind = kind.and_then(|node| fields::word(node, &kinds, &mut self.errors));
        let matching = line.fields.take("matching");
        let matching = matching.and_then(|node| fields::regex(node, &mut self.errors));
        MessagePattern { sender: None, kind, matching }
    }

    fn status(&mut self, line: &mut StepFields<'_>) -> Option<ChatStatus> {
        let words: Vec<(&str, ChatStatus)> =
            ChatStatus::ALL.iter().map(|status| (status.as_str(), status.clone())).collect();
        let value = self.value(line, "a status")?;
        fields::word(value, &words, &mut self.errors)
    }

    fn sender(&mut self, node: &YamlNode) -> Option<Option<Sender>> {
        let words = [
            ("shop", Some(Sender::Partner)),
            ("buyer", Some(Sender::Customer)),
            ("support", Some(Sender::Support)),
            ("arbiter", Some(Sender::Support)),
            ("market", Some(Sender::Market)),
            ("anyone", None),
        ];
        fields::word(node, &words, &mut self.errors)
    }

    fn side(&mut self, node: &YamlNode) -> Option<WaitingFor> {
        let words = [
            ("shop", WaitingFor::Partner),
            ("buyer", WaitingFor::Customer),
            ("arbiter", WaitingFor::Arbiter),
            ("market", WaitingFor::Market),
        ];
        fields::word(node, &words, &mut self.errors)
    }

    /// Returns the order or return given in the fields.
    fn context(&mut self, line: &mut StepFields<'_>) -> Option<ChatContext> {
        let order = line.fields.take("order");
        let ret = line.fields.take("return");
        match (order, ret) {
            (Some(_), Some(node)) => {
                self.errors.add(node.location, "give only one of `order` and `return`");
                None
            }
            (Some(node), None) => {
                fields::id::<OrderId>(node, &mut self.errors).map(ChatContext::Order)
            }
            (None, Some(node)) => {
                fields::id::<ReturnId>(node, &mut self.errors).map(ChatContext::Return)
            }
            (None, None) => None,
        }
    }

    fn required(
        &mut self,
        line: &StepFields<'_>,
        context: Option<ChatContext>,
    ) -> Option<ChatContext> {
        if context.is_none() {
            self.errors.add(line.location, format!("`{}` needs `order` or `return`", line.verb));
        }
        context
    }

    /// Returns the value of the verb, or records an error.
    fn value<'n>(&mut self, line: &StepFields<'n>, expected: &str) -> Option<&'n YamlNode> {
        if line.value.is_none() {
            self.errors.add(line.location, format!("missing value of `{}`: {expected}", line.verb));
        }
        line.value
    }

    /// Returns the chat given by `in`, or the chat of the previous step.
    fn chat(&mut self, line: &mut StepFields<'_>) -> Option<ChatRef> {
        let node = line.fields.take("in");
        self.chat_or_current(node, line.location)
    }

    /// Returns the chat given as the verb's value, or the chat of the previous step.
    fn chat_as_value(&mut self, line: &StepFields<'_>) -> Option<ChatRef> {
        self.chat_or_current(line.value, line.location)
    }

    fn chat_or_current(&mut self, node: Option<&YamlNode>, location: Location) -> Option<ChatRef> {
        if let Some(node) = node {
            self.current = self.chat_ref(node);
        } else if self.current.is_none() && self.errors.0.is_empty() {
            self.errors.add(location, "no chat: give `in`, or open a chat in an earlier step");
        }
        self.current.clone()
    }

    fn chat_ref(&mut self, node: &YamlNode) -> Option<ChatRef> {
        let words = fields::text(node, &mut self.errors)?;
        if let Ok(id) = ChatId::from_str(&words) {
            return Some(ChatRef::Id(id));
        }
        if !self.names.contains(&words) {
            let known = self.names.join(", ");
            let known = if known.is_empty() { "none".to_owned() } else { known };
            self.errors
                .add(node.location, format!("unknown chat `{words}`; chats named so far: {known}"));
            return None;
        }
        Some(ChatRef::Named(words))
    }

    /// Returns the name that the step gives to a chat.
    fn name(&mut self, line: &StepFields<'_>) -> Option<String> {
        let node = self.value(line, "a name for the chat")?;
        let name = fields::text(node, &mut self.errors)?;
        if name.parse::<i64>().is_ok() {
            self.errors.add(
                node.location,
                "the name of a chat must not be a number, because numbers are ids",
            );
        } else if self.names.contains(&name) {
            self.errors.add(node.location, format!("duplicate chat name `{name}`"));
        } else {
            self.names.push(name.clone());
        }
        self.current = Some(ChatRef::Named(name.clone()));
        Some(name)
    }

    fn text(&mut self, line: &mut StepFields<'_>, name: &'static str) -> Option<String> {
        let node = line.fields.take(name)?;
        self.message_text(node)
    }

    fn message_text(&mut self, node: &YamlNode) -> Option<String> {
        let words = fields::text(node, &mut self.errors)?;
        match MessageText::new(words) {
            Ok(text) => Some(text.into_string()),
            Err(error) => {
                self.errors.add(node.location, error.to_string());
                None
            }
        }
    }
}

fn actor(who: &str) -> Option<Sender> {
    match who {
        "buyer" => Some(Sender::Customer),
        "shop" => Some(Sender::Partner),
        "market" => Some(Sender::Market),
        "support" | "arbiter" => Some(Sender::Support),
        _ => None,
    }
}

fn unknown_verb(verb: &str) -> String {
    format!("unknown step `{verb}`, expected one of: {}", VERBS.join(", "))
}

//! The verbs of a script, each with the fields it takes. What they do when played stands in `play.rs`.

use std::{path::Path, str::FromStr};

use base64::{Engine, prelude::BASE64_STANDARD};
use beseda_api::{
    ChatContext, ChatId, ChatStatus, ChatType, FileName, MAX_FILE_BYTES, MessageText, OrderId,
    ReturnId, Sender, WaitingFor,
};
use bytes::Bytes;

use super::{
    super::{
        fields::{self, Fields},
        model::{About, Act, ChatRef, Condition, Expected, Kind, Pattern, Step},
        yaml::{Node, Place, Value},
    },
    Files, Reader,
};

/// Every verb, as `docs/scenarios.md` lists them.
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

/// Steps are counted with those inside others, so that no file can make work without end.
const MOST_REPEATS: u64 = 10_000;

/// A step that is being read.
struct Line<'n> {
    place: Place,
    verb: &'static str,
    value: Option<&'n Node>,
    fields: Fields<'n>,
}

impl Reader<'_> {
    pub(super) fn steps(&mut self, node: &Node) -> Vec<Step> {
        let items = fields::items(node, &mut self.problems);
        if items.is_empty() && matches!(node.value, Value::List(_)) {
            self.problems.add(node.place, "`steps` is empty: nothing would happen");
        }
        items.iter().filter_map(|item| self.step(item)).collect()
    }

    fn step(&mut self, node: &Node) -> Option<Step> {
        let mut line = self.line(node)?;
        let refused = self.refusal(&mut line);
        let (place, words) = (line.place, line.verb);
        let (names, current) = (self.names.len(), self.current.clone());
        let act = self.act(&mut line);
        if refused.is_some() {
            // What is refused opens no chat.
            self.names.truncate(names);
            if matches!(act, Some(Act::Open { .. } | Act::Create { .. } | Act::Dispute { .. })) {
                self.current = current;
            }
        }
        line.fields.end(&mut self.problems);
        Some(Step { place, words, act: act?, refused })
    }

    /// Finds the verb: a step is one verb with its fields, or a verb alone.
    fn line<'n>(&mut self, node: &'n Node) -> Option<Line<'n>> {
        let place = node.place;
        let known = |words: Option<&str>| VERBS.iter().copied().find(|verb| Some(*verb) == words);
        let Value::Map(entries) = &node.value else {
            let verb = known(node.words());
            if verb.is_none() {
                self.problems.add(place, unknown_verb(node.words().unwrap_or_else(|| node.kind())));
            }
            return Some(Line { place, verb: verb?, value: None, fields: Fields::none() });
        };
        let verbs: Vec<&'static str> =
            entries.iter().filter_map(|(key, _)| known(key.words())).collect();
        let [verb] = verbs.as_slice() else {
            let first = entries.first().and_then(|(key, _)| key.words()).unwrap_or_default();
            let reason = match verbs.as_slice() {
                [] => unknown_verb(first),
                [one, two, ..] => format!("a step has one verb: `{one}` and `{two}` are two steps"),
                [_] => return None,
            };
            self.problems.add(place, reason);
            return None;
        };
        let mut fields = Fields::of(node, &mut self.problems)?;
        let value = fields.take_entry(verb).map(|(_, value)| value);
        let value = value.filter(|value| !matches!(value.value, Value::Null));
        let place = entries.first().map_or(place, |(key, _)| key.place);
        Some(Line { place, verb, value, fields })
    }

    fn act(&mut self, line: &mut Line<'_>) -> Option<Act> {
        if let Some((who, deed)) = line.verb.split_once(' ')
            && let Some(by) = actor(who)
        {
            match deed {
                "writes" => return self.writes(line, by),
                "sends" => return self.sends(line, by),
                "sends a sticker" => {
                    return Some(Act::Sticker { by, chat: self.chat(line)? });
                }
                _ => {}
            }
        }
        match line.verb {
            "buyer opens" => self.opens(line),
            "shop opens" => {
                let context = self.context(line);
                let (name, context) = (self.name(line)?, self.required(line, context)?);
                Some(Act::Create { name, context })
            }
            "buyer disputes" => self.disputes(line),
            "arbiter asks" => self.asks(line),
            "arbiter finishes" => Some(Act::Resolve { chat: self.chat_as_value(line)? }),
            "market closes" => Some(Act::Close { chat: self.chat_as_value(line)? }),
            "wait" => {
                let value = self.value(line, "how long, as 3s or 1h 30m")?;
                fields::duration(value, &mut self.problems).map(Act::Pause)
            }
            "repeat" => self.repeats(line),
            waiting if waiting.starts_with("wait for") => self.waits(line),
            _ => self.expects(line),
        }
    }

    fn opens(&mut self, line: &mut Line<'_>) -> Option<Act> {
        let context = self.context(line);
        let customer = self.customer(&mut line.fields);
        let text = self.text(line, "text");
        Some(Act::Open { name: self.name(line)?, context, customer, text })
    }

    fn writes(&mut self, line: &mut Line<'_>, by: Sender) -> Option<Act> {
        let chat = self.chat(line);
        let waiting_for = match by {
            Sender::Support => line.fields.take("waiting for").and_then(|node| self.side(node)),
            _ => None,
        };
        let text = self.value(line, "the text").and_then(|node| self.words(node));
        Some(Act::Write { by, text: text?, waiting_for, chat: chat? })
    }

    fn sends(&mut self, line: &mut Line<'_>, by: Sender) -> Option<Act> {
        let chat = self.chat(line);
        let name = self.value(line, "the file's name, as photo.jpg");
        let name = name.and_then(|node| fields::text(node, &mut self.problems));
        let content = self.content(line, name.as_deref().unwrap_or_default());
        let name = FileName::new(&name?).as_str().to_owned();
        Some(Act::Send { by, name, content: content?, chat: chat? })
    }

    /// The bytes of a file: from a file, a text or base64, or so many of no meaning.
    fn content(&mut self, line: &mut Line<'_>, name: &str) -> Option<Bytes> {
        let place = line.place;
        let from = line.fields.take("from");
        let text = line.fields.text("text", &mut self.problems);
        let base64 = line.fields.take("base64");
        let size = line.fields.take("size");
        let sources = [from.is_some(), text.is_some(), base64.is_some(), size.is_some()];
        if sources.iter().filter(|given| **given).count() > 1 {
            self.problems.add(place, "a file has one of `from`, `text`, `base64` and `size`");
            return None;
        }
        let bytes = if let Some(node) = from {
            self.read_file(node)?
        } else if let Some(text) = text {
            text.into_bytes()
        } else if let Some(node) = base64 {
            let words = fields::text(node, &mut self.problems)?;
            let Ok(bytes) = BASE64_STANDARD.decode(words.split_whitespace().collect::<String>())
            else {
                self.problems.add(node.place, "this is not base64");
                return None;
            };
            bytes
        } else {
            let most = MAX_FILE_BYTES;
            let size = size.map(|node| fields::number(node, most, &mut self.problems));
            let size = usize::try_from(size.unwrap_or(Some(1024))?).ok()?;
            name.bytes().chain([b'\n']).cycle().take(size).collect()
        };
        if bytes.len() as u64 > MAX_FILE_BYTES {
            self.problems.add(place, format!("a file has at most {MAX_FILE_BYTES} bytes"));
            return None;
        }
        Some(bytes.into())
    }

    fn read_file(&mut self, node: &Node) -> Option<Vec<u8>> {
        let path = fields::text(node, &mut self.problems)?;
        let Files::Folder(folder) = self.files else {
            let reason = "a scenario that comes over the network reads no files: give `text`, `base64` or `size`";
            self.problems.add(node.place, reason);
            return None;
        };
        match std::fs::read(folder.join(Path::new(&path))) {
            Ok(bytes) => Some(bytes),
            Err(error) => {
                self.problems.add(node.place, format!("can't read {path}: {error}"));
                None
            }
        }
    }

    fn disputes(&mut self, line: &mut Line<'_>) -> Option<Act> {
        let context = self.context(line);
        let text = self.text(line, "text");
        let about = match (line.fields.take("about"), context) {
            (Some(node), Some(_)) => {
                self.problems
                    .add(node.place, "a dispute is about a chat, an order or a return: name one");
                None
            }
            (Some(node), None) => self.chat_ref(node).map(About::Chat),
            (None, Some(context)) => Some(About::Context(context)),
            (None, None) => match self.current.clone() {
                Some(chat) => Some(About::Chat(chat)),
                None => {
                    self.problems
                        .add(line.place, "what is it about? Give `about`, `order` or `return`");
                    None
                }
            },
        };
        Some(Act::Dispute { name: self.name(line)?, about: about?, text })
    }

    fn asks(&mut self, line: &mut Line<'_>) -> Option<Act> {
        let chat = self.chat(line);
        let side = self.value(line, "who is asked: shop, buyer or market");
        let side = side.and_then(|node| self.side(node));
        let text = self.text(line, "text");
        if text.is_none() {
            self.problems.add(line.place, "`text` is missing: what the arbiter asks");
        }
        Some(Act::Write { by: Sender::Support, text: text?, waiting_for: Some(side?), chat: chat? })
    }

    fn waits(&mut self, line: &mut Line<'_>) -> Option<Act> {
        let condition = match line.verb {
            "wait for chat" => {
                let context = self.context(line);
                let types = [("CHAT", ChatType::Chat), ("ARBITRAGE", ChatType::Arbitrage)];
                let chat_type = line.fields.take("type");
                let chat_type = chat_type.and_then(|n| fields::word(n, &types, &mut self.problems));
                let (name, context) = (self.name(line)?, self.required(line, context)?);
                let chat_type = chat_type.unwrap_or(ChatType::Chat);
                Some(Condition::Chat { name, context, chat_type })
            }
            "wait for status" => {
                let chat = self.chat(line);
                self.status(line).zip(chat).map(|(status, chat)| Condition::Status { status, chat })
            }
            _ => {
                let chat = self.chat(line);
                let who = self.value(line, "who: shop, buyer, support, market or anyone");
                let by = who.and_then(|node| self.sender(node));
                let pattern = Pattern { by: by?, ..self.pattern(line) };
                chat.map(|chat| Condition::Message { pattern, chat })
            }
        };
        let within = line.fields.duration("within", &mut self.problems);
        let otherwise = line.fields.take("otherwise").map(|node| self.aside(node));
        Some(Act::Await { condition: condition?, within, otherwise })
    }

    fn expects(&mut self, line: &mut Line<'_>) -> Option<Act> {
        let chat = self.chat(line);
        let expected = match line.verb {
            "expect status" => self.status(line).map(Expected::Status),
            "expect messages" => {
                let value = self.value(line, "how many messages")?;
                let count = fields::number(value, u32::MAX.into(), &mut self.problems);
                count.and_then(|count| usize::try_from(count).ok()).map(Expected::Messages)
            }
            _ => {
                let who = self.value(line, "who: shop, buyer, support, market or anyone")?;
                let by = self.sender(who)?;
                Some(Expected::Message(Pattern { by, ..self.pattern(line) }))
            }
        };
        Some(Act::Expect { expected: expected?, chat: chat? })
    }

    fn repeats(&mut self, line: &mut Line<'_>) -> Option<Act> {
        let times = self.value(line, "how many times")?;
        let times = fields::number(times, MOST_REPEATS, &mut self.problems);
        let steps = line.fields.take("steps");
        if steps.is_none() {
            self.problems.add(line.place, "`steps` is missing: what is repeated");
        }
        let steps = steps.map(|node| self.aside(node));
        Some(Act::Repeat { times: u32::try_from(times?).ok()?, steps: steps? })
    }

    /// Steps that may not happen, or happen often: what they name is not known after them.
    fn aside(&mut self, node: &Node) -> Vec<Step> {
        let (names, current) = (self.names.len(), self.current.clone());
        let steps = self.steps(node);
        self.names.truncate(names);
        self.current = current;
        steps
    }

    fn refusal(&mut self, line: &mut Line<'_>) -> Option<u16> {
        if line.verb.starts_with("wait") || line.verb.starts_with("expect") || line.verb == "repeat"
        {
            return None;
        }
        let node = line.fields.take("refused")?;
        let status = fields::number(node, 499, &mut self.problems)?;
        if status < 400 {
            self.problems.add(node.place, "a refusal has a status from 400 to 499");
        }
        u16::try_from(status).ok()
    }

    fn pattern(&mut self, line: &mut Line<'_>) -> Pattern {
        let kinds = [("text", Kind::Text), ("file", Kind::File), ("sticker", Kind::Sticker)];
        let kind = line.fields.take("kind");
        let kind = kind.and_then(|node| fields::word(node, &kinds, &mut self.problems));
        let matching = line.fields.take("matching");
        let matching = matching.and_then(|node| fields::regex(node, &mut self.problems));
        Pattern { by: None, kind, matching }
    }

    fn status(&mut self, line: &mut Line<'_>) -> Option<ChatStatus> {
        let words: Vec<(&str, ChatStatus)> =
            ChatStatus::ALL.iter().map(|status| (status.as_str(), status.clone())).collect();
        let value = self.value(line, "a status")?;
        fields::word(value, &words, &mut self.problems)
    }

    fn sender(&mut self, node: &Node) -> Option<Option<Sender>> {
        let words = [
            ("shop", Some(Sender::Partner)),
            ("buyer", Some(Sender::Customer)),
            ("support", Some(Sender::Support)),
            ("arbiter", Some(Sender::Support)),
            ("market", Some(Sender::Market)),
            ("anyone", None),
        ];
        fields::word(node, &words, &mut self.problems)
    }

    fn side(&mut self, node: &Node) -> Option<WaitingFor> {
        let words = [
            ("shop", WaitingFor::Partner),
            ("buyer", WaitingFor::Customer),
            ("arbiter", WaitingFor::Arbiter),
            ("market", WaitingFor::Market),
        ];
        fields::word(node, &words, &mut self.problems)
    }

    /// The order or return in the fields, if one is there.
    fn context(&mut self, line: &mut Line<'_>) -> Option<ChatContext> {
        let order = line.fields.take("order");
        let ret = line.fields.take("return");
        match (order, ret) {
            (Some(_), Some(node)) => {
                self.problems.add(node.place, "`order` and `return` exclude each other");
                None
            }
            (Some(node), None) => {
                fields::id::<OrderId>(node, &mut self.problems).map(ChatContext::Order)
            }
            (None, Some(node)) => {
                fields::id::<ReturnId>(node, &mut self.problems).map(ChatContext::Return)
            }
            (None, None) => None,
        }
    }

    fn required(&mut self, line: &Line<'_>, context: Option<ChatContext>) -> Option<ChatContext> {
        if context.is_none() {
            self.problems.add(line.place, format!("`{}` needs `order` or `return`", line.verb));
        }
        context
    }

    /// The value of the verb.
    fn value<'n>(&mut self, line: &Line<'n>, what: &str) -> Option<&'n Node> {
        if line.value.is_none() {
            self.problems.add(line.place, format!("after `{}:` stands {what}", line.verb));
        }
        line.value
    }

    /// The chat of `in`, or else the one of the step before.
    fn chat(&mut self, line: &mut Line<'_>) -> Option<ChatRef> {
        let node = line.fields.take("in");
        self.chat_or_current(node, line.place)
    }

    /// The chat after the verb, or else the one of the step before.
    fn chat_as_value(&mut self, line: &Line<'_>) -> Option<ChatRef> {
        self.chat_or_current(line.value, line.place)
    }

    fn chat_or_current(&mut self, node: Option<&Node>, place: Place) -> Option<ChatRef> {
        if let Some(node) = node {
            self.current = self.chat_ref(node);
        } else if self.current.is_none() && self.problems.0.is_empty() {
            self.problems.add(place, "which chat? No step before this one names it");
        }
        self.current.clone()
    }

    fn chat_ref(&mut self, node: &Node) -> Option<ChatRef> {
        let words = fields::text(node, &mut self.problems)?;
        if let Ok(id) = ChatId::from_str(&words) {
            return Some(ChatRef::Id(id));
        }
        if !self.names.contains(&words) {
            let known = self.names.join(", ");
            let known = if known.is_empty() { "none has one yet".to_owned() } else { known };
            self.problems
                .add(node.place, format!("no chat is named `{words}` by now; named are: {known}"));
            return None;
        }
        Some(ChatRef::Named(words))
    }

    /// The name that a chat gets in this step.
    fn name(&mut self, line: &Line<'_>) -> Option<String> {
        let node = self.value(line, "the name that the chat has from here on")?;
        let name = fields::text(node, &mut self.problems)?;
        if name.parse::<i64>().is_ok() {
            self.problems.add(node.place, "a chat's name is no number: numbers are ids");
        } else if self.names.contains(&name) {
            self.problems.add(node.place, format!("a chat is named `{name}` already"));
        } else {
            self.names.push(name.clone());
        }
        self.current = Some(ChatRef::Named(name.clone()));
        Some(name)
    }

    fn text(&mut self, line: &mut Line<'_>, name: &'static str) -> Option<String> {
        let node = line.fields.take(name)?;
        self.words(node)
    }

    fn words(&mut self, node: &Node) -> Option<String> {
        let words = fields::text(node, &mut self.problems)?;
        match MessageText::new(words) {
            Ok(text) => Some(text.into_string()),
            Err(error) => {
                self.problems.add(node.place, error.to_string());
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

fn unknown_verb(words: &str) -> String {
    format!("`{words}` is no step; steps begin with one of: {}", VERBS.join(", "))
}

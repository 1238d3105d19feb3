//! The fields of one mapping, taken one by one, and what is wrong with them gathered. Which fields there are, the readers know.

use std::{fmt::Display, str::FromStr, time::Duration};

use jiff::{Span, SpanRelativeTo};
use regex::RegexBuilder;

use super::yaml::{Node, Place, Problem, Value};

/// What was found wrong so far.
#[derive(Debug, Default)]
pub(super) struct Problems(pub(super) Vec<Problem>);

impl Problems {
    pub(super) fn add(&mut self, place: Place, reason: impl Into<String>) {
        self.0.push(Problem { place, reason: reason.into() });
    }
}

/// The fields of a mapping that are not taken yet.
pub(super) struct Fields<'n> {
    left: Vec<&'n (Node, Node)>,
    asked: Vec<&'static str>,
}

impl<'n> Fields<'n> {
    /// The fields of a node; a word or nothing where it is no mapping.
    pub(super) fn of(node: &'n Node, problems: &mut Problems) -> Option<Self> {
        match &node.value {
            Value::Map(entries) => Some(Self { left: entries.iter().collect(), asked: Vec::new() }),
            _ => {
                problems.add(
                    node.place,
                    format!("a mapping is wanted here, and this is {}", node.kind()),
                );
                None
            }
        }
    }

    pub(super) fn none() -> Self {
        Self { left: Vec::new(), asked: Vec::new() }
    }

    /// The value of a field, if it is there and isn't nothing.
    pub(super) fn take(&mut self, name: &'static str) -> Option<&'n Node> {
        self.take_entry(name)
            .map(|(_, value)| value)
            .filter(|node| !matches!(node.value, Value::Null))
    }

    /// Name and value of a field, if it is there.
    pub(super) fn take_entry(&mut self, name: &'static str) -> Option<&'n (Node, Node)> {
        self.asked.push(name);
        let found = self.left.iter().position(|(key, _)| key.words() == Some(name))?;
        Some(self.left.remove(found))
    }

    /// Complains of every field that nobody asked for.
    pub(super) fn end(self, problems: &mut Problems) {
        for (key, _) in self.left {
            let known = self.asked.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>();
            let known = if known.is_empty() { "nothing more".to_owned() } else { known.join(", ") };
            let name = key.words().unwrap_or_default();
            problems
                .add(key.place, format!("`{name}` has no meaning here; here may stand {known}"));
        }
    }

    pub(super) fn text(&mut self, name: &'static str, problems: &mut Problems) -> Option<String> {
        text(self.take(name)?, problems)
    }

    pub(super) fn id<T: FromStr<Err: Display>>(
        &mut self,
        name: &'static str,
        problems: &mut Problems,
    ) -> Option<T> {
        id(self.take(name)?, problems)
    }

    pub(super) fn duration(
        &mut self,
        name: &'static str,
        problems: &mut Problems,
    ) -> Option<Duration> {
        duration(self.take(name)?, problems)
    }
}

pub(super) fn text(node: &Node, problems: &mut Problems) -> Option<String> {
    let words = node.words().map(str::to_owned);
    if words.is_none() {
        problems.add(node.place, format!("a text is wanted here, and this is {}", node.kind()));
    }
    words
}

pub(super) fn id<T: FromStr<Err: Display>>(node: &Node, problems: &mut Problems) -> Option<T> {
    let words = text(node, problems)?;
    match words.parse() {
        Ok(id) => Some(id),
        Err(error) => {
            problems.add(node.place, format!("`{words}`: {error}"));
            None
        }
    }
}

pub(super) fn number(node: &Node, most: u64, problems: &mut Problems) -> Option<u64> {
    let words = text(node, problems)?;
    match words.replace('_', "").parse::<u64>() {
        Ok(number) if number <= most => Some(number),
        _ => {
            problems
                .add(node.place, format!("`{words}`: a whole number from 0 to {most} is wanted"));
            None
        }
    }
}

pub(super) fn items<'n>(node: &'n Node, problems: &mut Problems) -> &'n [Node] {
    match &node.value {
        Value::List(items) => items,
        _ => {
            problems.add(node.place, format!("a list is wanted here, and this is {}", node.kind()));
            &[]
        }
    }
}

/// One word out of a few.
pub(super) fn word<T: Clone>(
    node: &Node,
    words: &[(&str, T)],
    problems: &mut Problems,
) -> Option<T> {
    let given = text(node, problems)?;
    let found = words.iter().find(|(word, _)| word.eq_ignore_ascii_case(&given));
    if found.is_none() {
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        problems.add(node.place, format!("`{given}` is not one of: {}", known.join(", ")));
    }
    found.map(|(_, value)| value.clone())
}

/// `3s`, `500ms`, `1h 30m`, `14d`; a bare number is seconds.
pub(super) fn duration(node: &Node, problems: &mut Problems) -> Option<Duration> {
    let words = text(node, problems)?;
    let long = read_duration(&words);
    if long.is_none() {
        problems.add(
            node.place,
            format!("`{words}` is no length of time; write 3s, 500ms, 1h 30m or 14d"),
        );
    }
    long
}

fn read_duration(words: &str) -> Option<Duration> {
    const LONGEST: Duration = Duration::from_secs(366 * 24 * 60 * 60);
    let seconds = words.parse::<f64>().ok();
    let long = match seconds {
        Some(seconds) => Duration::try_from_secs_f64(seconds).ok()?,
        None => {
            let span: Span = words.parse().ok()?;
            let long = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
            Duration::try_from(long).ok()?
        }
    };
    (long <= LONGEST).then_some(long)
}

pub(super) fn regex(node: &Node, problems: &mut Problems) -> Option<regex::Regex> {
    let words = text(node, problems)?;
    match RegexBuilder::new(&words).size_limit(1 << 20).build() {
        Ok(regex) => Some(regex),
        Err(error) => {
            problems.add(node.place, format!("this is no regular expression: {error}"));
            None
        }
    }
}

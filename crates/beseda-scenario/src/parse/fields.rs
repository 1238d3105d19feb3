//! Reads the fields of a YAML mapping and collects errors.

use std::{fmt::Display, str::FromStr, time::Duration};

use jiff::{Span, SpanRelativeTo};
use regex::RegexBuilder;

use crate::yaml::{Location, ParseError, YamlNode, YamlValue};

/// Errors found so far.
#[derive(Debug, Default)]
pub(crate) struct ErrorList(pub(super) Vec<ParseError>);

impl ErrorList {
    pub(crate) fn add(&mut self, location: Location, reason: impl Into<String>) {
        self.0.push(ParseError { location, reason: reason.into() });
    }
}

/// Fields of a mapping that have not been read yet.
pub(crate) struct Fields<'n> {
    remaining: Vec<&'n (YamlNode, YamlNode)>,
    known_names: Vec<&'static str>,
}

impl<'n> Fields<'n> {
    /// Returns the fields of a mapping, or records an error and returns `None` for any other node.
    pub(crate) fn of(node: &'n YamlNode, errors: &mut ErrorList) -> Option<Self> {
        match &node.value {
            YamlValue::Map(entries) => {
                Some(Self { remaining: entries.iter().collect(), known_names: Vec::new() })
            }
            _ => {
                errors.add(node.location, format!("expected a mapping, found {}", node.kind()));
                None
            }
        }
    }

    pub(crate) fn none() -> Self {
        Self { remaining: Vec::new(), known_names: Vec::new() }
    }

    /// Removes a field and returns its value, or `None` if it is missing or null.
    pub(crate) fn take(&mut self, name: &'static str) -> Option<&'n YamlNode> {
        self.take_entry(name)
            .map(|(_, value)| value)
            .filter(|node| !matches!(node.value, YamlValue::Null))
    }

    /// Removes a field and returns its key and value.
    pub(crate) fn take_entry(&mut self, name: &'static str) -> Option<&'n (YamlNode, YamlNode)> {
        self.known_names.push(name);
        let found = self.remaining.iter().position(|(key, _)| key.as_str() == Some(name))?;
        Some(self.remaining.remove(found))
    }

    /// Records an error for every field that was not read.
    pub(crate) fn reject_unknown(self, errors: &mut ErrorList) {
        for (key, _) in self.remaining {
            let known = self.known_names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>();
            let known =
                if known.is_empty() { "no other field".to_owned() } else { known.join(", ") };
            let name = key.as_str().unwrap_or_default();
            errors.add(key.location, format!("unknown field `{name}`, expected one of: {known}"));
        }
    }

    pub(crate) fn text(&mut self, name: &'static str, errors: &mut ErrorList) -> Option<String> {
        text(self.take(name)?, errors)
    }

    pub(crate) fn id<T: FromStr<Err: Display>>(
        &mut self,
        name: &'static str,
        errors: &mut ErrorList,
    ) -> Option<T> {
        id(self.take(name)?, errors)
    }

    pub(crate) fn duration(
        &mut self,
        name: &'static str,
        errors: &mut ErrorList,
    ) -> Option<Duration> {
        duration(self.take(name)?, errors)
    }
}

pub(crate) fn text(node: &YamlNode, errors: &mut ErrorList) -> Option<String> {
    let value = node.as_str().map(str::to_owned);
    if value.is_none() {
        errors.add(node.location, format!("expected text, found {}", node.kind()));
    }
    value
}

pub(crate) fn id<T: FromStr<Err: Display>>(node: &YamlNode, errors: &mut ErrorList) -> Option<T> {
    let value = text(node, errors)?;
    match value.parse() {
        Ok(id) => Some(id),
        Err(error) => {
            errors.add(node.location, format!("`{value}`: {error}"));
            None
        }
    }
}

pub(crate) fn number(node: &YamlNode, max: u64, errors: &mut ErrorList) -> Option<u64> {
    let value = text(node, errors)?;
    match value.replace('_', "").parse::<u64>() {
        Ok(number) if number <= max => Some(number),
        _ => {
            errors.add(
                node.location,
                format!("invalid number `{value}`, expected a whole number from 0 to {max}"),
            );
            None
        }
    }
}

pub(crate) fn items<'n>(node: &'n YamlNode, errors: &mut ErrorList) -> &'n [YamlNode] {
    match &node.value {
        YamlValue::List(items) => items,
        _ => {
            errors.add(node.location, format!("expected a list, found {}", node.kind()));
            &[]
        }
    }
}

/// Parses a node as one of the given words, ignoring ASCII case.
pub(crate) fn word<T: Clone>(
    node: &YamlNode,
    options: &[(&str, T)],
    errors: &mut ErrorList,
) -> Option<T> {
    let value = text(node, errors)?;
    let found = options.iter().find(|(word, _)| word.eq_ignore_ascii_case(&value));
    if found.is_none() {
        let known: Vec<&str> = options.iter().map(|(word, _)| *word).collect();
        errors.add(
            node.location,
            format!("unknown value `{value}`, expected one of: {}", known.join(", ")),
        );
    }
    found.map(|(_, value)| value.clone())
}

/// Parses a duration such as `3s`, `500ms`, `1h 30m` or `14d`; a bare number is seconds. At most
/// 366 days.
pub(crate) fn duration(node: &YamlNode, errors: &mut ErrorList) -> Option<Duration> {
    let value = text(node, errors)?;
    let duration = parse_duration(&value);
    if duration.is_none() {
        errors.add(
            node.location,
            format!("invalid duration `{value}`; write 3s, 500ms, 1h 30m or 14d"),
        );
    }
    duration
}

fn parse_duration(value: &str) -> Option<Duration> {
    const LONGEST: Duration = Duration::from_secs(366 * 24 * 60 * 60);
    let seconds = value.parse::<f64>().ok();
    let duration = match seconds {
        Some(seconds) => Duration::try_from_secs_f64(seconds).ok()?,
        None => {
            let span: Span = value.parse().ok()?;
            let duration = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
            Duration::try_from(duration).ok()?
        }
    };
    (duration <= LONGEST).then_some(duration)
}

pub(crate) fn regex(node: &YamlNode, errors: &mut ErrorList) -> Option<regex::Regex> {
    let value = text(node, errors)?;
    match RegexBuilder::new(&value).size_limit(1 << 20).build() {
        Ok(regex) => Some(regex),
        Err(error) => {
            errors.add(node.location, format!("invalid regular expression: {error}"));
            None
        }
    }
}

//! YAML (and therefore JSON) parser that keeps the location of every node, for error messages.

use std::{borrow::Cow, fmt};

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

/// Maximum nesting depth.
const MAX_DEPTH: usize = 32;

/// Position in a file; line and column count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location {
    /// Line.
    pub line: usize,
    /// Column, in characters.
    pub column: usize,
}

/// Error in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    /// Position of the error.
    pub location: Location,
    /// Description of the error, and what would be correct.
    pub reason: String,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.location.line, self.location.column, self.reason)
    }
}

/// Value and its position.
#[derive(Debug, Clone)]
pub(crate) struct YamlNode {
    pub(crate) location: Location,
    pub(crate) value: YamlValue,
}

/// YAML value.
#[derive(Debug, Clone)]
pub(crate) enum YamlValue {
    /// Empty, `~` or `null`.
    Null,
    /// Unquoted scalar: text, number or boolean.
    Plain(String),
    /// Quoted or block scalar: always text.
    Quoted(String),
    List(Vec<YamlNode>),
    Map(Vec<(YamlNode, YamlNode)>),
}

impl YamlNode {
    /// Returns the kind of the value, for error messages.
    pub(crate) fn kind(&self) -> &'static str {
        match self.value {
            YamlValue::Null => "null",
            YamlValue::Plain(_) | YamlValue::Quoted(_) => "a text",
            YamlValue::List(_) => "a list",
            YamlValue::Map(_) => "a mapping",
        }
    }

    /// Returns the text of a scalar.
    pub(crate) fn as_str(&self) -> Option<&str> {
        match &self.value {
            YamlValue::Plain(text) | YamlValue::Quoted(text) => Some(text),
            _ => None,
        }
    }
}

/// Parses one document.
///
/// # Errors
///
/// The first syntax error, or use of YAML that scenarios don't support: anchors, tags, keys that
/// aren't text.
pub(crate) fn parse(text: &str) -> Result<YamlNode, ParseError> {
    let text = decode_json_escapes(text);
    let mut open: Vec<OpenCollection> = Vec::new();
    let mut root: Option<YamlNode> = None;
    for event in Parser::new_from_str(&text) {
        let (event, span) = event.map_err(|error| {
            let marker = error.marker();
            let location = Location { line: marker.line().max(1), column: marker.col() + 1 };
            ParseError { location, reason: format!("invalid YAML: {}", error.info()) }
        })?;
        let location = location_of(span);
        let refused = |reason: &str| Err(ParseError { location, reason: reason.to_owned() });
        let finished = match event {
            Event::Alias(_) => return refused("aliases (*name) are not supported"),
            Event::Scalar(_, _, 1.., _)
            | Event::SequenceStart(1.., _)
            | Event::MappingStart(1.., _) => {
                return refused("anchors (&name) are not supported");
            }
            Event::Scalar(_, _, _, Some(_))
            | Event::SequenceStart(_, Some(_))
            | Event::MappingStart(_, Some(_)) => return refused("tags (!name) are not supported"),
            Event::SequenceStart(..) | Event::MappingStart(..) if open.len() >= MAX_DEPTH => {
                return refused("nested too deeply");
            }
            Event::DocumentStart(_) if root.is_some() => {
                return refused("a second document; a file must contain one");
            }
            Event::SequenceStart(..) => {
                open.push(OpenCollection::List(location, Vec::new()));
                continue;
            }
            Event::MappingStart(..) => {
                open.push(OpenCollection::Map(location, Vec::new(), None));
                continue;
            }
            Event::Scalar(text, style, _, _) => scalar(location, text, style),
            Event::SequenceEnd | Event::MappingEnd => match open.pop() {
                Some(ended) => ended.finish(),
                None => continue,
            },
            _ => continue,
        };
        match open.last_mut() {
            Some(parent) => parent.take(finished)?,
            None => root = Some(finished),
        }
    }
    let start = Location { line: 1, column: 1 };
    root.ok_or_else(|| ParseError { location: start, reason: "the file is empty".to_owned() })
}

/// Returns the position of a node, given as field names and list indices. Stops at the last part
/// that exists.
pub fn locate(text: &str, path: &[String]) -> Option<Location> {
    let root = parse(text).ok()?;
    let mut node = &root;
    for step in path {
        let next = match &node.value {
            YamlValue::Map(fields) => fields.iter().find(|(key, _)| key.as_str() == Some(step)),
            YamlValue::List(items) => {
                let item = step.parse::<usize>().ok().and_then(|number| items.get(number));
                match item {
                    Some(item) => {
                        node = item;
                        continue;
                    }
                    None => None,
                }
            }
            _ => None,
        };
        match next {
            Some((_, value)) => node = value,
            None => break,
        }
    }
    Some(node.location)
}

/// Decodes JSON escapes. JSON writes characters beyond 16 bits as surrogate pairs, which YAML
/// doesn't support.
fn decode_json_escapes(text: &str) -> Cow<'_, str> {
    if text.trim_start().starts_with('{')
        && text.contains("\\u")
        && let Ok(value) = serde_json::from_str::<serde_json::Value>(text)
        && let Ok(written) = serde_json::to_string_pretty(&value)
    {
        return Cow::Owned(written);
    }
    Cow::Borrowed(text)
}

fn location_of(span: Span) -> Location {
    Location { line: span.start.line().max(1), column: span.start.col() + 1 }
}

fn scalar(location: Location, text: Cow<'_, str>, style: ScalarStyle) -> YamlNode {
    let value = match style {
        ScalarStyle::Plain if matches!(text.as_ref(), "" | "~" | "null") => YamlValue::Null,
        ScalarStyle::Plain => YamlValue::Plain(text.into_owned()),
        _ => YamlValue::Quoted(text.into_owned()),
    };
    YamlNode { location, value }
}

/// List or mapping that has not ended yet.
enum OpenCollection {
    List(Location, Vec<YamlNode>),
    Map(Location, Vec<(YamlNode, YamlNode)>, Option<YamlNode>),
}

impl OpenCollection {
    fn take(&mut self, node: YamlNode) -> Result<(), ParseError> {
        match self {
            Self::List(_, items) => items.push(node),
            Self::Map(_, entries, waiting) => match waiting.take() {
                Some(key) => entries.push((key, node)),
                None => *waiting = Some(key(node, entries)?),
            },
        }
        Ok(())
    }

    fn finish(self) -> YamlNode {
        match self {
            Self::List(location, items) => YamlNode { location, value: YamlValue::List(items) },
            Self::Map(location, entries, _) => {
                YamlNode { location, value: YamlValue::Map(entries) }
            }
        }
    }
}

/// Returns the key, or an error if it isn't text or occurs twice.
fn key(node: YamlNode, entries: &[(YamlNode, YamlNode)]) -> Result<YamlNode, ParseError> {
    let error = |reason: String| ParseError { location: node.location, reason };
    let Some(text) = node.as_str() else {
        return Err(error(format!("expected a text key, found {}", node.kind())));
    };
    match entries.iter().find(|(key, _)| key.as_str() == Some(text)) {
        Some((first, _)) => {
            Err(error(format!("duplicate key `{text}`, first in line {}", first.location.line)))
        }
        None => Ok(node),
    }
}

#[cfg(test)]
mod tests {
    use super::{YamlValue, parse};

    #[test]
    fn invalid_yaml_is_reported_with_its_line() {
        for (text, line, reason) in [
            ("a: 1\nb: [1, 2\nc: 3\n", 3, "invalid YAML"),
            ("a: 1\na: 2\n", 2, "duplicate key `a`, first in line 1"),
            ("a: &x 1\n", 1, "anchors"),
            ("a: !!str 1\n", 1, "tags"),
            ("a: 1\n---\nb: 2\n", 2, "a second document"),
            ("", 1, "empty"),
            ("? [1]\n: 2\n", 1, "expected a text key"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.reason.contains(reason), "{text:?}: {error}");
            assert_eq!(error.location.line, line, "{text:?}: {error}");
        }
    }

    #[test]
    fn excessive_nesting_is_rejected_without_a_stack_overflow() {
        for bracket in ["[", "{a: ", "- "] {
            assert!(parse(&bracket.repeat(50_000)).is_err(), "{bracket}");
        }
    }

    #[test]
    fn json_surrogate_pairs_are_decoded() {
        let node = parse(r#"{"text": "\ud83d\ude42 \u043f", "n": 1}"#).unwrap();
        let YamlValue::Map(entries) = node.value else { panic!("a mapping") };
        let (_, text) = entries.iter().find(|(key, _)| key.as_str() == Some("text")).unwrap();
        assert_eq!(text.as_str(), Some("🙂 п"));
    }
}

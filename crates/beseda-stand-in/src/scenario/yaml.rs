//! YAML (and so JSON) as nodes that know their lines, so that everything wrong with a file can be told with its place.
//! What the nodes mean is none of its business.

use std::{borrow::Cow, fmt};

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

/// Deeper than any honest file; a bound for others.
const DEEPEST: usize = 32;

/// Where something stands in a file, both counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

/// Something wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub place: Place,
    /// What, and what would be right.
    pub reason: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.place.line, self.place.column, self.reason)
    }
}

/// A value and where it begins.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) value: Value,
}

/// What stands there.
#[derive(Debug, Clone)]
pub(super) enum Value {
    /// Nothing, `~` or `null`.
    Null,
    /// Words without quotes: a text, a number, yes or no.
    Plain(String),
    /// Words in quotes or a block: a text only.
    Quoted(String),
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
}

impl Node {
    /// What kind of value it is, for people.
    pub(super) fn kind(&self) -> &'static str {
        match self.value {
            Value::Null => "nothing",
            Value::Plain(_) | Value::Quoted(_) => "a text",
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
        }
    }

    /// The words of a text.
    pub(super) fn words(&self) -> Option<&str> {
        match &self.value {
            Value::Plain(words) | Value::Quoted(words) => Some(words),
            _ => None,
        }
    }
}

/// Reads one document.
///
/// # Errors
/// The first thing that isn't YAML, or is YAML that no scenario needs: anchors, tags, keys that aren't words.
pub(super) fn parse(text: &str) -> Result<Node, Problem> {
    let text = unescaped(text);
    let mut open: Vec<Open> = Vec::new();
    let mut root: Option<Node> = None;
    for event in Parser::new_from_str(&text) {
        let (event, span) = event.map_err(|error| {
            let marker = error.marker();
            let place = Place { line: marker.line().max(1), column: marker.col() + 1 };
            Problem { place, reason: format!("this is not YAML: {}", error.info()) }
        })?;
        let place = place_of(span);
        let refused = |reason: &str| Err(Problem { place, reason: reason.to_owned() });
        let finished = match event {
            Event::Alias(_) => return refused("aliases (*name) are not used here"),
            Event::Scalar(_, _, 1.., _)
            | Event::SequenceStart(1.., _)
            | Event::MappingStart(1.., _) => {
                return refused("anchors (&name) are not used here");
            }
            Event::Scalar(_, _, _, Some(_))
            | Event::SequenceStart(_, Some(_))
            | Event::MappingStart(_, Some(_)) => return refused("tags (!name) are not used here"),
            Event::SequenceStart(..) | Event::MappingStart(..) if open.len() >= DEEPEST => {
                return refused("this is nested too deep");
            }
            Event::DocumentStart(_) if root.is_some() => {
                return refused("a file holds one document; this is a second one");
            }
            Event::SequenceStart(..) => {
                open.push(Open::List(place, Vec::new()));
                continue;
            }
            Event::MappingStart(..) => {
                open.push(Open::Map(place, Vec::new(), None));
                continue;
            }
            Event::Scalar(words, style, _, _) => scalar(place, words, style),
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
    let start = Place { line: 1, column: 1 };
    root.ok_or_else(|| Problem { place: start, reason: "the file is empty".to_owned() })
}

/// Where something stands in a document: the way to it by names of fields and numbers in lists. As far as the way goes.
pub(crate) fn place_of_path(text: &str, way: &[String]) -> Option<Place> {
    let root = parse(text).ok()?;
    let mut node = &root;
    for step in way {
        let next = match &node.value {
            Value::Map(fields) => fields.iter().find(|(key, _)| key.words() == Some(step)),
            Value::List(items) => {
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
    Some(node.place)
}

/// JSON escapes characters beyond 16 bits as pairs, which YAML doesn't know: such a text is written out first.
fn unescaped(text: &str) -> Cow<'_, str> {
    if text.trim_start().starts_with('{')
        && text.contains("\\u")
        && let Ok(value) = serde_json::from_str::<serde_json::Value>(text)
        && let Ok(written) = serde_json::to_string_pretty(&value)
    {
        return Cow::Owned(written);
    }
    Cow::Borrowed(text)
}

fn place_of(span: Span) -> Place {
    Place { line: span.start.line().max(1), column: span.start.col() + 1 }
}

fn scalar(place: Place, words: Cow<'_, str>, style: ScalarStyle) -> Node {
    let value = match style {
        ScalarStyle::Plain if matches!(words.as_ref(), "" | "~" | "null") => Value::Null,
        ScalarStyle::Plain => Value::Plain(words.into_owned()),
        _ => Value::Quoted(words.into_owned()),
    };
    Node { place, value }
}

/// A list or mapping whose end hasn't come yet.
enum Open {
    List(Place, Vec<Node>),
    Map(Place, Vec<(Node, Node)>, Option<Node>),
}

impl Open {
    fn take(&mut self, node: Node) -> Result<(), Problem> {
        match self {
            Self::List(_, items) => items.push(node),
            Self::Map(_, entries, waiting) => match waiting.take() {
                Some(key) => entries.push((key, node)),
                None => *waiting = Some(key(node, entries)?),
            },
        }
        Ok(())
    }

    fn finish(self) -> Node {
        match self {
            Self::List(place, items) => Node { place, value: Value::List(items) },
            Self::Map(place, entries, _) => Node { place, value: Value::Map(entries) },
        }
    }
}

/// A key that is words and new to its mapping.
fn key(node: Node, entries: &[(Node, Node)]) -> Result<Node, Problem> {
    let problem = |reason: String| Problem { place: node.place, reason };
    let Some(words) = node.words() else {
        return Err(problem(format!("a key is a text, and this is {}", node.kind())));
    };
    match entries.iter().find(|(key, _)| key.words() == Some(words)) {
        Some((first, _)) => {
            Err(problem(format!("`{words}` stands here twice, first in line {}", first.place.line)))
        }
        None => Ok(node),
    }
}

#[cfg(test)]
mod tests {
    use super::{Value, parse};

    #[test]
    fn what_is_no_yaml_is_told_with_its_line() {
        for (text, line, reason) in [
            ("a: 1\nb: [1, 2\nc: 3\n", 3, "not YAML"),
            ("a: 1\na: 2\n", 2, "twice, first in line 1"),
            ("a: &x 1\n", 1, "anchors"),
            ("a: !!str 1\n", 1, "tags"),
            ("a: 1\n---\nb: 2\n", 2, "second one"),
            ("", 1, "empty"),
            ("? [1]\n: 2\n", 1, "a key is a text"),
        ] {
            let problem = parse(text).unwrap_err();
            assert!(problem.reason.contains(reason), "{text:?}: {problem}");
            assert_eq!(problem.place.line, line, "{text:?}: {problem}");
        }
    }

    #[test]
    fn nesting_beyond_all_measure_is_refused_and_overflows_nothing() {
        for bracket in ["[", "{a: ", "- "] {
            assert!(parse(&bracket.repeat(50_000)).is_err(), "{bracket}");
        }
    }

    #[test]
    fn json_is_read_with_its_escaped_pairs() {
        let node = parse(r#"{"text": "\ud83d\ude42 \u043f", "n": 1}"#).unwrap();
        let Value::Map(entries) = node.value else { panic!("a mapping") };
        let (_, text) = entries.iter().find(|(key, _)| key.words() == Some("text")).unwrap();
        assert_eq!(text.words(), Some("🙂 п"));
    }
}

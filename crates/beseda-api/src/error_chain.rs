//! Displays an error with its sources on one line.

use std::fmt;

/// Displays an error and its sources, separated by colons, without repetitions.
///
/// Many error types include their source in their own text and also return it from `source()`; SQLite's errors add a code to it.
///
/// ```
/// let inner = std::io::Error::other("disk full");
/// let outer = std::io::Error::other(format!("can't write: {inner}"));
/// assert_eq!(beseda_api::ErrorChain(&outer).to_string(), "can't write: disk full");
/// ```
#[derive(Debug, Clone, Copy)]
pub struct ErrorChain<'a>(pub &'a (dyn std::error::Error + 'static));

impl fmt::Display for ErrorChain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut said = self.0.to_string();
        let mut next = self.0.source();
        while let Some(cause) = next {
            let text = cause.to_string();
            let last = said.rsplit(": ").next().unwrap_or_default();
            if !said.contains(&text) && !text.ends_with(last) {
                said.push_str(": ");
                said.push_str(&text);
            }
            next = cause.source();
        }
        f.write_str(&said)
    }
}

#[cfg(test)]
mod tests {
    use std::{error::Error, fmt};

    use super::ErrorChain;

    #[derive(Debug)]
    struct Link(&'static str, Option<Box<Link>>);

    impl fmt::Display for Link {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Link {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref().map(|link| link as _)
        }
    }

    fn said(texts: &[&'static str]) -> String {
        let chain = texts.iter().rev().fold(None, |next, text| Some(Box::new(Link(text, next))));
        ErrorChain(chain.unwrap().as_ref()).to_string()
    }

    #[test]
    fn each_cause_is_said_once() {
        assert_eq!(said(&["can't open x", "not allowed"]), "can't open x: not allowed");
        assert_eq!(
            said(&["can't open x: not allowed", "not allowed"]),
            "can't open x: not allowed"
        );
        let sqlite = ["the database: no database", "no database", "Error code 26: no database"];
        assert_eq!(said(&sqlite), "the database: no database");
        assert_eq!(said(&["a", "b: c", "c", "d"]), "a: b: c: d");
    }
}

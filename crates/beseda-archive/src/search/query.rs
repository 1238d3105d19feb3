//! What somebody typed into a search, in parts. Any text is a query; what it finds is decided in `plan.rs`.

use super::words::words;

/// The parts of a query: all of the wanted ones must be there, none of the unwanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Query {
    /// Words in any form, or as parts of words; folded.
    pub(crate) words: Vec<String>,
    /// Words in exactly this form and order, as `"given in quotes"`; folded.
    pub(crate) phrases: Vec<Vec<String>>,
    /// What must not be there, as `-given`: any form of a word, or all words of a phrase.
    pub(crate) unwanted: Vec<Vec<String>>,
}

/// More parts than this are not looked at.
const MOST_PARTS: usize = 16;

impl Query {
    /// Reads a query. Signs that mean nothing are left out.
    pub(crate) fn read(text: &str) -> Self {
        let mut query = Self::default();
        let mut rest = text;
        loop {
            rest = rest.trim_start();
            let (unwanted, begun) = match rest.strip_prefix(['-', '−']) {
                Some(after) => (true, after),
                None => (false, rest),
            };
            let Some(first) = begun.chars().next() else { break };
            let (part, quoted) = match closing(first) {
                Some(end) => {
                    let inside = &begun[first.len_utf8()..];
                    let (part, after) = inside.split_once(end).unwrap_or((inside, ""));
                    rest = after;
                    (part, true)
                }
                None => {
                    let end = begun.find(|c: char| c.is_whitespace() || closing(c).is_some());
                    let (part, after) = begun.split_at(end.unwrap_or(begun.len()));
                    rest = after;
                    (part, false)
                }
            };
            query.add(part, quoted, unwanted);
        }
        query
    }

    fn add(&mut self, part: &str, quoted: bool, unwanted: bool) {
        let found: Vec<String> = words(part).into_iter().map(|word| word.folded).collect();
        let room = self.words.len() + self.phrases.len() + self.unwanted.len() < MOST_PARTS;
        match (found.is_empty() || !room, unwanted, quoted) {
            (true, ..) => {}
            (_, true, _) => self.unwanted.push(found),
            (_, _, true) => self.phrases.push(found),
            _ => self.words.extend(found.into_iter().take(MOST_PARTS)),
        }
    }
}

fn closing(quote: char) -> Option<char> {
    match quote {
        '"' => Some('"'),
        '«' => Some('»'),
        '“' => Some('”'),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Query;

    #[test]
    fn words_phrases_and_what_is_unwanted_are_told_apart() {
        let query = Query::read(r#"Чёрный -чехол "Не Подошёл" «или нет» -"уже едет" 12-34"#);
        assert_eq!(query.words, ["черный", "12", "34"]);
        assert_eq!(query.phrases, [["не", "подошел"], ["или", "нет"]]);
        assert_eq!(query.unwanted, [vec!["чехол".to_owned()], vec!["уже".into(), "едет".into()]]);
    }

    #[test]
    fn an_open_quote_goes_on_to_the_end() {
        assert_eq!(Query::read("\"раз два").phrases, [["раз", "два"]]);
        assert_eq!(Query::read(" - \" ' ( AND* ").phrases, [["and"]]);
    }

    proptest! {
        #[test]
        fn any_text_is_a_query(text in "\\PC*|[-\"«» а-я*()]*") {
            let query = Query::read(&text);
            prop_assert!(query.phrases.iter().chain(&query.unwanted).all(|part| !part.is_empty()));
        }
    }
}

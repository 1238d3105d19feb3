//! What somebody typed into a search, in parts. Any text is a query; what it finds is decided in `plan.rs`.

use super::{
    numbers::runs,
    signs::{self, Signs},
    words::words,
};

/// The parts of a query: all of the wanted ones must be there, none of the unwanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Query {
    /// Words in any form, or as parts of words; folded.
    pub(crate) words: Vec<String>,
    /// Numbers given in groups, however they are written.
    pub(crate) numbers: Vec<Number>,
    /// Words in exactly this form and order, as `"given in quotes"`; folded.
    pub(crate) phrases: Vec<Vec<String>>,
    /// Emoji; in a query without words and emoji any signs.
    pub(crate) signs: Vec<Signs>,
    /// What must not be there, as `-given`: any form of a word, or all words and signs of a part.
    pub(crate) unwanted: Vec<Unwanted>,
}

/// A number given in two or more groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Number {
    /// All its digits.
    pub(crate) digits: String,
    /// The groups.
    pub(crate) groups: Vec<String>,
}

impl Number {
    /// Whether it can't be meant as several numbers.
    pub(crate) fn is_phone(&self) -> bool {
        self.groups.len() > 2 && matches!(self.digits.len(), 10 | 11)
    }
}

/// What together must not be there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Unwanted {
    pub(crate) words: Vec<String>,
    pub(crate) numbers: Vec<Number>,
    pub(crate) signs: Vec<Signs>,
}

/// More parts than this are not looked at.
const MOST_PARTS: usize = 16;

impl Query {
    /// Reads a query. Beside words, signs other than emoji are left out; without words and emoji they are what is looked for.
    pub(crate) fn read(text: &str) -> Self {
        let mut query = Self::default();
        if !text.chars().any(|c| c.is_alphanumeric() || signs::is_emoji(c)) {
            query.signs = signs::all(text);
            query.signs.truncate(MOST_PARTS);
            return query;
        }
        // Wanted words one after the other, which may be the groups of one number.
        let mut plain = String::new();
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
            if !quoted && !unwanted {
                plain.push_str(part);
                plain.push(' ');
                continue;
            }
            query.add_plain(&std::mem::take(&mut plain));
            if unwanted {
                query.add_unwanted(part);
            } else {
                query.add_quoted(part);
            }
        }
        query.add_plain(&plain);
        query
    }

    /// Whether there is nothing to search for.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn room(&self) -> usize {
        let used = self.words.len()
            + self.numbers.len()
            + self.phrases.len()
            + self.signs.len()
            + self.unwanted.len();
        MOST_PARTS.saturating_sub(used)
    }

    fn add_plain(&mut self, text: &str) {
        let Unwanted { words, numbers, signs } = Unwanted::read(text, signs::emoji);
        self.numbers.extend(numbers.into_iter().take(self.room()));
        self.words.extend(words.into_iter().take(self.room()));
        self.signs.extend(signs.into_iter().take(self.room()));
    }

    fn add_quoted(&mut self, text: &str) {
        let words: Vec<String> = words(text).into_iter().map(|word| word.folded).collect();
        if words.is_empty() {
            self.signs.extend(signs::all(text).into_iter().take(self.room()));
        } else if self.room() > 0 {
            self.phrases.push(words);
        }
    }

    fn add_unwanted(&mut self, text: &str) {
        let unwanted = Unwanted::read(text, signs::emoji);
        if unwanted != Unwanted::default() && self.room() > 0 {
            self.unwanted.push(unwanted);
        }
    }
}

impl Unwanted {
    /// Takes a piece of a query apart: numbers in groups, the other words, signs.
    fn read(text: &str, signs: fn(&str) -> Vec<Signs>) -> Self {
        let runs: Vec<_> = runs(text).into_iter().filter(|run| run.whole().is_some()).collect();
        let in_number = |at| runs.iter().any(|run| run.places.contains(&at));
        let words = words(text)
            .into_iter()
            .filter(|word| !in_number(word.start))
            .map(|word| word.folded)
            .collect();
        let numbers = runs
            .iter()
            .map(|run| Number {
                digits: run.digits.clone(),
                groups: run.groups().map(str::to_owned).collect(),
            })
            .collect();
        Self { words, numbers, signs: signs(text) }
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
    use crate::search::signs;

    #[test]
    fn words_phrases_and_what_is_unwanted_are_told_apart() {
        let query = Query::read(r#"Чёрный -чехол "Не Подошёл" «или нет» -"уже едет" 12"#);
        assert_eq!(query.words, ["черный", "12"]);
        assert_eq!(query.phrases, [["не", "подошел"], ["или", "нет"]]);
        let unwanted: Vec<_> = query.unwanted.into_iter().map(|part| part.words).collect();
        assert_eq!(unwanted, [vec!["чехол".to_owned()], vec!["уже".into(), "едет".into()]]);
    }

    #[test]
    fn an_open_quote_goes_on_to_the_end() {
        assert_eq!(Query::read("\"раз два").phrases, [["раз", "два"]]);
        assert_eq!(Query::read(" - \" ' ( AND* ").phrases, [["and"]]);
    }

    #[test]
    fn groups_of_digits_are_one_number() {
        let query = Query::read("позвоните +7 (999) 123-45-67 до 18");
        assert_eq!(query.words, ["позвоните", "до", "18"]);
        assert_eq!(query.numbers[0].digits, "79991234567");
        assert_eq!(query.numbers[0].groups, ["7", "999", "123", "45", "67"]);
        assert_eq!(Query::read("12-34").numbers[0].digits, "1234");
        assert_eq!(Query::read("из-за 5").words, ["из", "за", "5"]);
    }

    #[test]
    fn signs_are_looked_for_where_there_is_nothing_else() {
        for text in ["..", "*", "\"", "-", "--", "?! %"] {
            assert_eq!(Query::read(text), Query { signs: signs::all(text), ..Query::default() });
        }
        assert_eq!(Query::read("да, * ..").signs, []);
        assert_eq!(Query::read("спасибо👍!").signs, signs::all("👍"));
        assert_eq!(Query::read("слово \"..\"").signs, signs::all(".."));
        assert_eq!(Query::read("слово -👍").unwanted[0].signs, signs::all("👍"));
    }

    #[test]
    fn a_query_of_nothing_that_can_be_seen_is_empty() {
        for text in ["", "  \n", "\u{200b}\u{ad}\u{fe0f}\u{7}"] {
            assert!(Query::read(text).is_empty(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_query(text in "\\PC*|[-\"«» а-я*()0-9👍]*") {
            let query = Query::read(&text);
            prop_assert!(query.phrases.iter().all(|part| !part.is_empty()));
            prop_assert!(query.room() <= super::MOST_PARTS);
        }
    }
}

//! Parser of search queries. Any text is a query.

use super::{
    numbers::runs,
    symbols::{self, SymbolRun},
    words::words,
};

/// Parsed query: every part must match, no exclusion may.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Query {
    /// Words in any form, or as parts of words; folded.
    pub(crate) words: Vec<String>,
    /// Grouped numbers.
    pub(crate) numbers: Vec<GroupedNumber>,
    /// Words in exactly this form and order, from `"quotes"`; folded.
    pub(crate) phrases: Vec<Vec<String>>,
    /// Emoji; any symbols in a query without words and emoji.
    pub(crate) signs: Vec<SymbolRun>,
    /// Exclusions, from `-word`: any form of a word, or all words and symbols of a part.
    pub(crate) unwanted: Vec<Exclusion>,
}

/// Number given in two or more groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GroupedNumber {
    /// All digits.
    pub(crate) digits: String,
    /// Groups.
    pub(crate) groups: Vec<String>,
}

impl GroupedNumber {
    /// Returns true if it can't be several numbers.
    pub(crate) fn is_phone(&self) -> bool {
        self.groups.len() > 2 && matches!(self.digits.len(), 10 | 11)
    }
}

/// Words and symbols that must not occur together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Exclusion {
    pub(crate) words: Vec<String>,
    pub(crate) numbers: Vec<GroupedNumber>,
    pub(crate) signs: Vec<SymbolRun>,
}

/// Maximum number of parts; further ones are ignored.
const MOST_PARTS: usize = 16;

impl Query {
    /// Parses a query. Symbols other than emoji are ignored unless there are neither words nor
    /// emoji.
    pub(crate) fn read(text: &str) -> Self {
        let mut query = Self::default();
        if !text.chars().any(|c| c.is_alphanumeric() || symbols::is_emoji(c)) {
            query.signs = symbols::all(text);
            query.signs.truncate(MOST_PARTS);
            return query;
        }
        // Consecutive words, which may be the groups of one number.
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

    /// Returns true if there is nothing to search for.
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
        let Exclusion { words, numbers, signs } = Exclusion::read(text, symbols::emoji);
        self.numbers.extend(numbers.into_iter().take(self.room()));
        self.words.extend(words.into_iter().take(self.room()));
        self.signs.extend(signs.into_iter().take(self.room()));
    }

    fn add_quoted(&mut self, text: &str) {
        let words: Vec<String> = words(text).into_iter().map(|word| word.folded).collect();
        if words.is_empty() {
            self.signs.extend(symbols::all(text).into_iter().take(self.room()));
        } else if self.room() > 0 {
            self.phrases.push(words);
        }
    }

    fn add_unwanted(&mut self, text: &str) {
        let unwanted = Exclusion::read(text, symbols::emoji);
        if unwanted != Exclusion::default() && self.room() > 0 {
            self.unwanted.push(unwanted);
        }
    }
}

impl Exclusion {
    /// Splits a part of a query into grouped numbers, words and symbols.
    fn read(text: &str, signs: fn(&str) -> Vec<SymbolRun>) -> Self {
        let runs: Vec<_> = runs(text).into_iter().filter(|run| run.whole().is_some()).collect();
        let in_number = |at| runs.iter().any(|run| run.places.contains(&at));
        let words = words(text)
            .into_iter()
            .filter(|word| !in_number(word.start))
            .map(|word| word.folded)
            .collect();
        let numbers = runs
            .iter()
            .map(|run| GroupedNumber {
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
    use crate::search::symbols;

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
            assert_eq!(Query::read(text), Query { signs: symbols::all(text), ..Query::default() });
        }
        assert_eq!(Query::read("да, * ..").signs, []);
        assert_eq!(Query::read("спасибо👍!").signs, symbols::all("👍"));
        assert_eq!(Query::read("слово \"..\"").signs, symbols::all(".."));
        assert_eq!(Query::read("слово -👍").unwanted[0].signs, symbols::all("👍"));
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

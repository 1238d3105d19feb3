//! Highlighting: positions of a query's words, numbers and symbols in a text, and the excerpt to
//! show.

use serde::Serialize;

use super::{
    numbers::{DigitRun, national, runs},
    query::{GroupedNumber, Query},
    stems::Stems,
    symbols::SymbolRun,
    words::{Word, each_word, words},
};

/// Maximum length of a text shown whole.
const SHOWN: usize = 240;
/// Number of characters shown before the first match.
const BEFORE: usize = 60;
/// Minimum length of a word that matches inside other words.
pub(crate) const SHORTEST_PART: usize = 3;

/// Text or excerpt with the positions of its matches.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Snippet {
    /// Text, or an excerpt between ellipses.
    pub text: String,
    /// Ranges in characters (Unicode code points) of `text`, ascending and not touching.
    pub highlights: Vec<(usize, usize)>,
}

/// Parts of a query, prepared for matching texts.
pub(crate) struct QueryMatcher {
    stems: Stems,
    words: Vec<MatchWord>,
    numbers: Vec<(Vec<String>, Vec<MatchWord>)>,
    phrases: Vec<Vec<String>>,
    /// Phrases with blanks around each word.
    spoken: Vec<String>,
    signs: Vec<SymbolRun>,
}

/// Word with the tokens of its forms and, for a number, the ways its digits may be written.
struct MatchWord {
    folded: String,
    tokens: Vec<String>,
    digits: Vec<String>,
}

impl MatchWord {
    fn new(word: &str, stems: &Stems) -> Self {
        let is_number =
            word.len() >= SHORTEST_PART && word.bytes().all(|byte| byte.is_ascii_digit());
        let digits = if is_number { written(word) } else { Vec::new() };
        Self { folded: word.to_owned(), tokens: stems.all(word), digits }
    }
}

/// Returns a number as given and, for a phone number, without its prefix.
fn written(digits: &str) -> Vec<String> {
    [Some(digits), national(digits)].into_iter().flatten().map(str::to_owned).collect()
}

impl QueryMatcher {
    pub(crate) fn new(query: &Query) -> Self {
        let stems = Stems::new();
        let all = |words: &[String]| -> Vec<MatchWord> {
            words.iter().map(|word| MatchWord::new(word, &stems)).collect()
        };
        let groups = |number: &GroupedNumber| match number.is_phone() {
            true => Vec::new(),
            false => all(&number.groups),
        };
        let words = all(&query.words);
        let numbers =
            query.numbers.iter().map(|number| (written(&number.digits), groups(number))).collect();
        let spoken = query.phrases.iter().map(|words| format!(" {} ", words.join(" "))).collect();
        let (phrases, signs) = (query.phrases.clone(), query.signs.clone());
        Self { words, numbers, phrases, spoken, signs, stems }
    }

    /// Returns true if the index can't decide the match alone: word order, or more than two
    /// symbols.
    pub(crate) fn has_to_read(&self) -> bool {
        !self.spoken.is_empty() || self.signs.iter().any(SymbolRun::is_uncertain)
    }

    /// Returns true if every phrase and symbol run occurs in one of the texts. `room` is a reused
    /// buffer.
    pub(crate) fn stands_in(&self, texts: &[&str], room: &mut String) -> bool {
        room.clear();
        for text in texts {
            // More than a blank separates two texts, so that no phrase spans them.
            room.push_str("\n ");
            each_word(text, |word| {
                room.push_str(word);
                room.push(' ');
            });
        }
        let uncertain = self.signs.iter().filter(|signs| signs.is_uncertain());
        self.spoken.iter().all(|phrase| room.contains(phrase.as_str()))
            && uncertain
                .into_iter()
                .all(|signs| texts.iter().any(|text| !signs.places(text).is_empty()))
    }

    /// Returns the matches in a text, ascending and not touching.
    pub(crate) fn highlights(&self, text: &str) -> Vec<(usize, usize)> {
        let (found, runs) = (words(text), runs(text));
        let mut ranges = self.word_places(&self.words, &found, &runs);
        for (digits, groups) in &self.numbers {
            let before = ranges.len();
            ranges.extend(digits.iter().flat_map(|digits| digit_places(&runs, digits)));
            if ranges.len() == before {
                ranges.extend(self.word_places(groups, &found, &runs));
            }
        }
        for phrase in &self.phrases {
            for at in places(&found, phrase) {
                ranges.push((found[at].start, found[at + phrase.len() - 1].end()));
            }
        }
        ranges.extend(self.signs.iter().flat_map(|signs| signs.places(text)));
        merged(ranges)
    }

    fn word_places(
        &self,
        wanted: &[MatchWord],
        text: &[Word],
        runs: &[DigitRun],
    ) -> Vec<(usize, usize)> {
        let mut ranges = Vec::new();
        if wanted.is_empty() {
            return ranges;
        }
        for word in text {
            let tokens = self.stems.all(&word.folded);
            for MatchWord { folded, tokens: wanted, .. } in wanted {
                if tokens.iter().any(|token| wanted.contains(token)) {
                    ranges.push((word.start, word.end()));
                } else if folded.chars().count() >= SHORTEST_PART {
                    ranges.extend(inside(word, folded));
                }
            }
        }
        let digits = wanted.iter().flat_map(|word| &word.digits);
        ranges.extend(digits.flat_map(|digits| digit_places(runs, digits)));
        ranges
    }

    /// Returns the text or excerpt to show.
    pub(crate) fn snippet(&self, text: &str) -> Snippet {
        let highlights = self.highlights(text);
        let length = text.chars().count();
        if length <= SHOWN {
            return Snippet { text: text.to_owned(), highlights };
        }
        let first = highlights.first().map_or(0, |range| range.0);
        let wanted = first.saturating_sub(BEFORE).min(length - SHOWN);
        let chars: Vec<char> = text.chars().collect();
        // Start at the beginning of a word, if one is nearby.
        let from = (wanted..first)
            .take(BEFORE / 2)
            .find(|&at| at == 0 || chars[at - 1].is_whitespace())
            .unwrap_or(wanted);
        let to = (from + SHOWN).min(length);
        let shift = usize::from(from > 0);
        let mut shown: String = chars[from..to].iter().collect();
        if from > 0 {
            shown.insert(0, '…');
        }
        if to < length {
            shown.push('…');
        }
        let highlights = highlights
            .into_iter()
            .filter(|&(start, _)| start >= from && start < to)
            .map(|(start, end)| (start - from + shift, end.min(to) - from + shift))
            .collect();
        Snippet { text: shown, highlights }
    }
}

/// Returns the positions of a phrase among the words of a text.
fn places<'a>(text: &'a [Word], phrase: &'a [String]) -> impl Iterator<Item = usize> + 'a {
    text.windows(phrase.len().max(1))
        .enumerate()
        .filter(move |(_, words)| {
            words.iter().zip(phrase).all(|(word, wanted)| word.folded == *wanted)
        })
        .map(|(at, _)| at)
}

/// Returns the positions of a number among the digits of a text, in characters.
fn digit_places(runs: &[DigitRun], digits: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for run in runs {
        for (at, _) in run.digits.match_indices(digits) {
            found.push((run.places[at], run.places[at + digits.len() - 1] + 1));
        }
    }
    found
}

/// Returns the positions of a part in a word, in characters of the text.
fn inside<'a>(word: &'a Word, part: &'a str) -> impl Iterator<Item = (usize, usize)> + 'a {
    let length = part.chars().count();
    word.folded.match_indices(part).map(move |(byte, _)| {
        let from = word.folded[..byte].chars().count();
        let last = word.places[from + length - 1];
        (word.places[from], word.places[from + length].max(last + 1))
    })
}

fn merged(mut ranges: Vec<(usize, usize)>) -> Vec<(usize, usize)> {
    ranges.sort_unstable();
    let mut merged: Vec<(usize, usize)> = Vec::new();
    for (start, end) in ranges {
        match merged.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => merged.push((start, end)),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{QueryMatcher, Snippet};
    use crate::search::query::Query;

    fn shown(query: &str, text: &str) -> Vec<String> {
        let Snippet { text, highlights } = QueryMatcher::new(&Query::read(query)).snippet(text);
        let piece = |(start, end)| text.chars().skip(start).take(end - start).collect();
        highlights.into_iter().map(piece).collect()
    }

    #[test]
    fn other_forms_parts_and_phrases_are_marked() {
        assert_eq!(shown("посылка", "Где посылки? Посылок нет"), ["посылки", "Посылок"]);
        assert_eq!(shown("врат", "Оформили ВОЗВРАТ"), ["ВРАТ"]);
        assert_eq!(shown("\"не подошёл\"", "Размер не  подошел, не то"), ["не  подошел"]);
        assert_eq!(shown("4321", "заказ 987654321"), ["4321"]);
        assert_eq!(shown("день -ночь", "Дня за два, не дно"), ["Дня"]);
    }

    #[test]
    fn numbers_are_marked_as_they_stand_in_the_text() {
        let text = "📞 +7 (999) 123-45-67, а не 9991234568";
        for query in ["9991234567", "8 999 123-45-67", "89991234567"] {
            assert_eq!(shown(query, text), ["999) 123-45-67"], "{query}");
        }
        assert_eq!(shown("+7 (999) 123-45-67", text), ["7 (999) 123-45-67"]);
        assert_eq!(shown("+7 (999) 123-45-67", "звоните 9991234567"), ["9991234567"]);
        assert_eq!(shown("23 45", "дом 23, кв. 45"), ["23", "45"]);
        assert_eq!(shown("12990", "итого 12\u{a0}990 ₽"), ["12\u{a0}990"]);
    }

    #[test]
    fn mixed_letters_and_signs_are_marked_as_they_stand_in_the_text() {
        assert_eq!(shown("заказ", "👍🏽 мой з\u{61}к\u{61}з"), ["з\u{61}к\u{61}з"]);
        assert_eq!(shown("з\u{61}каз", "Заказы"), ["Заказы"]);
        assert_eq!(shown("👍", "е\u{308} 👍🏽👍"), ["👍", "👍"]);
        assert_eq!(shown("..", "да.. нет."), [".."]);
    }

    #[test]
    fn of_a_long_text_the_piece_with_the_word_is_shown() {
        let text = format!("{} находка {}", "слово ".repeat(200), "ещё ".repeat(200));
        let snippet = QueryMatcher::new(&Query::read("находка")).snippet(&text);
        assert!(snippet.text.starts_with("…слово") && snippet.text.ends_with('…'));
        assert!(snippet.text.chars().count() <= 242);
        assert_eq!(shown("находка", &text), ["находка"]);
    }

    proptest! {
        #[test]
        fn highlights_lie_in_any_text_and_grow(
            text in "\\PC{0,400}|[а-яёЁa-z \u{301}\u{306}\u{ad}]{0,600}|[0-9 ().👍🏽\u{fe0f}-]{0,300}", query in "[а-яё\"]{1,8}|\\PC{1,8}|[0-9 +()-]{1,12}|[👍.*\u{fe0f}]{1,3}",
        ) {
            let snippet = QueryMatcher::new(&Query::read(&query)).snippet(&text);
            let length = snippet.text.chars().count();
            let mut last = 0;
            for (start, end) in snippet.highlights {
                prop_assert!(last <= start && start < end && end <= length);
                last = end;
            }
        }
    }
}

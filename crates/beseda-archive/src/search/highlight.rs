//! Where in a text the words of a query stand, and which piece of a long text to show. The index is not asked.

use serde::Serialize;

use super::{
    query::Query,
    words::{Stems, Word, each_word, words},
};

/// Longer texts are shown in part.
const SHOWN: usize = 240;
/// So much stands before the first place found.
const BEFORE: usize = 60;
/// Words of at least so many characters are found inside of others.
pub(crate) const SHORTEST_PART: usize = 3;

/// A piece of a text, with the places found in it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Snippet {
    /// The text, or a piece of it between dots.
    pub text: String,
    /// From where to where, in characters (Unicode code points) of `text`; growing, never touching.
    pub highlights: Vec<(usize, usize)>,
}

/// The words of a query, ready to be looked for in texts.
pub(crate) struct Wanted {
    stems: Stems,
    words: Vec<(String, String)>,
    phrases: Vec<Vec<String>>,
    /// The phrases with a blank around each word.
    spoken: Vec<String>,
}

impl Wanted {
    pub(crate) fn new(query: &Query) -> Self {
        let stems = Stems::new();
        let stemmed = |word: &String| (word.clone(), stems.of(word).into_owned());
        let words = query.words.iter().map(stemmed).collect();
        let spoken = query.phrases.iter().map(|words| format!(" {} ", words.join(" "))).collect();
        Self { words, phrases: query.phrases.clone(), spoken, stems }
    }

    /// Whether every phrase stands in one of the texts, word by word. `room` is only to be used again.
    pub(crate) fn has_phrases<'a>(
        &self,
        texts: impl Iterator<Item = &'a str>,
        room: &mut String,
    ) -> bool {
        room.clear();
        for text in texts {
            // Between two texts there is more than a blank: no phrase goes from one to the next.
            room.push_str("\n ");
            each_word(text, |word| {
                room.push_str(word);
                room.push(' ');
            });
        }
        self.spoken.iter().all(|phrase| room.contains(phrase.as_str()))
    }

    /// The places found in a text, growing, never touching.
    pub(crate) fn highlights(&self, text: &str) -> Vec<(usize, usize)> {
        let found = words(text);
        let mut ranges = Vec::new();
        for word in &found {
            let stem = self.stems.of(&word.folded);
            for (wanted, wanted_stem) in &self.words {
                if stem == wanted_stem.as_str() {
                    ranges.push((word.start, word.end()));
                } else if wanted.chars().count() >= SHORTEST_PART {
                    ranges.extend(inside(word, wanted));
                }
            }
        }
        for phrase in &self.phrases {
            for at in places(&found, phrase) {
                ranges.push((found[at].start, found[at + phrase.len() - 1].end()));
            }
        }
        merged(ranges)
    }

    /// What to show of a text.
    pub(crate) fn snippet(&self, text: &str) -> Snippet {
        let highlights = self.highlights(text);
        let length = text.chars().count();
        if length <= SHOWN {
            return Snippet { text: text.to_owned(), highlights };
        }
        let first = highlights.first().map_or(0, |range| range.0);
        let wanted = first.saturating_sub(BEFORE).min(length - SHOWN);
        let chars: Vec<char> = text.chars().collect();
        // From the beginning of a word on, if one begins nearby.
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

/// Where a phrase begins among the words of a text.
fn places<'a>(text: &'a [Word], phrase: &'a [String]) -> impl Iterator<Item = usize> + 'a {
    text.windows(phrase.len().max(1))
        .enumerate()
        .filter(move |(_, words)| {
            words.iter().zip(phrase).all(|(word, wanted)| word.folded == *wanted)
        })
        .map(|(at, _)| at)
}

/// Where a part stands in a word, in characters of the text.
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

    use super::{Snippet, Wanted};
    use crate::search::query::Query;

    fn shown(query: &str, text: &str) -> Vec<String> {
        let Snippet { text, highlights } = Wanted::new(&Query::read(query)).snippet(text);
        let piece = |(start, end)| text.chars().skip(start).take(end - start).collect();
        highlights.into_iter().map(piece).collect()
    }

    #[test]
    fn other_forms_parts_and_phrases_are_marked() {
        assert_eq!(shown("посылка", "Где посылки? Посылок нет"), ["посылки", "Посылок"]);
        assert_eq!(shown("врат", "Оформили ВОЗВРАТ"), ["ВРАТ"]);
        assert_eq!(shown("\"не подошёл\"", "Размер не  подошел, не то"), ["не  подошел"]);
        assert_eq!(shown("4321", "заказ 987654321"), ["4321"]);
    }

    #[test]
    fn of_a_long_text_the_piece_with_the_word_is_shown() {
        let text = format!("{} находка {}", "слово ".repeat(200), "ещё ".repeat(200));
        let snippet = Wanted::new(&Query::read("находка")).snippet(&text);
        assert!(snippet.text.starts_with("…слово") && snippet.text.ends_with('…'));
        assert!(snippet.text.chars().count() <= 242);
        assert_eq!(shown("находка", &text), ["находка"]);
    }

    proptest! {
        #[test]
        fn highlights_lie_in_any_text_and_grow(
            text in "\\PC{0,400}|[а-яёЁ \u{301}\u{306}\u{ad}]{0,600}", query in "[а-яё\"]{1,8}|\\PC{1,8}",
        ) {
            let snippet = Wanted::new(&Query::read(&query)).snippet(&text);
            let length = snippet.text.chars().count();
            let mut last = 0;
            for (start, end) in snippet.highlights {
                prop_assert!(last <= start && start < end && end <= length);
                last = end;
            }
        }
    }
}

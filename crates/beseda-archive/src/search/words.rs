//! Words of a text for searching: folded, split, in one alphabet.

use super::confusables::unmix;

/// Maximum length of a word in characters; longer runs of letters and digits are split.
pub(crate) const LONGEST: usize = 64;

/// Word of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word {
    /// Lower case, in one alphabet, with ё as е, without accents and soft hyphens.
    pub(crate) folded: String,
    /// Start in the text, in characters.
    pub(crate) start: usize,
    /// Position of each folded character in the text, in characters; the last is the end of the
    /// word.
    pub(crate) places: Vec<usize>,
}

impl Word {
    /// Returns the end in the text, in characters.
    pub(crate) fn end(&self) -> usize {
        self.places.last().copied().unwrap_or(self.start)
    }
}

/// Returns the words of a text with their positions.
pub(crate) fn words(text: &str) -> Vec<Word> {
    let mut found = Vec::new();
    let mut word: Option<Word> = None;
    let mut long = 0;
    for (at, c) in text.chars().enumerate() {
        let goes_on = word.is_some() && is_inside(c);
        if is_part(c) || goes_on {
            if long >= LONGEST {
                found.extend(word.take());
            }
            let word = word.get_or_insert_with(|| {
                long = 0;
                Word { folded: String::new(), start: at, places: vec![at] }
            });
            long += fold(c, at, word);
        } else {
            found.extend(word.take());
        }
    }
    found.extend(word);
    found.retain(|word| !word.folded.is_empty());
    found.iter_mut().for_each(|word| unmix(&mut word.folded));
    found
}

/// Calls `each` with each folded word of a text, without positions, for the index.
pub(crate) fn each_word(text: &str, mut each: impl FnMut(&str)) {
    let mut folded = String::new();
    let mut long = 0;
    for c in text.chars() {
        if is_part(c) || (!folded.is_empty() && is_inside(c)) {
            if long >= LONGEST {
                end_word(&mut folded, &mut each);
                long = 0;
            }
            long += push(c, &mut folded);
        } else if !folded.is_empty() {
            end_word(&mut folded, &mut each);
            long = 0;
        }
    }
    if !folded.is_empty() {
        end_word(&mut folded, &mut each);
    }
}

fn end_word(folded: &mut String, each: &mut impl FnMut(&str)) {
    unmix(folded);
    each(folded);
    folded.clear();
}

/// Returns true for letters and digits; most letters are recognized without Unicode tables. Combining letters (such as
/// U+0363) are marks: they may follow a letter but not start a word.
pub(crate) fn is_part(c: char) -> bool {
    matches!(c, 'а'..='я' | 'А'..='Я') || (c.is_alphanumeric() && !is_inside(c))
}

/// Returns true for characters that may occur within a word without being part of it: accents, soft
/// hyphens, joiners.
pub(crate) fn is_inside(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}')
}

/// Appends a folded character with its position and returns the number of characters added.
fn fold(c: char, at: usize, word: &mut Word) -> usize {
    let more = push(c, &mut word.folded);
    // The end of the previous character moves behind marks that fold to nothing.
    word.places.pop();
    if more == 0 && word.places.is_empty() {
        word.places.push(at);
    }
    word.places.extend(std::iter::repeat_n(at, more));
    word.places.push(at + 1);
    more
}

/// Appends a folded character and returns the number of characters added.
fn push(c: char, folded: &mut String) -> usize {
    match c {
        'ё' | 'Ё' => folded.push('е'),
        // й in two characters is и with a breve.
        '\u{306}' if folded.ends_with('и') => {
            folded.pop();
            folded.push('й');
            return 0;
        }
        'а'..='я' => folded.push(c),
        _ if is_inside(c) => return 0,
        _ if c.is_ascii() => folded.push(c.to_ascii_lowercase()),
        _ => {
            let before = folded.len();
            folded.extend(c.to_lowercase().filter(|lower| lower.is_alphanumeric()));
            return folded[before..].chars().count();
        }
    }
    1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{LONGEST, each_word, words};

    fn folded(text: &str) -> Vec<String> {
        words(text).into_iter().map(|word| word.folded).collect()
    }

    #[test]
    fn words_are_folded_and_blanks_and_signs_left_out() {
        assert_eq!(folded("Ёлка, ЧЁРНАЯ (5кг)!"), ["елка", "черная", "5кг"]);
        assert_eq!(folded("из-за №123-45"), ["из", "за", "123", "45"]);
        assert_eq!(folded(" \n—"), Vec::<String>::new());
    }

    #[test]
    fn a_letter_in_two_characters_is_the_letter() {
        assert_eq!(folded("мои\u{306} е\u{308}жик за\u{301}мок"), ["мой", "ежик", "замок"]);
        assert_eq!(folded("пере\u{ad}нос"), ["перенос"]);
    }

    #[test]
    fn a_combining_letter_does_not_start_a_word() {
        assert_eq!(folded("\u{363}a a\u{363}b"), ["a", "ab"]);
        assert_eq!(words("\u{363}a")[0].places, [1, 2]);
    }

    proptest! {
        #[test]
        fn places_lie_in_the_text_and_grow(text in "\\PC*|[а-яёА-ЯЁ \u{301}\u{306}\u{ad}İß]*") {
            let length = text.chars().count();
            let mut last = 0;
            for word in words(&text) {
                prop_assert!(last <= word.start && word.start < word.end() && word.end() <= length);
                prop_assert_eq!(word.places.len(), word.folded.chars().count() + 1);
                prop_assert!(word.places.is_sorted());
                prop_assert!(word.folded.chars().count() <= LONGEST + 3);
                prop_assert!(word.folded.chars().all(char::is_alphanumeric));
                last = word.end();
            }
        }

        #[test]
        fn the_index_sees_the_words_that_highlighting_sees(text in "\\PC*|[а-яёА-ЯЁ \u{301}\u{306}\u{ad}İß]*") {
            let mut seen = Vec::new();
            each_word(&text, |word| seen.push(word.to_owned()));
            prop_assert_eq!(seen, folded(&text));
        }
    }
}

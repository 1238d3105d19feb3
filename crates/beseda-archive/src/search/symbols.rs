//! Emoji, punctuation and other symbols, searched for literally.

use super::words::{is_inside, is_part};

/// Maximum length of a symbol run in a query.
const LONGEST: usize = 64;
/// Number of symbols whose adjacency the index decides.
const CERTAIN: usize = 2;

/// Adjacent symbols of a text, without invisible ones (joiners, variation selectors, directions).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SymbolRun(Vec<char>);

impl SymbolRun {
    /// Returns the tokens of a message with these symbols.
    pub(crate) fn tokens(&self) -> Vec<String> {
        match self.0.as_slice() {
            [one] => vec![token(*one)],
            many => many.windows(2).map(|pair| pair_token(pair[0], pair[1])).collect(),
        }
    }

    /// Returns true if the tokens alone don't determine the order of the symbols.
    pub(crate) fn is_uncertain(&self) -> bool {
        self.0.len() > CERTAIN
    }

    /// Returns the positions in a text, in characters.
    pub(crate) fn places(&self, text: &str) -> Vec<(usize, usize)> {
        let mut found = Vec::new();
        for run in runs(text) {
            let mut at = 0;
            while at + self.0.len() <= run.len() {
                let here = &run[at..at + self.0.len()];
                if here.iter().map(|(_, c)| c).eq(&self.0) {
                    found.push((here[0].0, here[here.len() - 1].0 + 1));
                    at += self.0.len();
                } else {
                    at += 1;
                }
            }
        }
        found
    }
}

/// Returns the runs of emoji in a part of a query.
pub(crate) fn emoji(text: &str) -> Vec<SymbolRun> {
    let chars = |run: Vec<(usize, char)>| run.into_iter().map(|(_, c)| c).collect::<Vec<_>>();
    let mut found = Vec::new();
    for run in runs(text).map(chars) {
        found.extend(run.split(|&c| !is_emoji(c)).filter(|part| !part.is_empty()).map(cut));
    }
    found
}

/// Returns all runs of symbols in a part of a query.
pub(crate) fn all(text: &str) -> Vec<SymbolRun> {
    let chars = |run: Vec<(usize, char)>| run.into_iter().map(|(_, c)| c).collect::<Vec<_>>();
    runs(text).map(chars).map(|run| cut(&run)).collect()
}

fn cut(run: &[char]) -> SymbolRun {
    SymbolRun(run[..run.len().min(LONGEST)].to_vec())
}

/// Calls `each` with each token of the symbols in a text.
pub(crate) fn each_token(text: &str, mut each: impl FnMut(&str)) {
    let mut before = None;
    for c in text.chars() {
        if is_part(c) || c.is_whitespace() {
            before = None;
            continue;
        }
        if is_invisible(c) {
            continue;
        }
        each(&token(c));
        if let Some(before) = before {
            each(&pair_token(before, c));
        }
        before = Some(c);
    }
}

/// Returns true if a character is searched for even beside words.
pub(crate) fn is_emoji(c: char) -> bool {
    matches!(c,
        '\u{2190}'..='\u{21ff}' | '\u{2300}'..='\u{23ff}' | '\u{25a0}'..='\u{27bf}' | '\u{2900}'..='\u{297f}'
        | '\u{2b00}'..='\u{2bff}' | '\u{3030}' | '\u{303d}' | '\u{3297}' | '\u{3299}' | '\u{1f000}'..='\u{1faff}')
        && is_sign(c)
}

/// Returns the runs of symbols with their positions in characters.
fn runs(text: &str) -> impl Iterator<Item = Vec<(usize, char)>> {
    let mut chars = text.chars().enumerate().filter(|&(_, c)| !is_invisible(c));
    std::iter::from_fn(move || {
        let first = chars.by_ref().find(|&(_, c)| is_sign(c))?;
        let mut run = vec![first];
        run.extend(chars.by_ref().take_while(|&(_, c)| is_sign(c)));
        Some(run)
    })
}

fn is_sign(c: char) -> bool {
    !is_part(c) && !c.is_whitespace() && !is_invisible(c)
}

fn is_invisible(c: char) -> bool {
    (c.is_control() && !c.is_whitespace())
        || is_inside(c)
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        || matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{e0000}'..='\u{e01ef}')
}

fn token(sign: char) -> String {
    format!("§u{:x}", u32::from(sign))
}

fn pair_token(one: char, next: char) -> String {
    format!("§u{:x}x{:x}", u32::from(one), u32::from(next))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{all, each_token, emoji};

    fn tokens(text: &str) -> Vec<String> {
        let mut found = Vec::new();
        each_token(text, |token| found.push(token.to_owned()));
        found
    }

    #[test]
    fn signs_are_tokens_alone_and_with_the_next_one() {
        assert_eq!(tokens("да.. нет*"), ["§u2e", "§u2e", "§u2ex2e", "§u2a"]);
        assert_eq!(tokens("слово 5"), Vec::<String>::new());
    }

    #[test]
    fn what_cannot_be_seen_makes_no_difference() {
        assert_eq!(tokens("\u{2764}\u{fe0f}"), tokens("\u{2764}"));
        assert_eq!(all("\u{200e}\u{fe0f}"), []);
    }

    #[test]
    fn blanks_and_line_ends_part_signs() {
        assert_eq!(tokens(".\n."), ["§u2e", "§u2e"]);
        assert_eq!(all(".\t. ."), all(". . ."));
    }

    proptest! {
        #[test]
        fn the_index_has_the_signs_of_every_text(text in "\\PC{0,40}|[.👍\u{fe0f}\u{ad} \n\u{7}а]{0,20}") {
            let indexed = tokens(&text);
            for signs in all(&text) {
                prop_assert!(signs.tokens().iter().all(|token| indexed.contains(token)));
                prop_assert!(!signs.places(&text).is_empty());
            }
        }
    }

    #[test]
    fn emoji_are_taken_out_of_other_signs() {
        assert_eq!(emoji("спасибо!👍👍, (🔥)"), [all("👍👍"), all("🔥")].concat());
        assert_eq!(emoji("100 % * .. ₽"), []);
    }

    #[test]
    fn places_are_characters_of_the_text() {
        let thumb = &all("👍")[0];
        assert_eq!(thumb.places("ё\u{301}👍🏽 👍"), [(2, 3), (5, 6)]);
        assert_eq!(all("..")[0].places("а... б.."), [(1, 3), (6, 8)]);
    }
}

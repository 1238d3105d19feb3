//! Confusables: words that mix similar-looking Latin and Cyrillic letters.

/// Latin lower-case letters and the Cyrillic letters that look alike in either case.
const PAIRS: [(char, char); 14] = [
    ('a', 'а'),
    ('b', 'в'),
    ('c', 'с'),
    ('e', 'е'),
    ('h', 'н'),
    ('i', 'і'),
    ('k', 'к'),
    ('m', 'м'),
    ('o', 'о'),
    ('p', 'р'),
    ('t', 'т'),
    ('x', 'х'),
    ('y', 'у'),
    ('ë', 'е'),
];

/// Writes a folded word in one alphabet: Cyrillic if each of its Latin letters has a counterpart
/// there, else Latin likewise. Other words are unchanged, and the length never changes.
pub(crate) fn unmix(word: &mut String) {
    let latin = word.chars().any(is_latin);
    if !latin || !word.chars().any(is_cyrillic) {
        return;
    }
    let cyrillic = |c| if is_latin(c) { to_cyrillic(c) } else { Some(c) };
    let in_latin = |c| if is_cyrillic(c) { to_latin(c) } else { Some(c) };
    let one_alphabet: Option<String> = word.chars().map(cyrillic).collect();
    if let Some(one) = one_alphabet.or_else(|| word.chars().map(in_latin).collect()) {
        *word = one;
    }
}

fn is_latin(c: char) -> bool {
    c.is_ascii_alphabetic() || matches!(c, '\u{c0}'..='\u{24f}')
}

fn is_cyrillic(c: char) -> bool {
    matches!(c, '\u{400}'..='\u{52f}')
}

fn to_cyrillic(latin: char) -> Option<char> {
    PAIRS.iter().find(|pair| pair.0 == latin).map(|pair| pair.1)
}

fn to_latin(cyrillic: char) -> Option<char> {
    PAIRS.iter().find(|pair| pair.1 == cyrillic).map(|pair| pair.0)
}

#[cfg(test)]
mod tests {
    use super::unmix;

    fn unmixed(word: &str) -> String {
        let mut word = word.to_owned();
        unmix(&mut word);
        word
    }

    #[test]
    fn a_mixed_word_is_written_in_cyrillic_where_that_is_possible() {
        assert_eq!(unmixed("з\u{61}к\u{61}з"), "заказ");
        assert_eq!(unmixed("\u{63}\u{6f}р"), "сор");
        assert_eq!(unmixed("ещ\u{eb}"), "еще");
    }

    #[test]
    fn a_mixed_word_with_other_latin_letters_is_written_in_latin() {
        assert_eq!(unmixed("\u{445}l"), "xl");
        assert_eq!(unmixed("pr\u{43e}\u{43c}\u{43e}"), "promo");
    }

    #[test]
    fn words_of_one_alphabet_and_words_that_fit_none_stay() {
        for word in ["cop", "сор", "iphone", "заказ", "iphoneя", "5kg", "123", "é"] {
            assert_eq!(unmixed(word), word);
        }
    }
}

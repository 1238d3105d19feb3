//! Stems: the Snowball stem of a word, and the dictionary's tokens for forms with several stems.

use std::borrow::Cow;

use rust_stemmers::{Algorithm, Stemmer};

use super::dictionary;

/// Stemmer for Russian and English.
pub(crate) struct Stems {
    russian: Stemmer,
    english: Stemmer,
}

impl Stems {
    pub(crate) fn new() -> Self {
        Self {
            russian: Stemmer::create(Algorithm::Russian),
            english: Stemmer::create(Algorithm::English),
        }
    }

    /// Returns the stem of a folded word. A word in another language is its own stem.
    pub(crate) fn of<'a>(&self, word: &'a str) -> Cow<'a, str> {
        if word.bytes().all(|byte| byte.is_ascii_lowercase()) {
            return self.english.stem(word);
        }
        if is_russian(word) {
            let stem = self.russian.stem(word);
            return match without_fleeting_vowel(&stem) {
                Some(shorter) => Cow::Owned(shorter),
                None => stem,
            };
        }
        Cow::Borrowed(word)
    }

    /// Returns the stem of a folded word and the tokens of its other forms. Two words match if they
    /// share one.
    pub(crate) fn all(&self, word: &str) -> Vec<String> {
        let mut all = vec![self.of(word).into_owned()];
        if is_russian(word) {
            all.extend(dictionary::tokens(word));
        }
        all
    }
}

fn is_russian(word: &str) -> bool {
    word.chars().all(|c| matches!(c, 'а'..='я'))
}

/// `посылок` and `посылка`, `наклеек` and `наклейка`, `палец` and `пальцы` are forms of one word, which the stemmer keeps
/// apart. Both are written here without the vowel (or the soft sign) that comes and goes.
fn without_fleeting_vowel(stem: &str) -> Option<String> {
    let mut back = stem.char_indices().rev();
    let (_, last) = back.next().filter(|(_, c)| matches!(c, 'к' | 'ц'))?;
    let (at, fleeting) = back.next().filter(|(_, c)| matches!(c, 'о' | 'е' | 'ь'))?;
    let (_, before) = back.next()?;
    back.next()?;
    let vowel = matches!(before, 'а' | 'е' | 'и' | 'о' | 'у' | 'ы' | 'э' | 'ю' | 'я');
    let kept = match (vowel, fleeting) {
        (false, _) => "",
        (true, 'е') => "й",
        (true, _) => return None,
    };
    Some(format!("{}{kept}{last}", &stem[..at]))
}

#[cfg(test)]
mod tests {
    use super::Stems;

    #[test]
    fn forms_of_a_word_have_one_stem() {
        let stems = Stems::new();
        for forms in [
            &["заказ", "заказа", "заказу", "заказом", "заказы", "заказов", "заказами"][..],
            &["посылка", "посылки", "посылку", "посылкой", "посылок"],
            &["наклейка", "наклейки", "наклеек"],
            &["палец", "пальцы", "пальцами"],
            &["возврат", "возврата", "возвраты", "возвратом"],
            &["доставка", "доставку", "доставки", "доставкой"],
            &["красный", "красная", "красного", "красными"],
            &["order", "orders"],
        ] {
            let all: Vec<_> = forms.iter().map(|form| stems.of(form).into_owned()).collect();
            assert!(all.iter().all(|stem| *stem == all[0]), "{all:?}");
        }
    }
}

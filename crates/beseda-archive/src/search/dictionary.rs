//! Forms of Russian words that the stemmer keeps apart (`день` and `дня`, `куплю` and `купили`), looked up in a table that is
//! part of the program. `dictionary/make.rs` makes the table from a spelling dictionary.

pub mod make;

use std::sync::LazyLock;

use fst::Map;

static FORMS: &[u8] = include_bytes!("../../data/forms.fst");
static RULES: &str = include_str!("../../data/rules.txt");

static DICTIONARY: LazyLock<Dictionary> =
    LazyLock::new(|| Dictionary::new(FORMS, RULES).expect("the table is part of the program"));

/// Folded forms, each with the number of its token rules.
struct Dictionary<'d> {
    forms: Map<&'d [u8]>,
    rules: Vec<Vec<Rule<'d>>>,
}

/// Number of characters to cut from the end of a form, and their replacement.
#[derive(Clone, Copy)]
struct Rule<'d> {
    cut: usize,
    ending: &'d str,
}

impl<'d> Dictionary<'d> {
    fn new(forms: &'d [u8], rules: &'d str) -> Result<Self, fst::Error> {
        let rule = |text: &'d str| {
            let (cut, ending) = text.split_once(':').unwrap_or((text, ""));
            Rule { cut: cut.parse().unwrap_or(0), ending }
        };
        let rules = rules.lines().map(|line| line.split(' ').map(rule).collect()).collect();
        Ok(Self { forms: Map::new(forms)?, rules })
    }

    fn tokens<'w>(&'w self, word: &'w str) -> impl Iterator<Item = String> + 'w {
        let number = self.forms.get(word).and_then(|number| usize::try_from(number).ok());
        let rules = number.and_then(|number| self.rules.get(number));
        rules.into_iter().flatten().map(move |rule| rule.apply(word))
    }
}

impl Rule<'_> {
    fn apply(self, word: &str) -> String {
        let end = word.char_indices().rev().take(self.cut).last().map_or(word.len(), |(at, _)| at);
        format!("{}{}", &word[..end], self.ending)
    }
}

/// Returns the tokens of a folded Russian word besides its stem; usually none.
pub(crate) fn tokens(word: &str) -> impl Iterator<Item = String> {
    DICTIONARY.tokens(word)
}

#[cfg(test)]
mod tests {
    use super::{Dictionary, make::make, tokens};
    use crate::search::stems::Stems;

    fn is_one_word(one: &str, other: &str) -> bool {
        let stems = Stems::new();
        let other = stems.all(other);
        stems.all(one).iter().any(|token| other.contains(token))
    }

    #[test]
    fn forms_with_another_stem_have_a_token_in_common() {
        for (one, others) in [
            ("день", &["дня", "дней", "дню", "днями"][..]),
            ("вернуть", &["вернули", "верну", "вернете", "возвращать", "возвращаю", "возвращен"]),
            ("купить", &["куплю", "купили", "покупал"]),
            ("отправить", &["отправлю", "отправили", "отправляете", "отправлен"]),
            ("заказать", &["заказывал", "закажу", "заказали"]),
            ("прийти", &["пришел", "придет", "приходил"]),
            ("получить", &["получал", "получили", "получу"]),
            ("взять", &["возьму", "беру", "взяли"]),
            ("ждать", &["жду", "ждем", "ждали"]),
            ("человек", &["люди", "людей"]),
        ] {
            for other in others {
                assert!(is_one_word(one, other), "{one}, {other}");
            }
        }
    }

    #[test]
    fn other_words_stay_other_words() {
        for (one, other) in [
            ("вернули", "верно"),
            ("день", "дно"),
            ("заказать", "сказать"),
            ("получить", "поручить"),
            ("отправить", "поправить"),
        ] {
            assert!(!is_one_word(one, other), "{one}, {other}");
        }
        assert_eq!(tokens("стол").count() + tokens("unknown").count() + tokens("").count(), 0);
    }

    #[test]
    fn a_table_is_made_of_affixes_words_and_families() {
        let affixes =
            "SFX O Y 2\nSFX O ень ня ень\nSFX O ень ню [дп]ень\nSFX K Y 1\nSFX K 0 а [^ь]";
        let words = "4\nдень/O\nтень/O\nмост/K\nИмя/K\n";
        let made = make(affixes, words, "# sign\nтень сумрак\n").unwrap();
        let dictionary = Dictionary::new(&made.forms, &made.rules).unwrap();
        let all = |word: &str| -> Vec<String> {
            let stems = Stems::new();
            dictionary.tokens(word).chain([stems.of(word).into_owned()]).collect()
        };
        assert!(all("день").iter().any(|token| all("дню").contains(token)));
        assert!(all("сумрак").iter().any(|token| all("тень").contains(token)));
        assert!(!all("день").iter().any(|token| all("тень").contains(token)));
        assert_eq!((all("мост").len(), all("тню").len()), (1, 1));
    }
}

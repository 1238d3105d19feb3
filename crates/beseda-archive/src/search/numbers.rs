//! Numbers written in groups (`+7 (999) 123-45-67`, `12 990`), found however they are grouped.
//! Digits within words are not numbers.

use super::words::{is_inside, is_part};

/// Maximum number of digits in a grouped number, as in the longest phone number.
const MOST_DIGITS: usize = 15;
/// Minimum number of digits in a grouped number.
const FEWEST_DIGITS: usize = 4;
/// Maximum number of groupings reported per text.
const MOST_JOINED: usize = 512;
/// Maximum number of separators between two groups.
const LONGEST_GAP: usize = 3;

/// Groups of digits separated only by blanks, hyphens, dots and brackets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct DigitRun {
    /// All digits.
    pub(crate) digits: String,
    /// Position of each digit in the text, in characters.
    pub(crate) places: Vec<usize>,
    /// End of each group in `digits`.
    ends: Vec<usize>,
}

impl DigitRun {
    /// Returns the groups as written.
    pub(crate) fn groups(&self) -> impl Iterator<Item = &str> {
        (0..self.ends.len()).map(|group| &self.digits[self.begin(group)..self.ends[group]])
    }

    /// Returns all digits, if there are several groups that can form one number.
    pub(crate) fn whole(&self) -> Option<&str> {
        let fits = (FEWEST_DIGITS..=MOST_DIGITS).contains(&self.digits.len());
        (self.ends.len() > 1 && fits).then_some(self.digits.as_str())
    }

    /// Returns every number that two or more adjacent groups can form.
    fn joined(&self) -> impl Iterator<Item = &str> {
        (0..self.ends.len()).flat_map(move |first| {
            let begin = self.begin(first);
            self.ends[first + 1..]
                .iter()
                .map(move |&end| &self.digits[begin..end])
                .take_while(|digits| digits.len() <= MOST_DIGITS)
                .filter(|digits| digits.len() >= FEWEST_DIGITS)
        })
    }

    fn begin(&self, group: usize) -> usize {
        group.checked_sub(1).map_or(0, |before| self.ends[before])
    }
}

/// Returns the ten national digits of a number in Russia or Kazakhstan with the prefix 7 or 8.
pub(crate) fn national(digits: &str) -> Option<&str> {
    let bytes = digits.as_bytes();
    let is_phone = bytes.len() == 11
        && matches!(bytes[0], b'7' | b'8')
        && matches!(bytes[1], b'3' | b'4' | b'7' | b'8' | b'9')
        && bytes.iter().all(u8::is_ascii_digit);
    is_phone.then(|| &digits[1..])
}

/// Calls `each` with the numbers a text is found by besides its words: grouped numbers as one,
/// phone numbers without prefix.
pub(crate) fn each_number(runs: &[DigitRun], mut each: impl FnMut(&str)) {
    let mut room = MOST_JOINED;
    for run in runs {
        run.groups().filter_map(national).for_each(&mut each);
        for number in run.joined() {
            if room == 0 {
                return;
            }
            room -= 1;
            each(number);
            if let Some(short) = national(number) {
                each(short);
            }
        }
    }
}

/// Returns the runs of digit groups in a text.
pub(crate) fn runs(text: &str) -> Vec<DigitRun> {
    let mut found = Reader::default();
    for (at, c) in text.chars().enumerate() {
        found.read(at, c);
    }
    found.end_group();
    found.end_run();
    found.runs
}

#[derive(Default)]
struct Reader {
    runs: Vec<DigitRun>,
    run: DigitRun,
    /// Current group with its positions.
    group: (String, Vec<usize>),
    /// True within a word that has letters.
    in_word: bool,
    gap: String,
}

impl Reader {
    fn read(&mut self, at: usize, c: char) {
        if c.is_ascii_digit() && !self.in_word {
            self.group.0.push(c);
            self.group.1.push(at);
        } else if is_part(c) {
            self.in_word = true;
            self.group = Default::default();
            self.end_run();
        } else if !is_inside(c) {
            self.end_group();
            self.in_word = false;
            self.gap.push(c);
        }
    }

    fn end_group(&mut self) {
        if self.group.0.is_empty() {
            return;
        }
        if !joins(&self.gap) {
            self.end_run();
        }
        self.gap.clear();
        let (digits, places) = std::mem::take(&mut self.group);
        self.run.digits.push_str(&digits);
        self.run.places.extend(places);
        self.run.ends.push(self.run.digits.len());
    }

    fn end_run(&mut self) {
        self.gap.clear();
        if !self.run.ends.is_empty() {
            self.runs.push(std::mem::take(&mut self.run));
        }
    }
}

/// Returns true if two groups with this separator can form one number.
fn joins(gap: &str) -> bool {
    let known = |c: char| {
        matches!(c, ' ' | '\u{a0}' | '\u{2009}' | '\u{202f}' | '(' | ')' | '.')
            || matches!(c, '-' | '\u{2010}'..='\u{2014}' | '\u{2212}')
    };
    // A dot before a blank ends a sentence.
    gap.chars().count() <= LONGEST_GAP && gap.chars().all(known) && !gap.contains(". ")
}

#[cfg(test)]
mod tests {
    use super::{each_number, runs};

    fn numbers(text: &str) -> Vec<String> {
        let mut found = Vec::new();
        each_number(&runs(text), |number| found.push(number.to_owned()));
        found
    }

    fn whole(text: &str) -> Vec<String> {
        runs(text).iter().filter_map(|run| run.whole().map(str::to_owned)).collect()
    }

    #[test]
    fn a_phone_is_one_number_however_it_is_written() {
        for text in [
            "+7 (999) 123-45-67",
            "8 999 123-45-67",
            "8-999-123-45-67",
            "8(999)1234567",
            "тел.:8.999.123.45.67, звоните",
            "79991234567",
        ] {
            assert!(
                numbers(text).contains(&"9991234567".to_owned()),
                "{text}: {:?}",
                numbers(text)
            );
        }
        assert!(numbers("999 123 45 67").contains(&"9991234567".to_owned()));
    }

    #[test]
    fn a_number_is_seen_among_others_beside_it() {
        assert!(numbers("заказ 123 456 789 2 шт").contains(&"123456789".to_owned()));
        assert!(numbers("8 999 123-45-67 2").contains(&"9991234567".to_owned()));
        assert_eq!(whole("итого 12 990 руб"), ["12990"]);
    }

    #[test]
    fn words_sentences_and_lists_part_numbers() {
        for text in ["5кг 3000", "12, 5678", "В 2025. 1000 штук", "12\n3456", "a12 3456", "1 2"]
        {
            assert_eq!(numbers(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn a_table_of_numbers_costs_a_bounded_number_of_joined_ones() {
        assert_eq!(numbers(&"1 ".repeat(4_000)).len(), 512);
    }

    #[test]
    fn places_are_those_of_the_digits() {
        let run = runs("т. +7 (999) 1").remove(0);
        assert_eq!((run.digits.as_str(), run.places), ("79991", vec![4, 7, 8, 9, 12]));
    }
}

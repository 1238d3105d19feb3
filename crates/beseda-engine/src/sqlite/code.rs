//! How words are kept as small numbers: by their place in the published list. New words may only be added at a list's end.

use beseda_api::{ChatStatus, ChatType, ContextType, Sender};
use rusqlite::types::Type;

/// A published enum that is kept as a number.
pub(super) trait Word: Clone + PartialEq + 'static {
    /// Every value, in the order of their numbers.
    const WORDS: &'static [Self];

    /// The number to keep. A word that isn't known can't get here: the edge refuses it.
    fn code(&self) -> i64 {
        let place = Self::WORDS.iter().position(|word| word == self);
        place.and_then(|place| i64::try_from(place).ok()).unwrap_or(-1)
    }

    /// The word of a number that was kept.
    fn of_code(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<Self> {
        let code: i64 = row.get(column)?;
        let word = usize::try_from(code).ok().and_then(|place| Self::WORDS.get(place)).cloned();
        word.ok_or_else(|| {
            let reason = format!("{code} stands for no word; was this written by a newer version?");
            rusqlite::Error::FromSqlConversionFailure(column, Type::Integer, reason.into())
        })
    }
}

impl Word for ChatType {
    const WORDS: &'static [Self] = Self::ALL;
}

impl Word for ChatStatus {
    const WORDS: &'static [Self] = Self::ALL;
}

impl Word for ContextType {
    const WORDS: &'static [Self] = Self::ALL;
}

impl Word for Sender {
    const WORDS: &'static [Self] = Self::ALL;
}

#[cfg(test)]
mod tests {
    use super::Word;
    use beseda_api::{ChatStatus, ChatType, ContextType, Sender};

    #[test]
    fn the_numbers_of_words_never_change() {
        let codes: Vec<i64> = ChatStatus::ALL.iter().map(Word::code).collect();
        assert_eq!(codes, [0, 1, 2, 3, 4, 5]);
        assert_eq!(ChatStatus::Finished.code(), 5);
        assert_eq!((ChatType::Chat.code(), ChatType::Arbitrage.code()), (0, 1));
        assert_eq!((ContextType::Order.code(), ContextType::Direct.code()), (0, 2));
        assert_eq!((Sender::Partner.code(), Sender::Support.code()), (0, 3));
    }
}

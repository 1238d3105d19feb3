//! Column conversions of the engine's tables: enums as small integers, text with a fast UTF-8 check.

use beseda_api::{ChatStatus, ChatType, ContextType, Sender};
pub(super) use beseda_sqlite::columns::{
    id, invalid_column, optional_id, optional_timestamp, timestamp,
};
use rusqlite::{Row, types::Type};

/// Published enum that is stored as an integer: the index in [`StoredEnum::VALUES`].
pub(super) trait StoredEnum: Clone + PartialEq + 'static {
    /// All values in the order of their integers. New values may only be appended.
    const VALUES: &'static [Self];

    /// Returns the integer of a value. Unknown values are rejected before they reach a store.
    fn code(&self) -> i64 {
        let index = Self::VALUES.iter().position(|value| value == self);
        index.and_then(|index| i64::try_from(index).ok()).unwrap_or(-1)
    }

    /// Reads a value.
    fn from_column(row: &Row<'_>, column: usize) -> rusqlite::Result<Self> {
        let code: i64 = row.get(column)?;
        let value = usize::try_from(code).ok().and_then(|index| Self::VALUES.get(index)).cloned();
        value.ok_or_else(|| {
            let reason = format!("unknown value {code}; was it written by a newer version?");
            rusqlite::Error::FromSqlConversionFailure(column, Type::Integer, reason.into())
        })
    }
}

impl StoredEnum for ChatType {
    const VALUES: &'static [Self] = Self::ALL;
}

impl StoredEnum for ChatStatus {
    const VALUES: &'static [Self] = Self::ALL;
}

impl StoredEnum for ContextType {
    const VALUES: &'static [Self] = Self::ALL;
}

impl StoredEnum for Sender {
    const VALUES: &'static [Self] = Self::ALL;
}

/// Reads a text that may be `NULL`. Histories are mostly non-ASCII text, so the UTF-8 check uses SIMD.
pub(super) fn text(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<String>> {
    let bytes = row.get_ref(column)?.as_bytes_or_null()?;
    let read = |bytes| simdutf8::basic::from_utf8(bytes).map(str::to_owned);
    bytes.map(read).transpose().map_err(|error| invalid_column(column, error))
}

#[cfg(test)]
mod tests {
    use super::StoredEnum;
    use beseda_api::{ChatStatus, ChatType, ContextType, Sender};

    #[test]
    fn the_integers_of_enums_never_change() {
        let codes: Vec<i64> = ChatStatus::ALL.iter().map(StoredEnum::code).collect();
        assert_eq!(codes, [0, 1, 2, 3, 4, 5]);
        assert_eq!(ChatStatus::Finished.code(), 5);
        assert_eq!((ChatType::Chat.code(), ChatType::Arbitrage.code()), (0, 1));
        assert_eq!((ContextType::Order.code(), ContextType::Direct.code()), (0, 2));
        assert_eq!((Sender::Partner.code(), Sender::Support.code()), (0, 3));
    }
}

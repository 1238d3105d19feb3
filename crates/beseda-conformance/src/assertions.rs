//! Assertions about refusals and message ids.

use std::fmt::Debug;

use beseda_api::{Error, ErrorKind, MessageId, Result};

/// Asserts that an operation was refused with an error of this kind, and returns its message.
///
/// # Panics
/// If the operation succeeded, failed internally, or was refused with another error.
#[track_caller]
pub fn assert_refused<T: Debug>(result: Result<T>, kind: ErrorKind) -> String {
    let error = match result {
        Ok(value) => panic!("{kind:?} was expected, it succeeded with {value:?}"),
        Err(error) => error,
    };
    assert_eq!(error.kind(), Some(kind), "{error:?}");
    assert_eq!(error.items().len(), 1, "one reason is expected: {error:?}");
    assert_eq!(error.items()[0].code, kind.code());
    error.to_string()
}

/// Asserts that an operation was refused with this error.
///
/// # Panics
/// If the operation succeeded, failed internally, or was refused with another error.
#[track_caller]
pub fn assert_refused_with<T: Debug>(result: Result<T>, expected: &Error) {
    let kind = expected.kind().unwrap();
    assert_eq!(assert_refused(result, kind), expected.to_string());
}

/// Asserts that message ids increase strictly.
///
/// # Panics
/// If they don't.
#[track_caller]
pub fn assert_increasing(ids: &[MessageId]) {
    assert!(ids.is_sorted_by(|a, b| a < b), "ids don't increase strictly: {ids:?}");
}

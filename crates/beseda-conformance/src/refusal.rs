//! What a case expects of an operation that must say no. Breakages are never what a case expects.

use std::fmt::Debug;

use beseda_api::{Error, ErrorKind, Result};

/// Asserts that an operation was refused so, and gives the reason back.
///
/// # Panics
/// If it succeeded, broke, or was refused otherwise.
#[track_caller]
pub fn refused<T: Debug>(result: Result<T>, refusal: ErrorKind) -> String {
    let error = match result {
        Ok(value) => panic!("{refusal:?} was expected, it succeeded with {value:?}"),
        Err(error) => error,
    };
    assert_eq!(error.kind(), Some(refusal), "{error:?}");
    assert_eq!(error.items().len(), 1, "one reason is expected: {error:?}");
    assert_eq!(error.items()[0].code, refusal.code());
    error.to_string()
}

/// Asserts that an operation was refused with exactly this reason.
///
/// # Panics
/// If it wasn't.
#[track_caller]
pub fn refused_as<T: Debug>(result: Result<T>, expected: &Error) {
    let refusal = expected.kind().unwrap();
    assert_eq!(refused(result, refusal), expected.to_string());
}

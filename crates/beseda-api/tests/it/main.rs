//! Tests of the contract crate from outside: the documented examples, answers of both generations, round trips.
//! No network and no engine.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking where it stands")]

mod golden;
mod lenient;
mod round_trip;

//! Tests of the contract crate from outside: the documented examples, answers of both generations, round trips.
//! No network and no engine.

mod golden;
mod lenient;
mod round_trip;

//! The client against a scripted server on this machine. What a real server says is not tested here.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]
mod double;
mod downloads;
mod errors;
mod lists;
mod rate_limiter;
mod requests;
mod send_once;
mod uploads;

//! The sender over an engine and HTTP receivers, without waiting for real time to pass.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking where it stands")]

mod addresses;
mod announced;
mod delivery;
mod failures;
mod receiver;
mod retry_schedule;
mod world;

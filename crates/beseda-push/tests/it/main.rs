//! The sender over a real engine, against receivers that are plain HTTP servers of these tests. Nothing here waits for time to pass.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking where it stands")]

mod addresses;
mod announced;
mod delivery;
mod failures;
mod ladder;
mod receiver;
mod world;

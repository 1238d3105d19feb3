//! The receiver over sockets and as a service: invalid bodies, disallowed senders, slow sinks,
//! duplicates.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod answers;
mod sinks;
mod wire;

//! The receiver over real sockets and as a service: odd bodies, odd senders, slow programs, doubles. What a real sender does
//! with its answers is tested with the program.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod answers;
mod forwarding;
mod taking;
mod wire;

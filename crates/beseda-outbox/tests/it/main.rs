//! The outbox with a failing stand-in and a manual clock.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod cancel_and_retry;
#[expect(dead_code, unreachable_pub, reason = "the example is a program of its own")]
#[path = "../../examples/queue.rs"]
mod example;
mod queue;
mod sending;
mod world;

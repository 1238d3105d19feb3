//! The outbox over a stand-in that misbehaves. Time passes where somebody waits for it, and nowhere else.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

#[expect(dead_code, unreachable_pub, reason = "the example is a program of its own")]
#[path = "../../examples/queue.rs"]
mod example;
mod meanwhile;
mod queue;
mod sending;
mod world;

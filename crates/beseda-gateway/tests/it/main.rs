//! Integration tests: programs, a gateway, and a stand-in over real sockets.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod archive;
mod example;
mod files;
mod keys;
mod notifications;
mod programs;
mod reads;
mod sends;
mod world;

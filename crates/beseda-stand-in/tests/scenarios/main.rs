//! Scenarios and casts against the engine, in time that moves only when it is told to.
//! How scenario files are shown to be wrong stands here as well; what their HTTP surface answers, in `surface.rs`.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking where it stands")]

mod buyers;
mod examples;
mod playing;
mod recording;
mod world;

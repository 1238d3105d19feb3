//! Scenarios and automatic buyers with an engine and a manual clock.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking where it stands")]

mod buyers;
mod examples;
mod playing;
mod recording;
mod world;

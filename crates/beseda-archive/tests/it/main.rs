//! The archive as its callers see it: what goes in comes out, whatever happens in between.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod double;
mod kept;
mod meanwhile;
mod sync;
mod unread;
mod values;

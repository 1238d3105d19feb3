//! The server over real sockets: wire files replayed, answers held against the published contract, and what sockets alone show.

#![expect(clippy::unwrap_used, reason = "a test panics where it stands")]

mod bounds;
#[path = "../../../beseda-conformance/tests/it/closed.rs"]
mod closed;
mod documents;
mod downloads;
mod edge;
mod limits;
mod own;
mod published;
mod refusing;
mod start_page;
mod surfaces;
mod transport;
mod uploads;
mod wire;
mod world;

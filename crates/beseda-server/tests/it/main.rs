//! The server over real sockets: wire files replayed, answers held against the published contract, and what sockets alone show.

mod bounds;
mod documents;
mod downloads;
mod edge;
mod limits;
mod published;
mod surfaces;
mod transport;
mod wire;
mod world;

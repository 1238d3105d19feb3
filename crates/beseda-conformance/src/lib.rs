//! One suite of behaviour for every implementation of the Chats API, engines and clients alike.
//! It knows only the contract crate; what the traits can't express (bytes on the wire) is tested elsewhere.
//!
//! A case is a plain `async fn` over a [`World`]; [`conformance!`] lists all of them once and makes
//! one test each for a world:
//!
//! ```text
//! mod my_engine {
//!     async fn world() -> beseda_conformance::World { … }
//!     beseda_conformance::conformance!(crate::my_engine::world);
//! }
//! ```
#![expect(clippy::unwrap_used, reason = "a case fails by panicking where it stands")]

pub mod cases;
mod list;
pub mod refusal;
mod world;

pub use world::{Backstage, World, assert_grow, buyer, ids, text};

//! One suite of behaviour for every implementation of the Chats API, engines and clients alike.
//! It knows only the contract crate; what the traits can't express (bytes on the wire) is tested elsewhere.
//!
//! A case is a plain `async fn` over a [`World`]. [`run()`] tries all of them on any [`ChatsApi`](beseda_api::ChatsApi),
//! leaving out by name what needs more than the world has; [`conformance!`] makes one test of each for a world that has
//! everything.
//!
//! ```
//! # use std::sync::Arc;
//! # use beseda_conformance::World;
//! # use beseda_api::{BusinessId, ChatsApi};
//! async fn conforms(new: fn() -> Arc<dyn ChatsApi>) {
//!     let world = || async { World::new(new(), BusinessId::new(1).unwrap()) };
//!     let report = beseda_conformance::run(world).await;
//!     println!("{report}");
//!     report.assert_passed();
//! }
//! ```
#![expect(clippy::unwrap_used, reason = "a case fails by panicking where it stands")]

pub mod cases;
mod list;
pub mod refusal;
mod run;
mod world;

pub use list::{CASES, Case};
pub use run::{Report, run};
pub use world::{Backstage, Contexts, Need, World, assert_grow, buyer, ids, text};

//! Conformance tests for implementations of the Yandex Market Partner chats API, servers and clients alike.
//!
//! A case is an `async fn` that gets a [`TestEnvironment`]: an empty implementation of [`ChatsApi`](beseda_api::ChatsApi) and
//! [capabilities](Capability) such as a manual clock. [`run()`] runs every case in an environment of its own and skips those
//! that require a missing capability; [`conformance!`] makes a test of each case for an environment that has them all.
//!
//! ```
//! use std::sync::Arc;
//! use beseda_api::{BusinessId, ChatsApi};
//! use beseda_conformance::TestEnvironment;
//!
//! async fn assert_conforms(new_api: fn() -> Arc<dyn ChatsApi>) {
//!     let environment = || async { TestEnvironment::new(new_api(), BusinessId::new(1).unwrap()) };
//!     let report = beseda_conformance::run(environment).await;
//!     println!("{report}");
//!     report.assert_passed();
//! }
//! ```
#![expect(clippy::unwrap_used, reason = "a case fails by panicking where it stands")]

pub mod assertions;
pub mod cases;
mod environment;
mod list;
mod run;

pub use environment::{
    Capability, ContextDetail, Inspector, TestEnvironment, buyer, message_ids, text,
};
pub use list::{CASES, Case};
pub use run::{Report, run};

//! What a stand-in has beside the API it stands in for: a clock that can be moved, faults on demand, a journal, actors and a page.
//! It is for tests only: nothing here may be mounted by a server for real buyers unless it is asked to.

mod admin;
mod advice;
pub mod clock;
mod control;
pub mod faults;
pub mod journal;
pub mod page;
mod pushed;
pub mod scenario;
mod spoil;
pub mod state;
mod watch;

pub use admin::mount;
pub use clock::StandInClock;
pub use control::{Control, ControlSettings};
pub use faults::Faults;
pub use journal::Journal;

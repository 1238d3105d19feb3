//! What a stand-in has beside the API it stands in for: a clock that can be moved, faults on demand, a journal, actors and a page.
//! It is for tests only: nothing here may be mounted by a server for real buyers unless it is asked to.

pub mod clock;
pub mod page;
pub mod scenario;

pub use clock::StandInClock;

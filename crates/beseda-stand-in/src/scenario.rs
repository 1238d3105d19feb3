//! Actors: buyers, support, arbiter and shop who write, send files and dispute, by a script or by temper.
//! They act through the same two traits as everybody else and know no store.

mod cast;
mod fields;
mod model;
mod observed;
mod play;
mod read;
mod record;
mod report;
mod runs;
mod stage;
mod yaml;

pub use cast::{Cast, Temper};
pub use model::Scenario;
pub use observed::Observed;
pub use play::play;
pub use read::{Files, Refused};
pub use record::{Shop, record};
pub use report::{Done, Failure, Report, State};
pub use runs::{Run, Scenarios, router};
pub use stage::{Change, Changes, Claims, Stage};
pub use yaml::{Place, Problem};

pub(crate) use yaml::place_of_path as place_of;

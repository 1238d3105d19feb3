//! Scripted and automatic participants of chats, for tests: buyers, support, the arbiter and the shop.
//!
//! - [`Scenario`] is a script in YAML; [`play`] runs it, [`ScenarioRunner`] runs many in the background.
//! - [`record()`] writes an existing chat down as a scenario.
//! - [`Buyers`] answer the shop without a script, with a [`Persona`].
//!
//! Participants act through [`ChatsApi`](beseda_api::ChatsApi) and [`MarketSide`](beseda_api::MarketSide), so they work
//! with an engine in the same process as well as with a remote server ([`ScenarioWorld`]).

mod buyers;
mod model;
mod notify;
mod parse;
mod player;
mod record;
mod report;
mod runs;
mod world;
mod yaml;

pub use buyers::{Buyers, Persona};
pub use model::Scenario;
pub use notify::ChangeNotifier;
pub use parse::{FileSource, ParseErrors};
pub use player::play;
pub use record::{ShopPart, record};
pub use report::{RunState, ScenarioReport, StepFailure, StepReport};
pub use runs::{ScenarioRun, ScenarioRunner};
pub use world::{Changes, ChatChange, Claims, ScenarioWorld};
pub use yaml::{Location, ParseError, locate};

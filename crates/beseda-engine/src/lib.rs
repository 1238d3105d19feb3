//! Implementation of the chats over a store: the seller's side, the marketplace's side and administration.
//!
//! ```
//! use std::sync::Arc;
//! use beseda_api::{Administration, ChatsApi, MarketSide, MessageText, NewCabinet, NewOrder, ChatContext, OrderId, SystemClock};
//! use beseda_engine::{Engine, EngineSettings};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! let engine = Engine::open_sqlite(folder.path(), EngineSettings::default(), Arc::new(SystemClock)).await?;
//! let cabinet = engine.create_cabinet(NewCabinet { business_id: None, name: "Tea".to_owned() }).await?;
//! let order = OrderId::new(42)?;
//! let new_order = NewOrder { order_id: order, campaign_id: None, model: None, customer: None };
//! engine.register_order(cabinet.business_id, new_order).await?;
//!
//! let chat = engine.create_chat(cabinet.business_id, ChatContext::Order(order)).await?;
//! engine.send_message_to_chat(cabinet.business_id, chat, MessageText::new("Good day!")?).await?;
//! let history = engine.get_chat_history(cabinet.business_id, chat, Default::default()).await?;
//! assert_eq!(history.messages[0].message.as_deref(), Some("Good day!"));
//! # Ok(()) }
//! ```

mod admin;
#[cfg(feature = "bulk")]
pub mod bulk;
mod data_folder;
mod engine;
mod engine_transaction;
mod error;
mod files;
pub mod lifecycle;
mod market;
mod open;
mod page_token;
mod pending_upload;
mod restore;
pub mod rows;
pub mod secret;
mod settings;
pub mod snapshot;
mod sqlite;
pub mod store;

pub use beseda_sqlite::NewerSchema;
pub use data_folder::DataFolder;
pub use engine::Engine;
pub use engine_transaction::{EngineTransaction, StagedFile};
pub use error::EngineOpenError;
pub use files::FileStore;
pub use settings::{Disputes, EngineSettings, Orders};
pub use sqlite::SqliteStore;

//! The engine: all rules of chats, over a store. It implements the seller's side, the marketplace's side and
//! administration; it knows nothing of HTTP.
//!
//! ```
//! use std::sync::Arc;
//! use beseda_api::{Administration, ChatsApi, MarketSide, MessageText, NewCabinet, NewOrder, ChatContext, OrderId, SystemClock};
//! use beseda_engine::{Engine, Settings};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! let engine = Engine::open_sqlite(folder.path(), Settings::default(), Arc::new(SystemClock)).await?;
//! let cabinet = engine.create_cabinet(NewCabinet { business_id: None, name: "Tea".to_owned() }).await?;
//! let order = OrderId::new(42)?;
//! let bought = NewOrder { order_id: order, campaign_id: None, model: None, customer: None };
//! engine.register_order(cabinet.business_id, bought).await?;
//!
//! let chat = engine.create_chat(cabinet.business_id, ChatContext::Order(order)).await?;
//! engine.send_message_to_chat(cabinet.business_id, chat, MessageText::new("Good day!")?).await?;
//! let history = engine.get_chat_history(cabinet.business_id, chat, Default::default()).await?;
//! assert_eq!(history.messages[0].message.as_deref(), Some("Good day!"));
//! # Ok(()) }
//! ```

mod admin;
pub mod bulk;
mod engine;
mod files;
mod market;
mod open;
pub mod private;
pub mod rules;
pub mod secret;
mod sqlite;
pub mod state;
pub mod store;
mod token;
mod transaction;

pub use engine::Engine;
pub use files::Files;
pub use open::{DataFolder, Disputes, OpenError, Orders, Settings};
pub use sqlite::{NewerSchema, SqliteStore};
pub use transaction::{TakenFile, Transaction};

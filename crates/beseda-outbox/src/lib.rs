//! Persistent queue of messages to chats of the Yandex Market Partner API: every message accepted is in
//! its chat exactly once and in order, even if the program is killed at any point.
//!
//! ```
//! use std::sync::Arc;
//! use beseda_client::{OutgoingMessage, api::ChatsApi};
//! use beseda_outbox::{ItemState, NewItem, Outbox, RunSettings};
//! use beseda_stand_in::StandIn;
//!
//! # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // A mock server in place of the published API.
//! let stand_in = StandIn::start().await?;
//! let (client, business) = (Arc::new(stand_in.client()?), stand_in.business_id());
//! let chats = client.get_chats(business, Default::default(), Default::default()).await?.chats;
//!
//! # let folder = tempfile::tempdir()?;
//! # let folder = folder.path();
//! let outbox = Outbox::open(folder).await?;
//! let text = OutgoingMessage::text("It leaves today")?;
//! let id = outbox.enqueue(NewItem::new(business, chats[0].chat_id, text)).await?;
//! // From here on the message is sent once, by this process or by the next.
//!
//! outbox.run(client, business, RunSettings::until_empty(), std::future::pending()).await?;
//! let item = outbox.get(id).await?;
//! assert_eq!(item.state, ItemState::Confirmed);
//! println!("message {} is in chat {}", item.message_id.unwrap(), item.chat_id);
//! # Ok(()) }
//! ```
//!
//! # States
//!
//! | state | message in the chat? | next |
//! |---|---|---|
//! | `queued` | no | sent in the order of its chat; chats are independent of each other |
//! | `sending` | unknown | the response; after a failure or a crash the history decides |
//! | `sent` | yes, according to the response | its id is looked up in the history, for many messages at once |
//! | `confirmed` | yes, with this id | |
//! | `failed` | no, unless the reason says otherwise | [`Outbox::retry`] puts it at the end of its chat's queue |
//! | `cancelled` | no | |
//!
//! # Guarantee
//!
//! A message whose [`Outbox::enqueue`] has returned is in its chat exactly once when it is `sent` or `confirmed`. The
//! messages of a chat are in it in the order of acceptance; a retry counts as a new acceptance. The preconditions are those
//! of [`beseda_client::send_once`]: nobody else writes the same text as the shop between the read of the history before the
//! attempt, at most [`RunSettings::history_max_age`] old, and the read that decides; the service writes nothing later than
//! the settle time after a timeout; and it keeps texts and sizes of files as they were sent. If the history can't be read,
//! nothing is sent: the message stays `sending`.
//!
//! # Number of calls
//!
//! Besides the send: one read of the history before a message if its chat was not read for
//! [`RunSettings::history_max_age`], and one for every [`RunSettings::confirm_batch`] sent messages or when the chat's queue
//! is empty. That is three calls for a single message, and little more than one each for many messages in one chat.

mod error;
mod files;
mod item;
mod outbox;
mod run;
mod schema;
mod settings;
mod table;

pub use error::{Error, Result};
pub use item::{Item, ItemFile, ItemFilter, ItemState, NewItem, OutboxId, UnknownItemState};
pub use outbox::Outbox;
pub use settings::{OutboxEvent, RunSettings};

//! Durable outbox for the Yandex Market Chats API: messages queued on disk, each delivered to its
//! chat exactly once, even if the program is killed.
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use beseda_client::{Client, OutgoingMessage, api::{BusinessId, ChatId}};
//! use beseda_outbox::{NewItem, Outbox, RunSettings};
//!
//! # async fn start() -> Result<(), Box<dyn std::error::Error>> {
//! let outbox = Outbox::open("conversations").await?;
//! let (business, chat) = (BusinessId::new(1)?, ChatId::new(42)?);
//! let id = outbox.enqueue(NewItem::new(business, chat, OutgoingMessage::text("It leaves
//! today")?)).await?;
//! // From here on the message is sent once, by this process or by the next one.
//! let client = Arc::new(Client::builder().api_key(std::env::var("BESEDA_API_KEY")?).build()?);
//! outbox.run(client, business, RunSettings::until_empty(), std::future::pending()).await?;
//! println!("{:?}", outbox.get(id).await?.message_id);
//! # Ok(())
//! # }
//! ```
//!
//! # States
//!
//! | state | in the chat? | next |
//! |---|---|---|
//! | `queued` | no | sent in the order of its chat; chats are independent of each other |
//! | `sending` | unknown | decided by the response or, after a failure or a crash, by the history |
//! | `sent` | yes | its id is read from the history, for many messages at once |
//! | `confirmed` | yes, with this id | |
//! | `failed` | no, for the given reason | [`Outbox::retry`] queues it again, behind the others |
//! | `cancelled` | no | |
//!
//! # Guarantee
//!
//! A message for which [`Outbox::enqueue`] has returned is in its chat exactly once when it is
//! `sent` or `confirmed`, and
//! the messages of a chat are in the order in which they were enqueued (a retry counts as enqueued
//! anew), even if the
//! program is killed at any point. The conditions are those of [`beseda_client::send_once`]: nobody
//! else writes the same
//! text as the shop between the reading of the history before the attempt, at most
//! [`RunSettings::history_max_age`] old,
//! and the one that decides; the service delivers nothing later than the settle time after it
//! stopped responding; and it
//! keeps texts and file sizes unchanged. While the history can't be read, the message stays
//! `sending`.
//!
//! # Number of calls
//!
//! In addition to the send: one reading of the history before a message, unless the chat was read
//! within
//! [`RunSettings::history_max_age`], and one per [`RunSettings::confirm_batch`] sent messages or
//! when the chat has no more
//! messages. That is three calls for a single message, and little more than one for each of many in
//! a chat.

mod error;
mod files;
mod item;
mod lock;
mod outbox;
mod run;
mod schema;
mod table;

pub use error::{Error, Result};
pub use item::{Item, ItemFile, ItemFilter, ItemState, NewItem, OutboxId, UnknownItemState};
pub use outbox::Outbox;
pub use run::{OutboxEvent, RunSettings};

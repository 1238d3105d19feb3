//! Messages on their way to the service, kept on disk: each is in its chat exactly once, whatever dies in between.
//! It knows no archive: what the chats hold is asked of the `ChatsApi` it sends through.
//!
//! ```no_run
//! use std::sync::Arc;
//! use beseda_client::{Client, OutgoingMessage, api::{BusinessId, ChatId}};
//! use beseda_outbox::{NewItem, Outbox, RunSettings};
//!
//! # async fn start() -> Result<(), Box<dyn std::error::Error>> {
//! let outbox = Outbox::open("conversations").await?;
//! let (business, chat) = (BusinessId::new(1)?, ChatId::new(42)?);
//! let id = outbox.enqueue(NewItem::new(business, chat, OutgoingMessage::text("It leaves today")?)).await?;
//! // From here on it is sent once, by this process or by the next.
//! let client = Arc::new(Client::builder().api_key(std::env::var("BESEDA_API_KEY")?).build()?);
//! outbox.run(client, business, RunSettings::until_empty(), std::future::pending()).await?;
//! println!("{:?}", outbox.get(id).await?.message_id);
//! # Ok(())
//! # }
//! ```
//!
//! # States
//!
//! | state | what is certain | what comes next |
//! |---|---|---|
//! | `queued` | it isn't in the chat | its turn: the line of a chat is kept strictly, chats go side by side |
//! | `sending` | nothing: it may be in the chat | the answer, or after a failure or a death the history decides |
//! | `sent` | it is in the chat: the service said so | its id, from the history, read once for many |
//! | `confirmed` | it is in the chat, with this id | |
//! | `failed` | the service refused it, and says why | [`Outbox::retry`], at the end of the line |
//! | `cancelled` | it isn't in the chat | |
//!
//! # The guarantee
//!
//! A message whose [`Outbox::enqueue`] came back is in its chat exactly once when it is `sent` or `confirmed`, and the messages
//! of a chat are in it in the order they were accepted (a retry counts as accepted anew), even if the program is killed at any
//! point. It rests on what [`beseda_client::send_once`] rests on: nobody else writes the same text as the shop between the look
//! before the attempt, at most [`RunSettings::fresh`] old, and the look that decides; the service writes nothing later than
//! the settle time after silence; and it keeps texts and sizes of files as they were sent. Where the history can't be
//! read, nothing is sent: the message stays `sending` until it can.
//!
//! # What it costs
//!
//! Beside the send itself: one reading of the history before a message of a chat that wasn't looked at for
//! [`RunSettings::fresh`], and one for [`RunSettings::batch`] sent messages or when the chat's line is empty. So three calls
//! for a single message, and a little more than one each for many in one chat.

mod error;
mod files;
mod item;
mod lock;
mod outbox;
mod run;
mod schema;
mod table;

pub use error::{Error, Result};
pub use item::{Filter, Item, ItemFile, NewItem, OutboxId, State, UnknownState};
pub use outbox::Outbox;
pub use run::{Event, RunSettings};

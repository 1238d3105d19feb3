//! A local, searchable copy of the chats of any `ChatsApi`: filled once, then kept in step with the fewest calls.
//! It writes nothing to the service and knows no network.

mod schema;
mod search;

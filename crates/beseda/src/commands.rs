//! The subcommands, one module each.

pub(crate) mod admin;
pub(crate) mod chats;
pub(crate) mod completions;
pub(crate) mod export;
pub(crate) mod gateway;
pub(crate) mod listen;
pub(crate) mod market;
pub(crate) mod outbox;
pub(crate) mod scenario;
pub(crate) mod search;
pub(crate) mod serve;
pub(crate) mod stand_in;
pub(crate) mod stand_in_control;
pub(crate) mod stats;
mod subscriptions;
pub(crate) mod sync;
pub(crate) mod unread;
pub(crate) mod watch;

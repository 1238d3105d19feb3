//! Statements on chats and messages.

pub(super) mod read;
pub(super) mod row;
pub(super) mod write;

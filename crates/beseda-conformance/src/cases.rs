//! Cases by operation. Each runs in an environment of its own.
#![expect(missing_docs, reason = "the name of a case describes it")]

pub mod create_chat;
pub mod files;
pub mod get_chat;
pub mod get_chat_history;
pub mod get_chat_message;
pub mod get_chats;
pub mod get_chats_paging;
pub mod isolation;
pub mod market_side;
pub mod send_file_to_chat;
pub mod send_message_to_chat;
pub mod status;

//! `beseda unread`: shows unread messages of an operator and marks chats as read.

use beseda_archive::{Archive, ChatKey};
use serde_json::json;

use crate::{
    archive_access::{self, to_error},
    args::{Mark, UnreadArgs},
    exit_status::UsageError,
    output::Output,
    tables,
};

pub(crate) fn run(args: &UnreadArgs, out: Output) -> anyhow::Result<()> {
    let archive = archive_access::open_or_create(&args.archive.folder)?;
    if args.mark.is_empty() {
        let unread = archive.unread(&args.operator, &args.business).map_err(to_error)?;
        if out.is_json() {
            return out.document(&unread);
        }
        out.note(format_args!(
            "{} unread messages in {} chats for {}; {} chats wait for the shop",
            unread.unread,
            unread.chats.len(),
            unread.operator,
            unread.backlog
        ));
        return out.table(tables::unread(out, &unread.chats));
    }
    let mut marked = 0;
    for &mark in &args.mark {
        marked += match mark {
            Mark::All => archive.mark_all_read(&args.operator, &args.business).map_err(to_error)?,
            Mark::Chat(chat, message) => {
                let key = find_chat(&archive, args, chat)?;
                let is_known = archive.mark_read(&args.operator, key, message).map_err(to_error)?;
                u64::from(is_known)
            }
        };
    }
    if out.is_json() {
        return out.document(&json!({ "operator": args.operator, "marked": marked }));
    }
    out.say(format_args!("{marked} chats marked as read for {}", args.operator))
}

/// Returns the chat with this id. Ids are unique within a service, but an archive may hold chats of
/// two services.
fn find_chat(
    archive: &Archive,
    args: &UnreadArgs,
    chat: beseda_api::ChatId,
) -> anyhow::Result<ChatKey> {
    let mut found = archive.chats_of_id(chat).map_err(to_error)?;
    found.retain(|key| args.business.is_empty() || args.business.contains(&key.business_id));
    if found.len() > 1 {
        return Err(UsageError::error(format!(
            "chat {chat} is in several cabinets: give --business"
        )));
    }
    found.pop().ok_or_else(|| beseda_api::Error::chat_not_found(chat).into())
}

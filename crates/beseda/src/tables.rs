//! Tables and texts for people. Control characters of foreign texts are removed here.

use beseda_api::{
    ApiKeyInfo, Attachment, Cabinet, Campaign, Chat, ChatStatus, ContextType, FullContext, Message,
    Scope, TokenInfo, User,
};
use beseda_archive::{ArchivedMessage, UnreadChat};
use comfy_table::{Attribute, Cell, Color, ColumnConstraint, Table};

use crate::output::Output;

pub(crate) fn chats(out: Output, chats: &[Chat]) -> Table {
    let mut table = with_headers(out, &["CHAT", "STATUS", "TYPE", "ABOUT", "CUSTOMER", "UPDATED"]);
    for chat in chats {
        table.add_row(vec![
            Cell::new(chat.chat_id),
            status(out, &chat.status),
            Cell::new(&chat.chat_type),
            Cell::new(about(&chat.context)),
            Cell::new(customer(&chat.context)),
            Cell::new(chat.updated_at),
        ]);
    }
    no_wrap(&mut table, &[0, 5]);
    table
}

pub(crate) fn chat(out: Output, chat: &Chat) -> Table {
    let mut table = properties(&[
        ("chat", chat.chat_id.to_string()),
        ("about", about(&chat.context)),
        ("customer", customer(&chat.context)),
        ("type", chat.chat_type.to_string()),
    ]);
    table.add_row(vec![Cell::new("status"), status(out, &chat.status)]);
    if let Some(campaign) = chat.context.campaign_id {
        table.add_row(vec!["campaign".to_owned(), campaign.to_string()]);
    }
    table.add_row(vec!["created".to_owned(), chat.created_at.to_string()]);
    table.add_row(vec!["updated".to_owned(), chat.updated_at.to_string()]);
    table
}

pub(crate) fn messages(out: Output, messages: &[Message]) -> Table {
    let mut table = with_headers(out, &["MESSAGE", "WRITTEN", "BY", "TEXT"]);
    for message in messages {
        table.add_row(vec![
            message.message_id.to_string(),
            message.created_at.to_string(),
            message.sender.to_string(),
            content(message),
        ]);
    }
    no_wrap(&mut table, &[0, 1, 2]);
    table
}

pub(crate) fn message(message: &Message) -> Table {
    let mut table = properties(&[
        ("message", message.message_id.to_string()),
        ("written", message.created_at.to_string()),
        ("by", message.sender.to_string()),
        ("text", content(message)),
    ]);
    for attachment in message.payload.iter().flatten() {
        table.add_row(vec!["link".to_owned(), printable(&attachment.url)]);
    }
    table
}

pub(crate) fn cabinets(out: Output, cabinets: &[Cabinet]) -> Table {
    let mut table = with_headers(out, &["CABINET", "NAME"]);
    for cabinet in cabinets {
        table.add_row(vec![cabinet.business_id.to_string(), printable(&cabinet.name)]);
    }
    table
}

pub(crate) fn campaigns(out: Output, campaigns: &[Campaign]) -> Table {
    let mut table = with_headers(out, &["CAMPAIGN", "NAME", "MODEL", "CABINET"]);
    for campaign in campaigns {
        let business = campaign.business.as_ref().and_then(|business| business.id);
        table.add_row(vec![
            optional(campaign.id),
            printable(campaign.domain.as_deref().unwrap_or_default()),
            optional(campaign.placement_type.as_ref()),
            optional(business),
        ]);
    }
    table
}

pub(crate) fn keys(out: Output, keys: &[ApiKeyInfo]) -> Table {
    let mut table = with_headers(out, &["KEY", "NAME", "SCOPES", "ISSUED", "REVOKED"]);
    for key in keys {
        let scopes: Vec<String> = key.scopes.iter().map(Scope::slug).collect();
        table.add_row(vec![
            key.id.to_string(),
            printable(&key.name),
            scopes.join(" "),
            key.created_at.to_string(),
            optional(key.revoked_at),
        ]);
    }
    table
}

pub(crate) fn users(out: Output, users: &[User]) -> Table {
    let mut table = with_headers(out, &["USER", "NAME", "CABINETS"]);
    for user in users {
        let cabinets: Vec<String> = user.business_ids.iter().map(ToString::to_string).collect();
        table.add_row(vec![user.id.to_string(), printable(&user.name), cabinets.join(" ")]);
    }
    table
}

pub(crate) fn tokens(out: Output, tokens: &[TokenInfo]) -> Table {
    let mut table = with_headers(out, &["TOKEN", "USER", "ISSUED", "REVOKED"]);
    for token in tokens {
        table.add_row(vec![
            token.id.to_string(),
            token.user_id.to_string(),
            token.created_at.to_string(),
            optional(token.revoked_at),
        ]);
    }
    table
}

/// Formats a message for `watch`; the text may span several lines.
pub(crate) fn message_line(found: &ArchivedMessage) -> String {
    let message = &found.message;
    let by = match &found.operator {
        Some(operator) => format!("{} ({})", message.sender, printable(operator)),
        None => printable(message.sender.as_str()),
    };
    format!("{}  {}  {by}: {}", message.created_at, found.chat_id, content(message))
}

pub(crate) fn unread(out: Output, chats: &[UnreadChat]) -> Table {
    let mut table = with_headers(
        out,
        &["CHAT", "UNREAD", "WAITING SINCE", "STATUS", "SHOP", "ABOUT", "CUSTOMER"],
    );
    for found in chats {
        let shop = found.shop.as_deref().map(printable);
        let campaign = found.chat.context.campaign_id;
        table.add_row(vec![
            Cell::new(found.chat.chat_id),
            Cell::new(found.unread),
            Cell::new(optional(found.waiting_since)),
            status(out, &found.chat.status),
            Cell::new(shop.unwrap_or_else(|| optional(campaign))),
            Cell::new(about(&found.chat.context)),
            Cell::new(customer(&found.chat.context)),
        ]);
    }
    no_wrap(&mut table, &[0, 2]);
    table
}

/// Returns a table of names and values, without empty values.
pub(crate) fn properties(properties: &[(&str, String)]) -> Table {
    let mut table = Table::new();
    for (name, value) in properties.iter().filter(|(_, value)| !value.is_empty()) {
        table.add_row(vec![*name, value]);
    }
    table
}

/// Keeps ids and times on one line; on a narrow terminal only other columns are wrapped.
fn no_wrap(table: &mut Table, columns: &[usize]) {
    for (i, column) in table.column_iter_mut().enumerate() {
        if columns.contains(&i) {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
}

pub(crate) fn with_headers(out: Output, names: &[&str]) -> Table {
    let mut table = Table::new();
    table.set_header(names.iter().map(|name| {
        let cell = Cell::new(name);
        if out.has_color() { cell.add_attribute(Attribute::Bold) } else { cell }
    }));
    table
}

fn status(out: Output, status: &ChatStatus) -> Cell {
    let cell = Cell::new(printable(status.as_str()));
    match status {
        _ if !out.has_color() => cell,
        ChatStatus::New | ChatStatus::WaitingForPartner => cell.fg(Color::Yellow),
        ChatStatus::Finished => cell.add_attribute(Attribute::Dim),
        _ => cell,
    }
}

fn about(context: &FullContext) -> String {
    let order = context.order_id.map(|id| format!("order {id}"));
    let ret = context.return_id.map(|id| format!("return {id}"));
    match &context.context_type {
        ContextType::Order => order.unwrap_or_else(|| "an order".to_owned()),
        ContextType::Return => [ret, order].into_iter().flatten().collect::<Vec<_>>().join(", "),
        ContextType::Direct => "a question".to_owned(),
        other => printable(other.as_str()),
    }
}

fn customer(context: &FullContext) -> String {
    let customer = context.customer.as_ref();
    let name = customer.and_then(|c| c.name.as_deref().or(c.public_id.as_deref()));
    printable(name.unwrap_or_default())
}

fn content(message: &Message) -> String {
    let text = message.message.iter().map(|text| printable(text));
    let files = message.payload.iter().flatten().map(attachment);
    let parts: Vec<String> = text.chain(files).collect();
    // The API has no type for a sticker; it is a message without text and files.
    if parts.is_empty() { "(sticker)".to_owned() } else { parts.join("\n") }
}

fn attachment(attachment: &Attachment) -> String {
    let name = if attachment.name.is_empty() { "without a name" } else { &attachment.name };
    format!("[file {}, {} bytes]", printable(name), attachment.size)
}

pub(crate) fn optional(value: Option<impl ToString>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

/// Returns the text without control characters, so that it can't move the cursor, change colours or
/// set the title.
pub(crate) fn printable(text: &str) -> String {
    let optional = |c: char| if c.is_control() && c != '\n' { '\u{fffd}' } else { c };
    text.replace("\r\n", "\n").replace('\t', "    ").chars().map(optional).collect()
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn a_text_cannot_steer_the_terminal() {
        assert_eq!(printable("a\u{1b}[31mb\u{7}\r\nc\td"), "a\u{fffd}[31mb\u{fffd}\nc    d");
    }
}

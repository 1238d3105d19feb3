//! Writes an existing chat down as a scenario. Of files only name and size are kept.

use std::fmt::Write;

use beseda_api::{Chat, ChatStatus, ChatType, ContextType, Message, Sender};

/// Role of the shop in a recorded scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShopPart {
    /// The scenario waits for the shop; any message of it will do.
    Awaited,
    /// The scenario writes the shop's recorded messages.
    Scripted,
}

/// Writes a chat as a scenario in YAML. `messages` is the complete history, oldest first.
#[must_use]
pub fn record(chat: &Chat, messages: &[Message], shop: ShopPart) -> String {
    let mut script =
        Script { text: String::new(), shop, dispute: chat.chat_type == ChatType::Arbitrage };
    script.line(&format!("scenario: {}", quoted(&format!("Chat {}, recorded", chat.chat_id))));
    script.line("within: 1h");
    script.given(chat);
    script.line("\nsteps:");
    let begun = script.open(chat, messages.first());
    for (number, message) in messages.iter().enumerate().skip(begun) {
        let before = number.checked_sub(1).and_then(|before| messages.get(before));
        script.pause(before, message);
        script.message(message);
    }
    if chat.status == ChatStatus::Finished {
        script.line(if script.dispute {
            "  - arbiter finishes: talk"
        } else {
            "  - market closes: talk"
        });
    }
    if shop == ShopPart::Scripted {
        script.line(&format!("  - expect messages: {}", messages.len()));
    }
    script.text
}

struct Script {
    text: String,
    shop: ShopPart,
    dispute: bool,
}

impl Script {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// Writes the order and the return the chat is about. The campaign is left out, because its id
    /// differs elsewhere.
    fn given(&mut self, chat: &Chat) {
        let context = &chat.context;
        let Some(order) = context.order_id else { return };
        self.line(&format!("\ngiven:\n  orders:\n    - order: {order}"));
        self.customer(chat, "      ");
        if let Some(ret) = context.return_id {
            self.line(&format!("  returns:\n    - return: {ret}\n      order: {order}"));
        }
    }

    fn customer(&mut self, chat: &Chat, indent: &str) {
        let Some(customer) = &chat.context.customer else { return };
        let mut known = Vec::new();
        known.extend(customer.name.as_ref().map(|name| format!("name: {}", quoted(name))));
        known.extend(customer.public_id.as_ref().map(|id| format!("publicId: {}", quoted(id))));
        if !known.is_empty() {
            self.line(&format!("{indent}customer: {{ {} }}", known.join(", ")));
        }
    }

    /// Writes the step that opens the chat and returns the number of messages it covers.
    fn open(&mut self, chat: &Chat, first: Option<&Message>) -> usize {
        let by_shop = first.is_some_and(|message| message.sender == Sender::Partner);
        let direct = chat.context.context_type == ContextType::Direct;
        let verb = match (self.dispute, by_shop && !direct, self.shop) {
            (true, _, _) => "buyer disputes",
            (false, true, ShopPart::Scripted) => "shop opens",
            (false, true, ShopPart::Awaited) => "wait for chat",
            (false, false, _) => "buyer opens",
        };
        self.line(&format!("  - {verb}: talk"));
        match (chat.context.order_id, chat.context.return_id) {
            (_, Some(ret)) => self.line(&format!("    return: {ret}")),
            (Some(order), None) => self.line(&format!("    order: {order}")),
            (None, None) => self.customer(chat, "    "),
        }
        let words = first.filter(|message| message.sender == Sender::Customer);
        match words.and_then(|message| message.message.as_ref()) {
            Some(words) => {
                self.line(&format!("    text: {}", quoted(words)));
                1
            }
            None => 0,
        }
    }

    /// Writes a pause between two messages, in whole seconds.
    fn pause(&mut self, before: Option<&Message>, message: &Message) {
        let Some(before) = before else { return };
        if self.shop == ShopPart::Awaited && message.sender == Sender::Partner {
            return;
        }
        let apart = message.created_at.timestamp().duration_since(before.created_at.timestamp());
        if apart.as_secs() > 0 {
            self.line(&format!("  - wait: {}s", apart.as_secs()));
        }
    }

    fn message(&mut self, message: &Message) {
        let who = match message.sender {
            Sender::Customer => "buyer",
            Sender::Support => "support",
            Sender::Market => "market",
            Sender::Partner if self.shop == ShopPart::Awaited => {
                return self.line("  - wait for: shop");
            }
            Sender::Partner => "shop",
            _ => return self.line("  # message of an unknown sender"),
        };
        let file = message.payload.iter().flatten().next();
        let mut line = String::new();
        let written = match (&message.message, file) {
            (Some(words), _) => write!(line, "  - {who} writes: {}", quoted(words)),
            (None, Some(file)) => {
                let name = if file.name.is_empty() { "file" } else { &file.name };
                write!(line, "  - {who} sends: {}\n    size: {}", quoted(name), file.size.max(0))
            }
            (None, None) => write!(line, "  - {who} sends a sticker"),
        };
        if written.is_ok() {
            self.line(&line);
        }
    }
}

/// Quotes a text as JSON, which YAML can read.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

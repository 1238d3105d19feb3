//! How events change a chat: the table of statuses, as pure functions that every store calls inside its transaction. Nothing is stored here.

use beseda_api::{ChatStatus, ChatType, ContextType, Error, Result, Sender, WaitingFor};

use crate::store::ChatRow;

/// Something that happens to a chat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Somebody writes.
    Written {
        /// Who.
        sender: Sender,
        /// Whose answer support asks for, if it says so.
        waiting_for: Option<WaitingFor>,
        /// Whether a buyer's first words leave a new chat `NEW`.
        stays_new: bool,
    },
    /// The chat is ended.
    Closed,
    /// The arbiter ends the dispute.
    Resolved,
    /// The chat itself becomes a dispute.
    Disputed,
}

/// Lets an event change a chat's type and status.
///
/// # Errors
/// 400 if the event can't happen to this chat: it is finished, no dispute, or not one that can become a dispute.
pub fn apply(chat: &mut ChatRow, event: &Event) -> Result<()> {
    match event {
        Event::Closed => chat.status = ChatStatus::Finished,
        Event::Resolved if chat.chat_type != ChatType::Arbitrage => {
            return Err(Error::bad_request(format!("Chat {} is not a dispute", chat.chat)));
        }
        Event::Resolved => chat.status = ChatStatus::Finished,
        Event::Disputed if chat.subject.context_type == ContextType::Direct => {
            return Err(Error::bad_request("A dispute can't be about a DIRECT chat"));
        }
        Event::Disputed => {
            chat.chat_type = ChatType::Arbitrage;
            chat.status = ChatStatus::WaitingForArbiter;
        }
        Event::Written { .. } if chat.status == ChatStatus::Finished => {
            return Err(Error::chat_closed(chat.chat));
        }
        Event::Written { sender, waiting_for, stays_new } => {
            chat.status = match waiting_for {
                Some(side) => asked(chat, sender, side)?,
                None if chat.chat_type == ChatType::Arbitrage => answered(&chat.status, sender),
                None => talked(&chat.status, sender, *stays_new),
            };
        }
    }
    Ok(())
}

/// The status of a talk after somebody wrote.
fn talked(status: &ChatStatus, sender: &Sender, stays_new: bool) -> ChatStatus {
    match sender {
        Sender::Partner => ChatStatus::WaitingForCustomer,
        Sender::Customer if stays_new && *status == ChatStatus::New => ChatStatus::New,
        Sender::Customer => ChatStatus::WaitingForPartner,
        _ => status.clone(),
    }
}

/// The status of a dispute after somebody wrote: an answer that was waited for goes to the arbiter.
fn answered(status: &ChatStatus, sender: &Sender) -> ChatStatus {
    match (sender, status) {
        (Sender::Partner, ChatStatus::WaitingForPartner)
        | (Sender::Customer, ChatStatus::WaitingForCustomer) => ChatStatus::WaitingForArbiter,
        _ => status.clone(),
    }
}

/// The status after support asked somebody.
fn asked(chat: &ChatRow, sender: &Sender, side: &WaitingFor) -> Result<ChatStatus> {
    if *sender != Sender::Support {
        return Err(Error::bad_request("waitingFor is for messages of SUPPORT only"));
    }
    match side {
        WaitingFor::Customer => Ok(ChatStatus::WaitingForCustomer),
        WaitingFor::Partner => Ok(ChatStatus::WaitingForPartner),
        WaitingFor::Market => Ok(ChatStatus::WaitingForMarket),
        WaitingFor::Arbiter if chat.chat_type == ChatType::Arbitrage => {
            Ok(ChatStatus::WaitingForArbiter)
        }
        WaitingFor::Arbiter => {
            Err(Error::bad_request(format!("Chat {} is not a dispute", chat.chat)))
        }
        _ => Err(Error::illegal_input("waitingFor")),
    }
}

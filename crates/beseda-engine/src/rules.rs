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

#[cfg(test)]
mod tests {
    use beseda_api::{BusinessId, ChatId, ChatStatus as S, ChatType, Sender, WaitingFor};
    use jiff::Timestamp;

    use super::{Event, apply};
    use crate::store::{ChatRow, Subject};

    fn row(chat_type: ChatType, status: S) -> ChatRow {
        ChatRow {
            chat: ChatId::new(1).unwrap(),
            business: BusinessId::new(1).unwrap(),
            chat_type,
            status,
            subject: Subject::direct(None),
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: Timestamp::UNIX_EPOCH,
        }
    }

    fn written(sender: Sender, waiting_for: Option<WaitingFor>) -> Event {
        Event::Written { sender, waiting_for, stays_new: false }
    }

    #[test]
    fn the_table_of_statuses_holds() {
        let table = [
            (ChatType::Chat, S::New, written(Sender::Partner, None), S::WaitingForCustomer),
            (ChatType::Chat, S::New, written(Sender::Customer, None), S::WaitingForPartner),
            (
                ChatType::Chat,
                S::WaitingForCustomer,
                written(Sender::Market, None),
                S::WaitingForCustomer,
            ),
            (ChatType::Chat, S::New, written(Sender::Support, None), S::New),
            (
                ChatType::Arbitrage,
                S::WaitingForArbiter,
                written(Sender::Partner, None),
                S::WaitingForArbiter,
            ),
            (
                ChatType::Arbitrage,
                S::WaitingForPartner,
                written(Sender::Partner, None),
                S::WaitingForArbiter,
            ),
            (
                ChatType::Arbitrage,
                S::WaitingForCustomer,
                written(Sender::Partner, None),
                S::WaitingForCustomer,
            ),
            (
                ChatType::Arbitrage,
                S::WaitingForCustomer,
                written(Sender::Customer, None),
                S::WaitingForArbiter,
            ),
            (
                ChatType::Arbitrage,
                S::WaitingForMarket,
                written(Sender::Market, None),
                S::WaitingForMarket,
            ),
            (
                ChatType::Arbitrage,
                S::WaitingForArbiter,
                written(Sender::Support, Some(WaitingFor::Partner)),
                S::WaitingForPartner,
            ),
            (ChatType::Arbitrage, S::WaitingForArbiter, Event::Resolved, S::Finished),
            (ChatType::Chat, S::WaitingForPartner, Event::Closed, S::Finished),
        ];
        for (chat_type, before, event, after) in table {
            let mut chat = row(chat_type, before.clone());
            apply(&mut chat, &event).unwrap();
            assert_eq!(chat.status, after, "{before} after {event:?}");
        }
    }

    #[test]
    fn what_can_not_happen_is_refused_and_changes_nothing() {
        for (chat_type, status, event) in [
            (ChatType::Chat, S::Finished, written(Sender::Customer, None)),
            (ChatType::Arbitrage, S::Finished, written(Sender::Partner, None)),
            (ChatType::Chat, S::New, Event::Resolved),
            (ChatType::Chat, S::New, Event::Disputed),
            (ChatType::Chat, S::New, written(Sender::Customer, Some(WaitingFor::Partner))),
            (ChatType::Chat, S::New, written(Sender::Support, Some(WaitingFor::Arbiter))),
        ] {
            let before = row(chat_type, status);
            let mut chat = before.clone();
            assert!(apply(&mut chat, &event).is_err(), "{event:?}");
            assert_eq!(chat, before);
        }
    }

    #[test]
    fn a_buyers_first_words_leave_a_chat_new_where_that_is_wanted() {
        let mut chat = row(ChatType::Chat, S::New);
        let event = Event::Written { sender: Sender::Customer, waiting_for: None, stays_new: true };
        apply(&mut chat, &event).unwrap();
        assert_eq!(chat.status, S::New);
    }
}

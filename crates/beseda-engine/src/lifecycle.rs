//! Chat lifecycle: statuses, the events of each action, and the reuse of existing chats. Pure functions, which every store
//! calls inside its transaction.

use beseda_api::{ChatStatus, ChatType, ContextType, Error, Result, Sender, WaitingFor};

use crate::rows::ChatRow;

/// Action on a chat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChatAction {
    /// Write a message.
    Write {
        /// Sender.
        sender: Sender,
        /// Party whose answer support asks for.
        waiting_for: Option<WaitingFor>,
        /// `true` if a buyer's message leaves a new chat `NEW`.
        stays_new: bool,
        /// `true` for a sticker: a message without text and file, which causes no event.
        is_sticker: bool,
    },
    /// Close the chat.
    Close,
    /// Resolve the dispute.
    Resolve,
    /// Turn the chat itself into a dispute.
    Dispute,
}

/// Kind of an event that subscriptions are notified of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// A chat was created.
    ChatCreated,
    /// A message was sent.
    MessageSent,
    /// A dispute started.
    ArbitrageStarted,
    /// A dispute finished.
    ArbitrageFinished,
}

/// Existing chats of the same context that are reused in place of a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reuse {
    /// None.
    Never,
    /// An unfinished chat of the same type.
    Unfinished,
    /// Any chat of the same type.
    SameType,
    /// Any chat; chats of the same type are preferred.
    AnyType,
}

/// Returns the events of a new chat, in order.
#[must_use]
pub fn created(chat: &ChatRow) -> Vec<EventKind> {
    let mut events = vec![EventKind::ChatCreated];
    if chat.chat_type == ChatType::Arbitrage {
        events.push(EventKind::ArbitrageStarted);
    }
    events
}

/// Returns the index of the chat that is reused for a new one of this type, or `None` if a chat has to be created.
///
/// `candidates` are the chats of the same context, oldest first.
#[must_use]
pub fn reusable(candidates: &[ChatRow], chat_type: &ChatType, reuse: Reuse) -> Option<usize> {
    let has_same_type = |chat: &ChatRow| {
        chat.chat_type == *chat_type
            && (reuse != Reuse::Unfinished || chat.status != ChatStatus::Finished)
    };
    match reuse {
        Reuse::Never => None,
        Reuse::Unfinished | Reuse::SameType => candidates.iter().position(has_same_type),
        Reuse::AnyType => {
            candidates.iter().position(has_same_type).or((!candidates.is_empty()).then_some(0))
        }
    }
}

/// Applies an action to a chat's type and status; returns its events, in order.
///
/// # Errors
/// 400 if the chat doesn't allow the action: it is finished, isn't a dispute, or can't become one. The chat is unchanged.
pub fn apply(chat: &mut ChatRow, action: &ChatAction) -> Result<Vec<EventKind>> {
    let was_dispute = chat.chat_type == ChatType::Arbitrage;
    let was_finished = chat.status == ChatStatus::Finished;
    let mut events = Vec::new();
    match action {
        ChatAction::Close => chat.status = ChatStatus::Finished,
        ChatAction::Resolve if !was_dispute => {
            return Err(Error::bad_request(format!("Chat {} is not a dispute", chat.chat)));
        }
        ChatAction::Resolve => chat.status = ChatStatus::Finished,
        ChatAction::Dispute if chat.subject.context_type == ContextType::Direct => {
            return Err(Error::bad_request("A dispute can't be about a DIRECT chat"));
        }
        ChatAction::Dispute => {
            chat.chat_type = ChatType::Arbitrage;
            chat.status = ChatStatus::WaitingForArbiter;
            if !was_dispute {
                events.push(EventKind::ArbitrageStarted);
            }
        }
        ChatAction::Write { .. } if was_finished => return Err(Error::chat_closed(chat.chat)),
        ChatAction::Write { sender, waiting_for, stays_new, is_sticker } => {
            chat.status = match waiting_for {
                Some(side) => after_support_request(chat, sender, side)?,
                None if was_dispute => after_dispute_message(&chat.status, sender),
                None => after_chat_message(&chat.status, sender, *stays_new),
            };
            if !is_sticker {
                events.push(EventKind::MessageSent);
            }
        }
    }
    if was_dispute && !was_finished && chat.status == ChatStatus::Finished {
        events.push(EventKind::ArbitrageFinished);
    }
    Ok(events)
}

/// Returns the status of a chat after a message.
fn after_chat_message(status: &ChatStatus, sender: &Sender, stays_new: bool) -> ChatStatus {
    match sender {
        Sender::Partner => ChatStatus::WaitingForCustomer,
        Sender::Customer if stays_new && *status == ChatStatus::New => ChatStatus::New,
        Sender::Customer => ChatStatus::WaitingForPartner,
        _ => status.clone(),
    }
}

/// Returns the status of a dispute after a message: an expected answer goes to the arbiter.
fn after_dispute_message(status: &ChatStatus, sender: &Sender) -> ChatStatus {
    match (sender, status) {
        (Sender::Partner, ChatStatus::WaitingForPartner)
        | (Sender::Customer, ChatStatus::WaitingForCustomer) => ChatStatus::WaitingForArbiter,
        _ => status.clone(),
    }
}

/// Returns the status after a message of support that asks a party to answer.
fn after_support_request(chat: &ChatRow, sender: &Sender, side: &WaitingFor) -> Result<ChatStatus> {
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
    use beseda_api::{
        BusinessId, ChatId, ChatStatus as S, ChatType, ContextType, Sender, WaitingFor,
    };
    use jiff::Timestamp;

    use super::{ChatAction, EventKind, Reuse, apply, created, reusable};
    use crate::rows::{ChatRow, Subject};

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

    fn write(sender: Sender, waiting_for: Option<WaitingFor>) -> ChatAction {
        ChatAction::Write { sender, waiting_for, stays_new: false, is_sticker: false }
    }

    #[test]
    fn the_table_of_statuses_holds() {
        let table = [
            (ChatType::Chat, S::New, write(Sender::Partner, None), S::WaitingForCustomer),
            (ChatType::Chat, S::New, write(Sender::Customer, None), S::WaitingForPartner),
            (
                ChatType::Chat,
                S::WaitingForCustomer,
                write(Sender::Market, None),
                S::WaitingForCustomer,
            ),
            (ChatType::Chat, S::New, write(Sender::Support, None), S::New),
            (
                ChatType::Arbitrage,
                S::WaitingForArbiter,
                write(Sender::Partner, None),
                S::WaitingForArbiter,
            ),
            (
                ChatType::Arbitrage,
                S::WaitingForPartner,
                write(Sender::Partner, None),
                S::WaitingForArbiter,
            ),
            (
                ChatType::Arbitrage,
                S::WaitingForCustomer,
                write(Sender::Partner, None),
                S::WaitingForCustomer,
            ),
            (
                ChatType::Arbitrage,
                S::WaitingForCustomer,
                write(Sender::Customer, None),
                S::WaitingForArbiter,
            ),
            (
                ChatType::Arbitrage,
                S::WaitingForMarket,
                write(Sender::Market, None),
                S::WaitingForMarket,
            ),
            (
                ChatType::Arbitrage,
                S::WaitingForArbiter,
                write(Sender::Support, Some(WaitingFor::Partner)),
                S::WaitingForPartner,
            ),
            (ChatType::Arbitrage, S::WaitingForArbiter, ChatAction::Resolve, S::Finished),
            (ChatType::Chat, S::WaitingForPartner, ChatAction::Close, S::Finished),
        ];
        for (chat_type, before, action, after) in table {
            let mut chat = row(chat_type, before.clone());
            apply(&mut chat, &action).unwrap();
            assert_eq!(chat.status, after, "{before} after {action:?}");
        }
    }

    #[test]
    fn impossible_actions_are_refused_and_change_nothing() {
        for (chat_type, status, action) in [
            (ChatType::Chat, S::Finished, write(Sender::Customer, None)),
            (ChatType::Arbitrage, S::Finished, write(Sender::Partner, None)),
            (ChatType::Chat, S::New, ChatAction::Resolve),
            (ChatType::Chat, S::New, ChatAction::Dispute),
            (ChatType::Chat, S::New, write(Sender::Customer, Some(WaitingFor::Partner))),
            (ChatType::Chat, S::New, write(Sender::Support, Some(WaitingFor::Arbiter))),
        ] {
            let before = row(chat_type, status);
            let mut chat = before.clone();
            assert!(apply(&mut chat, &action).is_err(), "{action:?}");
            assert_eq!(chat, before);
        }
    }

    #[test]
    fn a_buyers_first_message_leaves_a_chat_new_if_configured() {
        let mut chat = row(ChatType::Chat, S::New);
        let action = ChatAction::Write {
            sender: Sender::Customer,
            waiting_for: None,
            stays_new: true,
            is_sticker: false,
        };
        apply(&mut chat, &action).unwrap();
        assert_eq!(chat.status, S::New);
    }

    #[test]
    fn each_action_causes_its_events_once() {
        let mut chat = row(ChatType::Chat, S::New);
        chat.subject.context_type = ContextType::Order;
        assert_eq!(created(&chat), [EventKind::ChatCreated]);
        let message = write(Sender::Customer, None);
        assert_eq!(apply(&mut chat, &message).unwrap(), [EventKind::MessageSent]);
        let sticker = ChatAction::Write {
            sender: Sender::Customer,
            waiting_for: None,
            stays_new: false,
            is_sticker: true,
        };
        assert_eq!(apply(&mut chat, &sticker).unwrap(), []);
        assert_eq!(apply(&mut chat, &ChatAction::Dispute).unwrap(), [EventKind::ArbitrageStarted]);
        assert_eq!(apply(&mut chat, &ChatAction::Dispute).unwrap(), []);
        assert_eq!(apply(&mut chat, &ChatAction::Resolve).unwrap(), [EventKind::ArbitrageFinished]);
        assert_eq!(apply(&mut chat, &ChatAction::Close).unwrap(), []);
        assert_eq!(created(&chat), [EventKind::ChatCreated, EventKind::ArbitrageStarted]);
        let mut chat = row(ChatType::Chat, S::New);
        assert_eq!(apply(&mut chat, &ChatAction::Close).unwrap(), []);
    }

    #[test]
    fn a_chat_is_reused_by_type_and_status() {
        let candidates = [
            row(ChatType::Arbitrage, S::Finished),
            row(ChatType::Chat, S::Finished),
            row(ChatType::Arbitrage, S::New),
        ];
        let find = |chat_type, reuse| reusable(&candidates, &chat_type, reuse);
        assert_eq!(find(ChatType::Chat, Reuse::Never), None);
        assert_eq!(find(ChatType::Chat, Reuse::Unfinished), None);
        assert_eq!(find(ChatType::Chat, Reuse::SameType), Some(1));
        assert_eq!(find(ChatType::Chat, Reuse::AnyType), Some(1));
        assert_eq!(find(ChatType::Arbitrage, Reuse::Unfinished), Some(2));
        assert_eq!(find(ChatType::Arbitrage, Reuse::SameType), Some(0));
        assert_eq!(reusable(&candidates[..1], &ChatType::Chat, Reuse::AnyType), Some(0));
        assert_eq!(reusable(&candidates[..1], &ChatType::Chat, Reuse::SameType), None);
        assert_eq!(reusable(&[], &ChatType::Chat, Reuse::AnyType), None);
    }
}

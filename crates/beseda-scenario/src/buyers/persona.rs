//! Next action of a buyer, or of the arbiter in an angry buyer's dispute: a pure function of the
//! messages and the seed.

use std::{fmt, str::FromStr, time::Duration};

use beseda_api::{Chat, ChatId, ChatStatus, ChatType, ContextType, Message, Sender};
use jiff::{SignedDuration, Timestamp};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha20Rng;

use super::lines;

/// Behaviour of automatic buyers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Persona {
    /// Never answer, as in the published sandbox.
    Silent,
    /// Thank the shop and stop.
    Polite,
    /// Ask further questions, send photos and stickers, and sometimes write twice in a row.
    Chatty,
    /// Complain, send reminders and open a dispute; the arbiter then asks the shop and decides.
    Angry,
}

impl Persona {
    /// All personas.
    pub const ALL: [Self; 4] = [Self::Silent, Self::Polite, Self::Chatty, Self::Angry];

    /// Returns the name used on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Silent => "silent",
            Self::Polite => "polite",
            Self::Chatty => "chatty",
            Self::Angry => "angry",
        }
    }
}

impl fmt::Display for Persona {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Persona {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|persona| persona.as_str() == word);
        found.ok_or_else(|| format!("`{word}` is not one of: silent, polite, chatty, angry"))
    }
}

/// Maximum number of answers of a chatty buyer.
const CHATTY_ANSWERS: usize = 6;
/// Number of reminders an angry buyer sends for one answer.
const REMINDERS: usize = 3;

/// Action of a participant in a chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Write(&'static str),
    Sticker,
    Photo,
    /// Opens a dispute and says so in the chat with the given text.
    Dispute(&'static str),
    /// The arbiter asks the shop.
    Ask,
    /// The arbiter announces the decision.
    Decide,
    /// The arbiter closes the dispute.
    Resolve,
}

/// Facts about a chat on which the next action depends.
struct Conversation {
    /// Number of turns of the shop; messages in a row are one turn.
    turns: usize,
    /// Number of buyer messages since the shop's last turn.
    unanswered: usize,
    last: Timestamp,
}

/// Returns the next action and its time, or `None` if there is none until something else happens in
/// the chat.
pub(crate) fn next(
    persona: Persona,
    seed: u64,
    chat: &Chat,
    messages: &[Message],
) -> Option<(Timestamp, Action)> {
    if persona == Persona::Silent || chat.status == ChatStatus::Finished {
        return None;
    }
    let mut rng = rng_for(seed, chat.chat_id, messages.len());
    if chat.chat_type == ChatType::Arbitrage {
        return arbiter(messages, &mut rng);
    }
    let conversation = Conversation::of(messages)?;
    let (after, action) = match persona {
        Persona::Silent => return None,
        Persona::Polite => polite(&conversation, &mut rng)?,
        Persona::Chatty => chatty(&conversation, &mut rng)?,
        Persona::Angry => angry(&conversation, chat, &mut rng)?,
    };
    Some((later(conversation.last, after), action))
}

impl Conversation {
    fn of(messages: &[Message]) -> Option<Self> {
        let mut conversation = Self { turns: 0, unanswered: 0, last: Timestamp::MIN };
        let mut shop_spoke = false;
        for message in messages {
            match message.sender {
                Sender::Partner if !shop_spoke => {
                    conversation =
                        Self { turns: conversation.turns + 1, unanswered: 0, ..conversation };
                    shop_spoke = true;
                }
                Sender::Partner => {}
                Sender::Customer => {
                    conversation.unanswered += 1;
                    shop_spoke = false;
                }
                _ => continue,
            }
            conversation.last = message.created_at.timestamp();
        }
        (conversation.last > Timestamp::MIN).then_some(conversation)
    }

    /// Returns whether the shop wrote last.
    fn is_shop_last(&self) -> bool {
        self.unanswered == 0
    }
}

fn polite(conversation: &Conversation, rng: &mut ChaCha20Rng) -> Option<(Duration, Action)> {
    let after = seconds(rng, 5, 20);
    match conversation.turns {
        1 if conversation.is_shop_last() => Some((after, Action::Write(pick(rng, lines::THANKS)))),
        2 if conversation.is_shop_last() => Some((after, Action::Sticker)),
        _ => None,
    }
}

fn chatty(conversation: &Conversation, rng: &mut ChaCha20Rng) -> Option<(Duration, Action)> {
    let after = seconds(rng, 3, 15);
    if !conversation.is_shop_last() {
        // Sometimes a second message follows directly.
        let more = conversation.turns > 0 && conversation.unanswered == 1 && rng.random_bool(0.5);
        return more.then(|| (seconds(rng, 2, 5), Action::Write(pick(rng, lines::MORE))));
    }
    let action = match conversation.turns {
        2 => Action::Photo,
        4 => Action::Sticker,
        CHATTY_ANSWERS => Action::Write(pick(rng, lines::THANKS)),
        turn if turn < CHATTY_ANSWERS => Action::Write(pick(rng, lines::QUESTIONS)),
        _ => return None,
    };
    Some((after, action))
}

fn angry(
    conversation: &Conversation,
    chat: &Chat,
    rng: &mut ChaCha20Rng,
) -> Option<(Duration, Action)> {
    let after = seconds(rng, 2, 6);
    if !conversation.is_shop_last() {
        let presses = conversation.turns < 2 && conversation.unanswered <= REMINDERS;
        return presses
            .then(|| (Duration::from_secs(60), Action::Write(pick(rng, lines::REMINDERS))));
    }
    match conversation.turns {
        1 => Some((after, Action::Write(pick(rng, lines::COMPLAINTS)))),
        2 if chat.context.context_type == ContextType::Direct => {
            Some((after, Action::Write(lines::FAREWELL)))
        }
        2 => Some((after, Action::Dispute(lines::DISPUTED))),
        _ => None,
    }
}

/// Returns the next action of the arbiter. Applies only to disputes opened by these buyers.
fn arbiter(messages: &[Message], rng: &mut ChaCha20Rng) -> Option<(Timestamp, Action)> {
    let said = |message: &Message, words: &str| message.message.as_deref() == Some(words);
    let opened =
        messages.iter().rposition(|m| m.sender == Sender::Customer && said(m, lines::DISPUTE))?;
    let replies: Vec<&Message> = messages[opened + 1..]
        .iter()
        .filter(|message| matches!(message.sender, Sender::Support | Sender::Partner))
        .collect();
    let has_asked = replies.iter().any(|m| m.sender == Sender::Support);
    let (since, after, action) = match replies.last() {
        None => (&messages[opened], seconds(rng, 10, 30), Action::Ask),
        Some(last) if last.sender == Sender::Support && said(last, lines::VERDICT) => {
            (*last, seconds(rng, 1, 3), Action::Resolve)
        }
        Some(last) if last.sender == Sender::Support => return None,
        Some(last) if has_asked => (*last, seconds(rng, 10, 30), Action::Decide),
        Some(last) => (*last, seconds(rng, 10, 30), Action::Ask),
    };
    Some((later(since.created_at.timestamp(), after), action))
}

/// Returns a generator that depends on seed, chat and number of messages only, not on other chats.
fn rng_for(seed: u64, chat: ChatId, messages: usize) -> ChaCha20Rng {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&chat.get().to_le_bytes());
    key[16..24].copy_from_slice(&(messages as u64).to_le_bytes());
    ChaCha20Rng::from_seed(key)
}

fn seconds(rng: &mut ChaCha20Rng, least: u64, most: u64) -> Duration {
    Duration::from_secs(rng.random_range(least..=most))
}

fn pick(rng: &mut ChaCha20Rng, lines: &[&'static str]) -> &'static str {
    lines[rng.random_range(0..lines.len())]
}

fn later(time: Timestamp, by: Duration) -> Timestamp {
    let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
    time.checked_add(by).unwrap_or(Timestamp::MAX)
}

//! What a buyer, or the arbiter of an angry buyer's dispute, does next: a pure function of what was said and of the seed.

use std::time::Duration;

use beseda_api::{Chat, ChatId, ChatStatus, ChatType, ContextType, Message, Sender};
use jiff::{SignedDuration, Timestamp};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha20Rng;

use super::{Temper, lines};

/// The most answers of a chatty buyer.
const CHATTY_ANSWERS: usize = 6;
/// How often an angry buyer presses for one answer.
const REMINDERS: usize = 3;

/// Something done in a chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deed {
    Write(&'static str),
    Sticker,
    Photo,
    /// Opens a dispute, and says so in the talk.
    Dispute(&'static str),
    /// The arbiter asks the shop.
    Ask,
    /// The arbiter says what was decided.
    Judge,
    /// The arbiter ends the dispute.
    Finish,
}

/// What has been said, as far as it matters.
struct Talk {
    /// How many times the shop has had its say.
    turns: usize,
    /// How many messages the buyer has written since.
    unanswered: usize,
    last: Timestamp,
}

/// What is done next in a chat, and when; nothing as long as nothing else happens if `None`.
pub(super) fn next(
    temper: Temper,
    seed: u64,
    chat: &Chat,
    messages: &[Message],
) -> Option<(Timestamp, Deed)> {
    if temper == Temper::Silent || chat.status == ChatStatus::Finished {
        return None;
    }
    let mut chance = chance(seed, chat.chat_id, messages.len());
    if chat.chat_type == ChatType::Arbitrage {
        return arbiter(messages, &mut chance);
    }
    let talk = Talk::of(messages)?;
    let (after, deed) = match temper {
        Temper::Silent => return None,
        Temper::Polite => polite(&talk, &mut chance)?,
        Temper::Chatty => chatty(&talk, &mut chance)?,
        Temper::Angry => angry(&talk, chat, &mut chance)?,
    };
    Some((later(talk.last, after), deed))
}

impl Talk {
    fn of(messages: &[Message]) -> Option<Self> {
        let mut talk = Self { turns: 0, unanswered: 0, last: Timestamp::MIN };
        let mut shop_spoke = false;
        for message in messages {
            match message.sender {
                Sender::Partner if !shop_spoke => {
                    talk = Self { turns: talk.turns + 1, unanswered: 0, ..talk };
                    shop_spoke = true;
                }
                Sender::Partner => {}
                Sender::Customer => {
                    talk.unanswered += 1;
                    shop_spoke = false;
                }
                _ => continue,
            }
            talk.last = message.created_at.timestamp();
        }
        (talk.last > Timestamp::MIN).then_some(talk)
    }

    /// Whether the shop spoke last.
    fn waits(&self) -> bool {
        self.unanswered == 0
    }
}

fn polite(talk: &Talk, chance: &mut ChaCha20Rng) -> Option<(Duration, Deed)> {
    let after = seconds(chance, 5, 20);
    match talk.turns {
        1 if talk.waits() => Some((after, Deed::Write(one(chance, lines::THANKS)))),
        2 if talk.waits() => Some((after, Deed::Sticker)),
        _ => None,
    }
}

fn chatty(talk: &Talk, chance: &mut ChaCha20Rng) -> Option<(Duration, Deed)> {
    let after = seconds(chance, 3, 15);
    if !talk.waits() {
        // One more thing, right after.
        let more = talk.turns > 0 && talk.unanswered == 1 && chance.random_bool(0.5);
        return more.then(|| (seconds(chance, 2, 5), Deed::Write(one(chance, lines::MORE))));
    }
    let deed = match talk.turns {
        2 => Deed::Photo,
        4 => Deed::Sticker,
        CHATTY_ANSWERS => Deed::Write(one(chance, lines::THANKS)),
        turn if turn < CHATTY_ANSWERS => Deed::Write(one(chance, lines::QUESTIONS)),
        _ => return None,
    };
    Some((after, deed))
}

fn angry(talk: &Talk, chat: &Chat, chance: &mut ChaCha20Rng) -> Option<(Duration, Deed)> {
    let after = seconds(chance, 2, 6);
    if !talk.waits() {
        let presses = talk.turns < 2 && talk.unanswered <= REMINDERS;
        return presses
            .then(|| (Duration::from_secs(60), Deed::Write(one(chance, lines::REMINDERS))));
    }
    match talk.turns {
        1 => Some((after, Deed::Write(one(chance, lines::COMPLAINTS)))),
        2 if chat.context.context_type == ContextType::Direct => {
            Some((after, Deed::Write(lines::FAREWELL)))
        }
        2 => Some((after, Deed::Dispute(lines::DISPUTED))),
        _ => None,
    }
}

/// The arbiter of a dispute that one of these buyers opened; others are none of his business.
fn arbiter(messages: &[Message], chance: &mut ChaCha20Rng) -> Option<(Timestamp, Deed)> {
    let said = |message: &Message, words: &str| message.message.as_deref() == Some(words);
    let opened =
        messages.iter().rposition(|m| m.sender == Sender::Customer && said(m, lines::DISPUTE))?;
    let heard: Vec<&Message> = messages[opened + 1..]
        .iter()
        .filter(|message| matches!(message.sender, Sender::Support | Sender::Partner))
        .collect();
    let asked = heard.iter().any(|m| m.sender == Sender::Support);
    let (since, after, deed) = match heard.last() {
        None => (&messages[opened], seconds(chance, 10, 30), Deed::Ask),
        Some(last) if last.sender == Sender::Support && said(last, lines::VERDICT) => {
            (*last, seconds(chance, 1, 3), Deed::Finish)
        }
        Some(last) if last.sender == Sender::Support => return None,
        Some(last) if asked => (*last, seconds(chance, 10, 30), Deed::Judge),
        Some(last) => (*last, seconds(chance, 10, 30), Deed::Ask),
    };
    Some((later(since.created_at.timestamp(), after), deed))
}

/// Chance that is the same for the same seed, chat and number of messages, whatever happens in other chats.
fn chance(seed: u64, chat: ChatId, messages: usize) -> ChaCha20Rng {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&chat.get().to_le_bytes());
    key[16..24].copy_from_slice(&(messages as u64).to_le_bytes());
    ChaCha20Rng::from_seed(key)
}

fn seconds(chance: &mut ChaCha20Rng, least: u64, most: u64) -> Duration {
    Duration::from_secs(chance.random_range(least..=most))
}

fn one(chance: &mut ChaCha20Rng, lines: &[&'static str]) -> &'static str {
    lines[chance.random_range(0..lines.len())]
}

fn later(moment: Timestamp, by: Duration) -> Timestamp {
    let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
    moment.checked_add(by).unwrap_or(Timestamp::MAX)
}

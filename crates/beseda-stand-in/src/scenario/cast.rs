//! Buyers by temper: they answer whatever the shop writes, without a script. What they say next is decided in `cast/temper.rs`.

mod lines;
mod temper;

use std::{collections::BTreeMap, fmt, str::FromStr};

use beseda_api::{
    BusinessId, ChatId, DisputeOpening, FileUpload, HistoryFrom, Limit, MarketMessage, PageRequest,
    Result, Sender, WaitingFor,
};
use jiff::Timestamp;
use tokio::{
    sync::broadcast::{self, error::RecvError},
    task::JoinHandle,
};

use super::stage::{Change, Stage};
use temper::Deed;

/// How buyers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Temper {
    /// They never answer, as in the published sandbox.
    Silent,
    /// They thank, and leave it at that.
    Polite,
    /// They ask on, send photos and stickers, and write twice where once would do.
    Chatty,
    /// They complain, press for an answer, and open a dispute; then the arbiter asks and decides.
    Angry,
}

impl Temper {
    /// Every temper.
    pub const ALL: [Self; 4] = [Self::Silent, Self::Polite, Self::Chatty, Self::Angry];

    /// Its word on the command line.
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

impl fmt::Display for Temper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Temper {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|temper| temper.as_str() == word);
        found.ok_or_else(|| format!("`{word}` is not one of: silent, polite, chatty, angry"))
    }
}

/// Buyers of one temper in every cabinet of a stage, until it is dropped.
#[derive(Debug)]
pub struct Cast(JoinHandle<()>);

impl Cast {
    /// Lets them in: they answer what is written from here on. Must be called inside a tokio runtime.
    ///
    /// The same seed and the same words of the shop make the same words of the buyers, after the same time.
    #[must_use]
    pub fn start(stage: Stage, temper: Temper, seed: u64) -> Self {
        let changes = stage.changes.subscribe().filter(|_| temper != Temper::Silent);
        let buyers = Buyers { stage, temper, seed, plans: BTreeMap::new() };
        Self(tokio::spawn(async move {
            if let Some(changes) = changes {
                buyers.live(changes).await;
            }
        }))
    }
}

impl Cast {
    /// Sends them away, and comes back when nothing of the stage is in use by them.
    pub async fn end(mut self) {
        self.0.abort();
        // Cut off, as it is meant to be.
        (&mut self.0).await.ok();
    }
}

impl Drop for Cast {
    fn drop(&mut self) {
        self.0.abort();
    }
}

struct Buyers {
    stage: Stage,
    temper: Temper,
    seed: u64,
    /// When something is to be done in which chat.
    plans: BTreeMap<(Timestamp, ChatId), BusinessId>,
}

impl Buyers {
    async fn live(mut self, mut changes: broadcast::Receiver<Change>) {
        loop {
            let next = self.plans.first_key_value().map(|(when, business)| (*when, *business));
            let due = next.map_or(Timestamp::MAX, |((due, _), _)| due);
            tokio::select! {
                // News come first: they may change what was planned.
                biased;
                change = changes.recv() => match change {
                    Ok(Change { business, chat }) => self.plan(business, chat).await,
                    Err(RecvError::Lagged(missed)) => {
                        tracing::warn!(missed, "buyers couldn't keep up: some chats get no answer");
                    }
                    Err(RecvError::Closed) => return,
                },
                () = self.stage.timer.sleep_until(due) => {
                    if let Some(((due, chat), business)) = next {
                        self.plans.remove(&(due, chat));
                        self.act(business, chat).await;
                    }
                }
            }
        }
    }

    async fn plan(&mut self, business: BusinessId, chat: ChatId) {
        self.plans.retain(|(_, planned), _| *planned != chat);
        match self.next(business, chat).await {
            Ok(Some((due, _))) => {
                self.plans.insert((due, chat), business);
            }
            Ok(None) => {}
            Err(error) => tracing::debug!(%chat, %error, "a buyer can't see the chat"),
        }
    }

    /// What is to be done next in a chat, and when: it follows from what has been said in it, and from the seed.
    async fn next(&self, business: BusinessId, chat: ChatId) -> Result<Option<(Timestamp, Deed)>> {
        if self.stage.claims.has(chat) {
            return Ok(None);
        }
        let chats = &self.stage.chats;
        let talk = chats.get_chat(business, chat).await?;
        let page = PageRequest::first(Limit::MAX);
        let from = HistoryFrom { message_id_from: None, page };
        let history = chats.get_chat_history(business, chat, from).await?;
        if history.paging.next_page_token.is_some() {
            // After so many messages even the chattiest has said it all.
            return Ok(None);
        }
        Ok(temper::next(self.temper, self.seed, &talk, &history.messages))
    }

    async fn act(&self, business: BusinessId, chat: ChatId) {
        let done = match self.next(business, chat).await {
            Ok(Some((due, deed))) if due <= self.stage.clock.now() => {
                self.perform(business, chat, deed).await
            }
            Ok(_) => Ok(()),
            Err(error) => Err(error),
        };
        if let Err(error) = done {
            tracing::debug!(%chat, %error, "a buyer was refused");
        }
    }

    async fn perform(&self, business: BusinessId, chat: ChatId, deed: Deed) -> Result<()> {
        let market = &self.stage.market;
        let message = match deed {
            Deed::Write(text) => MarketMessage::customer(text),
            Deed::Sticker => {
                MarketMessage { message: None, sticker: true, ..MarketMessage::customer("") }
            }
            Deed::Photo => {
                let photo = FileUpload::from_bytes("фото.png", lines::PHOTO);
                market.write_file(business, chat, Sender::Customer, photo).await?;
                return Ok(());
            }
            Deed::Dispute(text) => {
                let opening = DisputeOpening {
                    chat_id: Some(chat),
                    message: Some(lines::DISPUTE.to_owned()),
                    ..DisputeOpening::default()
                };
                market.open_dispute(business, opening).await?;
                MarketMessage::customer(text)
            }
            Deed::Ask => {
                MarketMessage { waiting_for: Some(WaitingFor::Partner), ..support(lines::QUESTION) }
            }
            Deed::Judge => support(lines::VERDICT),
            Deed::Finish => {
                market.resolve_dispute(business, chat).await?;
                return Ok(());
            }
        };
        market.write_message(business, chat, message).await?;
        Ok(())
    }
}

fn support(text: &str) -> MarketMessage {
    MarketMessage { sender: Sender::Support, ..MarketMessage::customer(text) }
}

//! Automatic buyers: they answer the shop without a script. `buyers/persona.rs` chooses their
//! messages.

mod lines;
mod persona;

use std::collections::BTreeMap;

use beseda_api::{
    BusinessId, ChatId, DisputeOpening, FileUpload, HistoryFrom, Limit, MarketMessage, PageRequest,
    Result, Sender, WaitingFor,
};
use jiff::Timestamp;
use tokio::{
    sync::broadcast::{self, error::RecvError},
    task::JoinHandle,
};

use crate::world::{ChatChange, ScenarioWorld};
use persona::Action;
pub use persona::Persona;

/// Background task that plays the buyers of all cabinets. Dropping it stops them.
#[derive(Debug)]
pub struct Buyers(JoinHandle<()>);

impl Buyers {
    /// Starts the task; it reacts to messages written from now on. Must be called within a tokio
    /// runtime.
    ///
    /// The same seed and the same messages of the shop produce the same answers after the same
    /// delays.
    #[must_use]
    pub fn start(world: ScenarioWorld, persona: Persona, seed: u64) -> Self {
        let changes = world.changes.subscribe().filter(|_| persona != Persona::Silent);
        let buyers = BuyerTask { world, persona, seed, plans: BTreeMap::new() };
        Self(tokio::spawn(async move {
            if let Some(changes) = changes {
                buyers.run(changes).await;
            }
        }))
    }
}

impl Buyers {
    /// Stops the task and waits until it has released the world.
    pub async fn shut_down(mut self) {
        self.0.abort();
        // A cancelled task is expected here.
        (&mut self.0).await.ok();
    }
}

impl Drop for Buyers {
    fn drop(&mut self) {
        self.0.abort();
    }
}

struct BuyerTask {
    world: ScenarioWorld,
    persona: Persona,
    seed: u64,
    /// Due actions, by time and chat.
    plans: BTreeMap<(Timestamp, ChatId), BusinessId>,
}

impl BuyerTask {
    async fn run(mut self, mut changes: broadcast::Receiver<ChatChange>) {
        loop {
            let next = self.plans.first_key_value().map(|(when, business)| (*when, *business));
            let due = next.map_or(Timestamp::MAX, |((due, _), _)| due);
            tokio::select! {
                // Changes first, because they may cancel what is due.
                biased;
                change = changes.recv() => match change {
                    Ok(ChatChange { business, chat }) => self.plan(business, chat).await,
                    Err(RecvError::Lagged(missed)) => {
                        tracing::warn!(missed, "buyers lagged behind; some chats get no answer");
                    }
                    Err(RecvError::Closed) => return,
                },
                () = self.world.timer.sleep_until(due) => {
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
            Err(error) => tracing::debug!(%chat, %error, "failed to read a chat for a buyer"),
        }
    }

    /// Returns the next action in a chat and its time, derived from the history and the seed.
    async fn next(
        &self,
        business: BusinessId,
        chat: ChatId,
    ) -> Result<Option<(Timestamp, Action)>> {
        if self.world.claims.contains(chat) {
            return Ok(None);
        }
        let chats = &self.world.chats;
        let conversation = chats.get_chat(business, chat).await?;
        let page = PageRequest::first(Limit::MAX);
        let from = HistoryFrom { message_id_from: None, page };
        let history = chats.get_chat_history(business, chat, from).await?;
        if history.paging.next_page_token.is_some() {
            // No persona has anything left to say after more than one page of messages.
            return Ok(None);
        }
        Ok(persona::next(self.persona, self.seed, &conversation, &history.messages))
    }

    async fn act(&self, business: BusinessId, chat: ChatId) {
        let done = match self.next(business, chat).await {
            Ok(Some((due, action))) if due <= self.world.clock.now() => {
                self.perform(business, chat, action).await
            }
            Ok(_) => Ok(()),
            Err(error) => Err(error),
        };
        if let Err(error) = done {
            tracing::debug!(%chat, %error, "a buyer's action failed");
        }
    }

    async fn perform(&self, business: BusinessId, chat: ChatId, action: Action) -> Result<()> {
        let market = &self.world.market;
        let message = match action {
            Action::Write(text) => MarketMessage::customer(text),
            Action::Sticker => {
                MarketMessage { message: None, sticker: true, ..MarketMessage::customer("") }
            }
            Action::Photo => {
                let photo = FileUpload::from_bytes("фото.png", lines::PHOTO);
                market.write_file(business, chat, Sender::Customer, photo).await?;
                return Ok(());
            }
            Action::Dispute(text) => {
                let opening = DisputeOpening {
                    chat_id: Some(chat),
                    message: Some(lines::DISPUTE.to_owned()),
                    ..DisputeOpening::default()
                };
                market.open_dispute(business, opening).await?;
                MarketMessage::customer(text)
            }
            Action::Ask => {
                MarketMessage { waiting_for: Some(WaitingFor::Partner), ..support(lines::QUESTION) }
            }
            Action::Decide => support(lines::VERDICT),
            Action::Resolve => {
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

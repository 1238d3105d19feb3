//! A stand-in, an outbox in a folder of its own, and a clock that waiting moves.

use std::{
    future,
    sync::{Arc, Mutex},
    time::Duration,
};

use beseda_outbox::{Event, Filter, Item, NewItem, Outbox, OutboxId, Result, RunSettings, State};
use beseda_stand_in::{
    LimitPreset, LimitSettings, StandIn,
    api::{ChatFilter, ChatId, ChatStatus, Clock, ManualClock, Sender, Timer},
    client::{ChatsExt, Client, OutgoingMessage, RetryPolicy, SendOnceOptions},
};
use jiff::Timestamp;
use serde_json::{Value, json};

/// Waits by moving the clock.
struct Mover(Arc<ManualClock>);

#[async_trait::async_trait]
impl Timer for Mover {
    async fn sleep_until(&self, moment: Timestamp) {
        if moment > self.0.now() {
            self.0.set(moment);
        }
        tokio::task::yield_now().await;
    }
}

pub(crate) struct World {
    pub(crate) stand_in: StandIn,
    pub(crate) outbox: Outbox,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) chats: Vec<ChatId>,
    clock: Arc<ManualClock>,
    pub(crate) told: Arc<Mutex<Vec<(OutboxId, State)>>>,
}

impl World {
    pub(crate) async fn new() -> Self {
        let limits = LimitSettings { preset: LimitPreset::Off, ..LimitSettings::default() };
        let stand_in = StandIn::builder().limits(limits).start().await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let outbox = Outbox::open(folder.path().join("archive")).await.unwrap();
        let client = stand_in.client().unwrap();
        let all = client.chats_sorted(stand_in.business_id(), ChatFilter::default()).await.unwrap();
        let open = all.into_iter().filter(|chat| chat.status != ChatStatus::Finished);
        let chats = open.map(|chat| chat.chat_id).collect();
        let clock = Arc::new(ManualClock::new("2026-11-21T10:00:00Z".parse().unwrap()));
        Self { stand_in, outbox, folder, chats, clock, told: Arc::default() }
    }

    pub(crate) fn client(&self) -> Client {
        let builder = Client::builder().url(self.stand_in.url()).api_key(self.stand_in.api_key());
        let builder = builder.timeout(Duration::from_millis(500));
        builder.retry_policy(RetryPolicy::none()).build().unwrap()
    }

    pub(crate) fn settings(&self) -> RunSettings {
        let mover = Arc::new(Mover(Arc::clone(&self.clock)));
        let safety = SendOnceOptions::default().by(self.clock.clone(), mover);
        let told = Arc::clone(&self.told);
        let settings = RunSettings { safety, ..RunSettings::until_empty() };
        settings.on_event(move |event| {
            if let Event::Changed(item) = event {
                told.lock().unwrap().push((item.id, item.state));
            }
        })
    }

    pub(crate) async fn say(&self, place: usize, text: &str) -> OutboxId {
        let what = OutgoingMessage::text(text).unwrap();
        let new = NewItem::new(self.stand_in.business_id(), self.chats[place], what);
        self.outbox.enqueue(new).await.unwrap()
    }

    /// Sends until nothing is left.
    pub(crate) async fn run(&self) -> Result<()> {
        let client = Arc::new(self.client());
        let business = self.stand_in.business_id();
        self.outbox.run(client, business, self.settings(), future::pending()).await
    }

    pub(crate) fn fault(&self, rule: &Value) {
        let rules = serde_json::from_value(json!([rule])).unwrap();
        self.stand_in.control().faults().add(rules).unwrap();
    }

    pub(crate) async fn item(&self, id: OutboxId) -> Item {
        self.outbox.get(id).await.unwrap()
    }

    pub(crate) async fn all(&self) -> Vec<Item> {
        self.outbox.list(Filter::default()).await.unwrap()
    }

    /// What the shop has said in a chat, as the service tells it, beside what the demo began with.
    pub(crate) async fn said(&self, place: usize, with: &str) -> Vec<String> {
        let (engine, business) = (self.stand_in.engine(), self.stand_in.business_id());
        let all = engine.history_sorted(business, self.chats[place], None).await.unwrap();
        let ours = all.into_iter().filter(|message| message.sender == Sender::Partner);
        ours.filter_map(|message| message.message).filter(|text| text.starts_with(with)).collect()
    }

    /// Requests of one operation so far.
    pub(crate) fn calls(&self, operation: &str) -> usize {
        let query = serde_json::from_value(json!({ "operation": operation, "limit": 2000 }));
        self.stand_in.control().journal().read(&query.unwrap()).len()
    }
}

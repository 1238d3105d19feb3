//! Fixture: a stand-in, an outbox in a temporary folder, and a clock which sleeping advances.

use std::{
    future,
    sync::{Arc, Mutex},
    time::Duration,
};

use beseda_outbox::{
    Item, ItemFilter, ItemState, NewItem, Outbox, OutboxEvent, OutboxId, Result, RunSettings,
};
use beseda_stand_in::{
    LimitPreset, LimitSettings, StandIn,
    api::{ChatFilter, ChatId, ChatStatus, Clock, ManualClock, Sender, Timer},
    client::{ChatsExt, Client, OutgoingMessage, RetryPolicy, SendOnceOptions},
};
use jiff::Timestamp;
use serde_json::{Value, json};

/// Timer that advances the clock.
struct AdvancingTimer(Arc<ManualClock>);

#[async_trait::async_trait]
impl Timer for AdvancingTimer {
    async fn sleep_until(&self, moment: Timestamp) {
        if moment > self.0.now() {
            self.0.set(moment);
        }
        tokio::task::yield_now().await;
    }
}

pub(crate) struct TestOutbox {
    pub(crate) stand_in: StandIn,
    pub(crate) outbox: Outbox,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) chats: Vec<ChatId>,
    clock: Arc<ManualClock>,
    pub(crate) states: Arc<Mutex<Vec<(OutboxId, ItemState)>>>,
}

impl TestOutbox {
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
        Self { stand_in, outbox, folder, chats, clock, states: Arc::default() }
    }

    pub(crate) fn client(&self) -> Client {
        let builder = Client::builder().url(self.stand_in.url()).api_key(self.stand_in.api_key());
        let builder = builder.timeout(Duration::from_millis(500));
        builder.retry_policy(RetryPolicy::none()).build().unwrap()
    }

    pub(crate) fn settings(&self) -> RunSettings {
        let timer = Arc::new(AdvancingTimer(Arc::clone(&self.clock)));
        let send_once = SendOnceOptions::default().by(self.clock.clone(), timer);
        let states = Arc::clone(&self.states);
        let settings = RunSettings { send_once, ..RunSettings::until_empty() };
        settings.on_event(move |event| {
            if let OutboxEvent::Changed(item) = event {
                states.lock().unwrap().push((item.id, item.state));
            }
        })
    }

    pub(crate) async fn enqueue(&self, index: usize, text: &str) -> OutboxId {
        let what = OutgoingMessage::text(text).unwrap();
        let new = NewItem::new(self.stand_in.business_id(), self.chats[index], what);
        self.outbox.enqueue(new).await.unwrap()
    }

    /// Runs until no messages are left.
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
        self.outbox.list(ItemFilter::default()).await.unwrap()
    }

    /// Returns the shop's texts with this prefix in a chat, as the service has them.
    pub(crate) async fn history(&self, index: usize, with: &str) -> Vec<String> {
        let (engine, business) = (self.stand_in.engine(), self.stand_in.business_id());
        let all = engine.history_sorted(business, self.chats[index], None).await.unwrap();
        let ours = all.into_iter().filter(|message| message.sender == Sender::Partner);
        ours.filter_map(|message| message.message).filter(|text| text.starts_with(with)).collect()
    }

    /// Returns the number of requests of an operation.
    pub(crate) fn calls(&self, operation: &str) -> usize {
        let query = serde_json::from_value(json!({ "operation": operation, "limit": 2000 }));
        self.stand_in.control().journal().read(&query.unwrap()).len()
    }
}

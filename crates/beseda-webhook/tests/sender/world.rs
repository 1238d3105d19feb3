//! Engine with a cabinet and a chat, a sender, and a manual clock.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use beseda_api::{
    Administration, BusinessId, ChatContext, ChatId, ChatsApi, Clock, Delivery, ManualClock,
    MarketMessage, MarketSide, NewCabinet, NewOrder, NewSubscription, OrderId, Subscription,
    Subscriptions, Timer,
};
use beseda_engine::Engine;
use beseda_webhook::sender::{AddressPolicy, SenderSettings, WebhookSender};
use jiff::Timestamp;
use tempfile::TempDir;
use tokio::sync::watch;

pub(crate) struct World {
    pub(crate) engine: Engine,
    pub(crate) business: BusinessId,
    pub(crate) chat: ChatId,
    pub(crate) time: Arc<Time>,
    sender: Option<WebhookSender>,
    settings: SenderSettings,
    folder: TempDir,
}

/// Clock and timer.
pub(crate) struct Time {
    clock: ManualClock,
    skips_waits: AtomicBool,
    moves: watch::Sender<u64>,
}

impl Clock for Time {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

#[async_trait]
impl Timer for Time {
    async fn sleep_until(&self, moment: Timestamp) {
        let mut moves = self.moves.subscribe();
        while self.now() < moment {
            if self.skips_waits.load(Ordering::SeqCst) {
                return self.clock.set(moment);
            }
            moves.changed().await.unwrap();
        }
    }
}

impl Time {
    pub(crate) fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
        self.moves.send_modify(|count| *count += 1);
    }

    /// From now on, waits return at once and advance the clock.
    pub(crate) fn skip_waits(&self) {
        self.skips_waits.store(true, Ordering::SeqCst);
        self.moves.send_modify(|count| *count += 1);
    }

    pub(crate) fn stop_skipping(&self) {
        self.skips_waits.store(false, Ordering::SeqCst);
    }
}

/// Panics instead of hanging.
pub(crate) async fn within_a_minute<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), what).await.expect("timed out")
}

async fn engine(folder: &TempDir, time: &Arc<Time>) -> Engine {
    let settings = beseda_engine::EngineSettings::default();
    Engine::open_sqlite(folder.path(), settings, Arc::clone(time) as _).await.unwrap()
}

impl World {
    pub(crate) async fn open() -> Self {
        Self::with(SenderSettings::new(AddressPolicy::Loopback)).await
    }

    pub(crate) async fn with(settings: SenderSettings) -> Self {
        // In memory if possible: fourteen days take hundreds of commits.
        let memory = std::path::Path::new("/dev/shm");
        let folder = match tempfile::tempdir_in(memory) {
            Ok(folder) => folder,
            Err(_) => tempfile::tempdir().unwrap(),
        };
        let start = "2026-11-21T10:00:00Z".parse().unwrap();
        let time = Arc::new(Time {
            clock: ManualClock::new(start),
            skips_waits: AtomicBool::new(false),
            moves: watch::Sender::new(0),
        });
        let engine = engine(&folder, &time).await;
        let cabinet = NewCabinet { business_id: None, name: "Tea".to_owned() };
        let business = engine.create_cabinet(cabinet).await.unwrap().business_id;
        let chat = new_chat(&engine, business, 42).await;
        let mut world = Self { engine, business, chat, time, sender: None, settings, folder };
        world.start();
        world
    }

    fn start(&mut self) {
        let (queue, settings) = (self.engine.notification_queue(), self.settings.clone());
        let time = || Arc::clone(&self.time);
        self.sender = Some(WebhookSender::start(queue, settings, time() as _, time() as _));
    }

    /// Stops the sender and opens the same folder again.
    pub(crate) async fn restart(mut self) -> Self {
        self.sender.take().unwrap().stop().await;
        let Self { engine: old, business, chat, time, settings, folder, .. } = self;
        drop(old);
        let engine = engine(&folder, &time).await;
        let mut world = Self { engine, business, chat, time, sender: None, settings, folder };
        world.start();
        world
    }

    pub(crate) fn sender(&self) -> &WebhookSender {
        self.sender.as_ref().unwrap()
    }

    pub(crate) fn subscriptions(&self) -> Arc<dyn Subscriptions> {
        self.sender.as_ref().unwrap().subscriptions()
    }

    pub(crate) async fn subscribe(&self, url: &str) -> beseda_api::Result<Subscription> {
        let new = NewSubscription { url: url.to_owned(), name: "bot".to_owned() };
        self.subscriptions().create_subscription(self.business, new).await
    }

    pub(crate) async fn subscription(&self, id: i64) -> Subscription {
        let all = self.subscriptions().list_subscriptions(self.business).await.unwrap();
        all.into_iter().find(|one| one.id == id).unwrap()
    }

    /// Writes as the buyer; returns the message id as in the notification.
    pub(crate) async fn write(&self, text: &str) -> String {
        let message = MarketMessage::customer(text);
        let written = self.engine.write_message(self.business, self.chat, message).await.unwrap();
        written.message_id.to_string()
    }

    /// Returns the delivery log, newest first.
    pub(crate) async fn log(&self, id: i64) -> Vec<Delivery> {
        let page = beseda_api::PageRequest::first(beseda_api::Limit::MAX);
        self.subscriptions().deliveries(self.business, id, page).await.unwrap().deliveries
    }

    /// Waits for this number of entries in the log.
    pub(crate) async fn logged(&self, id: i64, count: usize) -> Vec<Delivery> {
        within_a_minute(async {
            loop {
                let log = self.log(id).await;
                if log.len() >= count {
                    return log;
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await
    }
}

pub(crate) async fn new_chat(engine: &Engine, business: BusinessId, order: i64) -> ChatId {
    let order_id = OrderId::new(order).unwrap();
    let order = NewOrder { order_id, campaign_id: None, model: None, customer: None };
    engine.register_order(business, order).await.unwrap();
    engine.create_chat(business, ChatContext::Order(order_id)).await.unwrap()
}

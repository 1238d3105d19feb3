//! An engine with a cabinet and a chat, a sender on it, and a clock that moves only when told to, or leaps over every wait.

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
    Subscriptions,
};
use beseda_engine::Engine;
use beseda_push::{Policy, Push, Settings, Timer};
use jiff::Timestamp;
use tempfile::TempDir;
use tokio::sync::watch;

pub(crate) struct World {
    pub(crate) engine: Engine,
    pub(crate) business: BusinessId,
    pub(crate) chat: ChatId,
    pub(crate) time: Arc<Time>,
    push: Option<Push>,
    settings: Settings,
    folder: TempDir,
}

/// Clock and timer in one.
pub(crate) struct Time {
    clock: ManualClock,
    leaps: AtomicBool,
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
            if self.leaps.load(Ordering::SeqCst) {
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

    /// From now on every wait is over at once, and it is later then.
    pub(crate) fn leap(&self) {
        self.leaps.store(true, Ordering::SeqCst);
        self.moves.send_modify(|count| *count += 1);
    }

    pub(crate) fn stand(&self) {
        self.leaps.store(false, Ordering::SeqCst);
    }
}

/// Fails instead of hanging.
pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), what).await.expect("nothing goes on any more")
}

async fn engine(folder: &TempDir, time: &Arc<Time>) -> Engine {
    let settings = beseda_engine::EngineSettings::default();
    Engine::open_sqlite(folder.path(), settings, Arc::clone(time) as _).await.unwrap()
}

impl World {
    pub(crate) async fn open() -> Self {
        Self::with(Settings::new(Policy::Loopback)).await
    }

    pub(crate) async fn with(settings: Settings) -> Self {
        // In memory where there is such a folder: fourteen days are hundreds of commits.
        let memory = std::path::Path::new("/dev/shm");
        let folder = match tempfile::tempdir_in(memory) {
            Ok(folder) => folder,
            Err(_) => tempfile::tempdir().unwrap(),
        };
        let start = "2026-11-21T10:00:00Z".parse().unwrap();
        let time = Arc::new(Time {
            clock: ManualClock::new(start),
            leaps: AtomicBool::new(false),
            moves: watch::Sender::new(0),
        });
        let engine = engine(&folder, &time).await;
        let cabinet = NewCabinet { business_id: None, name: "Tea".to_owned() };
        let business = engine.create_cabinet(cabinet).await.unwrap().business_id;
        let chat = new_chat(&engine, business, 42).await;
        let mut world = Self { engine, business, chat, time, push: None, settings, folder };
        world.start();
        world
    }

    fn start(&mut self) {
        let (outbox, settings) = (self.engine.notification_queue(), self.settings.clone());
        let time = || Arc::clone(&self.time);
        self.push = Some(Push::start(outbox, settings, time() as _, time() as _));
    }

    /// Ends everything, whatever is under way, and starts it again on the same folder.
    pub(crate) async fn restart(mut self) -> Self {
        self.push.take().unwrap().stop().await;
        let Self { engine: old, business, chat, time, settings, folder, .. } = self;
        drop(old);
        let engine = engine(&folder, &time).await;
        let mut world = Self { engine, business, chat, time, push: None, settings, folder };
        world.start();
        world
    }

    pub(crate) fn push(&self) -> &Push {
        self.push.as_ref().unwrap()
    }

    pub(crate) fn desk(&self) -> Arc<dyn Subscriptions> {
        self.push.as_ref().unwrap().subscriptions()
    }

    pub(crate) async fn subscribe(&self, url: &str) -> beseda_api::Result<Subscription> {
        let new = NewSubscription { url: url.to_owned(), name: "bot".to_owned() };
        self.desk().create_subscription(self.business, new).await
    }

    pub(crate) async fn subscription(&self, id: i64) -> Subscription {
        let all = self.desk().list_subscriptions(self.business).await.unwrap();
        all.into_iter().find(|one| one.id == id).unwrap()
    }

    /// A buyer writes; gives the message's id as the notification has it.
    pub(crate) async fn write(&self, text: &str) -> String {
        let message = MarketMessage::customer(text);
        let written = self.engine.write_message(self.business, self.chat, message).await.unwrap();
        written.message_id.to_string()
    }

    /// The log, newest first.
    pub(crate) async fn log(&self, id: i64) -> Vec<Delivery> {
        let page = beseda_api::PageRequest::first(beseda_api::Limit::MAX);
        self.desk().deliveries(self.business, id, page).await.unwrap().deliveries
    }

    /// Comes back when the log has so many entries.
    pub(crate) async fn logged(&self, id: i64, count: usize) -> Vec<Delivery> {
        soon(async {
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

//! Test environment: an engine in a temporary folder, a manual clock and a scripted shop.

use std::{
    collections::{BTreeMap, HashSet},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use beseda_api::Timer;
use beseda_api::{
    Administration, BusinessId, Chat, ChatContext, ChatFilter, ChatId, ChatStatus, HistoryFrom,
    Limit, Message, MessageText, NewCabinet, NewCampaign, OrderId, PageRequest, PlacementType,
    Sender,
};
use beseda_engine::{Engine, EngineSettings};
use beseda_stand_in::{
    StandInClock,
    scenario::{
        Buyers, ChangeNotifier, Claims, FileSource, Persona, RunState, Scenario, ScenarioReport,
        ScenarioRun, ScenarioRunner, ScenarioWorld,
    },
};
use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;

/// Environment of the participants, with its clock.
pub(crate) struct TestWorld {
    pub(crate) world: ScenarioWorld,
    pub(crate) clock: Arc<StandInClock>,
    pub(crate) business: BusinessId,
    pub(crate) scenarios: Arc<ScenarioRunner>,
    timer: Arc<ManualTimers>,
    buyers: AtomicUsize,
    _folder: TempDir,
}

/// Behaviour of the shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shop {
    /// Answers every waiting chat once this time has passed.
    Answers(Duration),
    /// Writes first, about this order, and answers from then on.
    Begins(i64),
    /// Writes nothing.
    Silent,
}

impl TestWorld {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(StandInClock::manual("2026-10-01T06:00:00Z".parse().unwrap()));
        let settings = EngineSettings::default();
        let expected = Arc::<StandInClock>::clone(&clock);
        let engine = Engine::open_sqlite(folder.path(), settings, expected).await.unwrap();
        let engine = Arc::new(engine);
        let cabinet = NewCabinet { business_id: None, name: "Чайная".to_owned() };
        let business = engine.create_cabinet(cabinet).await.unwrap().business_id;
        for placement_type in [PlacementType::Fbs, PlacementType::Fby, PlacementType::Dbs] {
            let name = placement_type.to_string();
            let campaign = NewCampaign { campaign_id: None, name, placement_type };
            engine.create_campaign(business, campaign).await.unwrap();
        }
        let observed = Arc::new(ChangeNotifier::new(Arc::<Engine>::clone(&engine), engine));
        let timer = Arc::new(ManualTimers {
            clock: Arc::clone(&clock),
            waiting: Mutex::default(),
            last: AtomicU64::default(),
        });
        let world = ScenarioWorld {
            market: Arc::<ChangeNotifier>::clone(&observed),
            chats: Arc::<ChangeNotifier>::clone(&observed),
            clock: Arc::<StandInClock>::clone(&clock),
            timer: Arc::<ManualTimers>::clone(&timer),
            changes: observed.changes(),
            claims: Claims::default(),
        };
        let scenarios = Arc::new(ScenarioRunner::new(world.clone(), business));
        let buyers = AtomicUsize::default();
        Self { world, clock, business, scenarios, timer, buyers, _folder: folder }
    }

    /// Plays a scenario to its end and moves the clock along.
    pub(crate) async fn play(&self, text: &str, shop: Shop) -> ScenarioReport {
        let scenario = Scenario::parse(text, &FileSource::Folder(examples())).unwrap();
        let run = self.scenarios.play(scenario);
        self.finish(&run, shop).await
    }

    pub(crate) async fn finish(&self, run: &ScenarioRun, shop: Shop) -> ScenarioReport {
        let started = self.clock.reading().now;
        let mut teller = TestShop { world: self, shop, initial: false, started };
        for _ in 0..1_000 {
            self.settle().await;
            let report = self.scenarios.get(run.id).unwrap().report;
            if report.state != RunState::Running {
                return report;
            }
            if !teller.act().await {
                let due = self.timer.next().into_iter().chain(teller.due()).min().unwrap();
                self.clock.set(due);
            }
        }
        panic!("the scenario doesn't end: {:?}", self.scenarios.get(run.id));
    }

    /// Lets this much time pass and everything due in it happen.
    pub(crate) async fn pass(&self, long: Duration) {
        let end = self.clock.reading().now + SignedDuration::try_from(long).unwrap();
        self.settle().await;
        while let Some(due) = self.timer.next().filter(|due| *due <= end) {
            self.clock.set(due);
            self.settle().await;
        }
        self.clock.set(end);
    }

    /// Waits until every participant waits for a future time.
    pub(crate) async fn settle(&self) {
        for _ in 0..1_000_000 {
            // Woken tasks run before this one continues.
            tokio::task::yield_now().await;
            let running = self.scenarios.list().into_iter();
            let running = running.filter(|run| run.report.state == RunState::Running).count();
            let now = self.clock.reading().now;
            let idle =
                self.timer.waiting.lock().unwrap().values().filter(|due| **due > now).count();
            if idle == running + self.buyers.load(Ordering::Relaxed) {
                return;
            }
        }
        panic!("somebody doesn't come to rest");
    }

    /// Starts automatic buyers.
    pub(crate) fn buyers(&self, persona: Persona, seed: u64) -> Buyers {
        if persona != Persona::Silent {
            self.buyers.fetch_add(1, Ordering::Relaxed);
        }
        Buyers::start(self.world.clone(), persona, seed)
    }

    pub(crate) async fn chats(&self) -> Vec<Chat> {
        let page = PageRequest::first(Limit::MAX);
        self.world.chats.get_chats(self.business, ChatFilter::default(), page).await.unwrap().chats
    }

    pub(crate) async fn history(&self, chat: ChatId) -> Vec<Message> {
        let page = PageRequest::first(Limit::MAX);
        let from = HistoryFrom { message_id_from: None, page };
        self.world.chats.get_chat_history(self.business, chat, from).await.unwrap().messages
    }

    pub(crate) async fn shop_writes(&self, chat: ChatId, text: &str) {
        let text = MessageText::new(text).unwrap();
        self.world.chats.send_message_to_chat(self.business, chat, text).await.unwrap();
    }

    /// Returns one line per message, with time, sender and text.
    pub(crate) async fn transcript(&self, chat: ChatId) -> Vec<String> {
        let line = |message: Message| {
            let file = message.payload.iter().flatten().map(|file| file.name.clone()).next();
            let words = message.message.or(file).unwrap_or_else(|| "(sticker)".to_owned());
            format!("{} {}: {words}", message.created_at, message.sender)
        };
        self.history(chat).await.into_iter().map(line).collect()
    }
}

/// Timer that records the times being waited for.
struct ManualTimers {
    clock: Arc<StandInClock>,
    waiting: Mutex<BTreeMap<u64, Timestamp>>,
    last: AtomicU64,
}

impl ManualTimers {
    fn next(&self) -> Option<Timestamp> {
        self.waiting.lock().unwrap().values().min().copied().filter(|due| *due < Timestamp::MAX)
    }
}

#[async_trait]
impl Timer for ManualTimers {
    async fn sleep_until(&self, moment: Timestamp) {
        struct Waiting<'a>(&'a ManualTimers, u64);
        impl Drop for Waiting<'_> {
            fn drop(&mut self) {
                self.0.waiting.lock().unwrap().remove(&self.1);
            }
        }
        let waiting = Waiting(self, self.last.fetch_add(1, Ordering::Relaxed));
        self.waiting.lock().unwrap().insert(waiting.1, moment);
        self.clock.wait_until(moment).await;
    }
}

/// Scripted shop.
struct TestShop<'a> {
    world: &'a TestWorld,
    shop: Shop,
    initial: bool,
    started: Timestamp,
}

impl TestShop<'_> {
    /// Returns the time of its next action of its own.
    fn due(&self) -> Option<Timestamp> {
        let Shop::Answers(after) = self.shop else { return None };
        let due = self.started + SignedDuration::try_from(after).unwrap();
        (due > self.world.clock.reading().now).then_some(due)
    }

    /// Acts if it has to, and returns whether it did.
    async fn act(&mut self) -> bool {
        match self.shop {
            Shop::Silent => false,
            Shop::Answers(_) if self.due().is_some() => false,
            Shop::Answers(_) => self.answer().await,
            Shop::Begins(order) if !self.initial => self.begin(order).await,
            Shop::Begins(_) => self.answer().await,
        }
    }

    async fn begin(&mut self, order: i64) -> bool {
        let (chats, business) = (&self.world.world.chats, self.world.business);
        let context = ChatContext::Order(OrderId::new(order).unwrap());
        let chat = chats.create_chat(business, context).await.unwrap();
        self.world.shop_writes(chat, "Добрый день!").await;
        self.world.shop_writes(chat, "Доставка в субботу, удобно?").await;
        self.initial = true;
        true
    }

    async fn answer(&self) -> bool {
        let mut answered = HashSet::new();
        for chat in self.world.chats().await {
            let last = self.world.history(chat.chat_id).await.pop();
            let by_us = last.is_some_and(|message| message.sender == Sender::Partner);
            if chat.status == ChatStatus::WaitingForPartner && !by_us {
                assert!(answered.insert(chat.chat_id));
                self.world.shop_writes(chat.chat_id, "Здравствуйте! Разбираемся.").await;
            }
        }
        !answered.is_empty()
    }
}

pub(crate) fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/scenarios")
}

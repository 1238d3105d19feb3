//! Rate limiter of the client with a stopped clock: the hour's budget is used completely, and no
//! call gets 420.

use std::{
    collections::HashMap,
    io::{Read, Write},
    net::TcpStream,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use beseda_stand_in::{
    LimitSettings, StandIn, StandInClock,
    api::{ChatFilter, ChatId, ChatStatus, ChatsApi, Clock, ErrorKind, MessageText, PageRequest},
    client::{Client, ClientError, ErrorExt, QueuedCall, RateLimiter, RetryPolicy, WaitReason},
    journal::JournalQuery,
};
use jiff::Timestamp;
use tokio::{sync::Notify, task::JoinSet};

const TASKS: usize = 16;

/// Stand-in and rate limiter with one stopped clock.
struct World {
    stand_in: StandIn,
    clock: Arc<StandInClock>,
    governor: RateLimiter,
    /// Number of calls waiting for the end of each hour.
    waits: Arc<Mutex<HashMap<Timestamp, usize>>>,
    more: Arc<Notify>,
}

impl World {
    async fn start(limits: LimitSettings) -> Self {
        let clock = Arc::new(StandInClock::manual("2026-06-01T10:17:00Z".parse().unwrap()));
        let stand_in = StandIn::builder().clock(clock.clone()).limits(limits).start();
        let waits: Arc<Mutex<HashMap<Timestamp, usize>>> = Arc::default();
        let more = Arc::new(Notify::new());
        let (told, tell) = (Arc::clone(&waits), Arc::clone(&more));
        let governor =
            RateLimiter::new(clock.clone(), clock.clone()).on_wait(move |waiting: &QueuedCall| {
                if let (WaitReason::HourlyLimit, Some(until)) = (waiting.reason, waiting.until) {
                    *told.lock().unwrap().entry(until).or_default() += 1;
                    tell.notify_one();
                }
            });
        Self { stand_in: stand_in.await.unwrap(), clock, governor, waits, more }
    }

    /// Creates a client that waits without a time limit.
    fn client(&self) -> Client {
        let patience =
            RetryPolicy { deadline: Duration::from_secs(96 * 3_600), ..RetryPolicy::default() };
        self.builder().retry_policy(patience).rate_limiter(self.governor.clone()).build().unwrap()
    }

    fn builder(&self) -> beseda_stand_in::client::ClientBuilder {
        Client::builder().url(self.stand_in.url()).api_key(self.stand_in.api_key())
    }

    /// Waits until this many calls wait for the end of the same hour, and returns that time.
    async fn all_wait(&self, tasks: usize) -> Timestamp {
        loop {
            let all = |(until, count): (&Timestamp, &usize)| (*count >= tasks).then_some(*until);
            let end = self.waits.lock().unwrap().iter().filter_map(all).max();
            if let Some(end) = end.filter(|end| *end > self.clock.now()) {
                return end;
            }
            self.more.notified().await;
        }
    }

    /// Returns the number of requests of an operation in the current hour of the journal, and how
    /// many of them got 420.
    fn requests_this_hour(&self, operation: &str) -> (usize, usize) {
        let hour = self.clock.now().as_second() / 3_600 * 3_600;
        let query = JournalQuery {
            operation: Some(operation.to_owned()),
            since: Some(Timestamp::from_second(hour).unwrap()),
            limit: Some(usize::MAX),
            ..JournalQuery::default()
        };
        let entries = self.stand_in.control().journal().read(&query);
        let refused = entries.iter().filter(|entry| entry.status == Some(420)).count();
        (entries.len() - refused, refused)
    }

    /// Returns the number of 420 responses so far.
    fn limit_errors(&self) -> String {
        let address = self.stand_in.url().strip_prefix("http://").unwrap();
        let mut socket = TcpStream::connect(address).unwrap();
        socket.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        let line = answer.lines().find(|line| line.starts_with("beseda_limit_hits_total "));
        line.unwrap().to_owned()
    }

    async fn chat(&self) -> ChatId {
        let engine = self.stand_in.engine();
        let business = self.stand_in.business_id();
        let chats = engine.get_chats(business, ChatFilter::default(), PageRequest::default());
        let open =
            chats.await.unwrap().chats.into_iter().find(|c| c.status != ChatStatus::Finished);
        open.unwrap().chat_id
    }

    /// Starts tasks that send without a pause.
    async fn eager(&self, tasks: usize, client: impl Fn() -> Client) -> JoinSet<()> {
        let (business, chat) = (self.stand_in.business_id(), self.chat().await);
        let mut running = JoinSet::new();
        for _ in 0..tasks {
            let client = client();
            running.spawn(async move {
                loop {
                    let text = MessageText::new("да").unwrap();
                    client.send_message_to_chat(business, chat, text).await.unwrap();
                }
            });
        }
        running
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixteen_eager_senders_use_every_hour_whole_and_never_hear_420() {
    let world = World::start(LimitSettings::default()).await;
    let client = world.client();
    let senders = world.eager(TASKS, || client.clone()).await;
    for hour in 0..3 {
        let end = world.all_wait(TASKS).await;
        assert_eq!(world.requests_this_hour("sendMessageToChat"), (1_000, 0), "in hour {hour}");
        world.clock.set(end);
    }
    drop(senders);
    assert_eq!(world.limit_errors(), "beseda_limit_hits_total 0");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixteen_eager_readers_use_the_hour_whole_beside_senders() {
    let operations = [("getChats".to_owned(), 1_500)].into();
    let world = World::start(LimitSettings { operations, ..LimitSettings::default() }).await;
    let (client, business) = (world.client(), world.stand_in.business_id());
    let mut tasks = world.eager(4, || client.clone()).await;
    let read = Arc::new(AtomicUsize::new(0));
    for _ in 0..TASKS {
        let (client, read) = (client.clone(), Arc::clone(&read));
        tasks.spawn(async move {
            loop {
                let page =
                    client.get_chats(business, ChatFilter::default(), PageRequest::default());
                page.await.unwrap();
                read.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    let end = world.all_wait(TASKS + 4).await;
    assert_eq!(read.load(Ordering::Relaxed), 1_500);
    world.clock.set(end);
    world.all_wait(TASKS + 4).await;
    assert_eq!(read.load(Ordering::Relaxed), 3_000);
    drop(tasks);
    assert_eq!(world.limit_errors(), "beseda_limit_hits_total 0");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn background_work_leaves_the_last_tenth_and_a_slot_to_those_somebody_waits_for() {
    let world = World::start(LimitSettings::default()).await;
    let (client, business, chat) =
        (world.client(), world.stand_in.business_id(), world.chat().await);
    let bulk = world.eager(TASKS, || client.background()).await;
    world.all_wait(TASKS).await;
    assert_eq!(world.requests_this_hour("sendMessageToChat"), (900, 0));
    for _ in 0..100 {
        let text = MessageText::new("срочно").unwrap();
        client.send_message_to_chat(business, chat, text).await.unwrap();
    }
    let at_once = client.with_retry_policy(RetryPolicy::default());
    let text = MessageText::new("срочно").unwrap();
    let over = at_once.send_message_to_chat(business, chat, text).await.unwrap_err();
    let Some(ClientError::OverLimit { until: Some(until), .. }) = over.client_error() else {
        panic!("{over:?}")
    };
    assert_eq!(until.to_string(), "2026-06-01T11:00:00Z");
    assert!(over.is_retryable() && !over.may_have_been_done());
    drop(bulk);
    assert_eq!(world.limit_errors(), "beseda_limit_hits_total 0");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_other_programs_use_is_left_to_them() {
    let world = World::start(LimitSettings::default()).await;
    let (business, chat) = (world.stand_in.business_id(), world.chat().await);
    let other = world.builder().without_rate_limit().build().unwrap();
    for _ in 0..300 {
        let text = MessageText::new("другая программа").unwrap();
        other.send_message_to_chat(business, chat, text).await.unwrap();
    }
    // Two clients with separate connections and one rate limiter.
    let ours = world.eager(TASKS, || world.client()).await;
    world.all_wait(TASKS).await;
    assert_eq!(world.requests_this_hour("sendMessageToChat"), (1_000, 0));
    drop(ours);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_hour_that_others_used_up_is_found_out_by_one_call_and_waited_for() {
    let limits = LimitSettings { hourly: Some(20), ..LimitSettings::default() };
    let world = World::start(limits).await;
    let (business, chat) = (world.stand_in.business_id(), world.chat().await);
    let other =
        world.builder().without_rate_limit().retry_policy(RetryPolicy::none()).build().unwrap();
    let text = || MessageText::new("да").unwrap();
    while other.send_message_to_chat(business, chat, text()).await.is_ok() {}
    let client = world.client();
    let ours = world.eager(TASKS, || client.clone()).await;
    let end = world.all_wait(TASKS).await;
    assert_eq!(
        world.requests_this_hour("sendMessageToChat"),
        (20, 2),
        "the other's and one of ours"
    );
    world.clock.set(end);
    world.all_wait(TASKS).await;
    assert_eq!(world.requests_this_hour("sendMessageToChat"), (20, 0));
    drop(ours);
}

#[tokio::test]
async fn a_new_governor_is_told_420_and_says_so_in_the_services_words() {
    let world = World::start(LimitSettings { hourly: Some(1), ..LimitSettings::default() }).await;
    let (business, chat) = (world.stand_in.business_id(), world.chat().await);
    world.builder().build().unwrap().get_chat(business, chat).await.unwrap();
    let clock = world.clock.clone();
    let client =
        world.builder().rate_limiter(RateLimiter::new(clock.clone(), clock)).build().unwrap();
    let refused = client.get_chat(business, chat).await.unwrap_err();
    assert_eq!(refused.kind(), Some(ErrorKind::LimitExceeded));
    let over = client.get_chat(business, chat).await.unwrap_err();
    assert!(matches!(over.client_error(), Some(ClientError::OverLimit { .. })), "{over:?}");
    assert_eq!(world.limit_errors(), "beseda_limit_hits_total 1");
}

#[tokio::test]
async fn after_a_failed_first_call_the_next_one_probes_the_limit() {
    let world = World::start(LimitSettings::default()).await;
    let rules = serde_json::from_value(serde_json::json!([
        {"kind": "reset-before", "count": 3}
    ]));
    let _ = world.stand_in.control().faults().add(rules.unwrap());
    let (business, client) = (world.stand_in.business_id(), world.client());
    let client = client.with_retry_policy(RetryPolicy::none());
    let calls =
        (0..8).map(|_| client.get_chats(business, ChatFilter::default(), PageRequest::default()));
    let answers = futures::future::join_all(calls).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 5);
    let state = world.governor.state(business).unwrap();
    assert_eq!((state.running, state.queued), (0, 0));
}

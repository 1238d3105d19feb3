//! Scheduling with a manual clock.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use beseda_api::{BusinessId, Endpoint, ManualClock, RateLimit};
use beseda_client::Priority;

use super::{
    BudgetSource, CallScheduler, QueueError, QueueTicket, UpstreamPermit, request::CallRequest,
    share::Quota,
};

struct FixedBudget(Mutex<Option<RateLimit>>);

impl BudgetSource for FixedBudget {
    fn budget(&self, _: BusinessId, _: &Endpoint) -> Option<RateLimit> {
        *self.0.lock().unwrap()
    }
}

struct TestScheduler {
    scheduler: Arc<CallScheduler>,
    budget: Arc<FixedBudget>,
}

const NOW: &str = "2026-11-21T00:30:00Z";
const UNTIL: &str = "2026-11-21T01:00:00Z";

fn test_scheduler(slots: u32, remaining: Option<u32>) -> TestScheduler {
    let limit = |remaining| RateLimit { limit: 100, remaining, until: UNTIL.parse().unwrap() };
    let budget = Arc::new(FixedBudget(Mutex::new(remaining.map(limit))));
    let clock = Arc::new(ManualClock::new(NOW.parse().unwrap()));
    TestScheduler { scheduler: CallScheduler::new(budget.clone(), clock, slots), budget }
}

impl TestScheduler {
    fn request(program: &str, quota: Quota) -> CallRequest {
        CallRequest {
            business: BusinessId::new(1).unwrap(),
            program: Arc::from(program),
            quota,
            endpoint: &Endpoint::GET_CHATS,
            deadline: Instant::now() + Duration::from_secs(9),
        }
    }

    fn enqueue(&self, program: &str, quota: Quota) -> QueueTicket {
        self.scheduler.enqueue(Self::request(program, quota)).ok().unwrap()
    }

    /// Runs `count` calls one at a time and returns their number by program.
    async fn serve(
        &self,
        tickets: Vec<(&'static str, QueueTicket)>,
        count: usize,
    ) -> BTreeMap<&'static str, usize> {
        let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
        for (name, mut ticket) in tickets {
            let sender = sender.clone();
            tokio::spawn(async move {
                if let Ok(permit) = ticket.acquire().await {
                    let _ = sender.send((name, permit));
                }
            });
        }
        let mut served = BTreeMap::new();
        for _ in 0..count {
            let (name, permit): (_, UpstreamPermit) = receiver.recv().await.unwrap();
            *served.entry(name).or_default() += 1;
            self.spend();
            drop(permit);
        }
        served
    }

    fn spend(&self) {
        if let Some(budget) = self.budget.0.lock().unwrap().as_mut() {
            budget.remaining = budget.remaining.saturating_sub(1);
        }
    }
}

fn share(percent: u32) -> Quota {
    Quota { share: Some(percent), ..Quota::default() }
}

fn background() -> Quota {
    Quota { priority: Priority::Background, ..Quota::default() }
}

#[tokio::test]
async fn programs_get_equal_service_regardless_of_their_queue_lengths() {
    let test = test_scheduler(1, None);
    let mut tickets = Vec::new();
    for _ in 0..100 {
        tickets.push(("busy", test.enqueue("busy", Quota::default())));
    }
    for name in ["a", "b"] {
        tickets.extend((0..10).map(|_| (name, test.enqueue(name, Quota::default()))));
    }
    let served = test.serve(tickets, 30).await;
    assert!(served["a"] >= 9 && served["b"] >= 9, "{served:?}");
}

#[tokio::test]
async fn service_is_proportional_to_shares() {
    let test = test_scheduler(1, None);
    let mut tickets = Vec::new();
    for (name, percent) in [("large", 60), ("small", 20)] {
        tickets.extend((0..100).map(|_| (name, test.enqueue(name, share(percent)))));
    }
    let served = test.serve(tickets, 80).await;
    assert!((58..=62).contains(&served["large"]), "{served:?}");
}

#[tokio::test]
async fn interactive_calls_go_first_and_background_calls_do_not_starve() {
    let test = test_scheduler(1, None);
    let mut tickets = Vec::new();
    tickets.extend((0..100).map(|_| ("background", test.enqueue("background", background()))));
    tickets
        .extend((0..100).map(|_| ("interactive", test.enqueue("interactive", Quota::default()))));
    let served = test.serve(tickets, 80).await;
    assert!((9..=12).contains(&served["background"]), "{served:?}");
}

#[tokio::test]
async fn a_busy_program_leaves_the_guaranteed_share_of_another() {
    let test = test_scheduler(4, Some(100));
    let business = BusinessId::new(1).unwrap();
    test.scheduler.set_quotas(business, &[(Arc::from("quiet"), share(40))]);
    let mut served = 0;
    let error = loop {
        match test.scheduler.enqueue(TestScheduler::request("busy", Quota::default())) {
            Ok(mut ticket) => {
                let permit = ticket.acquire().await.ok().unwrap();
                test.spend();
                served += 1;
                drop(permit);
            }
            Err(error) => break error,
        }
    };
    assert_eq!((served, error), (60, QueueError::Budget { limit: 60 }));
    for _ in 0..40 {
        let permit = test.enqueue("quiet", share(40)).acquire().await.ok().unwrap();
        test.spend();
        drop(permit);
    }
}

#[tokio::test]
async fn a_dropped_ticket_passes_its_permit_to_the_next() {
    let test = test_scheduler(1, None);
    let first = test.enqueue("a", Quota::default()).acquire().await.ok().unwrap();
    let second = test.enqueue("b", Quota::default());
    let mut third = test.enqueue("c", Quota::default());
    drop(second);
    drop(first);
    drop(third.acquire().await.ok().unwrap());
    // Granted, but not acquired.
    let fourth = test.enqueue("d", Quota::default());
    drop(fourth);
    drop(test.enqueue("e", Quota::default()).acquire().await.ok().unwrap());
}

#[tokio::test]
async fn no_call_waits_beyond_its_deadline() {
    let test = test_scheduler(1, None);
    let _permit = test.enqueue("a", Quota::default()).acquire().await.ok().unwrap();
    let request =
        CallRequest { deadline: Instant::now(), ..TestScheduler::request("b", Quota::default()) };
    let mut ticket = test.scheduler.enqueue(request).ok().unwrap();
    assert_eq!(ticket.acquire().await.err(), Some(QueueError::Slots { max: 1 }));
    let exhausted = test_scheduler(1, Some(0));
    let error = exhausted.scheduler.enqueue(TestScheduler::request("b", Quota::default())).err();
    assert_eq!(error, Some(QueueError::Budget { limit: 100 }));
}

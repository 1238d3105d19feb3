//! Turns as programs get them, by a clock that stands still. How shares are reckoned is tested beside the reckoning.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use beseda_api::{BusinessId, Endpoint, ManualClock, RateLimit};

use super::{Lanes, Meter, NoTurn, Place, Priority, Terms, Turn, Wish};

struct Left(Mutex<Option<RateLimit>>);

impl Meter for Left {
    fn left(&self, _: BusinessId, _: &Endpoint) -> Option<RateLimit> {
        *self.0.lock().unwrap()
    }
}

struct Ground {
    lanes: Arc<Lanes>,
    left: Arc<Left>,
}

const NOW: &str = "2026-11-21T00:30:00Z";
const UNTIL: &str = "2026-11-21T01:00:00Z";

fn ground(slots: u32, remaining: Option<u32>) -> Ground {
    let state = |remaining| RateLimit { limit: 100, remaining, until: UNTIL.parse().unwrap() };
    let left = Arc::new(Left(Mutex::new(remaining.map(state))));
    let clock = Arc::new(ManualClock::new(NOW.parse().unwrap()));
    Ground { lanes: Lanes::new(left.clone(), clock, slots), left }
}

impl Ground {
    fn wish(program: &str, terms: Terms) -> Wish {
        Wish {
            business: BusinessId::new(1).unwrap(),
            program: Arc::from(program),
            terms,
            endpoint: &Endpoint::GET_CHATS,
            deadline: Instant::now() + Duration::from_secs(9),
        }
    }

    fn queue(&self, program: &str, terms: Terms) -> Place {
        self.lanes.queue(Self::wish(program, terms)).ok().unwrap()
    }

    /// Lets `count` calls through, one at a time, and tells whose they were.
    async fn serve(
        &self,
        places: Vec<(&'static str, Place)>,
        count: usize,
    ) -> BTreeMap<&'static str, usize> {
        let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
        for (name, mut place) in places {
            let tell = tell.clone();
            tokio::spawn(async move {
                if let Ok(turn) = place.turn().await {
                    let _ = tell.send((name, turn));
                }
            });
        }
        let mut served = BTreeMap::new();
        for _ in 0..count {
            let (name, turn): (_, Turn) = told.recv().await.unwrap();
            *served.entry(name).or_default() += 1;
            self.spend();
            drop(turn);
        }
        served
    }

    fn spend(&self) {
        if let Some(left) = self.left.0.lock().unwrap().as_mut() {
            left.remaining = left.remaining.saturating_sub(1);
        }
    }
}

fn share(percent: u32) -> Terms {
    Terms { share: Some(percent), ..Terms::default() }
}

fn background() -> Terms {
    Terms { priority: Priority::Background, ..Terms::default() }
}

#[tokio::test]
async fn programs_take_turns_however_many_calls_one_of_them_has() {
    let ground = ground(1, None);
    let mut places = Vec::new();
    for _ in 0..100 {
        places.push(("eager", ground.queue("eager", Terms::default())));
    }
    for name in ["a", "b"] {
        places.extend((0..10).map(|_| (name, ground.queue(name, Terms::default()))));
    }
    let served = ground.serve(places, 30).await;
    assert!(served["a"] >= 9 && served["b"] >= 9, "{served:?}");
}

#[tokio::test]
async fn turns_go_by_share() {
    let ground = ground(1, None);
    let mut places = Vec::new();
    for (name, percent) in [("large", 60), ("small", 20)] {
        places.extend((0..100).map(|_| (name, ground.queue(name, share(percent)))));
    }
    let served = ground.serve(places, 80).await;
    assert!((58..=62).contains(&served["large"]), "{served:?}");
}

#[tokio::test]
async fn people_go_before_machines_which_do_not_starve() {
    let ground = ground(1, None);
    let mut places = Vec::new();
    places.extend((0..100).map(|_| ("machine", ground.queue("machine", background()))));
    places.extend((0..100).map(|_| ("person", ground.queue("person", Terms::default()))));
    let served = ground.serve(places, 80).await;
    assert!((9..=12).contains(&served["machine"]), "{served:?}");
}

#[tokio::test]
async fn an_eager_program_leaves_what_another_one_was_promised() {
    let ground = ground(4, Some(100));
    let business = BusinessId::new(1).unwrap();
    ground.lanes.agree(business, &[(Arc::from("quiet"), share(40))]);
    let mut served = 0;
    let refused = loop {
        match ground.lanes.queue(Ground::wish("eager", Terms::default())) {
            Ok(mut place) => {
                let turn = place.turn().await.ok().unwrap();
                ground.spend();
                served += 1;
                drop(turn);
            }
            Err(refused) => break refused,
        }
    };
    assert_eq!((served, refused), (60, NoTurn::Budget { limit: 60 }));
    for _ in 0..40 {
        let turn = ground.queue("quiet", share(40)).turn().await.ok().unwrap();
        ground.spend();
        drop(turn);
    }
}

#[tokio::test]
async fn a_place_that_is_left_gives_its_turn_to_the_next() {
    let ground = ground(1, None);
    let first = ground.queue("a", Terms::default()).turn().await.ok().unwrap();
    let second = ground.queue("b", Terms::default());
    let mut third = ground.queue("c", Terms::default());
    drop(second);
    drop(first);
    drop(third.turn().await.ok().unwrap());
    // Granted, never taken.
    let fourth = ground.queue("d", Terms::default());
    drop(fourth);
    drop(ground.queue("e", Terms::default()).turn().await.ok().unwrap());
}

#[tokio::test]
async fn nobody_waits_beyond_the_deadline() {
    let ground = ground(1, None);
    let _held = ground.queue("a", Terms::default()).turn().await.ok().unwrap();
    let wish = Wish { deadline: Instant::now(), ..Ground::wish("b", Terms::default()) };
    let mut place = ground.lanes.queue(wish).ok().unwrap();
    assert_eq!(place.turn().await.err(), Some(NoTurn::Slots { most: 1 }));
    let spent = self::ground(1, Some(0));
    let refused = spent.lanes.queue(Ground::wish("b", Terms::default())).err();
    assert_eq!(refused, Some(NoTurn::Budget { limit: 100 }));
}

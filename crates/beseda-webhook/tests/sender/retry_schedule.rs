//! Fourteen days of failures on a manual clock, the disabled subscription, and its resumption.

use std::time::Instant;

use beseda_api::{DeliveryOutcome, SubscriptionState};

use crate::{
    receiver::{Behavior, Receiver},
    world::World,
};

#[tokio::test]
async fn after_14_days_of_failures_a_subscription_is_disabled_and_resuming_pings() {
    let world = World::open().await;
    let receiver = Receiver::start(Behavior::Accept).await;
    let id = world.subscribe(&receiver.url()).await.unwrap().id;
    receiver.set(Behavior::Status(500));
    let first = world.write("lost").await;
    world.write("lost too").await;
    world.logged(id, 2).await;
    let begun = Instant::now();
    world.time.skip_waits();
    // Every minute of the first hour, every 15 minutes of the first day, hourly after that, and the
    // last attempt.
    receiver.wait_for(1 + 60 + 23 * 4 + 13 * 24 + 1).await;
    while world.subscription(id).await.state == SubscriptionState::Active {
        tokio::task::yield_now().await;
    }
    // About half a second on an idle machine.
    println!("14 days took {:?}", begun.elapsed());
    world.time.stop_skipping();

    let log = world.log(id).await;
    assert!(log.iter().all(|entry| entry.outcome == DeliveryOutcome::Failed));
    let apart = |newer: usize, older: usize| {
        let (newer, older) = (log[newer].attempted_at, log[older].attempted_at);
        newer.timestamp().duration_since(older.timestamp()).as_secs()
    };
    assert_eq!(apart(0, 1), 3600);
    assert!(receiver.events().iter().all(|body| body["messageId"] == first.as_str()));
    let found = world.subscription(id).await;
    assert_eq!((found.state, found.waiting), (SubscriptionState::Disabled, 0));
    world.write("while it was off").await;
    assert!(world.subscriptions().pause(world.business, id).await.is_err());
    assert!(world.subscriptions().resume(world.business, id).await.is_err(), "the PING failed");

    receiver.set(Behavior::Accept);
    let before = receiver.events().len();
    world.subscriptions().resume(world.business, id).await.unwrap();
    let after = world.write("again").await;
    receiver
        .wait_for(receiver.requests().len() + 1 - usize::from(receiver.events().len() > before))
        .await;
    let told = receiver.events().split_off(before);
    assert_eq!(told.len(), 1, "what was dropped stays dropped");
    assert_eq!(told[0]["messageId"], after.as_str());
}

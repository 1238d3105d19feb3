//! A real server can't be made to call its own network: not by name, not by number, not by a name that changes its mind.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use beseda_api::{FailureReason, NewSubscription};
use beseda_push::{Policy, Resolve, Settings};
use jiff::Timestamp;

use crate::{
    receiver::{Mood, Receiver},
    world::World,
};

/// A name server that says what it is told to.
struct Says {
    addresses: Vec<SocketAddr>,
    asked: AtomicUsize,
}

#[async_trait]
impl Resolve for Says {
    async fn addresses(&self, _: &str, _: u16) -> io::Result<Vec<SocketAddr>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        Ok(self.addresses.clone())
    }
}

#[tokio::test]
async fn an_address_of_ones_own_network_is_refused_by_name_and_by_number() {
    let world = World::with(Settings::new(Policy::Public)).await;
    let receiver = Receiver::start(Mood::Good).await;
    let port = receiver.address.port();
    for url in [
        format!("http://127.0.0.1:{port}/"),
        format!("https://127.0.0.1:{port}/"),
        format!("https://localhost:{port}/"),
        format!("https://[::ffff:127.0.0.1]:{port}/"),
        format!("https://2130706433:{port}/"),
        "https://169.254.169.254/latest/meta-data/".to_owned(),
        "https://10.0.0.1/".to_owned(),
    ] {
        let refused = world.subscribe(&url).await.unwrap_err();
        assert!(refused.kind().is_some(), "{url}: {refused}");
    }
    assert!(receiver.got().is_empty());
}

#[tokio::test]
async fn a_name_that_leads_inside_later_or_in_part_is_not_followed() {
    let receiver = Receiver::start(Mood::Good).await;
    let public: SocketAddr = "5.45.207.1:443".parse().unwrap();
    for addresses in [vec![receiver.address], vec![public, receiver.address]] {
        let says = Arc::new(Says { addresses, asked: AtomicUsize::new(0) });
        let mut settings = Settings::new(Policy::Public);
        settings.resolver = Arc::clone(&says) as _;
        let world = World::with(settings).await;
        // As if the name had led outside when it was subscribed.
        let new = NewSubscription { url: "https://shop.example/".to_owned(), name: "x".to_owned() };
        let outbox = world.engine.notification_queue();
        let made = outbox.insert_subscription(world.business, new, Timestamp::UNIX_EPOCH).await;
        let id = made.unwrap().unwrap().id;
        world.write("Hi").await;
        let log = world.logged(id, 1).await;
        let failure = log[0].failure.as_ref().unwrap();
        assert_eq!(failure.reason, FailureReason::ConnectionRefused);
        assert!(failure.detail.contains("not a public address"), "{failure}");
        assert_eq!(says.asked.load(Ordering::SeqCst), 1, "the name was asked again");
    }
    assert!(receiver.got().is_empty());
}

#[tokio::test]
async fn the_specified_path_is_put_behind_an_address_where_that_is_wanted() {
    let mut settings = Settings::new(Policy::Loopback);
    settings.append_notification = true;
    let world = World::with(settings).await;
    let receiver = Receiver::start(Mood::Good).await;
    world.subscribe(&format!("http://{}/shop/?a=b", receiver.address)).await.unwrap();
    assert!(receiver.got()[0].head.starts_with("POST /shop/notification?a=b HTTP/1.1"));
}

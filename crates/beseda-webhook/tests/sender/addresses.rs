//! The sender never connects to private networks: neither by name, nor by address, nor by DNS
//! rebinding.

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
use beseda_webhook::sender::{AddressPolicy, Resolver, SenderSettings};
use jiff::Timestamp;

use crate::{
    receiver::{Behavior, Receiver},
    world::World,
};

/// Resolver with fixed addresses.
struct Says {
    addresses: Vec<SocketAddr>,
    asked: AtomicUsize,
}

#[async_trait]
impl Resolver for Says {
    async fn addresses(&self, _: &str, _: u16) -> io::Result<Vec<SocketAddr>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        Ok(self.addresses.clone())
    }
}

#[tokio::test]
async fn private_addresses_are_refused_by_name_and_by_number() {
    let world = World::with(SenderSettings::new(AddressPolicy::Public)).await;
    let receiver = Receiver::start(Behavior::Accept).await;
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
    assert!(receiver.requests().is_empty());
}

#[tokio::test]
async fn a_name_that_resolves_to_a_private_address_later_or_in_part_is_refused() {
    let receiver = Receiver::start(Behavior::Accept).await;
    let public: SocketAddr = "5.45.207.1:443".parse().unwrap();
    for addresses in [vec![receiver.address], vec![public, receiver.address]] {
        let says = Arc::new(Says { addresses, asked: AtomicUsize::new(0) });
        let mut settings = SenderSettings::new(AddressPolicy::Public);
        settings.resolver = Arc::clone(&says) as _;
        let world = World::with(settings).await;
        // As if the name had been public when subscribed.
        let new = NewSubscription { url: "https://shop.example/".to_owned(), name: "x".to_owned() };
        let queue = world.engine.notification_queue();
        let made = queue.insert_subscription(world.business, new, Timestamp::UNIX_EPOCH).await;
        let id = made.unwrap().unwrap().id;
        world.write("Hi").await;
        let log = world.logged(id, 1).await;
        let failure = log[0].failure.as_ref().unwrap();
        assert_eq!(failure.reason, FailureReason::ConnectionRefused);
        assert!(failure.detail.contains("not a public address"), "{failure}");
        assert_eq!(says.asked.load(Ordering::SeqCst), 1, "the name was asked again");
    }
    assert!(receiver.requests().is_empty());
}

#[tokio::test]
async fn the_specified_path_is_appended_if_configured() {
    let mut settings = SenderSettings::new(AddressPolicy::Loopback);
    settings.append_notification = true;
    let world = World::with(settings).await;
    let receiver = Receiver::start(Behavior::Accept).await;
    world.subscribe(&format!("http://{}/shop/?a=b", receiver.address)).await.unwrap();
    assert!(receiver.requests()[0].head.starts_with("POST /shop/notification?a=b HTTP/1.1"));
}

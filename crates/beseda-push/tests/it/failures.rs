//! What receivers do wrong: how it is named, and whether it is tried again.

use std::{sync::Arc, time::Duration};

use beseda_api::{Delivery, DeliveryOutcome, FailureReason as Reason};
use beseda_push::{Policy, Resolve, Settings};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use crate::{
    receiver::{Mood, Receiver},
    world::World,
};

async fn attempt(mood: Mood) -> (Delivery, i64) {
    let world = World::open().await;
    let receiver = Receiver::start(Mood::Good).await;
    let id = world.subscribe(&receiver.url()).await.unwrap().id;
    receiver.set(mood);
    world.write("Hi").await;
    let log = world.logged(id, 2).await;
    let waiting = world.subscription(id).await.waiting;
    (log.into_iter().next().unwrap(), waiting)
}

#[tokio::test]
async fn failures_are_named_and_repeated_and_a_400_is_not() {
    let other = Receiver::start(Mood::Good).await;
    for (mood, reason, status, repeated) in [
        (Mood::Status(500), Reason::Http, Some(500), true),
        (Mood::Status(404), Reason::Http, Some(404), true),
        (Mood::Status(400), Reason::Http, Some(400), false),
        (Mood::Redirect(other.address), Reason::Http, Some(307), true),
        (Mood::HangsUp, Reason::Http, None, true),
        (Mood::NotJson, Reason::UnsupportedMediaType, Some(200), true),
        (Mood::Garbled, Reason::CantParseResponse, Some(200), true),
        (Mood::NoVersion, Reason::InvalidData, Some(200), true),
    ] {
        let (delivery, waiting) = attempt(mood).await;
        let failure = delivery.failure.unwrap();
        assert_eq!((failure.reason, delivery.status), (reason, status), "{mood:?}");
        let outcome = if repeated { DeliveryOutcome::Failed } else { DeliveryOutcome::Rejected };
        assert_eq!((delivery.outcome, waiting), (outcome, i64::from(repeated)), "{mood:?}");
    }
    assert!(other.got().is_empty(), "a redirect was followed");
}

#[tokio::test]
async fn what_comes_after_a_400_goes_at_once() {
    let world = World::open().await;
    let receiver = Receiver::start(Mood::Good).await;
    let id = world.subscribe(&receiver.url()).await.unwrap().id;
    receiver.set(Mood::Status(400));
    for _ in 0..3 {
        world.write("Hi").await;
    }
    let log = world.logged(id, 4).await;
    assert!(log[..3].iter().all(|entry| entry.outcome == DeliveryOutcome::Rejected));
    let said = log[0].failure.as_ref().unwrap().detail.clone();
    assert!(said.contains("WRONG_EVENT_FORMAT: what is that?"), "{said}");
}

#[tokio::test]
async fn a_receiver_that_does_not_answer_is_given_ten_seconds() {
    let world = World::open().await;
    let receiver = Receiver::start(Mood::Good).await;
    let id = world.subscribe(&receiver.url()).await.unwrap().id;
    receiver.set(Mood::Silent);
    world.write("Hi").await;
    receiver.wait_for(2).await;
    tokio::time::pause();
    tokio::time::advance(Duration::from_millis(9_500)).await;
    assert_eq!(world.log(id).await.len(), 1, "it was given up too early");
    tokio::time::advance(Duration::from_secs(1)).await;
    tokio::time::resume();
    let log = world.logged(id, 2).await;
    assert_eq!(log[0].failure.as_ref().unwrap().reason, Reason::ReadTimedOut);
    assert_eq!(world.subscription(id).await.waiting, 1);
}

#[tokio::test]
async fn a_subscription_is_not_made_without_a_correct_answer_to_a_ping() {
    let world = World::open().await;
    let receiver = Receiver::start(Mood::Good).await;
    for (mood, name) in [
        (Mood::Status(500), "CANT_GET_RESPONSE/HTTP"),
        (Mood::Status(400), "CANT_GET_RESPONSE/HTTP"),
        (Mood::HangsUp, "CANT_GET_RESPONSE/HTTP"),
        (Mood::Silent, "CANT_GET_RESPONSE/READ_TIMED_OUT"),
        (Mood::NotJson, "CANT_GET_RESPONSE/UNSUPPORTED_MEDIA_TYPE"),
        (Mood::Garbled, "INVALID_RESPONSE/CANT_PARSE_RESPONSE"),
        (Mood::NoVersion, "INVALID_RESPONSE/INVALID_DATA"),
    ] {
        receiver.set(mood);
        let refused = world.subscribe(&receiver.url()).await.unwrap_err().to_string();
        assert!(refused.contains(name), "{mood:?}: {refused}");
    }
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let refused = world.subscribe(&format!("http://{nobody}/")).await.unwrap_err().to_string();
    assert!(refused.contains("CANT_GET_RESPONSE/CONNECTION_REFUSED"), "{refused}");
    assert!(world.desk().list_subscriptions(world.business).await.unwrap().is_empty());
}

/// A name server that never answers.
struct Mute;

#[async_trait::async_trait]
impl Resolve for Mute {
    async fn addresses(&self, _: &str, _: u16) -> std::io::Result<Vec<std::net::SocketAddr>> {
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_connection_that_does_not_come_about_in_time_is_named_so() {
    let mut settings = Settings::new(Policy::Loopback);
    settings.resolver = Arc::new(Mute);
    let world = World::with(settings).await;
    let refused = world.subscribe("http://localhost:1/").await.unwrap_err().to_string();
    assert!(refused.contains("CANT_GET_RESPONSE/CONNECTION_TIMED_OUT"), "{refused}");
}

fn tls() -> (TlsAcceptor, CertificateDer<'static>) {
    let made = generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let CertifiedKey { cert, signing_key } = made;
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    (TlsAcceptor::from(Arc::new(config)), cert.der().clone())
}

#[tokio::test]
async fn a_certificate_nobody_vouches_for_is_refused_and_a_trusted_one_taken() {
    let (acceptor, certificate) = tls();
    let receiver = Receiver::start_tls(acceptor).await;
    let url = format!("https://localhost:{}/", receiver.address.port());
    let world = World::open().await;
    let refused = world.subscribe(&url).await.unwrap_err().to_string();
    assert!(refused.contains("CANT_GET_RESPONSE/SSL_ERROR"), "{refused}");
    assert!(receiver.got().is_empty());

    let mut settings = Settings::new(Policy::Loopback);
    settings.roots.push(certificate);
    let world = World::with(settings).await;
    let id = world.subscribe(&url).await.unwrap().id;
    world.write("Hi").await;
    world.logged(id, 2).await;
    assert_eq!(receiver.events().len(), 1);
    let by_number = format!("https://{}/", receiver.address);
    let refused = world.subscribe(&by_number).await.unwrap_err().to_string();
    assert!(refused.contains("SSL_ERROR"), "the certificate is of another name: {refused}");
}

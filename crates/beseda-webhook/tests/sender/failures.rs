//! Failures of receivers: classification and retries.

use std::{sync::Arc, time::Duration};

use beseda_api::{Delivery, DeliveryOutcome, FailureReason as Reason};
use beseda_webhook::sender::{AddressPolicy, Resolver, SenderSettings};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use crate::{
    receiver::{Behavior, Receiver},
    world::World,
};

async fn attempt(behavior: Behavior) -> (Delivery, i64) {
    let world = World::open().await;
    let receiver = Receiver::start(Behavior::Accept).await;
    let id = world.subscribe(&receiver.url()).await.unwrap().id;
    receiver.set(behavior);
    world.write("Hi").await;
    let log = world.logged(id, 2).await;
    let waiting = world.subscription(id).await.waiting;
    (log.into_iter().next().unwrap(), waiting)
}

#[tokio::test]
async fn failures_are_classified_and_retried_except_for_400() {
    let other = Receiver::start(Behavior::Accept).await;
    for (behavior, reason, status, repeated) in [
        (Behavior::Status(500), Reason::Http, Some(500), true),
        (Behavior::Status(404), Reason::Http, Some(404), true),
        (Behavior::Status(400), Reason::Http, Some(400), false),
        (Behavior::Redirect(other.address), Reason::Http, Some(307), true),
        (Behavior::CloseConnection, Reason::Http, None, true),
        (Behavior::WrongContentType, Reason::UnsupportedMediaType, Some(200), true),
        (Behavior::InvalidJson, Reason::CantParseResponse, Some(200), true),
        (Behavior::MissingVersion, Reason::InvalidData, Some(200), true),
    ] {
        let (delivery, waiting) = attempt(behavior).await;
        let failure = delivery.failure.unwrap();
        assert_eq!((failure.reason, delivery.status), (reason, status), "{behavior:?}");
        let outcome = if repeated { DeliveryOutcome::Failed } else { DeliveryOutcome::Rejected };
        assert_eq!((delivery.outcome, waiting), (outcome, i64::from(repeated)), "{behavior:?}");
    }
    assert!(other.requests().is_empty(), "a redirect was followed");
}

#[tokio::test]
async fn after_a_400_the_next_notification_is_delivered_at_once() {
    let world = World::open().await;
    let receiver = Receiver::start(Behavior::Accept).await;
    let id = world.subscribe(&receiver.url()).await.unwrap().id;
    receiver.set(Behavior::Status(400));
    for _ in 0..3 {
        world.write("Hi").await;
    }
    let log = world.logged(id, 4).await;
    assert!(log[..3].iter().all(|entry| entry.outcome == DeliveryOutcome::Rejected));
    let said = log[0].failure.as_ref().unwrap().detail.clone();
    assert!(said.contains("WRONG_EVENT_FORMAT: what is that?"), "{said}");
}

#[tokio::test]
async fn a_delivery_times_out_after_ten_seconds() {
    let world = World::open().await;
    let receiver = Receiver::start(Behavior::Accept).await;
    let id = world.subscribe(&receiver.url()).await.unwrap().id;
    receiver.set(Behavior::NeverRespond);
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
async fn a_subscription_requires_a_valid_response_to_a_ping() {
    let world = World::open().await;
    let receiver = Receiver::start(Behavior::Accept).await;
    for (behavior, name) in [
        (Behavior::Status(500), "CANT_GET_RESPONSE/HTTP"),
        (Behavior::Status(400), "CANT_GET_RESPONSE/HTTP"),
        (Behavior::CloseConnection, "CANT_GET_RESPONSE/HTTP"),
        (Behavior::NeverRespond, "CANT_GET_RESPONSE/READ_TIMED_OUT"),
        (Behavior::WrongContentType, "CANT_GET_RESPONSE/UNSUPPORTED_MEDIA_TYPE"),
        (Behavior::InvalidJson, "INVALID_RESPONSE/CANT_PARSE_RESPONSE"),
        (Behavior::MissingVersion, "INVALID_RESPONSE/INVALID_DATA"),
    ] {
        receiver.set(behavior);
        let refused = world.subscribe(&receiver.url()).await.unwrap_err().to_string();
        assert!(refused.contains(name), "{behavior:?}: {refused}");
    }
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let refused = world.subscribe(&format!("http://{nobody}/")).await.unwrap_err().to_string();
    assert!(refused.contains("CANT_GET_RESPONSE/CONNECTION_REFUSED"), "{refused}");
    assert!(world.subscriptions().list_subscriptions(world.business).await.unwrap().is_empty());
}

/// Resolver that never returns.
struct Mute;

#[async_trait::async_trait]
impl Resolver for Mute {
    async fn addresses(&self, _: &str, _: u16) -> std::io::Result<Vec<std::net::SocketAddr>> {
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_connection_timeout_is_classified() {
    let mut settings = SenderSettings::new(AddressPolicy::Loopback);
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
async fn an_untrusted_certificate_is_refused_and_a_trusted_one_accepted() {
    let (acceptor, certificate) = tls();
    let receiver = Receiver::start_tls(acceptor).await;
    let url = format!("https://localhost:{}/", receiver.address.port());
    let world = World::open().await;
    let refused = world.subscribe(&url).await.unwrap_err().to_string();
    assert!(refused.contains("CANT_GET_RESPONSE/SSL_ERROR"), "{refused}");
    assert!(receiver.requests().is_empty());

    let mut settings = SenderSettings::new(AddressPolicy::Loopback);
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

//! Webhooks of the upstream are forwarded to every subscription of the gateway, once.

use beseda_api::Subscriptions;
use beseda_client::Client;
use beseda_server::{TransportSettings, serve};
use beseda_stand_in::api::{NewSubscription, notification::Notification};
use beseda_webhook::receiver::Receiver;
use secrecy::ExposeSecret;
use serde_json::json;
use tokio::net::TcpListener;

use crate::world::{World, chat};

/// Serves a router until the test ends and returns its URL.
async fn served(router: beseda_server::Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let transport =
        TransportSettings { provide_peer_address: true, ..TransportSettings::default() };
    tokio::spawn(serve(listener, router, transport, std::future::pending()));
    url
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_notification_is_forwarded_to_every_subscription_once() {
    let world = World::start().await;
    let gateway = &world.running.gateway;
    let inbox = Receiver::builder().any_source().build_with_sink(gateway.webhook_sink()).unwrap();
    let inbox = served(inbox).await;
    let admin_key = gateway.admin_key().expose_secret().to_owned().into();
    let admin = Client::builder().url(&world.running.url).build_admin(&admin_key).unwrap();
    let mut programs = Vec::new();
    for name in ["bot", "desk"] {
        let (router, events) = Receiver::builder().any_source().build().unwrap();
        let new = NewSubscription { url: served(router).await, name: name.to_owned() };
        admin.create_subscription(world.business(), new).await.unwrap();
        programs.push(events);
    }
    let told = |message: i64| {
        json!({
            "notificationType": "CHAT_MESSAGE_SENT", "businessId": world.business(), "chatId": chat(),
            "messageId": message.to_string(), "sentAt": "2026-11-21T00:00:00Z"
        })
    };
    for message in [1_700_000_000_000_001, 1_700_000_000_000_001, 1_700_000_000_000_002] {
        let answer = world.http.post(&inbox).json(&told(message)).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
    }
    for events in &mut programs {
        for wanted in [1_700_000_000_000_001, 1_700_000_000_000_002] {
            let event = events.recv().await.unwrap();
            let Notification::ChatMessageSent { chat_id, message_id, .. } = event.notification
            else {
                panic!("{event:?}");
            };
            assert_eq!((chat_id, message_id.get()), (chat(), wanted));
        }
    }
}

//! Surfaces that aren't there: without a key or without an implementation their paths are unknown.

use std::sync::Arc;

use async_trait::async_trait;
use beseda_api::{
    BusinessId, DeliveriesRequest, DeliveryPage, Error, ErrorKind, NewSubscription, Result,
    Subscription, Subscriptions,
};
use beseda_server::{ServerSettings, TransportSettings};

use crate::world::{World, settings};

async fn unknown(world: &World) {
    let headers = [("Authorization", "Bearer market-key-of-the-tests")];
    for (method, path) in
        [("POST", "/market/v1/businesses/1/orders"), ("GET", "/admin/v1/cabinets")]
    {
        let reply = world.ask(method, path, &headers, b"").await;
        assert_eq!((reply.status, reply.message().as_str()), (404, "Resource not found"));
    }
}

#[tokio::test]
async fn without_keys_there_is_no_market_and_no_administration() {
    let transport = TransportSettings::default();
    unknown(&World::with(ServerSettings::default(), transport, |services| services).await).await;
}

#[tokio::test]
async fn without_implementations_there_is_no_market_and_no_administration() {
    let world = World::with(settings("{}"), TransportSettings::default(), |mut services| {
        (services.market, services.admin) = (None, None);
        services
    });
    unknown(&world.await).await;
}

/// Webhooks of which there are none.
struct NoSubscriptions;

fn none<T>() -> Result<T> {
    Err(Error::new(ErrorKind::NotFound, "Subscription not found"))
}

#[async_trait]
impl Subscriptions for NoSubscriptions {
    async fn create_subscription(&self, _: BusinessId, _: NewSubscription) -> Result<Subscription> {
        none()
    }
    async fn list_subscriptions(&self, _: BusinessId) -> Result<Vec<Subscription>> {
        Ok(Vec::new())
    }
    async fn pause(&self, _: BusinessId, _: i64) -> Result<Subscription> {
        none()
    }
    async fn resume(&self, _: BusinessId, _: i64) -> Result<Subscription> {
        none()
    }
    async fn delete(&self, _: BusinessId, _: i64) -> Result<()> {
        none()
    }
    async fn deliveries(
        &self,
        _: BusinessId,
        _: i64,
        _: DeliveriesRequest,
    ) -> Result<DeliveryPage> {
        none()
    }
    async fn replay(&self, _: BusinessId, _: i64, _: i64) -> Result<()> {
        none()
    }
}

/// Each operation of a surface's document, as method and path.
async fn described(world: &World, document: &str) -> Vec<(String, String)> {
    let reply = world.ask("GET", document, &[], b"").await;
    assert_eq!(
        (reply.status, reply.header("content-type")),
        (200, Some("application/json; charset=utf-8"))
    );
    let mut found = Vec::new();
    for (path, methods) in reply.json()["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            found.push((method.to_uppercase(), path.clone()));
        }
    }
    found
}

/// Every method that a path answers other than with 405, by the `Allow` header that comes with it.
async fn allowed(world: &World, path: &str) -> Vec<String> {
    let reply = world.ask("PATCH", path, &[], b"").await;
    assert_eq!(reply.status, 405, "{path}");
    reply.header("allow").unwrap().split(", ").map(str::to_owned).collect()
}

#[tokio::test]
async fn the_documents_of_our_own_surfaces_have_just_the_operations_that_are_served() {
    let world = World::with(settings("{}"), TransportSettings::default(), |mut services| {
        services.subscriptions = Some(Arc::new(NoSubscriptions));
        services
    });
    let world = world.await;
    for (document, operations) in [("/market/v1/openapi.json", 8), ("/admin/v1/openapi.json", 21)] {
        let described = described(&world, document).await;
        assert_eq!(described.len(), operations, "{document}");
        for (method, path) in &described {
            let asked = path.replace("{businessId}", "1").replace(['{', '}'], "");
            let methods = allowed(&world, &asked).await;
            assert!(methods.contains(method), "{method} {path} is not served");
            for served in methods {
                let operation = (served, path.clone());
                assert!(described.contains(&operation), "{operation:?} is not described");
            }
        }
    }
}

#[tokio::test]
async fn head_is_for_the_documents_only() {
    let world = World::open("{}").await;
    let reply = world.ask("HEAD", "/admin/v1/cabinets", &[], b"").await;
    assert_eq!((reply.status, reply.header("allow")), (405, Some("GET, POST")));
    assert_eq!(world.ask("HEAD", "/admin/v1/openapi.json", &[], b"").await.status, 200);
    let reply = world.ask("PUT", "/admin/v1/openapi.json", &[], b"").await;
    assert_eq!((reply.status, reply.header("allow")), (405, Some("GET, HEAD")));
}

#[tokio::test]
async fn a_surface_that_is_not_there_has_no_document_and_neither_has_one_without_docs() {
    let transport = TransportSettings::default;
    for settings in [ServerSettings::default(), settings(r#"{"docs":false}"#)] {
        let world = World::with(settings, transport(), |services| services).await;
        for document in ["/market/v1/openapi.json", "/admin/v1/openapi.json"] {
            assert_eq!(world.ask("GET", document, &[], b"").await.status, 404, "{document}");
        }
    }
}

#[tokio::test]
async fn documents_describe_schemas_without_examples_in_rust() {
    let world =
        World::with(settings("{}"), TransportSettings::default(), |services| services).await;
    let document = world.get("/openapi.json").await;
    assert_eq!(document.status, 200);
    let text = String::from_utf8_lossy(&document.body);
    assert!(text.contains("A chat (published as") && !text.contains("beseda_api::"), "{text}");
}

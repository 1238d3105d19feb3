//! Surfaces that aren't there: without a key or without an implementation their paths are unknown.

use beseda_server::{Settings, Transport};

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
    let transport = Transport::default();
    unknown(&World::with(Settings::default(), transport, |services| services).await).await;
}

#[tokio::test]
async fn without_implementations_there_is_no_market_and_no_administration() {
    let world = World::with(settings("{}"), Transport::default(), |mut services| {
        (services.market, services.admin) = (None, None);
        services
    });
    unknown(&world.await).await;
}

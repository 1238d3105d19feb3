//! The world behind a gateway: our client, the gateway, its own client, a server, the engine. Answers are judged at the gateway.

use std::sync::Arc;

use async_trait::async_trait;
use axum::middleware::from_fn_with_state;
use beseda_api::{Administration, BusinessId, ChatsApi, Clock, Generation, NewUser};
use beseda_client::Client;
use beseda_conformance::{Backstage, World};
use beseda_gateway::Gateway;
use beseda_server::{TransportSettings, Unversioned, router, serve};
use bytes::Bytes;
use tokio::{net::TcpListener, sync::oneshot};

use crate::{
    http::{self, Stage, builder, judge},
    published::Log,
};

struct Behind {
    upstream: Stage,
    log: Arc<Log>,
    _folder: tempfile::TempDir,
    /// The gateway ends when this is dropped, before what is behind it.
    _running: oneshot::Sender<()>,
}

/// Today's paths on both ways.
pub(crate) async fn world() -> World {
    let (world, upstream) = http::staged(Generation::Y2026, Unversioned::Y2024).await;
    let folder = tempfile::tempdir().unwrap();
    let clock: Arc<dyn Clock> = world.clock.clone().unwrap();
    let settings = beseda_gateway::GatewaySettings {
        clock,
        ..beseda_gateway::GatewaySettings::new(upstream.client().clone(), folder.path())
    };
    let gateway = Gateway::open(settings).await.unwrap();
    let log = Arc::new(Log::default());
    let (url, running) = start(&gateway, &log).await;
    let client = of_user(&gateway, &url, vec![world.business, world.other()]).await;
    let behind = Behind { upstream, log, _folder: folder, _running: running };
    let api: Arc<dyn ChatsApi> = Arc::new(client);
    World { api, stage: Some(Box::new(behind)), ..world }
}

/// Serves the gateway until the sender is dropped; tells where.
async fn start(gateway: &Gateway, log: &Arc<Log>) -> (String, oneshot::Sender<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let tee = from_fn_with_state(Arc::clone(log), judge);
    let router = router(gateway.services(), gateway.server_settings()).unwrap().layer(tee);
    let (running, ended) = oneshot::channel::<()>();
    tokio::spawn(async move {
        let ended = async { drop(ended.await) };
        serve(listener, router, TransportSettings::default(), ended).await.unwrap();
    });
    (url, running)
}

/// A client of a user of the gateway, whose token opens several cabinets.
async fn of_user(gateway: &Gateway, url: &str, business_ids: Vec<BusinessId>) -> Client {
    let user = NewUser { name: "Оператор".to_owned(), business_ids };
    let user = gateway.keys().create_user(user).await.unwrap();
    let token = gateway.keys().create_token(user.id).await.unwrap().oauth_token;
    builder(url, Generation::Y2026).oauth_token(token).build().unwrap()
}

#[async_trait]
impl Backstage for Behind {
    async fn fetch(&self, url: &str) -> Option<(String, Bytes)> {
        self.upstream.fetch(url).await
    }

    fn stored_files(&self) -> usize {
        self.upstream.stored_files()
    }

    fn complaints(&self) -> Vec<String> {
        let mut complaints = self.log.complaints.lock().unwrap().clone();
        complaints.extend(self.upstream.complaints());
        complaints
    }
}

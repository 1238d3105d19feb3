//! Environment of a gateway: client, gateway, client, server, engine. The gateway's responses are validated.

use std::sync::Arc;

use async_trait::async_trait;
use axum::middleware::from_fn_with_state;
use beseda_api::{Administration, BusinessId, ChatsApi, Clock, Generation, NewUser};
use beseda_client::Client;
use beseda_conformance::{Inspector, TestEnvironment};
use beseda_gateway::Gateway;
use beseda_server::{TransportSettings, Unversioned, router, serve};
use bytes::Bytes;
use tokio::{net::TcpListener, sync::oneshot};

use crate::{
    http::{self, HttpInspector, builder, validate_response},
    published::ResponseLog,
};

struct GatewayInspector {
    upstream: HttpInspector,
    log: Arc<ResponseLog>,
    _folder: tempfile::TempDir,
    /// Stops the gateway on drop, before its upstream.
    _shutdown: oneshot::Sender<()>,
}

/// Returns the environment of a gateway with today's paths on both sides.
pub(crate) async fn environment() -> TestEnvironment {
    let (env, upstream) =
        http::environment_and_inspector(Generation::Y2026, Unversioned::Y2024).await;
    let folder = tempfile::tempdir().unwrap();
    let clock: Arc<dyn Clock> = env.clock.clone().unwrap();
    let settings = beseda_gateway::GatewaySettings {
        clock,
        ..beseda_gateway::GatewaySettings::new(upstream.client().clone(), folder.path())
    };
    let gateway = Gateway::open(settings).await.unwrap();
    let log = Arc::new(ResponseLog::default());
    let (url, shutdown) = start(&gateway, &log).await;
    let client = client_of_user(&gateway, &url, vec![env.business, env.other_business()]).await;
    let inspector = GatewayInspector { upstream, log, _folder: folder, _shutdown: shutdown };
    let api: Arc<dyn ChatsApi> = Arc::new(client);
    TestEnvironment { api, inspector: Some(Box::new(inspector)), ..env }
}

/// Serves the gateway until the sender is dropped, and returns its URL.
async fn start(gateway: &Gateway, log: &Arc<ResponseLog>) -> (String, oneshot::Sender<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let validation = from_fn_with_state(Arc::clone(log), validate_response);
    let router = router(gateway.services(), gateway.server_settings()).unwrap().layer(validation);
    let (shutdown, stopped) = oneshot::channel::<()>();
    tokio::spawn(async move {
        let stopped = async { drop(stopped.await) };
        serve(listener, router, TransportSettings::default(), stopped).await.unwrap();
    });
    (url, shutdown)
}

/// Returns a client with the token of a user of several cabinets.
async fn client_of_user(gateway: &Gateway, url: &str, business_ids: Vec<BusinessId>) -> Client {
    let user = NewUser { name: "Оператор".to_owned(), business_ids };
    let user = gateway.keys().create_user(user).await.unwrap();
    let token = gateway.keys().create_token(user.id).await.unwrap().oauth_token;
    builder(url, Generation::Y2026).oauth_token(token).build().unwrap()
}

#[async_trait]
impl Inspector for GatewayInspector {
    async fn fetch(&self, url: &str) -> Option<(String, Bytes)> {
        self.upstream.fetch(url).await
    }

    fn stored_file_count(&self) -> usize {
        self.upstream.stored_file_count()
    }

    fn violations(&self) -> Vec<String> {
        let mut violations = self.log.violations.lock().unwrap().clone();
        violations.extend(self.upstream.violations());
        violations
    }
}

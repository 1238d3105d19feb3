//! Test setup: a stand-in, a gateway in front of it, and programs of the gateway, with one clock.

use std::{net::SocketAddr, path::Path, sync::Arc};

use beseda_api::ChatsApi;
use beseda_gateway::{Gateway, GatewaySettings, Quota};
use beseda_server::{TransportSettings, router, serve};
use beseda_stand_in::{
    LimitSettings, StandIn, StandInClock,
    api::{BusinessId, ChatId, Credential, HistoryFrom, NewKey},
    client::{Client, RateLimiter, RetryPolicy, SendOnceOptions, StandInClient},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

/// Gateway with a running HTTP server.
pub(crate) struct RunningGateway {
    pub(crate) gateway: Gateway,
    pub(crate) url: String,
    end: oneshot::Sender<()>,
    served: JoinHandle<()>,
}

impl RunningGateway {
    /// Starts a gateway with an upstream client and an archive folder.
    pub(crate) async fn start(client: Client, key: &str, archive: &Path) -> Self {
        let settings = GatewaySettings {
            credential: Some(Credential::ApiKey(key.to_owned())),
            ..GatewaySettings::new(client, archive)
        };
        Self::start_with(settings).await
    }

    /// Starts a gateway with these settings. Its public URL is its listen address.
    pub(crate) async fn start_with(settings: GatewaySettings) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let gateway =
            Gateway::open(GatewaySettings { public_url: url.clone(), ..settings }).await.unwrap();
        let router = router(gateway.services(), gateway.server_settings()).unwrap();
        let (end, ended) = oneshot::channel::<()>();
        let served = tokio::spawn(async move {
            let ended = async { drop(ended.await) };
            serve(listener, router, TransportSettings::default(), ended).await.unwrap();
        });
        Self { gateway, url, end, served }
    }

    pub(crate) async fn shutdown(self) {
        drop(self.end);
        self.served.await.unwrap();
        self.gateway.shutdown().await;
    }

    /// Returns a client without a rate limiter.
    pub(crate) fn client(&self, key: &str) -> Client {
        without_retries(&self.url).api_key(key).without_rate_limit().build().unwrap()
    }
}

pub(crate) fn without_retries(url: &str) -> beseda_stand_in::client::ClientBuilder {
    Client::builder().url(url).retry_policy(RetryPolicy::none())
}

/// Stand-in, gateway, and their clients.
pub(crate) struct World {
    pub(crate) stand_in: StandIn,
    pub(crate) control: StandInClient,
    pub(crate) running: RunningGateway,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) http: reqwest::Client,
}

/// Returns a demo chat that accepts messages of the shop.
pub(crate) fn chat() -> ChatId {
    ChatId::new(10_000_001).unwrap()
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::start_at(StandInClock::real(), LimitSettings::default()).await
    }

    /// Starts with rate limits and a manual clock: a program's budget depends on the time left in
    /// the hour, and the end of an hour during the test would reset it.
    pub(crate) async fn limited(limits: LimitSettings) -> Self {
        let early = StandInClock::manual("2026-11-21T10:20:00Z".parse().unwrap());
        Self::start_at(early, limits).await
    }

    async fn start_at(clock: StandInClock, limits: LimitSettings) -> Self {
        let builder = StandIn::builder().clock(Arc::new(clock)).limits(limits);
        let stand_in = builder.start().await.unwrap();
        let key = stand_in.admin_key().to_owned().into();
        let control = Client::builder().url(stand_in.url()).build_stand_in(&key).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let running = RunningGateway::start_with(settings(&stand_in, folder.path())).await;
        let http = http();
        control.delete("journal").await.unwrap();
        Self { stand_in, control, running, folder, http }
    }

    /// Restarts the gateway, which reloads the quotas at once instead of within a second.
    pub(crate) async fn reopened(self) -> Self {
        self.running.shutdown().await;
        let running =
            RunningGateway::start_with(settings(&self.stand_in, self.folder.path())).await;
        Self { running, ..self }
    }

    pub(crate) fn business(&self) -> BusinessId {
        self.stand_in.business_id()
    }

    /// Returns the derived API key.
    pub(crate) fn derived_key(&self) -> String {
        self.running.gateway.cabinets()[0].1.clone().unwrap()
    }

    /// Creates a key and returns a client with it.
    pub(crate) async fn program(&self, name: &str, quota: Quota) -> Client {
        self.running.client(&self.key(name, quota).await)
    }

    /// Creates a key.
    pub(crate) async fn key(&self, name: &str, quota: Quota) -> String {
        let scopes = vec!["communication".to_owned()];
        let key = NewKey { name: name.to_owned(), scopes };
        let keys = self.running.gateway.keys();
        keys.create(self.business(), key, quota).await.unwrap().api_key
    }

    pub(crate) async fn fault(&self, rule: Value) {
        self.control.post("faults", &rule).await.unwrap();
    }

    /// Returns the operations and statuses in the stand-in's journal.
    pub(crate) async fn journal(&self) -> Vec<(String, Option<u64>)> {
        let found = self.control.read("journal", &[]).await.unwrap();
        let entries = found["entries"].as_array().unwrap();
        let text = |entry: &Value| entry["operation"].as_str().unwrap_or_default().to_owned();
        entries.iter().map(|entry| (text(entry), entry["status"].as_u64())).collect()
    }

    /// Returns the number of calls of an operation at the stand-in.
    pub(crate) async fn call_count(&self, operation: &str) -> usize {
        self.journal().await.iter().filter(|(asked, _)| asked == operation).count()
    }

    /// Returns the number of 420 responses of the stand-in.
    pub(crate) async fn limit_hits(&self) -> u32 {
        let metrics =
            self.http.get(format!("{}/metrics", self.stand_in.url())).send().await.unwrap();
        let text = metrics.text().await.unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix("beseda_limit_hits_total "));
        line.unwrap().parse().unwrap()
    }

    /// Posts to the gateway with these headers.
    pub(crate) async fn call(
        &self,
        path: &str,
        body: Value,
        headers: &[(&'static str, &str)],
    ) -> reqwest::Response {
        let url = format!("{}/v2/businesses/{}/{path}", self.running.url, self.business());
        let mut request = self.http.post(url).json(&body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap()
    }

    /// Sends a text with the derived key and these headers.
    pub(crate) async fn send_text(
        &self,
        text: &str,
        headers: &[(&'static str, &str)],
    ) -> reqwest::Response {
        let key = self.derived_key();
        let headers: Vec<_> =
            [("api-key", key.as_str())].into_iter().chain(headers.iter().copied()).collect();
        let path = format!("chats/message?chatId={}", chat());
        self.call(&path, json!({ "message": text }), &headers).await
    }

    /// Returns the number of messages with this text in the chat.
    pub(crate) async fn message_count(&self, text: &str) -> usize {
        let engine = self.stand_in.engine();
        let history = engine.get_chat_history(self.business(), chat(), HistoryFrom::default());
        let messages = history.await.unwrap().messages;
        messages.iter().filter(|message| message.message.as_deref() == Some(text)).count()
    }
}

/// Returns gateway settings with the stand-in as upstream, on its clock.
fn settings(stand_in: &StandIn, archive: &Path) -> GatewaySettings {
    let clock = Arc::clone(stand_in.control().clock());
    GatewaySettings {
        credential: Some(Credential::ApiKey(stand_in.api_key().to_owned())),
        send_once: SendOnceOptions::default().by(clock.clone(), clock.clone()),
        clock,
        ..GatewaySettings::new(upstream(stand_in), archive)
    }
}

/// Returns a client of the stand-in, on its clock.
pub(crate) fn upstream(stand_in: &StandIn) -> Client {
    let clock = stand_in.control().clock();
    let builder = without_retries(stand_in.url()).api_key(stand_in.api_key());
    builder.rate_limiter(RateLimiter::new(clock.clone(), clock.clone())).build().unwrap()
}

/// Returns a plain HTTP client. Building an API client first installs rustls's crypto provider.
pub(crate) fn http() -> reqwest::Client {
    drop(without_retries("http://127.0.0.1:1").api_key("x").build().unwrap());
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// Returns an address without a listener.
pub(crate) async fn unused_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

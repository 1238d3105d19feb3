//! A stand-in, a gateway before it, and programs that call the gateway. All of them go by one clock.

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

/// A gateway that is served.
pub(crate) struct Running {
    pub(crate) gateway: Gateway,
    pub(crate) url: String,
    end: oneshot::Sender<()>,
    served: JoinHandle<()>,
}

impl Running {
    /// A gateway before a service, on a folder.
    pub(crate) async fn start(client: Client, key: &str, archive: &Path) -> Self {
        let settings = GatewaySettings {
            credential: Some(Credential::ApiKey(key.to_owned())),
            ..GatewaySettings::new(client, archive)
        };
        Self::start_as(settings).await
    }

    /// A gateway with these settings, and whose links begin with where it is served.
    pub(crate) async fn start_as(settings: GatewaySettings) -> Self {
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

    pub(crate) async fn end(self) {
        drop(self.end);
        self.served.await.unwrap();
        self.gateway.shutdown().await;
    }

    /// A program that knows nothing of limits.
    pub(crate) fn client(&self, key: &str) -> Client {
        patient_with_nothing(&self.url).api_key(key).without_rate_limit().build().unwrap()
    }
}

pub(crate) fn patient_with_nothing(url: &str) -> beseda_stand_in::client::ClientBuilder {
    Client::builder().url(url).retry_policy(RetryPolicy::none())
}

/// All three.
pub(crate) struct World {
    pub(crate) stand_in: StandIn,
    pub(crate) control: StandInClient,
    pub(crate) running: Running,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) http: reqwest::Client,
}

/// A chat of the demo in which the shop can write.
pub(crate) fn chat() -> ChatId {
    ChatId::new(10_000_001).unwrap()
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::by(StandInClock::real(), LimitSettings::default()).await
    }

    /// With limits that are used up. The clock stands still: how much of the hour is left decides what a program gets,
    /// and an hour that ends in between would begin with everything anew.
    pub(crate) async fn limited(limits: LimitSettings) -> Self {
        let early = StandInClock::manual("2026-11-21T10:20:00Z".parse().unwrap());
        Self::by(early, limits).await
    }

    async fn by(clock: StandInClock, limits: LimitSettings) -> Self {
        let builder = StandIn::builder().clock(Arc::new(clock)).limits(limits);
        let stand_in = builder.start().await.unwrap();
        let key = stand_in.admin_key().to_owned().into();
        let control = Client::builder().url(stand_in.url()).build_stand_in(&key).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let running = Running::start_as(settings(&stand_in, folder.path())).await;
        let http = http();
        control.delete("journal").await.unwrap();
        Self { stand_in, control, running, folder, http }
    }

    /// The gateway opened again. What was agreed with programs holds from then on; else within a second.
    pub(crate) async fn reopened(self) -> Self {
        self.running.end().await;
        let running = Running::start_as(settings(&self.stand_in, self.folder.path())).await;
        Self { running, ..self }
    }

    pub(crate) fn business(&self) -> BusinessId {
        self.stand_in.business_id()
    }

    /// The key the ready line tells.
    pub(crate) fn own_key(&self) -> String {
        self.running.gateway.cabinets()[0].1.clone().unwrap()
    }

    /// A program with a key of its own.
    pub(crate) async fn program(&self, name: &str, quota: Quota) -> Client {
        self.running.client(&self.key(name, quota).await)
    }

    /// A key for a program.
    pub(crate) async fn key(&self, name: &str, quota: Quota) -> String {
        let scopes = vec!["communication".to_owned()];
        let key = NewKey { name: name.to_owned(), scopes };
        let keys = self.running.gateway.keys();
        keys.create(self.business(), key, quota).await.unwrap().api_key
    }

    pub(crate) async fn fault(&self, rule: Value) {
        self.control.post("faults", &rule).await.unwrap();
    }

    /// The operations the stand-in was asked for, with the status answered.
    pub(crate) async fn journal(&self) -> Vec<(String, Option<u64>)> {
        let found = self.control.read("journal", &[]).await.unwrap();
        let entries = found["entries"].as_array().unwrap();
        let text = |entry: &Value| entry["operation"].as_str().unwrap_or_default().to_owned();
        entries.iter().map(|entry| (text(entry), entry["status"].as_u64())).collect()
    }

    /// How often the stand-in was asked for an operation.
    pub(crate) async fn asked(&self, operation: &str) -> usize {
        self.journal().await.iter().filter(|(asked, _)| asked == operation).count()
    }

    /// How often the stand-in has said 420.
    pub(crate) async fn limit_hits(&self) -> u32 {
        let metrics =
            self.http.get(format!("{}/metrics", self.stand_in.url())).send().await.unwrap();
        let text = metrics.text().await.unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix("beseda_limit_hits_total "));
        line.unwrap().parse().unwrap()
    }

    /// Calls the gateway with whatever headers.
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

    /// Sends a text with the gateway's own key and these headers.
    pub(crate) async fn say(
        &self,
        text: &str,
        headers: &[(&'static str, &str)],
    ) -> reqwest::Response {
        let key = self.own_key();
        let headers: Vec<_> =
            [("api-key", key.as_str())].into_iter().chain(headers.iter().copied()).collect();
        let path = format!("chats/message?chatId={}", chat());
        self.call(&path, json!({ "message": text }), &headers).await
    }

    /// How often a text stands in the chat.
    pub(crate) async fn times_said(&self, text: &str) -> usize {
        let engine = self.stand_in.engine();
        let history = engine.get_chat_history(self.business(), chat(), HistoryFrom::default());
        let messages = history.await.unwrap().messages;
        messages.iter().filter(|message| message.message.as_deref() == Some(text)).count()
    }
}

/// A gateway before a stand-in, by the stand-in's clock.
fn settings(stand_in: &StandIn, archive: &Path) -> GatewaySettings {
    let clock = Arc::clone(stand_in.control().clock());
    GatewaySettings {
        credential: Some(Credential::ApiKey(stand_in.api_key().to_owned())),
        send_once: SendOnceOptions::default().by(clock.clone(), clock.clone()),
        clock,
        ..GatewaySettings::new(upstream(stand_in), archive)
    }
}

/// The gateway's client of a stand-in, by the stand-in's clock.
pub(crate) fn upstream(stand_in: &StandIn) -> Client {
    let clock = stand_in.control().clock();
    let builder = patient_with_nothing(stand_in.url()).api_key(stand_in.api_key());
    builder.rate_limiter(RateLimiter::new(clock.clone(), clock.clone())).build().unwrap()
}

/// Plain HTTP. It needs rustls's cryptography picked, which the API's client does when it is built.
pub(crate) fn http() -> reqwest::Client {
    drop(patient_with_nothing("http://127.0.0.1:1").api_key("x").build().unwrap());
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// An address nobody listens at any more.
pub(crate) async fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

//! Environments over HTTP: client, server, engine. Every response is validated. Rate limits are off: the server's own tests cover them.

use std::sync::Arc;

use async_trait::async_trait;
use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    http::header::{ACCEPT_ENCODING, CONTENT_TYPE},
    middleware::{Next, from_fn_with_state},
    response::Response,
};
use beseda_api::{
    Administration, CampaignId, ChatFilter, ChatsApi, Clock, ErrorKind, Generation, MarketSide,
    NewKey, NewUser, PageRequest,
};
use beseda_client::{Client, RetryPolicy, SecretString};
use beseda_conformance::{ContextDetail, Inspector, TestEnvironment, assertions::assert_refused};
use beseda_engine::Engine;
use beseda_server::{
    LimitPreset, LimitSettings, ServerSettings, Services, TransportSettings, Unversioned, router,
    serve,
};
use bytes::{Bytes, BytesMut};
use futures::TryStreamExt;
use percent_encoding::percent_decode_str;
use tokio::{net::TcpListener, sync::oneshot};

use crate::{
    engine::{EngineFixture, count_files, open_engine_fixture},
    published::{Response as PublishedResponse, ResponseLog},
};

const MARKET_KEY: &str = "the-market-key-of-the-tests";
const MAX_RESPONSE_BYTES: usize = 16 * 1024 * 1024;

/// Inspector of a server and its engine, shared with the test.
#[derive(Clone)]
pub(crate) struct HttpInspector(Arc<ServerFixture>);

struct ServerFixture {
    log: Arc<ResponseLog>,
    engine: Arc<Engine>,
    client: Client,
    http: reqwest::Client,
    url: String,
    generation: Generation,
    unversioned: Unversioned,
    folder: tempfile::TempDir,
    /// Stops the server on drop.
    _shutdown: oneshot::Sender<()>,
}

/// Returns the environment of a server, on today's paths.
pub(crate) async fn environment() -> TestEnvironment {
    environment_and_inspector(Generation::Y2026, Unversioned::Y2024).await.0
}

/// Returns the environment of a server, on the paths without a version, as in 2024.
pub(crate) async fn environment_of_2024() -> TestEnvironment {
    environment_and_inspector(Generation::Y2024, Unversioned::Y2024).await.0
}

/// Returns the environment of a server and its inspector, on the paths of a generation.
pub(crate) async fn environment_and_inspector(
    generation: Generation,
    unversioned: Unversioned,
) -> (TestEnvironment, HttpInspector) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let EngineFixture { engine, clock, business, other_business, folder } =
        open_engine_fixture(&url).await;
    let log = Arc::new(ResponseLog::of(unversioned));
    let server_clock: Arc<dyn Clock> = Arc::<beseda_api::ManualClock>::clone(&clock);
    let shutdown = start(listener, &engine, server_clock, &log);

    let user = NewUser {
        name: "Продавец".to_owned(),
        business_ids: vec![business, other_business],
    };
    let user = engine.create_user(user).await.unwrap();
    let token = engine.create_token(user.id).await.unwrap().oauth_token;
    let client = builder(&url, generation).oauth_token(token).build().unwrap();
    let market = builder(&url, generation).build_market(&SecretString::from(MARKET_KEY)).unwrap();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let document = http.get(format!("{url}/openapi.json")).send().await.unwrap();
    log.set_server_document(document.json().await.unwrap());

    let api: Arc<dyn ChatsApi> = Arc::new(client.clone());
    let market: Arc<dyn MarketSide> = Arc::new(market);
    let fixture = ServerFixture {
        log,
        engine,
        client,
        http,
        url,
        generation,
        unversioned,
        folder,
        _shutdown: shutdown,
    };
    let inspector = HttpInspector(Arc::new(fixture));
    let env = TestEnvironment {
        other_business: Some(other_business),
        market: Some(market),
        clock: Some(clock),
        files: true,
        inspector: Some(Box::new(inspector.clone())),
        ..TestEnvironment::new(api, business)
    };
    (env, inspector)
}

pub(crate) fn builder(url: &str, generation: Generation) -> beseda_client::ClientBuilder {
    Client::builder().url(url).generation(generation).retry_policy(RetryPolicy::none())
}

fn start(
    listener: TcpListener,
    engine: &Arc<Engine>,
    clock: Arc<dyn Clock>,
    log: &Arc<ResponseLog>,
) -> oneshot::Sender<()> {
    let services = Services::new(engine.clone())
        .directory(engine.clone())
        .files(engine.clone())
        .market(engine.clone())
        .clock(clock);
    let settings = ServerSettings {
        limits: LimitSettings { preset: LimitPreset::Off, ..LimitSettings::default() },
        market_key: Some(SecretString::from(MARKET_KEY)),
        unversioned: log.unversioned(),
        ..ServerSettings::default()
    };
    let validation = from_fn_with_state(Arc::clone(log), validate_response);
    let router = router(services, settings).unwrap().layer(validation);
    let (shutdown, stopped) = oneshot::channel::<()>();
    tokio::spawn(async move {
        let stopped = async { drop(stopped.await) };
        serve(listener, router, TransportSettings::default(), stopped).await.unwrap();
    });
    shutdown
}

/// Validates every response of the published API.
pub(crate) async fn validate_response(
    State(log): State<Arc<ResponseLog>>,
    mut request: Request,
    next: Next,
) -> Response {
    // The validation reads uncompressed JSON.
    request.headers_mut().remove(ACCEPT_ENCODING);
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let response = next.run(request).await;
    if path.starts_with("/files/") {
        return response;
    }
    let (head, body) = response.into_parts();
    let body = to_bytes(body, MAX_RESPONSE_BYTES).await.unwrap();
    let content_type = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    log.validate(&PublishedResponse {
        method: method.as_str(),
        path: &path,
        status: head.status.as_u16(),
        content_type: content_type.unwrap_or_default(),
        body: &body,
    });
    Response::from_parts(head, Body::from(body))
}

impl HttpInspector {
    /// Returns the client of the environment.
    pub(crate) fn client(&self) -> &Client {
        &self.0.client
    }

    /// Returns the log of validated responses.
    pub(crate) fn log(&self) -> &ResponseLog {
        &self.0.log
    }

    /// Returns the campaigns of the seller.
    pub(crate) async fn campaigns(&self) -> Vec<CampaignId> {
        let campaigns = self.0.client.campaigns().await.unwrap();
        campaigns.into_iter().filter_map(|campaign| campaign.id).collect()
    }

    /// Calls the operations that require an API key, with one of the first cabinet.
    pub(crate) async fn call_with_an_api_key(&self, env: &TestEnvironment) {
        let key =
            NewKey { name: "Чат-бот".to_owned(), scopes: vec!["communication".to_owned()] };
        let key = self.0.engine.create_key(env.business, key).await.unwrap().api_key;
        let client = builder(&self.0.url, self.0.generation).api_key(key).build().unwrap();
        let info = client.token_info().await.unwrap();
        assert_eq!(info.name, "Чат-бот");
        let page = PageRequest::default();
        client.get_chats(env.business, ChatFilter::default(), page.clone()).await.unwrap();
        let other_cabinet =
            client.get_chats(env.other_business(), ChatFilter::default(), page).await;
        assert_refused(other_cabinet, ErrorKind::Forbidden);
    }

    /// Calls without a credential.
    pub(crate) async fn call_without_credentials(&self, env: &TestEnvironment) {
        let client = builder(&self.0.url, self.0.generation).build().unwrap();
        let filter = ChatFilter::default();
        let chats = client.get_chats(env.business, filter, PageRequest::default()).await;
        assert_eq!(assert_refused(chats, ErrorKind::Unauthorized), "Credentials are not specified");
        assert_refused(client.campaigns().await, ErrorKind::Unauthorized);
        assert_refused(client.token_info().await, ErrorKind::Unauthorized);
    }
}

#[async_trait]
impl Inspector for HttpInspector {
    async fn fetch(&self, url: &str) -> Option<(String, Bytes)> {
        let response = self.0.http.get(url).send().await.unwrap();
        if response.status() == 404 {
            return None;
        }
        assert_eq!(response.status(), 200);
        let disposition = response.headers()["content-disposition"].to_str().unwrap().to_owned();
        let content = response.bytes().await.unwrap();
        // The client downloads the same bytes.
        let fetched = self.0.client.download(url).await.unwrap();
        let downloaded: BytesMut = fetched.content.try_collect().await.unwrap();
        assert!(content == downloaded, "two downloads of {url} differ");
        Some((file_name(&disposition), content))
    }

    fn stored_file_count(&self) -> usize {
        count_files(&self.0.folder.path().join("files"))
    }

    fn context_detail(&self) -> ContextDetail {
        match (self.0.generation, self.0.unversioned) {
            (Generation::Y2024, Unversioned::Y2024) => ContextDetail::OrderOnly,
            _ => ContextDetail::Full,
        }
    }

    fn violations(&self) -> Vec<String> {
        self.0.log.violations.lock().unwrap().clone()
    }
}

/// Returns the name in `attachment; filename*=UTF-8''%D1%87…`.
pub(crate) fn file_name(disposition: &str) -> String {
    assert!(disposition.starts_with("attachment"), "{disposition}");
    let (_, encoded) = disposition.split_once("filename*=UTF-8''").unwrap();
    let encoded = encoded.split(';').next().unwrap();
    percent_decode_str(encoded).decode_utf8().unwrap().into_owned()
}

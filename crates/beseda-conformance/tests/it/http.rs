//! The worlds over the network: our client, a real socket, our server, the engine; every answer is judged on its way.
//! Limits are off here: they are tested with the server.

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
use beseda_conformance::{Backstage, Contexts, World, refusal::refused};
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
    engine::{Ground, count_files, ground},
    published::{Answer, Log},
};

const MARKET_KEY: &str = "the-market-key-of-the-tests";
const LARGEST_ANSWER: usize = 16 * 1024 * 1024;

/// What lies behind the network. It is shared with the test that made it.
#[derive(Clone)]
pub(crate) struct Stage(Arc<Behind>);

struct Behind {
    log: Arc<Log>,
    engine: Arc<Engine>,
    client: Client,
    http: reqwest::Client,
    url: String,
    generation: Generation,
    unversioned: Unversioned,
    folder: tempfile::TempDir,
    /// The server ends when this is dropped.
    _running: oneshot::Sender<()>,
}

/// Today's paths.
pub(crate) async fn world() -> World {
    staged(Generation::Y2026, Unversioned::Y2024).await.0
}

/// The paths without a version, in the words of 2024.
pub(crate) async fn world_of_2024() -> World {
    staged(Generation::Y2024, Unversioned::Y2024).await.0
}

/// A world with the stage to look behind, on the paths of a generation.
pub(crate) async fn staged(generation: Generation, unversioned: Unversioned) -> (World, Stage) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let Ground { engine, clock, business, other, folder } = ground(&url).await;
    let log = Arc::new(Log::of(unversioned));
    let told: Arc<dyn Clock> = Arc::<beseda_api::ManualClock>::clone(&clock);
    let running = start(listener, &engine, told, &log);

    let user = NewUser { name: "Продавец".to_owned(), business_ids: vec![business, other] };
    let user = engine.create_user(user).await.unwrap();
    let token = engine.create_token(user.id).await.unwrap().oauth_token;
    let client = builder(&url, generation).oauth_token(token).build().unwrap();
    let market = builder(&url, generation).build_market(&SecretString::from(MARKET_KEY)).unwrap();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let own = http.get(format!("{url}/openapi.json")).send().await.unwrap();
    log.take_own(own.json().await.unwrap());

    let api: Arc<dyn ChatsApi> = Arc::new(client.clone());
    let market: Arc<dyn MarketSide> = Arc::new(market);
    let behind = Behind {
        log,
        engine,
        client,
        http,
        url,
        generation,
        unversioned,
        folder,
        _running: running,
    };
    let stage = Stage(Arc::new(behind));
    let world = World {
        other: Some(other),
        market: Some(market),
        clock: Some(clock),
        files: true,
        stage: Some(Box::new(stage.clone())),
        ..World::new(api, business)
    };
    (world, stage)
}

pub(crate) fn builder(url: &str, generation: Generation) -> beseda_client::ClientBuilder {
    Client::builder().url(url).generation(generation).retry_policy(RetryPolicy::none())
}

fn start(
    listener: TcpListener,
    engine: &Arc<Engine>,
    clock: Arc<dyn Clock>,
    log: &Arc<Log>,
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
    let tee = from_fn_with_state(Arc::clone(log), judge);
    let router = router(services, settings).unwrap().layer(tee);
    let (running, ended) = oneshot::channel::<()>();
    tokio::spawn(async move {
        let ended = async { drop(ended.await) };
        serve(listener, router, TransportSettings::default(), ended).await.unwrap();
    });
    running
}

/// Lets every answer of the published API be judged before it goes out.
pub(crate) async fn judge(
    State(log): State<Arc<Log>>,
    mut request: Request,
    next: Next,
) -> Response {
    // The judge reads plain JSON; compression is tested with the server.
    request.headers_mut().remove(ACCEPT_ENCODING);
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let response = next.run(request).await;
    if path.starts_with("/files/") {
        return response;
    }
    let (head, body) = response.into_parts();
    let body = to_bytes(body, LARGEST_ANSWER).await.unwrap();
    let content_type = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    log.judge(&Answer {
        method: method.as_str(),
        path: &path,
        status: head.status.as_u16(),
        content_type: content_type.unwrap_or_default(),
        body: &body,
    });
    Response::from_parts(head, Body::from(body))
}

impl Stage {
    /// The client that calls.
    pub(crate) fn client(&self) -> &Client {
        &self.0.client
    }

    /// What was judged so far.
    pub(crate) fn log(&self) -> &Log {
        &self.0.log
    }

    /// The campaigns the seller sees.
    pub(crate) async fn campaigns(&self) -> Vec<CampaignId> {
        let campaigns = self.0.client.campaigns().await.unwrap();
        campaigns.into_iter().filter_map(|campaign| campaign.id).collect()
    }

    /// Calls with a key of the first cabinet what only a key can call.
    pub(crate) async fn call_with_an_api_key(&self, world: &World) {
        let key =
            NewKey { name: "Чат-бот".to_owned(), scopes: vec!["communication".to_owned()] };
        let key = self.0.engine.create_key(world.business, key).await.unwrap().api_key;
        let client = builder(&self.0.url, self.0.generation).api_key(key).build().unwrap();
        let info = client.token_info().await.unwrap();
        assert_eq!(info.name, "Чат-бот");
        let page = PageRequest::default();
        client.get_chats(world.business, ChatFilter::default(), page.clone()).await.unwrap();
        let foreign = client.get_chats(world.other(), ChatFilter::default(), page).await;
        refused(foreign, ErrorKind::Forbidden);
    }

    /// Calls without any credential.
    pub(crate) async fn call_without_credentials(&self, world: &World) {
        let client = builder(&self.0.url, self.0.generation).build().unwrap();
        let filter = ChatFilter::default();
        let chats = client.get_chats(world.business, filter, PageRequest::default()).await;
        assert_eq!(refused(chats, ErrorKind::Unauthorized), "Credentials are not specified");
        refused(client.campaigns().await, ErrorKind::Unauthorized);
        refused(client.token_info().await, ErrorKind::Unauthorized);
    }
}

#[async_trait]
impl Backstage for Stage {
    async fn fetch(&self, url: &str) -> Option<(String, Bytes)> {
        let response = self.0.http.get(url).send().await.unwrap();
        if response.status() == 404 {
            return None;
        }
        assert_eq!(response.status(), 200);
        let disposition = response.headers()["content-disposition"].to_str().unwrap().to_owned();
        let plain = response.bytes().await.unwrap();
        // The same bytes come to who uses the client.
        let fetched = self.0.client.download(url).await.unwrap();
        let content: BytesMut = fetched.content.try_collect().await.unwrap();
        assert!(plain == content, "two downloads of {url} differ");
        Some((file_name(&disposition), plain))
    }

    fn stored_files(&self) -> usize {
        count_files(&self.0.folder.path().join("files"))
    }

    fn contexts(&self) -> Contexts {
        match (self.0.generation, self.0.unversioned) {
            (Generation::Y2024, Unversioned::Y2024) => Contexts::Orders,
            _ => Contexts::Full,
        }
    }

    fn complaints(&self) -> Vec<String> {
        self.0.log.complaints.lock().unwrap().clone()
    }
}

/// The name in `attachment; filename*=UTF-8''%D1%87…`.
pub(crate) fn file_name(disposition: &str) -> String {
    assert!(disposition.starts_with("attachment"), "{disposition}");
    let (_, encoded) = disposition.split_once("filename*=UTF-8''").unwrap();
    let encoded = encoded.split(';').next().unwrap();
    percent_decode_str(encoded).decode_utf8().unwrap().into_owned()
}

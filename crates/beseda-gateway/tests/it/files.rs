//! Attachments through the gateway: link rewriting and downloads.

use std::sync::{
    Arc,
    atomic::{AtomicU16, Ordering},
};

use async_trait::async_trait;
use beseda_api::{
    ByteRange, ChatsApi, Download, Downloads, Error, ErrorKind, FileId, FileStream, Message, Result,
};
use beseda_archive::{Archive, AttachmentFetcher, Depth, Syncer};
use beseda_engine::Engine;
use beseda_gateway::{FileLinkMode, GatewaySettings};
use beseda_server::{
    FileAccess, LimitPreset, LimitSettings, Services, TransportSettings, router, serve,
};
use beseda_stand_in::{
    api::{
        Administration, BusinessId, ChatId, ChatOpening, Credential, FileUpload, HistoryFrom,
        MarketSide, NewCabinet, NewCampaign, NewKey, PlacementType, Sender, SystemClock,
    },
    client::Client,
};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

use crate::world::{RunningGateway, World, chat, http, unused_address, upstream, without_retries};

const CONTENT: &[u8] = b"0123456789 and more";

/// Upstream whose files need a key of their cabinet.
struct Closed {
    engine: Arc<Engine>,
    business: BusinessId,
    chat: ChatId,
    key: String,
    url: String,
    /// Status of download responses; 0 for the real response.
    answer: Arc<AtomicU16>,
    folder: tempfile::TempDir,
    http: reqwest::Client,
    end: oneshot::Sender<()>,
    served: JoinHandle<()>,
}

struct Switched(Arc<Engine>, Arc<AtomicU16>);

#[async_trait]
impl Downloads for Switched {
    async fn open_file(&self, file: &FileId, range: Option<ByteRange>) -> Result<Option<Download>> {
        match self.1.load(Ordering::Relaxed) {
            0 => self.0.open_file(file, range).await,
            404 => Ok(None),
            status => Err(Error::new(ErrorKind::from_status(status).unwrap(), "not now")),
        }
    }

    async fn file_business(&self, file: &FileId) -> Result<Option<BusinessId>> {
        self.0.file_business(file).await
    }
}

impl Closed {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        Self::with_links(listener, url.clone(), url).await
    }

    async fn with_links(listener: TcpListener, url: String, public_url: String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = beseda_engine::EngineSettings { public_url, ..Default::default() };
        let data = folder.path().join("data");
        let engine = Engine::open_sqlite(&data, settings, Arc::new(SystemClock)).await.unwrap();
        let engine = Arc::new(engine);
        let cabinet = NewCabinet { business_id: None, name: "Чайная".to_owned() };
        let business = engine.create_cabinet(cabinet).await.unwrap().business_id;
        let name = "Чайная FBS".to_owned();
        let shop = NewCampaign { campaign_id: None, name, placement_type: PlacementType::Fbs };
        engine.create_campaign(business, shop).await.unwrap();
        let key = NewKey { name: "shop".to_owned(), scopes: vec!["all-methods".to_owned()] };
        let key = engine.create_key(business, key).await.unwrap().api_key;
        let chat = engine.open_chat(business, ChatOpening::default()).await.unwrap().chat_id;
        let answer = Arc::new(AtomicU16::new(0));
        let switched = Switched(Arc::clone(&engine), Arc::clone(&answer));
        let services =
            Services::new(engine.clone()).directory(engine.clone()).files(Arc::new(switched));
        let settings = beseda_server::ServerSettings {
            limits: LimitSettings { preset: LimitPreset::Off, ..LimitSettings::default() },
            files: FileAccess::Required,
            ..beseda_server::ServerSettings::default()
        };
        let (end, ended) = oneshot::channel::<()>();
        let served = tokio::spawn(async move {
            let ended = async { drop(ended.await) };
            let router = router(services, settings).unwrap();
            serve(listener, router, TransportSettings::default(), ended).await.unwrap();
        });
        let http = http();
        let closed = Self { engine, business, chat, key, url, answer, folder, http, end, served };
        closed.buyer_sends(CONTENT).await;
        closed
    }

    async fn buyer_sends(&self, content: &'static [u8]) {
        let file = FileUpload::from_bytes("чек.txt", content);
        self.engine.write_file(self.business, self.chat, Sender::Customer, file).await.unwrap();
    }

    fn client(&self) -> Client {
        without_retries(&self.url).api_key(self.key.as_str()).build().unwrap()
    }

    async fn gateway(&self, file_links: FileLinkMode) -> RunningGateway {
        RunningGateway::start_with(GatewaySettings {
            credential: Some(Credential::ApiKey(self.key.clone())),
            file_links,
            ..GatewaySettings::new(self.client(), self.folder.path().join("archive"))
        })
        .await
    }

    async fn get(&self, url: &str, range: Option<&str>) -> reqwest::Response {
        let mut request = self.http.get(url);
        if let Some(range) = range {
            request = request.header("range", range);
        }
        request.send().await.unwrap()
    }

    async fn history(&self, api: &impl ChatsApi) -> Vec<Message> {
        let from = HistoryFrom::default();
        api.get_chat_history(self.business, self.chat, from).await.unwrap().messages
    }

    /// Returns the attachment's link in a response of the gateway.
    async fn link(&self, running: &RunningGateway) -> String {
        let through = running.client(running.gateway.cabinets()[0].1.as_deref().unwrap());
        let page = self.history(&through).await;
        let found = only_link(&page);
        let with = page.iter().find(|message| message.payload.is_some()).unwrap().message_id;
        let one = through.get_chat_message(self.business, self.chat, with).await.unwrap();
        assert_eq!(only_link(&[one]), found);
        found
    }
}

fn only_link(messages: &[Message]) -> String {
    let mut found = messages.iter().filter_map(|message| message.payload.as_ref()).flatten();
    found.next().unwrap().url.clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn public_links_are_kept() {
    let world = World::start().await;
    let file = FileUpload::from_bytes("чек.txt", CONTENT);
    let market = world.stand_in.market();
    market.write_file(world.business(), chat(), Sender::Customer, file).await.unwrap();
    let mut bodies = Vec::new();
    for (url, key) in [
        (world.stand_in.url().to_owned(), world.stand_in.api_key().to_owned()),
        (world.running.url.clone(), world.derived_key()),
    ] {
        let path = format!("v2/businesses/{}/chats/history?chatId={}", world.business(), chat());
        let request = world.http.post(format!("{url}/{path}")).header("api-key", key);
        let request = request.header("content-type", "application/json").body("{}");
        bodies.push(request.send().await.unwrap().text().await.unwrap());
    }
    assert!(bodies[0].contains(&format!("{}/files/", world.stand_in.url())), "{}", bodies[0]);
    assert_eq!(bodies[0], bodies[1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn private_links_are_replaced_and_open_without_a_key() {
    let closed = Closed::start().await;
    let original = only_link(&closed.history(&closed.client()).await);
    assert_eq!(closed.get(&original, None).await.status(), 401);
    let running = closed.gateway(FileLinkMode::Auto).await;
    let link = closed.link(&running).await;
    let id = link.strip_prefix(&format!("{}/files/", running.url)).unwrap().to_owned();
    assert_eq!(closed.link(&running).await, link);

    let answer = closed.get(&link, None).await;
    assert_eq!(answer.status(), 200);
    let name = answer.headers()["content-disposition"].to_str().unwrap().to_owned();
    assert!(name.contains("%D1%87%D0%B5%D0%BA.txt"), "{name}");
    assert_eq!(answer.content_length(), Some(CONTENT.len() as u64));
    assert_eq!(answer.bytes().await.unwrap(), CONTENT);

    for (range, part) in [("bytes=3-9", 3..10), ("bytes=11-", 11..19), ("bytes=-4", 15..19)] {
        let answer = closed.get(&link, Some(range)).await;
        assert_eq!(answer.status(), 206);
        let told = format!("bytes {}-{}/{}", part.start, part.end - 1, CONTENT.len());
        assert_eq!(answer.headers()["content-range"], told.as_str());
        assert_eq!(answer.bytes().await.unwrap(), &CONTENT[part]);
    }
    assert_eq!(closed.get(&link, Some("bytes=19-")).await.status(), 416);

    // The upstream's own id, and one nobody has given out.
    for unknown in [original.rsplit('/').next().unwrap(), "0123456789abcdef0123456789abcdef"] {
        let answer = closed.get(&format!("{}/files/{unknown}", running.url), None).await;
        assert_eq!(answer.status(), 404);
    }
    running.shutdown().await;

    // A later start gives the same id, and the old one leads there before anybody has read the chat
    // again.
    let running = closed.gateway(FileLinkMode::Auto).await;
    let old = format!("{}/files/{id}", running.url);
    assert_eq!(closed.get(&old, None).await.bytes().await.unwrap(), CONTENT);
    assert_eq!(closed.link(&running).await, old);
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_file_is_404_and_a_rejected_download_is_503() {
    let closed = Closed::start().await;
    let running = closed.gateway(FileLinkMode::Auto).await;
    let link = closed.link(&running).await;
    closed.answer.store(404, Ordering::Relaxed);
    assert_eq!(closed.get(&link, None).await.status(), 404);
    closed.answer.store(403, Ordering::Relaxed);
    assert_eq!(closed.get(&link, None).await.status(), 503);
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn file_link_modes_keep_or_replace_all_links() {
    let closed = Closed::start().await;
    let original = only_link(&closed.history(&closed.client()).await);
    let running = closed.gateway(FileLinkMode::Upstream).await;
    assert_eq!(closed.link(&running).await, original);
    running.shutdown().await;

    let world = World::start().await;
    let file = FileUpload::from_bytes("чек.txt", CONTENT);
    let market = world.stand_in.market();
    market.write_file(world.business(), chat(), Sender::Customer, file).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let running = RunningGateway::start_with(GatewaySettings {
        file_links: FileLinkMode::Proxy,
        ..GatewaySettings::new(upstream(&world.stand_in), folder.path())
    })
    .await;
    let through = running.client(running.gateway.cabinets()[0].1.as_deref().unwrap());
    let page = through.get_chat_history(world.business(), chat(), HistoryFrom::default()).await;
    let link = only_link(&page.unwrap().messages);
    assert!(link.starts_with(&running.url), "{link}");
    assert_eq!(closed.get(&link, None).await.bytes().await.unwrap(), CONTENT);
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn links_of_unreachable_origins_are_replaced() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let elsewhere = format!("http://{}", unused_address().await);
    let closed = Closed::with_links(listener, url, elsewhere.clone()).await;
    assert!(only_link(&closed.history(&closed.client()).await).starts_with(&elsewhere));
    let running = closed.gateway(FileLinkMode::Auto).await;
    let link = closed.link(&running).await;
    assert!(link.starts_with(&running.url), "{link}");
    assert_eq!(closed.get(&link, None).await.status(), 503);
    running.shutdown().await;
}

struct Fetched(Client);

#[async_trait]
impl AttachmentFetcher for Fetched {
    async fn fetch(&self, url: &str) -> Result<FileStream> {
        Ok(self.0.download(url).await?.content)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn archived_files_open_while_the_upstream_is_unreachable() {
    let closed = Closed::start().await;
    let running = closed.gateway(FileLinkMode::Auto).await;
    let link = closed.link(&running).await;
    let archive = Archive::open(closed.folder.path().join("archive")).unwrap();
    let fetch = Arc::new(Fetched(closed.client()));
    let syncer = Syncer::new(archive, Arc::new(closed.client()), [closed.business]);
    syncer.unwrap().with_attachments(fetch).once(Depth::Full).await.unwrap();
    drop(closed.end);
    closed.served.await.unwrap();
    let answer = closed.http.get(&link).header("range", "bytes=3-9").send().await.unwrap();
    assert_eq!(answer.status(), 206);
    assert_eq!(answer.bytes().await.unwrap(), &CONTENT[3..10]);
    running.shutdown().await;
}

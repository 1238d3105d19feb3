//! One server on port 0 over an engine in a folder of its own, and a client that sends exactly the bytes it is told to.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc};

use beseda_api::{
    Administration, BusinessId, ChatContext, ChatId, ChatOpening, ChatsApi, DisputeOpening,
    ManualClock, MarketMessage, MarketSide, Model, NewCabinet, NewCampaign, NewKey, NewOrder,
    NewReturn, NewUser, OrderId, PlacementType, ReturnId, Sender,
};
use beseda_engine::Engine;
use beseda_server::{ServerSettings, Services, TransportSettings, router, serve};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
};

pub(crate) const MARKET_KEY: &str = "market-key-of-the-tests";
pub(crate) const ADMIN_KEY: &str = "admin-key-of-the-tests";

pub(crate) struct World {
    pub(crate) address: SocketAddr,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) engine: Arc<Engine>,
    /// Values of `${name}` in wire files.
    pub(crate) names: BTreeMap<&'static str, String>,
    stop: Option<oneshot::Sender<()>>,
    served: Option<JoinHandle<std::io::Result<()>>>,
    _folder: TempDir,
}

/// ServerSettings with both keys, and these fields besides.
pub(crate) fn settings(fields: &str) -> ServerSettings {
    let mut all: Value = serde_json::from_str(fields).unwrap();
    for (name, key) in [("market_key", MARKET_KEY), ("admin_key", ADMIN_KEY)] {
        all[name] = all.get(name).cloned().unwrap_or_else(|| key.into());
    }
    let settings: ServerSettings = serde_json::from_value(all).unwrap();
    settings.check().unwrap();
    settings
}

impl World {
    pub(crate) async fn open(fields: &str) -> Self {
        Self::with(settings(fields), TransportSettings::default(), |services| services).await
    }

    pub(crate) async fn with(
        settings: ServerSettings,
        transport: TransportSettings,
        change: impl FnOnce(Services) -> Services,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new("2026-11-21T00:30:00Z".parse().unwrap()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let of_engine = beseda_engine::EngineSettings {
            public_url: format!("http://{address}"),
            ..beseda_engine::EngineSettings::default()
        };
        let engine = Engine::open_sqlite(folder.path(), of_engine, Arc::clone(&clock) as _).await;
        let engine = Arc::new(engine.unwrap());
        let names = furnish(&engine).await;
        let services = Services::new(engine.clone())
            .directory(engine.clone())
            .files(engine.clone())
            .market(engine.clone())
            .admin(engine.clone())
            .clock(clock.clone());
        let services = change(services);
        let (stop, stopped) = oneshot::channel::<()>();
        let router = router(services, settings).unwrap();
        let served = tokio::spawn(serve(listener, router, transport, async {
            stopped.await.ok();
        }));
        let (stop, served) = (Some(stop), Some(served));
        Self { address, clock, engine, names, stop, served, _folder: folder }
    }

    pub(crate) fn name(&self, name: &str) -> &str {
        &self.names[name]
    }

    /// Sends a request without body with the chats key.
    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.ask("GET", path, &[("Api-Key", self.name("key"))], b"").await
    }

    /// Sends a JSON request with the chats key.
    pub(crate) async fn post(&self, path: &str, body: &str) -> Reply {
        self.ask("POST", path, &[("Api-Key", self.name("key"))], body.as_bytes()).await
    }

    pub(crate) async fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Reply {
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n");
        if !body.is_empty() {
            head.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let request = [head.as_bytes(), b"\r\n", body].concat();
        self.send(&request).await
    }

    /// Sends these bytes and reads until the server closes.
    pub(crate) async fn send(&self, request: &[u8]) -> Reply {
        let mut stream = self.connect().await;
        stream.write_all(request).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        Reply::parse(&answer)
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Asks the server to end.
    pub(crate) fn stop(&mut self) -> JoinHandle<std::io::Result<()>> {
        self.stop.take().unwrap().send(()).unwrap();
        self.served.take().unwrap()
    }
}

/// An answer as it came over the socket.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) reason: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn parse(answer: &[u8]) -> Self {
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut head = httparse::Response::new(&mut headers);
        let httparse::Status::Complete(length) = head.parse(answer).unwrap() else {
            panic!("half an answer: {}", String::from_utf8_lossy(answer));
        };
        let (status, reason) = (head.code.unwrap(), head.reason.unwrap().to_owned());
        let headers: Vec<_> = head
            .headers
            .iter()
            .map(|h| (h.name.to_lowercase(), String::from_utf8_lossy(h.value).into_owned()))
            .collect();
        let mut body = answer[length..].to_vec();
        if headers.contains(&("transfer-encoding".to_owned(), "chunked".to_owned())) {
            body = dechunk(&body);
        }
        Self { status, reason, headers, body }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let name = name.to_lowercase();
        self.headers.iter().find(|(n, _)| *n == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The text of the only error.
    pub(crate) fn message(&self) -> String {
        self.json()["errors"][0]["message"].as_str().unwrap_or_default().to_owned()
    }
}

fn dechunk(mut chunked: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    loop {
        let end = chunked.windows(2).position(|pair| pair == b"\r\n").unwrap();
        let size = usize::from_str_radix(std::str::from_utf8(&chunked[..end]).unwrap(), 16);
        let size = size.unwrap();
        if size == 0 {
            return whole;
        }
        whole.extend_from_slice(&chunked[end + 2..end + 2 + size]);
        chunked = &chunked[end + 4 + size..];
    }
}

/// Two cabinets with keys of every kind, and chats in every state.
async fn furnish(engine: &Engine) -> BTreeMap<&'static str, String> {
    let (business, other) = (BusinessId::new(1).unwrap(), BusinessId::new(2).unwrap());
    for (id, campaign) in [(business, 2_000_001), (other, 2_000_002)] {
        let cabinet = NewCabinet { business_id: Some(id), name: format!("Cabinet {id}") };
        engine.create_cabinet(cabinet).await.unwrap();
        for (offset, placement_type) in [(0, PlacementType::Fbs), (10, PlacementType::Dbs)] {
            let campaign_id = Some(beseda_api::CampaignId::new(campaign + offset).unwrap());
            let new = NewCampaign { campaign_id, name: "My shop".to_owned(), placement_type };
            engine.create_campaign(id, new).await.unwrap();
        }
    }
    let mut names = credentials(engine, business, other).await;
    chats(engine, business, other, &mut names).await;
    names.insert("market", MARKET_KEY.to_owned());
    names.insert("admin", ADMIN_KEY.to_owned());
    names.insert("blank4096", " ".repeat(4096));
    names.insert("x4096", "я".repeat(4096));
    names.insert("x4097", "я".repeat(4097));
    names.insert("x100", "я".repeat(100));
    names.insert("x600k", "x".repeat(600 * 1024));
    names.insert("x5m", "x".repeat(5 * 1024 * 1024));
    names
}

async fn credentials(
    engine: &Engine,
    business: BusinessId,
    other: BusinessId,
) -> BTreeMap<&'static str, String> {
    let mut names = BTreeMap::new();
    for (name, scope, cabinet) in [
        ("key", "communication", business),
        ("all", "all-methods", business),
        ("readonly", "all-methods:read-only", business),
        ("pricing", "pricing", business),
        ("revoked", "communication", business),
        ("foreign", "communication", other),
    ] {
        let new = NewKey { name: "chat bot".to_owned(), scopes: vec![scope.to_owned()] };
        let issued = engine.create_key(cabinet, new).await.unwrap();
        if name == "revoked" {
            engine.revoke_key(cabinet, issued.id).await.unwrap();
        }
        names.insert(name, issued.api_key);
    }
    let user = NewUser { name: "Ivan".to_owned(), business_ids: vec![business, other] };
    let user = engine.create_user(user).await.unwrap();
    let issued = engine.create_token(user.id).await.unwrap();
    names.insert("token", issued.oauth_token);
    let issued = engine.create_token(user.id).await.unwrap();
    engine.revoke_token(user.id, issued.id).await.unwrap();
    names.insert("revoked_token", issued.oauth_token);
    names.insert("user", user.id.to_string());
    names
}

async fn order_chat(engine: &Engine, business: BusinessId, raw: i64, model: Model) -> ChatId {
    let order_id = OrderId::new(raw).unwrap();
    let order = NewOrder { order_id, campaign_id: None, model: Some(model), customer: None };
    engine.register_order(business, order).await.unwrap();
    engine.create_chat(business, ChatContext::Order(order_id)).await.unwrap()
}

async fn chats(
    engine: &Engine,
    business: BusinessId,
    other: BusinessId,
    names: &mut BTreeMap<&'static str, String>,
) {
    let chat = order_chat(engine, business, 101, Model::Fbs).await;
    let written = engine.write_message(business, chat, MarketMessage::customer("Привет")).await;
    names.insert("chat", chat.to_string());
    names.insert("message", written.unwrap().message_id.to_string());
    let sticker =
        MarketMessage { sender: Sender::Customer, message: None, sticker: true, waiting_for: None };
    engine.write_message(business, chat, sticker).await.unwrap();
    let file = beseda_api::FileUpload::from_bytes("фото.jpg", &b"0123456789"[..]);
    engine.send_file_to_chat(business, chat, file).await.unwrap();
    let history = engine.get_chat_history(business, chat, Default::default()).await.unwrap();
    let payload = history.messages[2].payload.as_ref().unwrap();
    let file = payload[0].url.rsplit('/').find(|part| part.len() == 32).unwrap().to_owned();
    names.insert("file", file);
    let closed = order_chat(engine, business, 102, Model::Fbs).await;
    engine.close_chat(business, closed).await.unwrap();
    names.insert("closed", closed.to_string());
    let ret =
        NewReturn { return_id: ReturnId::new(77).unwrap(), order_id: OrderId::new(101).unwrap() };
    engine.register_return(business, ret).await.unwrap();
    order_chat(engine, business, 103, Model::Dbs).await;
    let ret =
        NewReturn { return_id: ReturnId::new(78).unwrap(), order_id: OrderId::new(103).unwrap() };
    engine.register_return(business, ret).await.unwrap();
    let opening = ChatOpening { message: Some("Есть?".to_owned()), ..ChatOpening::default() };
    let direct = engine.open_chat(business, opening).await.unwrap();
    names.insert("direct", direct.chat_id.to_string());
    let opening = DisputeOpening { order_id: Some(101), ..DisputeOpening::default() };
    let dispute = engine.open_dispute(business, opening).await.unwrap();
    names.insert("dispute", dispute.chat_id.to_string());
    names.insert("foreign_chat", order_chat(engine, other, 201, Model::Fbs).await.to_string());
}

//! Push notifications of the real program: administered by commands, and sent by a stand-in that is killed (SIGKILL) again
//! and again while its receiver fails, hangs up and keeps silent. Nothing here waits for time to pass.

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use beseda_api::{
    BusinessId, ChatContext, ChatId, ChatsApi, HistoryFrom, HistoryLimit, MarketMessage,
    MarketSide, NewOrder, NewSubscription, OrderId, PageRequest, Subscription, Subscriptions,
};
use beseda_client::{AdminClient, Client, MarketClient, RetryPolicy, SecretString};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha20Rng;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Notify,
    task::JoinSet,
};

use crate::{
    kill::{Server, within_a_minute},
    service::StandIn,
};

/// A shop's receiver, as a plain HTTP server.
struct Receiver {
    address: SocketAddr,
    shelf: Arc<Shelf>,
}

#[derive(Default)]
struct Shelf {
    /// Notifications answered with 200, in order.
    taken: Mutex<Vec<Value>>,
    missed: AtomicUsize,
    /// True if some requests fail.
    moody: AtomicBool,
    count: AtomicUsize,
}

impl Receiver {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, shelf) = (listener.local_addr().unwrap(), Arc::new(Shelf::default()));
        let kept = Arc::clone(&shelf);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(Arc::clone(&kept), stream));
            }
        });
        Self { address, shelf }
    }

    fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    fn set_moody(&self, moody: bool) {
        self.shelf.moody.store(moody, Ordering::SeqCst);
    }

    fn events(&self) -> Vec<Value> {
        let taken = self.shelf.taken.lock().unwrap();
        taken.iter().filter(|body| body["notificationType"] != "PING").cloned().collect()
    }
}

async fn serve(shelf: Arc<Shelf>, mut stream: TcpStream) -> Option<()> {
    let mut bytes = Vec::new();
    let body: Value = loop {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
        let text = String::from_utf8_lossy(&bytes);
        let body = text.split_once("\r\n\r\n").map(|(_, body)| serde_json::from_str(body));
        if let Some(Ok(body)) = body {
            break body;
        }
    };
    let number = shelf.count.fetch_add(1, Ordering::SeqCst);
    let moody = shelf.moody.load(Ordering::SeqCst);
    let (status, answer) = match number % 23 {
        7 if moody => (500, "{}"),
        13 if moody => {
            shelf.missed.fetch_add(1, Ordering::SeqCst);
            return None;
        }
        19 if moody => {
            shelf.missed.fetch_add(1, Ordering::SeqCst);
            // Silent until the sender is gone.
            stream.read_buf(&mut bytes).await.ok();
            return None;
        }
        _ => (200, r#"{"version":"1","name":"shop","time":"2026-11-21T10:00:00Z"}"#),
    };
    match status {
        200 => shelf.taken.lock().unwrap().push(body),
        _ => drop(shelf.missed.fetch_add(1, Ordering::SeqCst)),
    }
    let length = answer.len();
    let head = format!(
        "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {length}"
    );
    stream.write_all(format!("{head}\r\n\r\n{answer}").as_bytes()).await.ok()
}

/// Input of one run of the server.
#[derive(Clone)]
struct Hands {
    client: Client,
    market: MarketClient,
    admin: AdminClient,
    business: BusinessId,
}

impl Hands {
    fn on(server: &Server) -> Self {
        let builder = || Client::builder().url(server.get("url")).retry_policy(RetryPolicy::none());
        let key = |name| SecretString::from(server.get(name));
        Self {
            client: server.client(),
            market: builder().build_market(&key("marketKey")).unwrap(),
            admin: builder().build_admin(&key("adminKey")).unwrap(),
            business: BusinessId::new(server.told["businessId"].as_i64().unwrap()).unwrap(),
        }
    }

    async fn new_chat(&self, order: i64) -> ChatId {
        let order_id = OrderId::new(order).unwrap();
        let order = NewOrder { order_id, campaign_id: None, model: None, customer: None };
        self.market.register_order(self.business, order).await.unwrap();
        self.client.create_chat(self.business, ChatContext::Order(order_id)).await.unwrap()
    }

    async fn subscription(&self) -> Subscription {
        self.admin.list_subscriptions(self.business).await.unwrap().remove(0)
    }

    /// The ids of all messages of a chat.
    async fn written(&self, chat: ChatId) -> Vec<i64> {
        let page = PageRequest::first(HistoryLimit::MAX);
        let mut from = HistoryFrom { message_id_from: None, page };
        let mut ids = Vec::new();
        loop {
            let page = self.client.get_chat_history(self.business, chat, from.clone()).await;
            let page = page.unwrap();
            ids.extend(page.messages.iter().map(|message| message.message_id.get()));
            let Some(token) = page.paging.next_page_token else { return ids };
            from.page = from.page.after(token);
        }
    }
}

/// Writes into every chat until the server is gone; killed after so many answers.
async fn write_and_die(server: Server, hands: &Hands, chats: &[ChatId], target: usize) {
    let (answered, more) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
    let mut tasks = JoinSet::new();
    for &chat in chats.iter().rev().take(3) {
        let (hands, answered, more) = (hands.clone(), Arc::clone(&answered), Arc::clone(&more));
        tasks.spawn(async move {
            let hi = || MarketMessage::customer("Hi");
            while hands.market.write_message(hands.business, chat, hi()).await.is_ok() {
                answered.fetch_add(1, Ordering::SeqCst);
                more.notify_one();
            }
        });
    }
    within_a_minute(async {
        while answered.load(Ordering::SeqCst) < target {
            more.notified().await;
        }
    })
    .await;
    drop(server);
    within_a_minute(tasks.join_all()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thirty_kills_and_a_moody_receiver_lose_no_notification_and_invent_none() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::start().await;
    let mut random = ChaCha20Rng::seed_from_u64(30);
    let mut chats = Vec::new();
    for life in 0..30 {
        let server = Server::start(folder.path());
        let hands = Hands::on(&server);
        receiver.set_moody(false);
        if life == 0 {
            let new = NewSubscription { url: receiver.url(), name: "shop".to_owned() };
            hands.admin.create_subscription(hands.business, new).await.unwrap();
        } else {
            // Failures of the life before are forgiven by this: nobody has a minute.
            let id = hands.subscription().await.id;
            hands.admin.resume(hands.business, id).await.unwrap();
        }
        receiver.set_moody(true);
        chats.push(hands.new_chat(1000 + life).await);
        write_and_die(server, &hands, &chats, random.random_range(1..60)).await;
    }
    receiver.set_moody(false);
    let server = Server::start(folder.path());
    let hands = Hands::on(&server);
    let id = hands.subscription().await.id;
    hands.admin.resume(hands.business, id).await.unwrap();
    within_a_minute(async {
        while hands.subscription().await.waiting > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;

    let mut written = BTreeSet::new();
    for &chat in &chats {
        written.extend(hands.written(chat).await);
    }
    let events = receiver.events();
    let created = events.iter().filter(|body| body["notificationType"] == "CHAT_CREATED");
    let created: BTreeSet<i64> = created.map(|body| body["chatId"].as_i64().unwrap()).collect();
    assert_eq!(created, chats.iter().map(|chat| chat.get()).collect());
    let told = events.iter().filter(|body| body["notificationType"] == "CHAT_MESSAGE_SENT");
    let id = |body: &Value| body["messageId"].as_str().unwrap().parse::<i64>().unwrap();
    let mut told: Vec<i64> = told.map(id).collect();
    let arrived = told.len();
    assert_eq!(told.iter().copied().collect::<BTreeSet<_>>(), written, "lost or invented");
    // Only the one that was under way comes again, and right after itself.
    told.dedup();
    assert!(told.is_sorted_by(|one, next| one < next), "out of order");
    let missed = receiver.shelf.missed.load(Ordering::SeqCst);
    println!("{} written, {arrived} arrived, {missed} attempts failed", written.len());
    assert!(written.len() > 300 && missed > 5, "the kills and moods hit nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn subscriptions_are_administered_by_commands() {
    let stand_in = StandIn::start(&[]);
    let receiver = Receiver::start().await;
    let business = stand_in.business();
    let run = |args: &[&str]| {
        let all = ["admin", "--json", "subscriptions"].iter().chain(args);
        stand_in.beseda().run(all)
    };
    let made = run(&["add", &business, &receiver.url(), "--name", "bot"]).json();
    assert_eq!((&made["state"], &made["name"]), (&"ACTIVE".into(), &"bot".into()));
    let id = made["id"].to_string();
    assert_eq!(run(&["list", &business]).json()["subscriptions"][0], made);
    assert_eq!(run(&["pause", &business, &id]).json()["state"], "PAUSED");
    assert_eq!(run(&["resume", &business, &id]).json()["state"], "ACTIVE");
    let log = run(&["log", &business, &id, "--limit", "1"]).json();
    assert_eq!(log["deliveries"][0]["notification"]["notificationType"], "PING");
    let token = log["paging"]["nextPageToken"].as_str().unwrap().to_owned();
    let rest = run(&["log", &business, &id, "--page-token", &token]).json();
    assert_eq!(rest["deliveries"].as_array().unwrap().len(), 1);
    let ping = log["deliveries"][0]["id"].to_string();
    run(&["replay", &business, &id, &ping]).fails(3);
    let table = stand_in.beseda().run(["admin", "subscriptions", "list", &business]).ok();
    assert!(table.contains(&receiver.url()), "{table}");
    assert_eq!(run(&["delete", &business, &id]).json()["status"], "OK");
    run(&["delete", &business, &id]).fails(5);
    run(&["add", "999", &receiver.url()]).fails(5);
    let inside = run(&["add", &business, "http://10.0.0.1/"]).fails_in_json(3);
    assert!(inside["message"].as_str().unwrap().contains("not a public address"), "{inside}");
    run(&["--data", ".", "list", &business]).fails(2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fault_sends_a_notification_twice_and_shows_in_the_log() {
    let stand_in = StandIn::start(&[]);
    let receiver = Receiver::start().await;
    let builder = || Client::builder().url(stand_in.get("url"));
    let key = |name| SecretString::from(stand_in.get(name));
    let business = BusinessId::new(stand_in.told["businessId"].as_i64().unwrap()).unwrap();
    let admin = builder().build_admin(&key("adminKey")).unwrap();
    let control = builder().build_stand_in(&key("adminKey")).unwrap();
    let market = builder().build_market(&key("marketKey")).unwrap();
    let new = NewSubscription { url: receiver.url(), name: "shop".to_owned() };
    let id = admin.create_subscription(business, new).await.unwrap().id;
    let fault = serde_json::json!({"kind": "push-twice", "count": 1});
    control.post("faults", &fault).await.unwrap();
    let opening = beseda_api::ChatOpening { message: Some("Hi".to_owned()), ..Default::default() };
    market.open_chat(business, opening).await.unwrap();
    within_a_minute(async {
        let page = PageRequest::default();
        while admin.deliveries(business, id, page.clone()).await.unwrap().deliveries.len() < 4 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    let events = receiver.events();
    let kinds: Vec<_> =
        events.iter().map(|body| body["notificationType"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["CHAT_CREATED", "CHAT_CREATED", "CHAT_MESSAGE_SENT"]);
}

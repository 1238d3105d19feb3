//! `beseda listen` killed (SIGKILL) again and again while a stand-in sends: what was answered was printed.

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use beseda_api::{
    BusinessId, ChatOpening, MarketMessage, MarketSide, NewSubscription, Subscriptions,
};
use beseda_client::{Client, SecretString};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha20Rng;
use serde_json::Value;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::Notify,
};

use crate::{kill::within_a_minute, service::StandIn};

/// Lines printed by all runs, and a notification for each.
#[derive(Default)]
struct Printed {
    lines: Mutex<Vec<Value>>,
    count: AtomicUsize,
    more: Notify,
}

/// One life of the program.
struct Life {
    child: Child,
    reading: Option<thread::JoinHandle<()>>,
}

impl Life {
    fn start(printed: &Arc<Printed>) -> (Self, SocketAddr) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_beseda"));
        command.env_clear().args(["listen", "--listen", "127.0.0.1:0", "--any-source", "--json"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        let told: Value = serde_json::from_str(&line).unwrap();
        let address = told["url"].as_str().unwrap().strip_prefix("http://").unwrap();
        let printed = Arc::clone(printed);
        let read = move || {
            for line in out.lines() {
                let event = serde_json::from_str(&line.unwrap()).unwrap();
                printed.lines.lock().unwrap().push(event);
                printed.count.fetch_add(1, Ordering::SeqCst);
                printed.more.notify_one();
            }
        };
        (Self { child, reading: Some(thread::spawn(read)) }, address.parse().unwrap())
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
        // What it printed before it died is still in the pipe.
        self.reading.take().unwrap().join().unwrap();
    }
}

/// An address that stays the same over all lives.
async fn door(behind: &Arc<Mutex<SocketAddr>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let behind = Arc::clone(behind);
    tokio::spawn(async move {
        while let Ok((mut outer, _)) = listener.accept().await {
            let address = *behind.lock().unwrap();
            tokio::spawn(async move {
                let mut inner = TcpStream::connect(address).await?;
                copy_bidirectional(&mut outer, &mut inner).await
            });
        }
    });
    url
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifteen_kills_lose_no_notification_that_was_answered() {
    let stand_in = StandIn::start(&["--limits", "off"]);
    let builder = || Client::builder().url(stand_in.get("url"));
    let key = |name| SecretString::from(stand_in.get(name));
    let admin = builder().build_admin(&key("adminKey")).unwrap();
    let market = builder().build_market(&key("marketKey")).unwrap();
    let business: BusinessId = stand_in.business().parse().unwrap();
    let printed = Arc::new(Printed::default());
    let (life, address) = Life::start(&printed);
    let behind = Arc::new(Mutex::new(address));
    let new = NewSubscription { url: door(&behind).await, name: "listen".to_owned() };
    let id = admin.create_subscription(business, new).await.unwrap().id;
    let opening = ChatOpening { message: Some("Раз".to_owned()), ..ChatOpening::default() };
    let chat = market.open_chat(business, opening).await.unwrap().chat_id;
    let mut random = ChaCha20Rng::seed_from_u64(15);
    let mut life = Some(life);
    for _ in 0..15 {
        let target = printed.count.load(Ordering::SeqCst) + random.random_range(1..40);
        // They wait, so that many go at once when it goes on.
        admin.pause(business, id).await.unwrap();
        for _ in 0..40 {
            market.write_message(business, chat, MarketMessage::customer("Ау!")).await.unwrap();
        }
        admin.resume(business, id).await.unwrap();
        within_a_minute(async {
            while printed.count.load(Ordering::SeqCst) < target {
                printed.more.notified().await;
            }
        })
        .await;
        drop(life.take());
        let (next, address) = Life::start(&printed);
        *behind.lock().unwrap() = address;
        life = Some(next);
    }
    admin.resume(business, id).await.unwrap();
    within_a_minute(async {
        while admin.list_subscriptions(business).await.unwrap()[0].waiting > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    drop(life);

    let history = ["chats", "history", &chat.to_string(), "--all", "--json"];
    let history = stand_in.beseda().run(history).lines();
    let written: Vec<&Value> = history.iter().map(|message| &message["messageId"]).collect();
    let lines = printed.lines.lock().unwrap();
    let mut told: Vec<&Value> = lines.iter().map(|event| &event["messageId"]).collect();
    let arrived = told.len();
    // Only the one under way at a kill comes again, and right after itself.
    told.dedup();
    assert_eq!(told[1..], written, "lost, invented or out of order");
    println!("{} written, {arrived} printed", written.len());
}

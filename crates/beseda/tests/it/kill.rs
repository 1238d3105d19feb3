//! The stand-in is killed (SIGKILL) in the middle of its work, again and again, on one and the same folder: what it
//! answered with 200 is there afterwards, and nothing is there twice or by half. Nothing here waits for time to pass.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    future::Future,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use beseda_api::{
    BusinessId, ChatContext, ChatId, ChatsApi, Error, FileName, FileUpload, HistoryFrom,
    HistoryLimit, MarketSide, Message, MessageText, NewOrder, OrderId, PageRequest,
};
use beseda_client::{Client, RetryPolicy, SecretString};
use futures::{StreamExt, TryStreamExt, future, stream};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha20Rng;
use serde_json::Value;
use tokio::{sync::Notify, task::JoinSet};

const PIECE: usize = 64 * 1024;

/// Responses received by the tasks during one run of the server.
#[derive(Default)]
struct Told {
    /// Answered with 200.
    answered: Mutex<Vec<(ChatId, String)>>,
    /// Sent, and never answered: it may have arrived or not.
    unanswered: Mutex<Vec<(ChatId, String)>>,
    count: AtomicUsize,
    more: Notify,
}

impl Told {
    /// Keeps what came of a send; `false` if the server is gone.
    fn keep(&self, chat: ChatId, what: String, result: &beseda_api::Result<()>) -> bool {
        match result {
            Ok(()) => {
                self.answered.lock().unwrap().push((chat, what));
                self.count.fetch_add(1, Ordering::SeqCst);
                self.more.notify_one();
                true
            }
            Err(Error::Internal(_)) => {
                self.unanswered.lock().unwrap().push((chat, what));
                false
            }
            Err(refused) => panic!("a send was refused: {refused}"),
        }
    }

    /// Comes back when so many sends have been answered.
    async fn wait_for(&self, count: usize) {
        while self.count.load(Ordering::SeqCst) < count {
            self.more.notified().await;
        }
    }
}

/// A folder on which a stand-in lives and dies.
struct Place {
    folder: tempfile::TempDir,
    business: BusinessId,
    chats: Vec<ChatId>,
}

/// A stand-in that never ends otherwise than by SIGKILL.
pub(crate) struct Server {
    child: Child,
    pub(crate) told: Value,
}

impl Server {
    pub(crate) fn start(folder: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_beseda"));
        command.env_clear().args(["stand-in", "--json", "--listen", "127.0.0.1:0"]);
        command.args(["--limits", "off", "--data"]).arg(folder);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { child, told: serde_json::from_str(&line).unwrap() }
    }

    pub(crate) fn get(&self, name: &str) -> &str {
        self.told[name].as_str().unwrap()
    }

    pub(crate) fn client(&self) -> Client {
        let builder = Client::builder().url(self.get("url")).retry_policy(RetryPolicy::none());
        // More at once than a cabinet may have: that is what the kills shall hit.
        builder.api_key(self.get("apiKey")).without_rate_limit().build().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Place {
    /// A folder with so many new chats besides those of the demo.
    async fn with_chats(count: i64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(folder.path());
        let business = BusinessId::new(server.told["businessId"].as_i64().unwrap()).unwrap();
        let key = SecretString::from(server.get("marketKey"));
        let market = Client::builder().url(server.get("url")).build_market(&key).unwrap();
        let client = server.client();
        let mut chats = Vec::new();
        for raw in 1..=count {
            let order_id = OrderId::new(raw).unwrap();
            let order = NewOrder { order_id, campaign_id: None, model: None, customer: None };
            market.register_order(business, order).await.unwrap();
            let context = ChatContext::Order(order_id);
            chats.push(client.create_chat(business, context).await.unwrap());
        }
        Self { folder, business, chats }
    }

    fn stored_files(&self) -> usize {
        count_files(&self.folder.path().join("files"))
    }

    async fn history(&self, client: &Client, chat: ChatId) -> Vec<Message> {
        let page = PageRequest::first(HistoryLimit::MAX);
        let mut from = HistoryFrom { message_id_from: None, page };
        let mut messages = Vec::new();
        loop {
            let page = client.get_chat_history(self.business, chat, from.clone()).await.unwrap();
            messages.extend(page.messages);
            let Some(token) = page.paging.next_page_token else { return messages };
            from.page = from.page.after(token);
        }
    }
}

fn count_files(folder: &Path) -> usize {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let count = |path: &Path| if path.is_dir() { count_files(path) } else { 1 };
    entries.map(|entry| count(&entry.unwrap().path())).sum()
}

/// Fails instead of hanging.
pub(crate) async fn within_a_minute<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), what).await.expect("nothing goes on any more")
}

/// Runs a life of the server: the load that `work` makes, killed when `target` sends were answered.
async fn live_and_die(
    place: &Place,
    target: usize,
    work: impl Fn(Client, Arc<Told>) -> JoinSet<()>,
) -> Arc<Told> {
    let server = Server::start(place.folder.path());
    let told = Arc::new(Told::default());
    let tasks = work(server.client(), Arc::clone(&told));
    within_a_minute(told.wait_for(target)).await;
    drop(server);
    within_a_minute(tasks.join_all()).await;
    told
}

/// Everything sent so far, over all lives.
#[derive(Default)]
struct Sent {
    answered: BTreeMap<ChatId, Vec<String>>,
    unanswered: BTreeSet<(ChatId, String)>,
}

impl Sent {
    fn add(&mut self, told: &Told) {
        for (chat, what) in told.answered.lock().unwrap().drain(..) {
            self.answered.entry(chat).or_default().push(what);
        }
        self.unanswered.extend(told.unanswered.lock().unwrap().drain(..));
    }

    /// Holds a chat against what was sent into it.
    fn check(&self, chat: ChatId, found: &[String]) {
        let mut times = BTreeMap::<&str, usize>::new();
        for what in found {
            *times.entry(what).or_default() += 1;
        }
        assert!(times.values().all(|&count| count == 1), "something is there twice: {times:?}");
        let answered: BTreeSet<&str> =
            self.answered.get(&chat).into_iter().flatten().map(String::as_str).collect();
        for what in &answered {
            assert!(times.contains_key(what), "{what} was answered with 200 and is lost");
        }
        for what in found {
            let known =
                answered.contains(what.as_str()) || self.unanswered.contains(&(chat, what.clone()));
            assert!(known, "{what} was never sent into chat {chat}");
        }
    }
}

/// Asserts that texts `life-task-number` are ordered by life, and by number within each task.
fn assert_in_order(found: &[String]) {
    let mut last_life = 0;
    let mut last_number = BTreeMap::new();
    for what in found {
        let parts: Vec<usize> = what.split('-').map(|part| part.parse().unwrap()).collect();
        let [life, task, number] = parts[..] else { panic!("{what}") };
        assert!(life >= last_life, "{what} stands after a message of life {last_life}");
        last_life = life;
        let before = last_number.insert((life, task), number);
        assert!(before.is_none_or(|before| before < number), "{what} stands after {before:?}");
    }
}

fn texts_by(life: usize, place: &Place, client: &Client, told: &Arc<Told>) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    for task in 0..6 {
        let (client, told, business) = (client.clone(), Arc::clone(told), place.business);
        let chats = place.chats.clone();
        tasks.spawn(async move {
            for number in 0.. {
                let chat = chats[(task + number) % chats.len()];
                let what = format!("{life}-{task}-{number}");
                let text = MessageText::new(what.clone()).unwrap();
                let result = client.send_message_to_chat(business, chat, text).await;
                if !told.keep(chat, what, &result) {
                    return;
                }
            }
        });
    }
    tasks
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_message_answered_with_200_survives_fifty_kills_once_and_in_order() {
    let place = Place::with_chats(4).await;
    let mut random = ChaCha20Rng::seed_from_u64(9);
    let mut sent = Sent::default();
    for life in 0..50 {
        let target = random.random_range(1..40);
        let work = |client, told| texts_by(life, &place, &client, &told);
        let told = live_and_die(&place, target, work).await;
        assert!(told.count.load(Ordering::SeqCst) >= target);
        sent.add(&told);
    }
    // A message lost in an early life could not come back in a later one: one look at the end sees all of them.
    let server = Server::start(place.folder.path());
    let client = server.client();
    let mut answered = 0;
    for &chat in &place.chats {
        let messages = place.history(&client, chat).await;
        assert!(messages.is_sorted_by(|a, b| a.message_id < b.message_id));
        let found: Vec<String> = messages.into_iter().filter_map(|m| m.message).collect();
        sent.check(chat, &found);
        assert_in_order(&found);
        answered += sent.answered[&chat].len();
    }
    println!("{answered} answered, {} unanswered", sent.unanswered.len());
    assert!(answered >= 50 && !sent.unanswered.is_empty(), "the kills hit nothing");
}

/// The bytes of the file of this name.
fn content(name: &str) -> Vec<u8> {
    let size = name.bytes().fold(7_usize, |sum, byte| sum * 31 % 400_000 + usize::from(byte));
    (0..size).map(|place| u8::try_from((place * 7 + size) % 251).unwrap()).collect()
}

/// An upload that never comes to its end.
fn endless(name: &str, begun: &Arc<Notify>) -> FileUpload {
    let begun = Arc::clone(begun);
    let pieces = stream::iter((0..20).map(|_| Ok(vec![1; PIECE].into())));
    let rest = stream::once(async move {
        begun.notify_one();
        future::pending().await
    });
    FileUpload { name: FileName::new(name), content: pieces.chain(rest).boxed() }
}

fn files_by(life: usize, place: &Place, client: &Client, told: &Arc<Told>) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    let begun = Arc::new(Notify::new());
    for task in 0..3 {
        let (client, told, business) = (client.clone(), Arc::clone(told), place.business);
        let (chat, begun) = (place.chats[task], Arc::clone(&begun));
        tasks.spawn(async move {
            if task == 0 {
                let name = format!("{life}-endless");
                let file = endless(&name, &begun);
                let result = client.send_file_to_chat(business, chat, file).await;
                assert!(!told.keep(chat, name, &result), "an endless file was taken");
                return;
            }
            // The others begin when one upload is under way for sure.
            begun.notified().await;
            begun.notify_one();
            for number in 0.. {
                let name = format!("{life}-{task}-{number}");
                let file = FileUpload::from_bytes(&name, content(&name));
                let result = client.send_file_to_chat(business, chat, file).await;
                if !told.keep(chat, name, &result) {
                    return;
                }
            }
        });
    }
    tasks
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_file_answered_with_200_survives_kills_whole_and_no_other_is_left() {
    let place = Place::with_chats(3).await;
    let demo_files = place.stored_files();
    let mut random = ChaCha20Rng::seed_from_u64(10);
    let mut sent = Sent::default();
    let mut left_behind = 0;
    for life in 0..12 {
        let target = random.random_range(1..12);
        let work = |client, told| files_by(life, &place, &client, &told);
        let told = live_and_die(&place, target, work).await;
        sent.add(&told);
        let after_the_kill = place.stored_files();

        // The next start sweeps: a file lies there if and only if a message has it.
        let server = Server::start(place.folder.path());
        let client = server.client();
        let mut messages = 0;
        for &chat in &place.chats {
            let mut found = Vec::new();
            for message in place.history(&client, chat).await {
                let attachment = message.payload.unwrap().remove(0);
                found.push(attachment.name.clone());
                if attachment.name.starts_with(&format!("{life}-")) {
                    let fetched = client.download(&attachment.url).await.unwrap();
                    let bytes: Vec<u8> = fetched
                        .content
                        .try_fold(Vec::new(), |mut all, piece| {
                            all.extend_from_slice(&piece);
                            future::ready(Ok(all))
                        })
                        .await
                        .unwrap();
                    assert!(bytes == content(&attachment.name), "{} is not whole", attachment.name);
                    assert_eq!(usize::try_from(attachment.size).unwrap(), bytes.len());
                }
            }
            sent.check(chat, &found);
            messages += found.len();
        }
        assert_eq!(place.stored_files(), demo_files + messages, "in life {life}");
        left_behind += after_the_kill - (demo_files + messages);
    }
    println!("{left_behind} unfinished files were swept");
    assert!(left_behind > 0, "no kill hit an upload");
}

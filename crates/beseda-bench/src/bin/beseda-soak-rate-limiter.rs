//! `cargo xtask soak rate-limiter`: eager tasks against the real program over HTTP, hour after hour of a clock that stands still, and how
//! much of each hour they got to use. How fast that goes isn't measured here.

use std::{
    collections::{HashMap, HashSet},
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use beseda_api::{
    BusinessId, ChatFilter, ChatId, ChatStatus, ChatsApi, Clock, MessageText, PageRequest,
};
use beseda_bench::process::Server;
use beseda_client::{Client, RateLimiter, RetryPolicy, StandInClient, WaitReason};
use beseda_stand_in::StandInClock;
use clap::Parser;
use comfy_table::Table;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::{sync::Notify, task::JoinSet};

const START: &str = "2026-06-01T10:17:00Z";
/// The published figures of an hour.
const SENDS: u64 = 1_000;
const LISTS: u64 = 5_000;
/// How long an hour may take before something is stuck.
const LONGEST: Duration = Duration::from_secs(300);
/// What must be used of an hour.
const ENOUGH: f64 = 0.98;

#[derive(Parser)]
#[command(about = "Use whole hours of a cabinet's limits without hearing 420")]
struct Args {
    /// The program.
    #[arg(long, value_name = "FILE")]
    beseda: PathBuf,
    /// Where its log is written.
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// Tasks, half of which send and half of which list chats.
    #[arg(long, default_value_t = 16)]
    tasks: usize,
    /// Hours of the clock.
    #[arg(long, default_value_t = 4)]
    hours: usize,
}

/// Which operations are used up until when, and by how many tasks that was heard.
#[derive(Default)]
struct Heard {
    waits: Mutex<HashMap<(&'static str, Timestamp), usize>>,
    more: Notify,
}

/// The service, the clock of both sides, and what was done.
struct World {
    server: Server,
    control: StandInClient,
    clock: Arc<StandInClock>,
    heard: Arc<Heard>,
    client: Client,
    business: BusinessId,
    chat: ChatId,
    sends: Arc<AtomicU64>,
    lists: Arc<AtomicU64>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let args = Args::parse();
    let world = World::start(&args).await?;
    let _running = world.work(args.tasks);
    let mut table = Table::new();
    table.set_header(["hour", "sends", "lists", "420 in the journal", "420 in all", "took"]);
    let mut enough = true;
    let mut before = (0, 0);
    for hour in 1..=args.hours {
        let begun = Instant::now();
        let end = tokio::time::timeout(LONGEST, world.all_wait(args.tasks)).await;
        let end = end.context("the tasks neither work nor wait")?;
        let done = world.done();
        let (sends, lists) = (done.0 - before.0, done.1 - before.1);
        before = done;
        let (journal, all) = (world.in_journal().await?, world.refusals().await?);
        enough &= journal == 0 && all == 0 && share(sends, SENDS) >= ENOUGH;
        enough &= share(lists, LISTS) >= ENOUGH;
        table.add_row([
            format!("{hour}"),
            format!("{sends} of {SENDS} ({:.1} %)", 100.0 * share(sends, SENDS)),
            format!("{lists} of {LISTS} ({:.1} %)", 100.0 * share(lists, LISTS)),
            journal.to_string(),
            all.to_string(),
            format!("{:.1} s", begun.elapsed().as_secs_f64()),
        ]);
        world.move_to(end).await?;
    }
    println!("{} tasks, one cabinet, {} hours\n{table}", args.tasks, args.hours);
    ensure!(enough, "a 420 was heard, or less than {} % of an hour was used", 100.0 * ENOUGH);
    Ok(())
}

impl World {
    async fn start(args: &Args) -> Result<Self> {
        std::fs::create_dir_all(&args.dir)?;
        let words = ["stand-in", "--json", "--listen", "127.0.0.1:0", "--clock", "manual"];
        let server = Server::start(&args.beseda, &words, &args.dir.join("service.log"))?;
        let told = |name: &str| server.line[name].as_str().map(str::to_owned).context("not told");
        let (url, key, admin) = (told("url")?, told("apiKey")?, told("adminKey")?);
        let business = BusinessId::new(server.line["businessId"].as_i64().context("no cabinet")?)?;
        let clock = Arc::new(StandInClock::manual(START.parse()?));
        let heard = Arc::new(Heard::default());
        let client = Client::builder().url(&url).api_key(key);
        let patience =
            RetryPolicy { deadline: Duration::from_secs(1 << 30), ..RetryPolicy::default() };
        let client =
            client.rate_limiter(rate_limiter(&clock, &heard)).retry_policy(patience).build()?;
        let control = Client::builder().url(&url).build_stand_in(&admin.into())?;
        let wanted = json!({ "mode": "manual", "now": START });
        control.put("clock", &wanted).await?;
        let chats = client.get_chats(business, ChatFilter::default(), PageRequest::default());
        let open = chats.await?.chats.into_iter().find(|chat| chat.status != ChatStatus::Finished);
        let chat = open.context("no chat is open")?.chat_id;
        let (sends, lists) = (Arc::default(), Arc::new(AtomicU64::new(1)));
        Ok(Self { server, control, clock, heard, client, business, chat, sends, lists })
    }

    /// Half of the tasks send and half list, without end.
    fn work(&self, tasks: usize) -> JoinSet<Result<()>> {
        let mut running = JoinSet::new();
        for task in 0..tasks {
            let (client, business, chat) = (self.client.clone(), self.business, self.chat);
            let (sends, lists) = (Arc::clone(&self.sends), Arc::clone(&self.lists));
            running.spawn(async move {
                loop {
                    if task % 2 == 0 {
                        let text = MessageText::new("Здравствуйте!")?;
                        client.send_message_to_chat(business, chat, text).await?;
                        sends.fetch_add(1, Ordering::Relaxed);
                    } else {
                        let page = PageRequest::default();
                        client.get_chats(business, ChatFilter::default(), page).await?;
                        lists.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
        running
    }

    fn done(&self) -> (u64, u64) {
        (self.sends.load(Ordering::Relaxed), self.lists.load(Ordering::Relaxed))
    }

    /// Comes back with the end of the hour when every task waits for it.
    async fn all_wait(&self, tasks: usize) -> Timestamp {
        loop {
            let more = self.heard.more.notified();
            let now = self.clock.now();
            {
                let waits = self.heard.waits.lock().unwrap_or_else(PoisonError::into_inner);
                let ahead = waits.iter().filter(|((_, until), _)| *until > now);
                let (ends, counts): (HashSet<_>, Vec<_>) =
                    ahead.map(|((_, until), count)| (*until, *count)).unzip();
                if let Some(end) = ends.into_iter().max()
                    && counts.into_iter().sum::<usize>() >= tasks
                {
                    return end;
                }
            }
            more.await;
        }
    }

    /// Moves the clocks of both sides.
    async fn move_to(&self, moment: Timestamp) -> Result<()> {
        let wanted = json!({ "mode": "manual", "now": moment.to_string() });
        self.control.put("clock", &wanted).await?;
        self.clock.set(moment);
        Ok(())
    }

    /// How many 420s the journal still has; it keeps the last 2,000 requests.
    async fn in_journal(&self) -> Result<usize> {
        let query = [("verdict", "limit".to_owned()), ("limit", "2000".to_owned())];
        let found: Value = self.control.read("journal", &query).await?;
        Ok(found["entries"].as_array().map_or(0, Vec::len))
    }

    /// How many 420s there were in all.
    async fn refusals(&self) -> Result<u64> {
        let url = self.server.line["url"].as_str().unwrap_or_default();
        let address = url.strip_prefix("http://").context("no address")?.to_owned();
        let text = tokio::task::spawn_blocking(move || metrics(&address)).await??;
        let line = text.lines().find_map(|line| line.strip_prefix("beseda_limit_hits_total "));
        Ok(line.context("no such metric")?.trim().parse()?)
    }
}

fn metrics(address: &str) -> Result<String> {
    use std::io::{Read, Write};
    let mut socket = std::net::TcpStream::connect(address)?;
    socket.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer)?;
    Ok(answer)
}

fn rate_limiter(clock: &Arc<StandInClock>, heard: &Arc<Heard>) -> RateLimiter {
    let heard = Arc::clone(heard);
    RateLimiter::new(clock.clone(), clock.clone()).on_wait(move |waiting| {
        if let (WaitReason::Hour, Some(until)) = (waiting.reason, waiting.until) {
            let mut waits = heard.waits.lock().unwrap_or_else(PoisonError::into_inner);
            *waits.entry((waiting.operation, until)).or_default() += 1;
            heard.more.notify_one();
        }
    })
}

#[expect(clippy::cast_precision_loss, reason = "thousands")]
fn share(done: u64, of: u64) -> f64 {
    done as f64 / of as f64
}

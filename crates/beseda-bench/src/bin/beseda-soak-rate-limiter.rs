//! `cargo xtask soak rate-limiter`: busy tasks against the release binary over HTTP for several
//! hours of a manual clock.
//! Prints how much of each hourly limit was used.

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
use beseda_bench::process::ServerProcess;
use beseda_client::{Client, RateLimiter, RetryPolicy, StandInClient, WaitReason};
use beseda_stand_in::StandInClock;
use clap::Parser;
use comfy_table::Table;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::{sync::Notify, task::JoinSet};

const START: &str = "2026-06-01T10:17:00Z";
/// Published hourly limits.
const SENDS: u64 = 1_000;
const LISTS: u64 = 5_000;
/// Maximum real duration of a simulated hour.
const MAX_HOUR_DURATION: Duration = Duration::from_secs(300);
/// Minimum share of an hourly limit that must be used.
const MIN_SHARE: f64 = 0.98;

#[derive(Parser)]
#[command(about = "Use whole hours of a cabinet's limits without hearing 420")]
struct Args {
    /// Binary.
    #[arg(long, value_name = "FILE")]
    beseda: PathBuf,
    /// Folder for its log.
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// Number of tasks; half of them send, half list chats.
    #[arg(long, default_value_t = 16)]
    tasks: usize,
    /// Number of simulated hours.
    #[arg(long, default_value_t = 4)]
    hours: usize,
}

/// Operations that are used up, until when, and the number of tasks that were notified.
#[derive(Default)]
struct UsedUpNotices {
    waits: Mutex<HashMap<(&'static str, Timestamp), usize>>,
    more: Notify,
}

/// ServerProcess, the clocks of both sides, and counts.
struct RateLimiterSoak {
    server: ServerProcess,
    control: StandInClient,
    clock: Arc<StandInClock>,
    notices: Arc<UsedUpNotices>,
    client: Client,
    business: BusinessId,
    chat: ChatId,
    sends: Arc<AtomicU64>,
    lists: Arc<AtomicU64>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let args = Args::parse();
    let world = RateLimiterSoak::start(&args).await?;
    let _running = world.work(args.tasks);
    let mut table = Table::new();
    table.set_header(["hour", "sends", "lists", "420 in the journal", "420 in all", "took"]);
    let mut enough = true;
    let mut before = (0, 0);
    for hour in 1..=args.hours {
        let begun = Instant::now();
        let end = tokio::time::timeout(MAX_HOUR_DURATION, world.all_wait(args.tasks)).await;
        let end = end.context("the tasks neither work nor wait")?;
        let done = world.done();
        let (sends, lists) = (done.0 - before.0, done.1 - before.1);
        before = done;
        let (journal, all) = (world.in_journal().await?, world.refusals().await?);
        enough &= journal == 0 && all == 0 && share(sends, SENDS) >= MIN_SHARE;
        enough &= share(lists, LISTS) >= MIN_SHARE;
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
    ensure!(
        enough,
        "the server responded 420, or less than {} % of an hour was used",
        100.0 * MIN_SHARE
    );
    Ok(())
}

impl RateLimiterSoak {
    async fn start(args: &Args) -> Result<Self> {
        std::fs::create_dir_all(&args.dir)?;
        let words = ["stand-in", "--json", "--listen", "127.0.0.1:0", "--clock", "manual"];
        let server = ServerProcess::start(&args.beseda, &words, &args.dir.join("service.log"))?;
        let told = |name: &str| server.line[name].as_str().map(str::to_owned).context("not told");
        let (url, key, admin) = (told("url")?, told("apiKey")?, told("adminKey")?);
        let business = BusinessId::new(server.line["businessId"].as_i64().context("no cabinet")?)?;
        let clock = Arc::new(StandInClock::manual(START.parse()?));
        let notices = Arc::new(UsedUpNotices::default());
        let client = Client::builder().url(&url).api_key(key);
        let retry_policy =
            RetryPolicy { deadline: Duration::from_secs(1 << 30), ..RetryPolicy::default() };
        let client = client
            .rate_limiter(rate_limiter(&clock, &notices))
            .retry_policy(retry_policy)
            .build()?;
        let control = Client::builder().url(&url).build_stand_in(&admin.into())?;
        let wanted = json!({ "mode": "manual", "now": START });
        control.put("clock", &wanted).await?;
        let chats = client.get_chats(business, ChatFilter::default(), PageRequest::default());
        let open = chats.await?.chats.into_iter().find(|chat| chat.status != ChatStatus::Finished);
        let chat = open.context("no chat is open")?.chat_id;
        let (sends, lists) = (Arc::default(), Arc::new(AtomicU64::new(1)));
        Ok(Self { server, control, clock, notices, client, business, chat, sends, lists })
    }

    /// Starts the tasks; half of them send, half list chats.
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

    /// Returns the end of the hour once every task waits for it.
    async fn all_wait(&self, tasks: usize) -> Timestamp {
        loop {
            let more = self.notices.more.notified();
            let now = self.clock.now();
            {
                let waits = self.notices.waits.lock().unwrap_or_else(PoisonError::into_inner);
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
    async fn move_to(&self, time: Timestamp) -> Result<()> {
        let wanted = json!({ "mode": "manual", "now": time.to_string() });
        self.control.put("clock", &wanted).await?;
        self.clock.set(time);
        Ok(())
    }

    /// Returns the number of 420 responses in the journal, which keeps the last 2,000 requests.
    async fn in_journal(&self) -> Result<usize> {
        let query = [("verdict", "limit".to_owned()), ("limit", "2000".to_owned())];
        let found: Value = self.control.read("journal", &query).await?;
        Ok(found["entries"].as_array().map_or(0, Vec::len))
    }

    /// Returns the total number of 420 responses.
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

fn rate_limiter(clock: &Arc<StandInClock>, notices: &Arc<UsedUpNotices>) -> RateLimiter {
    let notices = Arc::clone(notices);
    RateLimiter::new(clock.clone(), clock.clone()).on_wait(move |waiting| {
        if let (WaitReason::HourlyLimit, Some(until)) = (waiting.reason, waiting.until) {
            let mut waits = notices.waits.lock().unwrap_or_else(PoisonError::into_inner);
            *waits.entry((waiting.operation, until)).or_default() += 1;
            notices.more.notify_one();
        }
    })
}

#[expect(clippy::cast_precision_loss, reason = "thousands")]
fn share(done: u64, of: u64) -> f64 {
    done as f64 / of as f64
}

//! `cargo xtask soak archive`: fills and syncs an archive of a large cabinet with the release
//! binary over HTTP, while messages
//! are written, requests fail and the binary is killed; then compares it with the server message by
//! message.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use beseda_api::{
    BusinessId, ChatFilter, ChatId, ChatsApi, HistoryFrom, Limit, MarketMessage, MarketSide,
    MessageText, PageRequest, Sender, SystemClock,
};
use beseda_archive::Archive;
use beseda_bench::process::ServerProcess;
use beseda_client::{Client, SecretString};
use beseda_engine::{
    Engine,
    bulk::{self, FillAmount},
};
use clap::Parser;
use rand::RngExt;
use serde_json::{Value, json};

/// Text of every message of the initial data.
const TEXT: &str = "Здравствуйте! Подскажите, пожалуйста, когда приедет мой заказ и можно ли изменить адрес доставки?";
/// Maximum duration of a run of the binary.
const MAX_RUN_DURATION: Duration = Duration::from_secs(900);
/// Maximum memory of the binary, in KiB.
const MAX_MEMORY_KIB: u64 = 100 * 1024;

#[derive(Parser)]
#[command(about = "Fill an archive, keep it in step under fire, hold it against the service")]
struct Args {
    /// Binary.
    #[arg(long, value_name = "FILE")]
    beseda: PathBuf,
    /// Working folder.
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// Number of chats.
    #[arg(long, default_value_t = 2_000)]
    chats: i64,
    /// Number of messages per chat.
    #[arg(long, default_value_t = 500)]
    messages: i64,
    /// Number of kills during the first sync.
    #[arg(long, default_value_t = 10)]
    fill_kills: u32,
    /// Number of kills while messages are written.
    #[arg(long, default_value_t = 30)]
    kills: u32,
}

/// ServerProcess and its credentials.
struct Service {
    server: ServerProcess,
    business: BusinessId,
}

impl Service {
    fn start(args: &Args) -> Result<Self> {
        let data = args.dir.join("service");
        let data = data.to_str().context("the folder's name is not UTF-8")?;
        let words =
            ["stand-in", "--json", "--listen", "127.0.0.1:0", "--limits", "off", "--data", data];
        let server = ServerProcess::start(&args.beseda, &words, &args.dir.join("service.log"))?;
        let business = server.line["businessId"].as_i64().context("no businessId")?;
        Ok(Self { server, business: BusinessId::new(business)? })
    }

    fn get(&self, name: &str) -> &str {
        self.server.line[name].as_str().unwrap_or_default()
    }

    fn builder(&self) -> beseda_client::ClientBuilder {
        Client::builder().url(self.get("url"))
    }
}

/// Statistics over all runs of the binary.
#[derive(Default)]
struct RunStats {
    kills: u32,
    peak_kib: u64,
    last: Value,
}

fn main() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(soak(&Args::parse()))
}

async fn soak(args: &Args) -> Result<()> {
    std::fs::create_dir_all(&args.dir)?;
    let planted = Service::start(args)?;
    let business = planted.business;
    planted.server.stop()?;
    let (chats, messages_per_chat) = (args.chats, args.messages);
    bulk::fill(
        &args.dir.join("service"),
        business,
        FillAmount { chats, messages_per_chat, text: TEXT },
    )?;
    let service = Service::start(args)?;
    inject_faults(&service).await?;

    let mut lives = RunStats::default();
    let begun = Instant::now();
    for _ in 0..args.fill_kills {
        let pause = Duration::from_millis(rand::rng().random_range(200..4_000));
        lives.killed(sync(args, &service, &[])?, pause)?;
    }
    let archive = Archive::open(args.dir.join("archive"))?;
    let there = archive.counts(None)?.messages;
    let rest = Instant::now();
    lives.ended(sync(args, &service, &[])?)?;
    let filled = archive.counts(None)?.messages;
    let rate = (filled - there) as f64 / rest.elapsed().as_secs_f64();
    let fill_seconds = begun.elapsed().as_secs_f64();
    println!("filled: {filled} messages in {fill_seconds:.1} s with {} kills", lives.kills);
    println!("the last life alone: {} messages, {rate:.0} a second", filled - there);

    let (written, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let (shop, market) = writers(&service)?;
    let writing = tokio::spawn(write(shop, market, business, chats, written.clone(), stop.clone()));
    for _ in 0..args.kills {
        let pause = Duration::from_millis(rand::rng().random_range(100..2_500));
        lives.killed(sync(args, &service, &["--every", "1"])?, pause)?;
    }
    stop.store(true, Ordering::Relaxed);
    writing.await??;
    lives.ended(sync(args, &service, &[])?)?;
    let written = written.load(Ordering::Relaxed);
    println!("kept in step: {written} messages written meanwhile, {} kills in all", lives.kills);
    println!("the last look: {}", lives.last);
    service.server.stop()?;
    let compared = compare(args, &archive, business).await?;
    println!("equal: {compared} messages, one by one");
    println!("peak memory of the program: {:.1} MB", lives.peak_kib as f64 / 1024.0);
    ensure!(lives.peak_kib < MAX_MEMORY_KIB, "that is more than it may take");
    Ok(())
}

/// Injects every kind of fault into reads.
async fn inject_faults(service: &Service) -> Result<()> {
    let control = service.builder().build_stand_in(&SecretString::from(service.get("adminKey")))?;
    for operation in ["getChats", "getChatHistory"] {
        for (kind, probability) in [
            ("reset-before", 0.005),
            ("reset-after", 0.005),
            ("status", 0.01),
            ("truncate", 0.003),
            ("limit", 0.003),
        ] {
            let mut rule =
                json!({ "operation": operation, "kind": kind, "probability": probability });
            if kind == "limit" {
                rule["limit"] = json!("parallel");
            }
            control.post("faults", &rule).await?;
        }
    }
    Ok(())
}

fn sync(args: &Args, service: &Service, more: &[&str]) -> Result<Child> {
    let mut command = Command::new(&args.beseda);
    command
        .args(["sync", "--json", "--no-files", "--archive"])
        .arg(args.dir.join("archive"))
        .args(more);
    command.env("BESEDA_URL", service.get("url")).env("BESEDA_API_KEY", service.get("apiKey"));
    command.env("BESEDA_BUSINESS_ID", service.business.to_string());
    let log = std::fs::File::options().create(true).append(true).open(args.dir.join("sync.log"))?;
    Ok(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).spawn()?)
}

impl RunStats {
    fn look(&mut self, child: &Child) {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id()));
        let peak = status.ok().and_then(|status| {
            let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.to_owned();
            line.split_whitespace().next()?.parse::<u64>().ok()
        });
        self.peak_kib = self.peak_kib.max(peak.unwrap_or(0));
    }

    /// Kills the binary after this time.
    fn killed(&mut self, mut child: Child, after: Duration) -> Result<()> {
        let begun = Instant::now();
        while begun.elapsed() < after && child.try_wait()?.is_none() {
            self.look(&child);
            std::thread::sleep(Duration::from_millis(20));
        }
        self.look(&child);
        if child.try_wait()?.is_none() {
            self.kills += 1;
        }
        child.kill()?;
        child.wait()?;
        Ok(())
    }

    /// Waits for the binary to finish, starting it again if the faults ended a run.
    fn ended(&mut self, mut child: Child) -> Result<()> {
        let begun = Instant::now();
        while child.try_wait()?.is_none() {
            self.look(&child);
            if begun.elapsed() > MAX_RUN_DURATION {
                child.kill()?;
                bail!("the program is stuck");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let output = child.wait_with_output()?;
        ensure!(output.status.success(), "the program failed: {}", output.status);
        self.last = serde_json::from_slice(&output.stdout)?;
        Ok(())
    }
}

fn writers(service: &Service) -> Result<(Client, beseda_client::MarketClient)> {
    let shop = service.builder().api_key(service.get("apiKey")).build()?;
    Ok((shop, service.builder().build_market(&SecretString::from(service.get("marketKey")))?))
}

/// Writes into random chats until stopped.
async fn write(
    shop: Client,
    market: beseda_client::MarketClient,
    business: BusinessId,
    chats: i64,
    written: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
) -> Result<()> {
    while !stop.load(Ordering::Relaxed) {
        let (place, by_shop) = {
            let mut random = rand::rng();
            (random.random_range(0..chats), random.random_bool(0.3))
        };
        let chat = ChatId::new(bulk::FIRST_CHAT + place)?;
        let text = format!("Сообщение {}", written.fetch_add(1, Ordering::Relaxed));
        if by_shop {
            shop.send_message_to_chat(business, chat, MessageText::new(text)?).await?;
        } else {
            let message = json!({ "sender": Sender::Customer, "message": text });
            let message: MarketMessage = serde_json::from_value(message)?;
            market.write_message(business, chat, message).await?;
        }
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
    Ok(())
}

/// Compares every chat and message with the server's state; returns the number of messages.
async fn compare(args: &Args, archive: &Archive, business: BusinessId) -> Result<u64> {
    let engine = Engine::share_sqlite(&args.dir.join("service"), Arc::new(SystemClock)).await?;
    let (mut page, mut compared, mut chats) = (PageRequest::first(Limit::MAX), 0, 0);
    loop {
        let listed = engine.get_chats(business, ChatFilter::default(), page.clone()).await?;
        for chat in listed.chats {
            let found = archive.chat(business, chat.chat_id)?.context("a chat is missing")?;
            ensure!(found.chat == chat && found.whole, "chat {} differs", chat.chat_id);
            compared += compare_chat(&engine, archive, business, chat.chat_id).await?;
            chats += 1;
        }
        let Some(token) = listed.paging.next_page_token else { break };
        page = page.after(token);
    }
    let counts = archive.counts(Some(business))?;
    ensure!((counts.chats, counts.messages) == (chats, compared), "the archive has more");
    Ok(compared)
}

async fn compare_chat(
    engine: &Engine,
    archive: &Archive,
    business: BusinessId,
    chat: ChatId,
) -> Result<u64> {
    let mut from = HistoryFrom { message_id_from: None, page: PageRequest::first(Limit::MAX) };
    let mut kept = archive.history(business, chat, None, u32::MAX)?.into_iter();
    let mut compared = 0;
    loop {
        let page = engine.get_chat_history(business, chat, from.clone()).await?;
        for mut message in page.messages {
            let mut found = kept.next().context("a message is missing")?.message;
            // Links contain the address that the server had at that time.
            strip(&mut message);
            strip(&mut found);
            ensure!(found == message, "message {} of chat {chat} differs", message.message_id);
            compared += 1;
        }
        let Some(token) = page.paging.next_page_token else { break };
        from.page = from.page.after(token);
    }
    ensure!(kept.next().is_none(), "chat {chat} has a message too many");
    Ok(compared)
}

fn strip(message: &mut beseda_api::Message) {
    for attachment in message.payload.iter_mut().flatten() {
        let name =
            Path::new(&attachment.url).file_name().map(|name| name.to_string_lossy().into_owned());
        attachment.url = name.unwrap_or_default();
    }
}

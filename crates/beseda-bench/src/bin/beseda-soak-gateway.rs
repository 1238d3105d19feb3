//! `cargo xtask soak gateway`: twenty programs without a rate limiter share one cabinet through the
//! gateway over HTTP until the
//! hourly limit is used up. Prints the number of 420 responses of the server and each program's
//! share.

use std::{
    path::PathBuf,
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use beseda_api::{
    BusinessId, ChatFilter, ChatId, ChatsApi, ErrorKind, HistoryFrom, MessageText, PageRequest,
};
use beseda_bench::process::ServerProcess;
use beseda_client::{Client, RetryPolicy};
use clap::Parser;
use comfy_table::Table;
use serde_json::Value;

/// Maximum duration of the calls.
const MAX_DURATION: Duration = Duration::from_secs(600);
/// Number of consecutive refusals after which a program considers the hour used up.
const MAX_REFUSALS: u32 = 3;

#[derive(Parser)]
#[command(about = "Let many eager programs share a cabinet through a gateway")]
struct Args {
    /// Binary.
    #[arg(long, value_name = "FILE")]
    beseda: PathBuf,
    /// Working folder.
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// Number of programs.
    #[arg(long, default_value_t = 20)]
    programs: u32,
}

/// Calls of a program.
#[derive(Debug, Default, Clone)]
struct ProgramStats {
    name: String,
    share: Option<u32>,
    sent: u32,
    read: u32,
    refused: u32,
    longest: Duration,
}

fn main() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(soak(&Args::parse()))
}

fn text(line: &Value, name: &str) -> Result<String> {
    Ok(line[name].as_str().with_context(|| format!("no {name}"))?.to_owned())
}

async fn soak(args: &Args) -> Result<()> {
    std::fs::create_dir_all(&args.dir)?;
    let words = ["stand-in", "--json", "--listen", "127.0.0.1:0"];
    let service = ServerProcess::start(&args.beseda, &words, &args.dir.join("service.log"))?;
    let business = BusinessId::new(service.line["businessId"].as_i64().context("no businessId")?)?;
    let credential = args.dir.join("credential");
    std::fs::write(&credential, text(&service.line, "apiKey")?)?;
    let (archive, upstream) = (args.dir.join("archive"), text(&service.line, "url")?);
    let path =
        |path: &PathBuf| path.to_str().map(str::to_owned).context("the folder's name is not UTF-8");
    let (archive_path, credential_path) = (path(&archive)?, path(&credential)?);
    let words = [
        "gateway",
        "--json",
        "--listen",
        "127.0.0.1:0",
        "--upstream",
        &upstream,
        "--archive",
        &archive_path,
        "--credential-file",
        &credential_path,
    ];
    let gateway = ServerProcess::start(&args.beseda, &words, &args.dir.join("gateway.log"))?;
    let url = text(&gateway.line, "url")?;

    let direct =
        Client::builder().url(&upstream).api_key(text(&service.line, "apiKey")?).build()?;
    let chats = direct.get_chats(business, ChatFilter::default(), PageRequest::default()).await?;
    let mut writable = Vec::new();
    for chat in chats.chats {
        if chat.status != beseda_api::ChatStatus::Finished {
            writable.push(chat.chat_id);
        }
    }
    let writable = Arc::new(writable);
    let mut running = Vec::new();
    let mut programs = Vec::new();
    for number in 0..args.programs {
        let share = (number % 4 == 0).then_some(10);
        let name = format!("program {number}");
        let key = create_key(args, &archive_path, &name, share)?;
        let client = Client::builder().url(&url).api_key(key).retry_policy(RetryPolicy::none());
        let client = client.without_rate_limit().timeout(Duration::from_secs(30)).build()?;
        let got = ProgramStats { name, share, ..ProgramStats::default() };
        programs.push((client, got));
    }
    let begun = Instant::now();
    for (client, got) in programs {
        running.push(tokio::spawn(program(client, business, Arc::clone(&writable), got)));
    }
    let mut all = Vec::new();
    for program in running {
        all.push(program.await??);
    }
    let took = begun.elapsed();
    let hits = limit_hits(&upstream)?;
    let equal = equal(&direct, &url, &gateway, business, &writable).await?;
    gateway.stop()?;
    service.stop()?;
    show(&all, took, hits, equal)
}

fn create_key(args: &Args, archive: &str, name: &str, share: Option<u32>) -> Result<String> {
    let mut command = Command::new(&args.beseda);
    command.args(["gateway", "keys", "create", name, "--json", "--archive", archive]);
    if let Some(share) = share {
        command.args(["--share", &share.to_string()]);
    }
    let output = command.output()?;
    ensure!(output.status.success(), "no key: {}", String::from_utf8_lossy(&output.stderr));
    text(&serde_json::from_slice(&output.stdout)?, "apiKey")
}

/// Sends and reads as fast as possible until it is refused three times in a row.
async fn program(
    client: Client,
    business: BusinessId,
    chats: Arc<Vec<ChatId>>,
    mut got: ProgramStats,
) -> Result<ProgramStats> {
    let (begun, mut in_a_row, mut number) = (Instant::now(), 0, 0_usize);
    while in_a_row < MAX_REFUSALS && begun.elapsed() < MAX_DURATION {
        let chat = chats[number % chats.len()];
        number += 1;
        let before = Instant::now();
        let said = MessageText::new(format!("{}: {number}", got.name))?;
        match client.send_message_to_chat(business, chat, said).await {
            Ok(()) => (got.sent, in_a_row) = (got.sent + 1, 0),
            Err(error) if error.kind() == Some(ErrorKind::LimitExceeded) => {
                (got.refused, in_a_row) = (got.refused + 1, in_a_row + 1);
            }
            Err(error) => return Err(error.into()),
        }
        got.longest = got.longest.max(before.elapsed());
        if client.get_chat(business, chat).await.is_ok() {
            got.read += 1;
        }
    }
    Ok(got)
}

/// Returns the number of 420 responses from the server's metrics.
fn limit_hits(url: &str) -> Result<u64> {
    use std::io::{Read, Write};
    let address = url.strip_prefix("http://").context("not http")?;
    let mut stream = std::net::TcpStream::connect(address)?;
    write!(stream, "GET /metrics HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let line = answer.lines().find_map(|line| line.strip_prefix("beseda_limit_hits_total "));
    Ok(line.context("no counter of 420")?.trim().parse()?)
}

/// Returns true if unchanged histories are equal through the gateway and directly.
async fn equal(
    direct: &Client,
    url: &str,
    gateway: &ServerProcess,
    business: BusinessId,
    chats: &[ChatId],
) -> Result<bool> {
    let through = Client::builder().url(url).api_key(text(&gateway.line, "apiKey")?).build()?;
    for chat in chats {
        let one = through.get_chat_history(business, *chat, HistoryFrom::default()).await?;
        if one != direct.get_chat_history(business, *chat, HistoryFrom::default()).await? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn show(all: &[ProgramStats], took: Duration, hits: u64, equal: bool) -> Result<()> {
    let mut table = Table::new();
    table.set_header(["program", "share", "sent", "read", "refused", "longest call"]);
    for got in all {
        table.add_row([
            got.name.clone(),
            got.share.map_or_else(String::new, |share| format!("{share} %")),
            got.sent.to_string(),
            got.read.to_string(),
            got.refused.to_string(),
            format!("{} ms", got.longest.as_millis()),
        ]);
    }
    println!("{table}");
    let sent: u32 = all.iter().map(|got| got.sent).sum();
    println!(
        "sent {sent} of 1000 in {:.1} s; 420 from the service: {hits}; histories equal: {equal}",
        took.as_secs_f64()
    );
    ensure!(hits == 0, "the service had to say 420");
    ensure!(equal, "a history through the gateway differs");
    let least = all.iter().map(|got| got.sent).min().unwrap_or(0);
    ensure!(least > 0, "somebody starved");
    // In the last quarter of an hour unused reservations are released. Calls in flight at the end
    // may count for the next hour.
    let seconds = std::time::UNIX_EPOCH.elapsed()?.as_secs() % 3_600;
    let promised = if seconds < 2_640 { 96 } else { 0 };
    for got in all.iter().filter(|got| got.share.is_some()) {
        ensure!(got.sent >= promised, "{} got {} of the 100 it was promised", got.name, got.sent);
    }
    Ok(())
}

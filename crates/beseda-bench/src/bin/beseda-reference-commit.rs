//! Reference (c): SQLite on one thread, committing groups of 64 messages one after the other: only
//! the inserts and the
//! commit, without HTTP.

use std::{
    path::Path,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result};
use beseda_bench::sample;
use clap::Parser;
use rand::{RngExt, SeedableRng, rngs::SmallRng};
use rusqlite::{Connection, params};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const GROUP: u64 = 64;
const CHATS: u64 = 1_000;

/// Commits groups of 64 messages and prints the number of durable messages per second.
#[derive(Parser)]
struct Args {
    /// Database file, created if necessary.
    #[arg(long)]
    file: std::path::PathBuf,
    /// Warm-up time in milliseconds.
    #[arg(long)]
    warmup_ms: u64,
    /// Measured time in milliseconds.
    #[arg(long)]
    measure_ms: u64,
}

fn open(file: &Path) -> Result<Connection> {
    let database = Connection::open(file).context("opening the reference database")?;
    database.pragma_update(None, "journal_mode", "wal")?;
    database.pragma_update(None, "synchronous", "full")?;
    database.execute_batch(
        "CREATE TABLE IF NOT EXISTS messages(
            chat_id INTEGER NOT NULL, message_id INTEGER NOT NULL, created_at INTEGER NOT NULL,
            sender INTEGER NOT NULL, text TEXT NOT NULL, PRIMARY KEY(chat_id, message_id)) WITHOUT ROWID",
    )?;
    Ok(database)
}

/// Commits groups until this time and returns the number of messages.
fn commit_until(
    database: &mut Connection,
    next_id: &mut i64,
    random: &mut SmallRng,
    until: Instant,
) -> Result<u64> {
    let mut committed = 0;
    while Instant::now() < until {
        let transaction = database.transaction()?;
        {
            let mut insert =
                transaction.prepare_cached("INSERT INTO messages VALUES (?1, ?2, ?3, ?4, ?5)")?;
            for _ in 0..GROUP {
                let chat = random.random_range(1..=CHATS) as i64;
                insert.execute(params![chat, *next_id, *next_id, 1, sample::TEXT])?;
                *next_id += 1;
            }
        }
        transaction.commit()?;
        committed += GROUP;
    }
    Ok(committed)
}

fn main() -> Result<()> {
    let args = Args::parse();
    let mut database = open(&args.file)?;
    let mut random = SmallRng::seed_from_u64(1);
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let mut next_id = i64::try_from(now.as_micros())?;
    let warm = Instant::now() + Duration::from_millis(args.warmup_ms);
    commit_until(&mut database, &mut next_id, &mut random, warm)?;
    let started = Instant::now();
    let until = started + Duration::from_millis(args.measure_ms);
    let committed = commit_until(&mut database, &mut next_id, &mut random, until)?;
    let seconds = started.elapsed().as_secs_f64();
    println!("{}", serde_json::json!({ "perSecond": committed as f64 / seconds }));
    Ok(())
}

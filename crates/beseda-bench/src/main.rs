//! `beseda-bench`: measures the selected parts and prints the table. `cargo xtask bench` builds and
//! runs it.

use std::{
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use beseda_bench::{
    data::{BenchPaths, Size},
    measure::Bench,
    report::{self, Row},
};
use clap::{Parser, ValueEnum};
use serde_json::json;

/// Parts not started within this time are skipped and reported.
const BEGIN_WITHIN: Duration = Duration::from_secs(9 * 60);

/// Measures the server and three references on this machine and prints one table
#[derive(Parser)]
#[command(name = "cargo xtask bench")]
struct Args {
    /// Small data sets and short rounds: takes a minute and a half, good for comparing two versions
    #[arg(long)]
    quick: bool,
    /// Measure only these parts
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Part>,
    /// Duration of a round in seconds
    #[arg(long)]
    seconds: Option<f64>,
    /// Number of alternating rounds of the server and its reference
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Write all figures to this file as JSON
    #[arg(long)]
    json: Option<PathBuf>,
    /// Folder for the data; by default cargo's target folder. It should be on a real disk, or
    /// durable writes mean
    /// nothing
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Keep the data sets for the next run with the same sizes and database version
    #[arg(long)]
    keep: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// The three references without our server.
    Refs,
    /// Durable sends.
    Sends,
    /// Pages of history.
    Pages,
    /// The list of chats with a status filter.
    Chats,
    /// Memory, idle and busy.
    Memory,
    /// From start to the first answer.
    Start,
}

impl Part {
    const OURS: [Self; 5] = [Self::Sends, Self::Pages, Self::Chats, Self::Memory, Self::Start];

    fn measure(self, bench: &Bench) -> Result<Vec<Row>> {
        match self {
            Self::Refs => bench.references(),
            Self::Sends => bench.sends(),
            Self::Pages => bench.pages(),
            Self::Chats => bench.chats(),
            Self::Memory => bench.memory(),
            Self::Start => bench.start(),
        }
    }
}

fn bench(args: &Args) -> Result<Bench> {
    let own = std::env::current_exe()?;
    let programs = own.parent().context("this program is in no folder")?.to_owned();
    let target = programs.parent().context("this program is in no target folder")?;
    // A subfolder, since all of it is deleted at the end.
    let dir = args.dir.as_deref().unwrap_or(target).join("beseda-bench-data");
    let (warmup, seconds) = if args.quick { (0.5, 1.0) } else { (1.0, 4.0) };
    let (chats, many) = if args.quick { (1_000, 20_000) } else { (100_000, 1_000_000) };
    Ok(Bench {
        place: BenchPaths { beseda: programs.join("beseda"), dir },
        references: programs,
        rounds: args.rounds.max(1),
        warmup: Duration::from_secs_f64(warmup),
        measure: Duration::try_from_secs_f64(args.seconds.unwrap_or(seconds))?,
        large_pages: Size { chats, messages_per_chat: 100 },
        large_chats: Size { chats: many, messages_per_chat: 1 },
        keep: args.keep,
    })
}

fn main() -> Result<()> {
    let args = Args::parse();
    let bench = bench(&args)?;
    bench.prepare()?;
    let parts = if args.only.is_empty() { Part::OURS.to_vec() } else { args.only.clone() };
    let began = Instant::now();
    let mut rows = Vec::new();
    let mut failed = Vec::new();
    for part in parts {
        let name =
            part.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned());
        if began.elapsed() > BEGIN_WITHIN {
            rows.push(Row::new(name, "left out: the run is too old"));
            continue;
        }
        eprintln!("measuring {name} …");
        match part.measure(&bench) {
            Ok(measured) => rows.extend(measured),
            Err(error) => {
                eprintln!("{name}: {error:#}");
                rows.push(Row::new(name.as_str(), "FAILED"));
                failed.push(name);
            }
        }
    }
    bench.clean()?;
    println!("{}\n{}", report::table(&rows), report::summary(&rows));
    if let Some(file) = &args.json {
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        let run = json!({ "quick": args.quick, "cores": cores, "rounds": bench.rounds,
            "secondsOfARound": bench.measure.as_secs_f64(), "took": began.elapsed().as_secs_f64() });
        fs::write(file, serde_json::to_vec_pretty(&report::json(&rows, &run))?)?;
    }
    // A missed goal is a figure; a part that did not run is an error.
    ensure!(failed.is_empty(), "could not be measured: {}", failed.join(", "));
    Ok(())
}

//! Search benchmark: durations of several kinds of searches over a large archive of generated
//! Russian text, without a server.

use std::{fs, path::PathBuf, time::Instant};

use anyhow::{Context, Result, ensure};
use beseda_api::{ChatId, ChatStatus};
use beseda_archive::{
    Archive, ArchiveFilter, Search,
    bulk::{self, BulkAmount, FIRST_CHAT, FIRST_ORDER},
};
use beseda_bench::{
    corpus::Corpus,
    report::{Goal, Row, milliseconds, summary, table},
};
use clap::Parser;
use hdrhistogram::Histogram;

/// Goal for the 99th percentile of a kind's durations, in milliseconds.
const GOAL: f64 = 50.0;

/// Measures search over an archive of generated messages in one process, with 20 results per
/// search.
#[derive(Parser)]
struct Args {
    /// Number of messages.
    #[arg(long, default_value_t = 1_000_000)]
    messages: i64,
    /// Number of chats.
    #[arg(long, default_value_t = 2_000)]
    chats: i64,
    /// Number of searches of each kind.
    #[arg(long, default_value_t = 400)]
    queries: usize,
    /// Folder for the archive; by default beside this program.
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Keep the archive for the next run with the same numbers.
    #[arg(long)]
    keep: bool,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let own = std::env::current_exe()?;
    let beside = own.parent().context("this program is in no folder")?;
    let name = format!("beseda-search-{}-{}", args.messages, args.chats);
    let dir = args.dir.as_deref().unwrap_or(beside).join(name);
    let mut corpus = Corpus::new(20_000, 1);
    if !dir.join("filled").exists() {
        fill(&args, &dir, &mut corpus)?;
    }
    let archive = Archive::open(&dir)?;
    let rows = measure(&archive, &args, &mut corpus)?;
    println!("{}\n{}", table(&rows), summary(&rows));
    if !args.keep {
        fs::remove_dir_all(&dir)?;
    }
    Ok(())
}

fn fill(args: &Args, dir: &std::path::Path, corpus: &mut Corpus) -> Result<()> {
    if dir.exists() {
        fs::remove_dir_all(dir)?;
    }
    fs::create_dir_all(dir)?;
    let began = Instant::now();
    let chats = args.chats.max(1);
    let amount = BulkAmount { business: 1, chats, messages_per_chat: args.messages / chats };
    let database = dir.join("archive.sqlite");
    bulk::fill(&database, amount, || corpus.text())?;
    fs::write(dir.join("filled"), "")?;
    let seconds = began.elapsed().as_secs_f64();
    let megabytes = fs::metadata(&database)?.len() / 1_000_000;
    eprintln!("{} messages in {seconds:.0} s, {megabytes} MB", args.messages);
    Ok(())
}

/// Name of a kind of searches, and the generator of a search.
type Kind = (&'static str, fn(&mut Corpus) -> Search);

const KINDS: [Kind; 15] = [
    ("a very frequent word", |corpus| ranked(corpus, 0, 60)),
    ("a word as often as it is written", |corpus| query(corpus.word().to_owned())),
    ("a rare word", |corpus| ranked(corpus, 5_000, 20_000)),
    ("two frequent words", |corpus| two(corpus, 0, 100)),
    ("a frequent and a rare word", |corpus| {
        let rank = rank(corpus, 3_000, 20_000);
        let (rare, rank) = (corpus.form(rank).to_owned(), self::rank(corpus, 0, 60));
        query(format!("{} {rare}", corpus.form(rank)))
    }),
    ("three words as often as written", |corpus| {
        let words = [(); 3].map(|()| corpus.word().to_owned());
        query(words.join(" "))
    }),
    ("a part of a word, 3 letters", |corpus| query(part(corpus, 3))),
    ("two parts of words", |corpus| query(format!("{} {}", part(corpus, 3), part(corpus, 4)))),
    ("a number of an order", |corpus| {
        query((FIRST_ORDER + i64::try_from(corpus.below(2_000)).unwrap_or(0)).to_string())
    }),
    ("a phone number, in any way", |corpus| query(corpus.phone())),
    ("an emoji, alone or with a word", |corpus| {
        let emoji = corpus.emoji();
        let word = if corpus.below(2) == 0 { corpus.word() } else { "" };
        query(format!("{word} {emoji}"))
    }),
    ("signs alone", |corpus| query([".", "?", "..", "...", "*"][corpus.below(5)].to_owned())),
    ("two words in quotes", |corpus| {
        let words = [rank(corpus, 0, 40), rank(corpus, 0, 400)];
        query(format!("\"{}\"", words.map(|rank| corpus.form(rank).to_owned()).join(" ")))
    }),
    ("a word in one chat, or of a status", |corpus| {
        let chat = FIRST_CHAT + i64::try_from(corpus.below(2_000)).unwrap_or(0);
        let mut filter = ArchiveFilter::default();
        match corpus.below(2) {
            0 => filter.chats.extend(ChatId::new(chat).ok()),
            _ => filter.statuses.push(ChatStatus::WaitingForPartner),
        }
        Search { filter, ..query(corpus.word().to_owned()) }
    }),
    ("what is nowhere", |corpus| {
        let rank = rank(corpus, 0, 100);
        query(format!("{} съешьте{}", corpus.form(rank).to_owned(), corpus.below(1_000_000)))
    }),
];

fn query(query: String) -> Search {
    Search { query, ..Search::default() }
}

fn rank(corpus: &mut Corpus, from: usize, to: usize) -> usize {
    from + corpus.below(to - from)
}

fn ranked(corpus: &mut Corpus, from: usize, to: usize) -> Search {
    let rank = rank(corpus, from, to);
    query(corpus.form(rank).to_owned())
}

fn two(corpus: &mut Corpus, from: usize, to: usize) -> Search {
    let ranks = [rank(corpus, from, to), rank(corpus, from, to)];
    query(ranks.map(|rank| corpus.form(rank).to_owned()).join(" "))
}

/// Returns letters from the beginning or the middle of a word.
fn part(corpus: &mut Corpus, length: usize) -> String {
    let rank = rank(corpus, 60, 20_000);
    let word: Vec<char> = corpus.form(rank).chars().collect();
    let from = corpus.below(word.len().saturating_sub(length) + 1);
    word.iter().skip(from).take(length).collect()
}

fn measure(archive: &Archive, args: &Args, corpus: &mut Corpus) -> Result<Vec<Row>> {
    let mut all = Histogram::<u64>::new(3)?;
    let mut rows = Vec::new();
    for (kind, make) in KINDS {
        let mut times = Histogram::<u64>::new(3)?;
        let (mut found, mut full, mut slowest) = (0, 0, (0, String::new()));
        for _ in 0..args.queries {
            let search = make(corpus);
            let began = Instant::now();
            let page = archive.search(&search)?;
            let taken = u64::try_from(began.elapsed().as_micros())?;
            times.record(taken)?;
            found += usize::from(!page.hits.is_empty());
            full += usize::from(page.next.is_some());
            if taken > slowest.0 {
                slowest = (taken, search.query);
            }
        }
        let share = |count: usize| count * 100 / args.queries.max(1);
        rows.push(Row::new(kind, figures(&times)).against(format!(
            "{}% found, {}% more than a page",
            share(found),
            share(full)
        )));
        eprintln!("{kind}: slowest {} for {}", milliseconds(to_float(slowest.0)), slowest.1);
        all.add(&times)?;
    }
    ensure!(!all.is_empty(), "no search was made");
    let p99 = to_float(all.value_at_quantile(0.99)) / 1_000.0;
    rows.push(
        Row::new(format!("all {} searches", all.len()), figures(&all))
            .compared(p99, Goal::Milliseconds(GOAL)),
    );
    Ok(rows)
}

fn figures(times: &Histogram<u64>) -> String {
    let at = |quantile| milliseconds(to_float(times.value_at_quantile(quantile)));
    format!("p50 {}  p99 {}  max {}", at(0.5), at(0.99), milliseconds(to_float(times.max())))
}

fn to_float(micros: u64) -> f64 {
    u32::try_from(micros).map_or(f64::MAX, f64::from)
}

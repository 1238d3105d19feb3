//! Rows of the table: request, target, number of rounds and reference. The server and its reference
//! alternate, so that noise of
//! the machine affects both.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::{
    data::{BenchPaths, DataSet, Size},
    load::{self, Figures, Job, Request},
    memory::{Memory, Watch},
    process::ServerProcess,
    report::{Goal, Row, median, milliseconds, words},
    requests,
};

const CONNECTIONS: usize = 64;
const COMMITTED: &str = "commit.sqlite";
const STARTS: usize = 5;
const SMALL_PAGES: Size = Size { chats: 100, messages_per_chat: 100 };
const SMALL_CHATS: Size = Size { chats: 1_000, messages_per_chat: 10 };

/// Settings of a run.
pub struct Bench {
    /// Binary and folder.
    pub place: BenchPaths,
    /// Folder of the reference programs.
    pub references: PathBuf,
    /// Number of alternating rounds.
    pub rounds: usize,
    /// Warm-up time of a round.
    pub warmup: Duration,
    /// Measured time of a round.
    pub measure: Duration,
    /// Large data set for pages of history.
    pub large_pages: Size,
    /// Large data set for the list of chats.
    pub large_chats: Size,
    /// True to keep the data sets for the next run.
    pub keep: bool,
}

impl Bench {
    /// Creates the folder for the data; only the data sets of an earlier run are kept in it.
    pub fn prepare(&self) -> Result<()> {
        let dir = &self.place.dir;
        fs::create_dir_all(dir).with_context(|| format!("creating {}", dir.display()))?;
        for name in [COMMITTED, "commit.sqlite-wal", "commit.sqlite-shm"] {
            let file = dir.join(name);
            if file.exists() {
                fs::remove_file(&file).with_context(|| format!("removing {}", file.display()))?;
            }
        }
        Ok(())
    }

    /// Measures the three references alone.
    pub fn references(&self) -> Result<Vec<Row>> {
        let status = self.reference("status")?;
        let page = self.reference("page")?;
        let taken = alternate(
            self.rounds,
            &mut [
                &mut || self.drive(status.address, &requests::small(), CONNECTIONS),
                &mut || self.drive(page.address, &requests::page(None), CONNECTIONS),
                &mut || self.commit(),
            ],
        )?;
        let names = [
            "(a) axum: parsed 120-byte body, status OK",
            "(b) axum: page of 50 from memory",
            "(c) SQLite: group commit of 64, one thread",
        ];
        let rows = names.into_iter().zip(taken);
        Ok(rows
            .map(|(name, taken)| Row::new(name, "").against(words(&taken)).rounds(json!(taken)))
            .collect())
    }

    /// Measures durable sends, compared with group commits and with axum without storage.
    pub fn sends(&self) -> Result<Vec<Row>> {
        let data = DataSet::open(&self.place, "sends", SMALL_CHATS)?;
        let ours = data.serve(&self.place)?;
        let status = self.reference("status")?;
        let request = requests::send(&ours, &data);
        let taken = alternate(
            self.rounds,
            &mut [
                &mut || self.drive(ours.server.address, &request, CONNECTIONS),
                &mut || self.commit(),
                &mut || self.drive(status.address, &requests::small(), CONNECTIONS),
            ],
        )?;
        ours.server.stop()?;
        // The sends have changed it, so it is never kept.
        data.remove()?;
        let beside = |index: usize| words(&taken[index]);
        let rounds = json!({ "ours": taken[0], "commit": taken[1], "status": taken[2] });
        Ok(vec![
            Row::new("durable sends, 64 connections", beside(0))
                .against(format!("(c) {}", beside(1)))
                .compared(share(&taken[0], &taken[1]), Goal::Share(0.60))
                .rounds(rounds),
            Row::new("  the same beside (a)", "")
                .against(format!("(a) {}", beside(2)))
                .ratio(share(&taken[0], &taken[2])),
        ])
    }

    /// Measures pages of history, compared with the same page from memory, on a small and a large
    /// data set.
    pub fn pages(&self) -> Result<Vec<Row>> {
        let mut rows = self.pages_over("pages-small", SMALL_PAGES, Goal::Share(0.75))?;
        rows.extend(self.pages_over("pages-large", self.large_pages, Goal::Share(0.50))?);
        Ok(rows)
    }

    fn pages_over(&self, name: &str, size: Size, goal: Goal) -> Result<Vec<Row>> {
        let data = DataSet::open(&self.place, name, size)?;
        let ours = data.serve(&self.place)?;
        let page = self.reference("page")?;
        let request = requests::page(Some((&ours, &data)));
        let bytes = requests::probe(ours.server.address, &request, "messages", 50)?;
        let of_reference = requests::probe(page.address, &requests::page(None), "messages", 50)?;
        let watch = Watch::start(ours.server.id());
        let taken = alternate(
            self.rounds,
            &mut [&mut || self.drive(ours.server.address, &request, CONNECTIONS), &mut || {
                self.drive(page.address, &requests::page(None), CONNECTIONS)
            }],
        )?;
        let peak = watch.stop();
        ours.server.stop()?;
        let messages = crate::report::thousands(size.messages() as f64);
        let rounds = json!({
            "ours": taken[0], "page": taken[1], "bytes": bytes, "referenceBytes": of_reference,
            "peakMemory": peak,
        });
        Ok(vec![
            Row::new(format!("history page of 50, {messages} messages"), words(&taken[0]))
                .against(format!("(b) {}", words(&taken[1])))
                .compared(share(&taken[0], &taken[1]), goal)
                .rounds(rounds),
            Row::new(
                "  bytes of a page; memory while busy",
                format!("{bytes} B; {}", in_words(peak)),
            )
            .against(format!("(b) {of_reference} B")),
        ])
    }

    /// Measures the list of chats with a status filter, few chats compared with many.
    pub fn chats(&self) -> Result<Vec<Row>> {
        let few_data = DataSet::open(&self.place, "chats-small", SMALL_CHATS)?;
        let many_data = DataSet::open(&self.place, "chats-large", self.large_chats)?;
        let few = few_data.serve(&self.place)?;
        let many = many_data.serve(&self.place)?;
        let (few_request, many_request) = (requests::list(&few), requests::list(&many));
        requests::probe(few.server.address, &few_request, "chats", 20)?;
        requests::probe(many.server.address, &many_request, "chats", 20)?;
        let mut rows = Vec::new();
        for connections in [1, CONNECTIONS] {
            let taken = alternate(
                self.rounds,
                &mut [
                    &mut || self.drive(many.server.address, &many_request, connections),
                    &mut || self.drive(few.server.address, &few_request, connections),
                ],
            )?;
            let chats = crate::report::thousands(self.large_chats.chats as f64);
            let of = if connections == 1 { "connection" } else { "connections" };
            rows.push(
                Row::new(
                    format!("list of 20 by status, {chats} chats, {connections} {of}"),
                    words(&taken[0]),
                )
                .against(format!("1,000 chats: {}", words(&taken[1])))
                .compared(times(&taken[0], &taken[1]), Goal::Times(1.5))
                .rounds(json!({ "many": taken[0], "few": taken[1] })),
            );
        }
        few.server.stop()?;
        many.server.stop()?;
        self.done(few_data)?;
        self.done(many_data)?;
        Ok(rows)
    }

    /// Measures memory of an idle server, and of one with 64 busy connections.
    pub fn memory(&self) -> Result<Vec<Row>> {
        let data = DataSet::open(&self.place, "memory", SMALL_CHATS)?;
        let ours = data.serve(&self.place)?;
        thread::sleep(Duration::from_secs(1));
        let idle = Memory::of(ours.server.id())?;
        let watch = Watch::start(ours.server.id());
        for request in [
            requests::send(&ours, &data),
            requests::page(Some((&ours, &data))),
            requests::list(&ours),
        ] {
            self.drive(ours.server.address, &request, CONNECTIONS)?;
        }
        let busy = watch.stop();
        ours.server.stop()?;
        data.remove()?;
        let row = |figure, memory: Memory, goal| {
            Row::new(figure, in_words(memory))
                .compared(megabytes(memory.resident), Goal::Megabytes(goal))
                .rounds(json!(memory))
        };
        Ok(vec![
            row("memory, idle after start", idle, 15.0),
            row("memory, sends, pages and lists at 64 connections", busy, 64.0),
        ])
    }

    /// Measures the time from the start of the process to its first response, on the large data
    /// set.
    pub fn start(&self) -> Result<Vec<Row>> {
        let data = DataSet::open(&self.place, "pages-large", self.large_pages)?;
        let mut taken = Vec::new();
        for _ in 0..STARTS {
            let started = Instant::now();
            let ours = data.serve(&self.place)?;
            load::once(ours.server.address, &requests::list(&ours))?;
            taken.push(started.elapsed().as_secs_f64() * 1_000.0);
            ours.server.stop()?;
        }
        self.done(data)?;
        let messages = crate::report::thousands(self.large_pages.messages() as f64);
        let middle = median(taken.clone());
        Ok(vec![
            Row::new(
                format!("start to first answer, {messages} messages"),
                milliseconds(middle * 1_000.0),
            )
            .against(format!("median of {STARTS} starts"))
            .compared(middle, Goal::Milliseconds(60.0))
            .rounds(json!(taken)),
        ])
    }

    /// Deletes the data unless it is to be kept.
    pub fn clean(&self) -> Result<()> {
        if !self.keep && self.place.dir.exists() {
            fs::remove_dir_all(&self.place.dir)
                .with_context(|| format!("removing {}", self.place.dir.display()))?;
        }
        Ok(())
    }

    fn done(&self, data: DataSet) -> Result<()> {
        if self.keep { Ok(()) } else { data.remove() }
    }

    fn program(&self, name: &str) -> PathBuf {
        self.references.join(format!("beseda-reference-{name}"))
    }

    fn reference(&self, name: &str) -> Result<ServerProcess> {
        ServerProcess::start(&self.program(name), &[], &self.place.dir.join(format!("{name}.log")))
    }

    fn drive(
        &self,
        address: std::net::SocketAddr,
        request: &Request,
        connections: usize,
    ) -> Result<Figures> {
        let (warmup, measure) = (self.warmup, self.measure);
        load::run(&Job { address, request: request.clone(), connections, warmup, measure })
    }

    fn commit(&self) -> Result<Figures> {
        commit(&self.program("commit"), &self.place.dir, self.warmup, self.measure)
    }
}

/// Runs reference (c) once; later rounds continue with the same database, as the server does.
fn commit(program: &Path, dir: &Path, warmup: Duration, measure: Duration) -> Result<Figures> {
    let output = Command::new(program)
        .arg("--file")
        .arg(dir.join(COMMITTED))
        .args(["--warmup-ms", &warmup.as_millis().to_string()])
        .args(["--measure-ms", &measure.as_millis().to_string()])
        .output()
        .with_context(|| format!("starting {}", program.display()))?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let line: Value = serde_json::from_slice(&output.stdout)?;
    let per_second = line["perSecond"].as_f64().context("the reference gave no figure")?;
    Ok(Figures { per_second, latency: None })
}

/// Runs each of `runs` in turn, `rounds` times.
fn alternate(
    rounds: usize,
    runs: &mut [&mut dyn FnMut() -> Result<Figures>],
) -> Result<Vec<Vec<Figures>>> {
    let mut taken = vec![Vec::new(); runs.len()];
    for _ in 0..rounds {
        for (run, taken) in runs.iter_mut().zip(&mut taken) {
            taken.push(run()?);
        }
    }
    Ok(taken)
}

/// Returns the median of the ratios of the server to the reference of the same round.
fn share(ours: &[Figures], reference: &[Figures]) -> f64 {
    let pairs = ours.iter().zip(reference);
    median(pairs.map(|(ours, reference)| ours.per_second / reference.per_second).collect())
}

/// Returns the median of the ratios of the median latencies with many and few chats.
fn times(many: &[Figures], few: &[Figures]) -> f64 {
    let pairs = many.iter().zip(few).filter_map(|(many, few)| many.latency.zip(few.latency));
    median(pairs.map(|(many, few)| many.p50_us / few.p50_us).collect())
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

fn in_words(memory: Memory) -> String {
    let (resident, private) = (megabytes(memory.resident), megabytes(memory.private));
    format!("{resident:.1} MB resident, {private:.1} MB of it private")
}

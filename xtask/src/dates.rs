//! `cargo xtask dates`: the fast tests at other dates, hours and time zones, under Debian's `faketime`. Every test runs in a
//! process of its own, so that an edge can be put into the middle of each. It changes no clock but that of its children.

mod clock;
mod moments;
mod suites;

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, bail, ensure};
use jiff::Timestamp;

use self::{
    clock::Faketime,
    moments::Moment,
    suites::{Suites, Test},
};
use crate::{place, steps, steps::Steps};

pub(crate) use self::clock::tell as tell_time;

/// The hidden command by which this program tells the time it sees.
pub(crate) const CLOCK: &str = "clock";
/// A test that takes longer has hung.
const LIMIT: Duration = Duration::from_secs(120);
/// How long a test is taken for that has not been run yet.
const UNKNOWN: Duration = Duration::from_millis(200);
/// How much of a failed test's output is shown.
const SHOWN_LINES: usize = 30;

/// What can be said.
#[derive(clap::Args)]
#[command(after_help = suites::left_out())]
pub(crate) struct Args {
    /// Run only the tests with this in their names
    filter: Option<String>,
    /// Run the tests that are usually left out, too
    #[arg(long)]
    all: bool,
}

/// Runs the tests at all moments.
pub(crate) fn run(args: &Args) -> Result<()> {
    let mut steps = Steps::default();
    add_chosen(&mut steps, args);
    steps.finish()
}

/// The steps of all moments, for whoever runs more than them.
pub(crate) fn add(steps: &mut Steps) {
    add_chosen(steps, &Args { filter: None, all: false });
}

fn add_chosen(steps: &mut Steps, args: &Args) {
    let mut prepared = None;
    steps.run("prepare the tests at other dates", || {
        prepared = Some(Dates::prepare(args)?);
        Ok(())
    });
    let Some(mut dates) = prepared else { return };
    for moment in moments::all(Timestamp::now()) {
        steps.run(&format!("tests {}", moment.name), || dates.at(&moment));
    }
}

struct Dates {
    faketime: Faketime,
    tests: Vec<Test>,
    /// How long each test took when it ran last.
    took: HashMap<String, Duration>,
    logs: PathBuf,
}

impl Dates {
    fn prepare(args: &Args) -> Result<Self> {
        let faketime = Faketime::find()?;
        let suites = Suites::build()?;
        let tests = suites.tests(args.filter.as_deref(), args.all)?;
        ensure!(!tests.is_empty(), "no test has such a name");
        let logs = place::target().join("dates");
        fs::create_dir_all(&logs)?;
        println!("{} tests at {} moments", tests.len(), moments::all(Timestamp::now()).len());
        Ok(Self { faketime, tests, took: HashMap::new(), logs })
    }

    /// Runs all tests at one moment, on all cores, the longest first.
    fn at(&mut self, moment: &Moment) -> Result<()> {
        self.faketime.prove(moment)?;
        let expected = |test: &Test| self.took.get(&test.name).copied().unwrap_or(UNKNOWN);
        let mut tests: Vec<(&Test, Duration)> =
            self.tests.iter().map(|t| (t, expected(t))).collect();
        tests.sort_by_key(|(_, expected)| std::cmp::Reverse(*expected));
        let (queue, done) = (Mutex::new(tests.into_iter()), Mutex::new(Vec::new()));
        let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
        thread::scope(|scope| {
            for worker in 0..thread::available_parallelism().map_or(1, usize::from) {
                let (next, done) = (&next, &done);
                let log = self.logs.join(format!("worker-{worker}.log"));
                let faketime = &self.faketime;
                scope.spawn(move || {
                    while let Some((test, expected)) = next() {
                        let begun = Instant::now();
                        let outcome = run_one(faketime, moment, test, expected, &log);
                        let of = (test.name.clone(), begun.elapsed(), outcome);
                        done.lock().unwrap_or_else(PoisonError::into_inner).push(of);
                    }
                });
            }
        });
        self.judge(done.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    fn judge(&mut self, done: Vec<(String, Duration, Result<()>)>) -> Result<()> {
        let (count, mut failed) = (done.len(), Vec::new());
        let slowest = done.iter().max_by_key(|(_, took, _)| *took);
        if let Some((name, took, _)) = slowest {
            println!("{count} tests; the slowest took {:.1} s: {name}", took.as_secs_f64());
        }
        for (name, took, outcome) in done {
            if let Err(error) = outcome {
                println!("FAILED: {name}: {error:#}");
                failed.push(name.clone());
            }
            self.took.insert(name, took);
        }
        if !failed.is_empty() {
            bail!("{} of {count} tests failed: {}", failed.len(), failed.join(", "));
        }
        Ok(())
    }
}

fn run_one(
    faketime: &Faketime,
    moment: &Moment,
    test: &Test,
    expected: Duration,
    log: &Path,
) -> Result<()> {
    let output = fs::File::create(log)?;
    let mut command = test.command();
    command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
    faketime.set(&mut command, moment, moment.ahead(Timestamp::now(), expected));
    let outcome = steps::call_within(LIMIT, &mut command);
    if let Err(error) = outcome {
        let text = fs::read_to_string(log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
        let shown = &lines[lines.len().saturating_sub(SHOWN_LINES)..];
        return Err(error.context(format!("\n{}\n", shown.join("\n"))));
    }
    Ok(())
}

//! `cargo xtask dates`: runs the fast tests at other dates, hours and time zones under `faketime`.
//! Each test is a process, so that a change of date can be placed in the middle of it.

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
use crate::{paths, steps, steps::Steps};

pub(crate) use self::clock::print as print_time;

/// Hidden command which prints the time as this process sees it.
pub(crate) const CLOCK: &str = "clock";
/// Timeout of one test.
const LIMIT: Duration = Duration::from_secs(120);
/// Expected duration of a test which has not run yet.
const DEFAULT_DURATION: Duration = Duration::from_millis(200);
/// Number of lines shown of a failed test's output.
const OUTPUT_LINES: usize = 30;

/// Arguments of `cargo xtask dates`.
#[derive(clap::Args)]
#[command(after_help = suites::skipped())]
pub(crate) struct Args {
    /// Run only tests whose names contain this
    filter: Option<String>,
    /// Run also the tests that are skipped by default
    #[arg(long)]
    all: bool,
}

/// Runs the tests at all moments.
pub(crate) fn run(args: &Args) -> Result<()> {
    let mut steps = Steps::default();
    add_filtered(&mut steps, args);
    steps.finish()
}

/// Adds the steps of all moments.
pub(crate) fn add(steps: &mut Steps) {
    add_filtered(steps, &Args { filter: None, all: false });
}

fn add_filtered(steps: &mut Steps, args: &Args) {
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
    /// Duration of each test's latest run.
    durations: HashMap<String, Duration>,
    logs: PathBuf,
}

impl Dates {
    fn prepare(args: &Args) -> Result<Self> {
        let faketime = Faketime::find()?;
        let suites = Suites::build()?;
        let tests = suites.tests(args.filter.as_deref(), args.all)?;
        ensure!(!tests.is_empty(), "no test has such a name");
        let logs = paths::target().join("dates");
        fs::create_dir_all(&logs)?;
        println!("{} tests at {} moments", tests.len(), moments::all(Timestamp::now()).len());
        Ok(Self { faketime, tests, durations: HashMap::new(), logs })
    }

    /// Runs all tests at one moment on all cores, longest first.
    fn at(&mut self, moment: &Moment) -> Result<()> {
        self.faketime.verify(moment)?;
        let expected =
            |test: &Test| self.durations.get(&test.name).copied().unwrap_or(DEFAULT_DURATION);
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
            self.durations.insert(name, took);
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
    let outcome = steps::call_with_timeout(LIMIT, &mut command);
    if let Err(error) = outcome {
        let text = fs::read_to_string(log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
        let shown = &lines[lines.len().saturating_sub(OUTPUT_LINES)..];
        return Err(error.context(format!("\n{}\n", shown.join("\n"))));
    }
    Ok(())
}

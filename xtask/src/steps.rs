//! Steps with a heading, a time and a verdict, and a table of them at the end. Not a build system: they run in order.

use std::{
    process::{Child, Command, ExitStatus},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

/// How many of the slowest steps are named at the end.
const SLOWEST: usize = 5;

/// What ran so far. A failed step doesn't stop the next one: one run shows everything that is wrong.
#[derive(Default)]
pub(crate) struct Steps {
    done: Vec<Done>,
}

struct Done {
    name: String,
    took: Duration,
    failed: bool,
}

impl Steps {
    /// Runs one step and says whether it went well; a step that builds on it asks that.
    pub(crate) fn run(&mut self, name: &str, step: impl FnOnce() -> Result<()>) -> bool {
        println!("\n== {name} ==");
        let start = Instant::now();
        let outcome = step();
        if let Err(error) = &outcome {
            println!("FAILED: {name}: {error:#}");
        }
        let failed = outcome.is_err();
        self.done.push(Done { name: name.to_owned(), took: start.elapsed(), failed });
        !failed
    }

    /// Prints the table.
    ///
    /// # Errors
    /// If any step failed.
    pub(crate) fn finish(self) -> Result<()> {
        println!("\n== Summary ==");
        for Done { name, took, failed } in &self.done {
            let verdict = if *failed { "FAILED" } else { "ok" };
            println!("{verdict:<6} {:>7.1} s  {name}", took.as_secs_f64());
        }
        self.print_slowest();
        let failed: Vec<&str> =
            self.done.iter().filter(|step| step.failed).map(|step| step.name.as_str()).collect();
        if !failed.is_empty() {
            bail!("{} of {} steps failed: {}", failed.len(), self.done.len(), failed.join(", "));
        }
        Ok(())
    }
}

impl Steps {
    fn print_slowest(&self) {
        let mut steps: Vec<&Done> = self.done.iter().collect();
        steps.sort_by_key(|step| std::cmp::Reverse(step.took));
        let whole: Duration = steps.iter().map(|step| step.took).sum();
        println!("{:>14.1} s  in all", whole.as_secs_f64());
        if steps.len() > SLOWEST {
            let told = |step: &&Done| format!("{} ({:.1} s)", step.name, step.took.as_secs_f64());
            let slowest: Vec<String> = steps.iter().take(SLOWEST).map(told).collect();
            println!("The slowest {SLOWEST}: {}", slowest.join(", "));
        }
    }
}

/// Runs a command to its end; anything but success is an error that names it.
pub(crate) fn call(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("can't start {}", line(command)))?;
    if !status.success() {
        bail!("{} ended with {status}", line(command));
    }
    Ok(())
}

/// The same, but the command is killed if it takes longer than `limit`.
pub(crate) fn call_within(limit: Duration, command: &mut Command) -> Result<()> {
    let line = line(command);
    let mut child = command.spawn().with_context(|| format!("can't start {line}"))?;
    let Some(status) = wait_within(limit, &mut child)? else {
        child.kill()?;
        child.wait()?;
        bail!("{line} was stopped: it took more than {} s", limit.as_secs());
    };
    if !status.success() {
        bail!("{line} ended with {status}");
    }
    Ok(())
}

/// Waits for a child to end; `None` if it is still running when the time is up.
pub(crate) fn wait_within(limit: Duration, child: &mut Child) -> Result<Option<ExitStatus>> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= deadline {
            return Ok(None);
        }
        thread::sleep(Duration::from_millis(10));
    }
}

/// Whether a command can be started and says yes; for finding out what a machine has.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

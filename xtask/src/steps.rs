//! Named steps, run in order with their durations, and a summary table.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use wait_timeout::ChildExt;

/// Number of slowest steps in the summary.
const SLOWEST: usize = 5;

/// Results of the steps so far. A failure doesn't stop later steps.
#[derive(Default)]
pub(crate) struct Steps {
    done: Vec<StepResult>,
}

struct StepResult {
    name: String,
    took: Duration,
    failed: bool,
}

impl Steps {
    /// Runs a step and returns true if it succeeded.
    pub(crate) fn run(&mut self, name: &str, step: impl FnOnce() -> Result<()>) -> bool {
        println!("\n== {name} ==");
        let start = Instant::now();
        let outcome = step();
        if let Err(error) = &outcome {
            println!("FAILED: {name}: {error:#}");
        }
        let failed = outcome.is_err();
        self.done.push(StepResult { name: name.to_owned(), took: start.elapsed(), failed });
        !failed
    }

    /// Prints the summary.
    ///
    /// # Errors
    ///
    /// If any step failed.
    pub(crate) fn finish(self) -> Result<()> {
        println!("\n== Summary ==");
        for StepResult { name, took, failed } in &self.done {
            let outcome = if *failed { "FAILED" } else { "ok" };
            println!("{outcome:<6} {:>7.1} s  {name}", took.as_secs_f64());
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
        let mut steps: Vec<&StepResult> = self.done.iter().collect();
        steps.sort_by_key(|step| std::cmp::Reverse(step.took));
        let whole: Duration = steps.iter().map(|step| step.took).sum();
        println!("{:>14.1} s  total", whole.as_secs_f64());
        if steps.len() > SLOWEST {
            let label =
                |step: &&StepResult| format!("{} ({:.1} s)", step.name, step.took.as_secs_f64());
            let slowest: Vec<String> = steps.iter().take(SLOWEST).map(label).collect();
            println!("Slowest {SLOWEST}: {}", slowest.join(", "));
        }
    }
}

/// Runs a command and waits for it.
///
/// # Errors
///
/// If it can't be started or fails; the error names the command.
pub(crate) fn call(command: &mut Command) -> Result<()> {
    let status =
        command.status().with_context(|| format!("can't start {}", command_line(command)))?;
    if !status.success() {
        bail!("{} ended with {status}", command_line(command));
    }
    Ok(())
}

/// Runs a command and kills it after the timeout.
///
/// # Errors
///
/// If it can't be started, fails or times out.
pub(crate) fn call_with_timeout(limit: Duration, command: &mut Command) -> Result<()> {
    let line = command_line(command);
    let mut child = command.spawn().with_context(|| format!("can't start {line}"))?;
    let Some(status) = child.wait_timeout(limit)? else {
        child.kill()?;
        child.wait()?;
        bail!("{line} was killed after {} s", limit.as_secs());
    };
    if !status.success() {
        bail!("{line} ended with {status}");
    }
    Ok(())
}

/// Returns true if a command can be started and succeeds.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

fn command_line(command: &Command) -> String {
    let arguments = std::iter::once(command.get_program()).chain(command.get_args());
    arguments.map(|argument| argument.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

//! `beseda stand-in` as a child process on a free port.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use anyhow::{Context, Result, anyhow, bail};
use serde_json::Value;
use wait_timeout::ChildExt;

use crate::{paths, steps};

const READY: Duration = Duration::from_secs(20);
const DRAINED: Duration = Duration::from_secs(20);

/// Running stand-in, killed on drop unless it was stopped.
pub(crate) struct StandInProcess {
    child: Child,
    line: String,
    url: String,
}

impl StandInProcess {
    /// Starts a stand-in, runs the test and stops it. Prints the end of its log after a failure.
    pub(crate) fn run(
        binary: &Path,
        arguments: &[&str],
        name: &str,
        test: impl FnOnce(&Self) -> Result<()>,
    ) -> Result<()> {
        let log = paths::external().join(format!("stand-in-{name}.log"));
        let outcome = Self::start(binary, arguments, &log).and_then(|stand_in| {
            let outcome = test(&stand_in);
            let stopped = stand_in.stop();
            outcome.and(stopped)
        });
        if outcome.is_err() {
            print_tail(&log);
        }
        outcome
    }

    fn start(binary: &Path, arguments: &[&str], log: &PathBuf) -> Result<Self> {
        let mut command = Command::new(binary);
        command.args(["stand-in", "--json", "--listen", "127.0.0.1:0"]).args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(fs::File::create(log)?);
        let mut child =
            command.spawn().with_context(|| format!("can't start {}", binary.display()))?;
        let stdout = child.stdout.take().context("the stand-in has no output")?;
        let mut stand_in = Self { child, line: String::new(), url: String::new() };
        stand_in.line = first_line(stdout)?;
        stand_in.url = read_url(&stand_in.line)?;
        Ok(stand_in)
    }

    /// Returns the line printed when it was ready.
    pub(crate) fn line(&self) -> &str {
        &self.line
    }

    /// Returns its base URL.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Sends SIGTERM and waits for the process to drain and exit with 0.
    fn stop(mut self) -> Result<()> {
        let id = self.child.id().to_string();
        if let Some(status) = self.child.try_wait()? {
            bail!("the stand-in ended by itself with {status}");
        }
        steps::call(Command::new("kill").args(["-s", "TERM", &id]))?;
        match self.child.wait_timeout(DRAINED)? {
            Some(status) if status.success() => Ok(()),
            Some(status) => bail!("after SIGTERM the stand-in ended with {status}, not with 0"),
            None => bail!("the stand-in did not end within {} s of SIGTERM", DRAINED.as_secs()),
        }
    }
}

impl Drop for StandInProcess {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            // The error which led here is the one to report.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// Waits for the first line on another thread, which keeps reading so that the pipe never fills up.
fn first_line(stdout: ChildStdout) -> Result<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            // The receiver is dropped after the first line.
            let _ = sender.send(line);
        }
    });
    receiver.recv_timeout(READY).map_err(|error| match error {
        mpsc::RecvTimeoutError::Timeout => {
            anyhow!("the stand-in was not ready within {} s", READY.as_secs())
        }
        mpsc::RecvTimeoutError::Disconnected => anyhow!("the stand-in ended before it was ready"),
    })
}

fn read_url(line: &str) -> Result<String> {
    let ready: Value = serde_json::from_str(line)
        .with_context(|| format!("the stand-in's first line is not JSON: {line}"))?;
    for key in [
        "docs",
        "businessId",
        "campaignId",
        "apiKey",
        "oauthToken",
        "marketKey",
        "adminKey",
        "adminUrl",
    ] {
        ready
            .get(key)
            .with_context(|| format!("the stand-in's first line has no {key}: {line}"))?;
    }
    let url = ready.get("url").and_then(Value::as_str);
    Ok(url.with_context(|| format!("the stand-in's first line has no url: {line}"))?.to_owned())
}

fn print_tail(log: &Path) {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    println!("-- last lines of {}:", log.display());
    for line in &lines[lines.len().saturating_sub(40)..] {
        println!("   {line}");
    }
}

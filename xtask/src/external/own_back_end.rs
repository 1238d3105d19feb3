//! Runs generated clients against the example `own_back_end`.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use anyhow::{Context, Result};
use serde_json::json;

use super::CLIENT_TIMEOUT;
use crate::{programs, python::Python, steps};

const READY: Duration = Duration::from_secs(20);

/// Running example, killed on drop.
struct BackEnd {
    child: Child,
    url: String,
    api_key: String,
    oauth_token: String,
}

/// Runs the client in this folder against a new instance of the example.
pub(super) fn run_generated_client(python: &Python, generation: &str, client: &Path) -> Result<()> {
    let back_end = BackEnd::start()?;
    let line = json!({
        "url": back_end.url,
        "businessId": 1,
        "apiKey": back_end.api_key,
        "oauthToken": back_end.oauth_token,
    });
    let mut command = python.module("pytest");
    command.args(["--quiet", "-p", "no:cacheprovider"]);
    command.arg(format!("conversation/test_own_{generation}.py"));
    command.env("PYTHONPATH", client).env("BESEDA_STAND_IN", line.to_string());
    steps::call_with_timeout(CLIENT_TIMEOUT, &mut command)
}

impl BackEnd {
    fn start() -> Result<Self> {
        let program = programs::own_back_end();
        let mut child = Command::new(&program)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("can't start {}", program.display()))?;
        let stdout = child.stdout.take().context("the example has no output")?;
        let (url, api_key, oauth_token) = (String::new(), String::new(), String::new());
        let mut back_end = Self { child, url, api_key, oauth_token };
        let lines = read_lines(stdout);
        let line = |start: &str| -> Result<String> {
            let line =
                lines.recv_timeout(READY).context("the example did not print its address")?;
            let rest = line.strip_prefix(start);
            Ok(rest.with_context(|| format!("expected '{start}…', got: {line}"))?.to_owned())
        };
        back_end.url = format!("http://{}", line("http://")?);
        back_end.api_key = line("Api-Key: ")?;
        back_end.oauth_token = line("Authorization: Bearer ")?;
        Ok(back_end)
    }
}

impl Drop for BackEnd {
    fn drop(&mut self) {
        // It may have exited already; then the test has failed because of it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads lines on another thread, so that waiting for one can time out.
fn read_lines(stdout: ChildStdout) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            // The receiver is dropped after the first lines.
            let _ = sender.send(line);
        }
    });
    receiver
}

//! Programs under measure as child processes: started on port 0, found by the line they print, stopped by their id.
//! It starts nothing but our own release binaries and ends nothing it did not start.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use serde_json::Value;

const READY_WITHIN: Duration = Duration::from_secs(60);
const STOP_WITHIN: Duration = Duration::from_secs(15);

/// A running server; it does not outlive this value.
pub struct Server {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
    /// The JSON line it printed when it was ready.
    pub line: Value,
}

impl Server {
    /// Starts `program` and waits for the JSON line that says its `url`; what it logs goes to `log`.
    pub fn start(program: &Path, args: &[&str], log: &Path) -> Result<Self> {
        let name = program.display();
        let mut child = Command::new(program)
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(log).with_context(|| format!("creating {}", log.display()))?)
            .spawn()
            .with_context(|| format!("starting {name}; is it built with --release?"))?;
        let output = child.stdout.take().context("the child has no standard output")?;
        // The guard is made first: an early return below must not leave the child running.
        let mut server = Self { child, address: ([127, 0, 0, 1], 0).into(), line: Value::Null };
        let Ok(line) = first_line(output).recv_timeout(READY_WITHIN) else {
            bail!("{name} printed no line when ready; its log says:\n{}", tail(log));
        };
        server.line = serde_json::from_str(&line).with_context(|| format!("{name} said {line}"))?;
        let url = server.line["url"].as_str().context("the line has no url")?;
        let address = url.trim_start_matches("http://").trim_end_matches('/');
        server.address = address.parse().with_context(|| format!("the address in {url}"))?;
        Ok(server)
    }

    /// The process's id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Asks the server to end and waits until it has.
    pub fn stop(mut self) -> Result<()> {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, rustix::process::Signal::TERM)?;
        let asked = Instant::now();
        while asked.elapsed() < STOP_WITHIN {
            if self.child.try_wait()?.is_some() {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(5));
        }
        bail!("process {} did not end within {STOP_WITHIN:?} of SIGTERM", self.child.id());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Already ended is the good case, and nothing can be done about any other.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Gives the first line, and keeps reading the rest so that the child never writes into a closed pipe.
fn first_line(output: ChildStdout) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            // Only the first line is waited for.
            let _ = sender.send(line);
        }
    });
    receiver
}

fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(10)..].join("\n")
}

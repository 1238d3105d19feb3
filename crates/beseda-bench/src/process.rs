//! Child processes under measurement: started on port 0, located by the line they print.

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

/// Running server, stopped on drop.
pub struct ServerProcess {
    child: Child,
    /// Address it listens on.
    pub address: SocketAddr,
    /// JSON line printed when it was ready.
    pub line: Value,
}

impl ServerProcess {
    /// Starts a program and waits for the JSON line with its `url`; its log is written to `log`.
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
        // Constructed first, so that an early return stops the child.
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

    /// Returns the process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Stops the server and waits for it.
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

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // Usually it has exited already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends the first line, and keeps reading so that the pipe never fills up.
fn first_line(output: ChildStdout) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            // Only the first line is received.
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

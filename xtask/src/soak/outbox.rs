//! `cargo xtask soak outbox`: eight writers, a failing server and a sender that is killed thirty
//! times. Verifies that every message is in the history exactly once, in the order of its chat.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Output, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

/// Size of the scenario.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Binary to test instead of building one.
    #[arg(long, value_name = "FILE")]
    pub(super) binary: Option<PathBuf>,
    /// Total number of messages.
    #[arg(long, default_value_t = 20_000)]
    messages: usize,
    /// Number of programs that add messages concurrently.
    #[arg(long, default_value_t = 8)]
    writers: usize,
    /// Number of times the sender is killed.
    #[arg(long, default_value_t = 30)]
    kills: usize,
    /// Number of chats.
    #[arg(long, default_value_t = 40)]
    chats: usize,
    /// Seed of the random numbers.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Time limit.
    #[arg(long, value_name = "MINUTES", default_value_t = 20)]
    within: u64,
}

/// Maximum time without output before the sender is killed anyway.
const IDLE_TIMEOUT: Duration = Duration::from_secs(15);

/// Child process, killed on drop.
struct KillOnDrop(Child);

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        // It may have exited already.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

struct OutboxSoak {
    beseda: PathBuf,
    folder: PathBuf,
    ready: Value,
    chats: Vec<i64>,
    deadline: Instant,
    _service: KillOnDrop,
}

/// Runs the scenario with this binary.
pub(crate) fn run(args: &Args, beseda: &Path, folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    let started = Instant::now();
    let world = OutboxSoak::start(args, beseda, folder)?;
    world.inject_faults()?;
    let mut random = Random(args.seed.max(1));
    let killed = thread::scope(|scope| -> Result<usize> {
        let writers: Vec<_> = (0..args.writers)
            .map(|writer| {
                let world = &world;
                scope.spawn(move || world.write(args, writer))
            })
            .collect();
        let mut killed = 0;
        // About three lines are printed per message; a fifth of the messages is left for the run
        // after the last kill.
        let most = (args.messages * 3 * 8 / 10 / args.kills.max(1)).max(2) as u64;
        for _ in 0..args.kills {
            killed += usize::from(world.run_and_kill(random.below(2 * most))?);
        }
        for writer in writers {
            writer.join().map_err(|_| anyhow::anyhow!("a writer panicked"))??;
        }
        Ok(killed)
    })?;
    let last = started.elapsed();
    world.beseda(&["outbox", "run", "--until-empty", "--settle", "0.5", "--timeout", "1"])?;
    let sent = started.elapsed();
    let triggered = world.triggered_faults()?;
    world.verify(args.messages)?;
    println!();
    let row = |name: &str, value: String| println!("{name:<44} {value}");
    row("messages, each once and in order", args.messages.to_string());
    row("programs that added them", args.writers.to_string());
    row("chats", args.chats.to_string());
    row("kills of the sender (SIGKILL)", killed.to_string());
    for (kind, count) in triggered {
        row(&format!("faults: {kind}"), count.to_string());
    }
    row("seconds until the last kill", format!("{:.1}", last.as_secs_f64()));
    row("seconds until all were sent", format!("{:.1}", sent.as_secs_f64()));
    drop(world);
    Ok(fs::remove_dir_all(folder)?)
}

impl OutboxSoak {
    fn start(args: &Args, beseda: &Path, folder: &Path) -> Result<Self> {
        let mut command = Command::new(beseda);
        command.env_clear().args(["stand-in", "--json", "--listen", "127.0.0.1:0"]);
        command.args(["--limits", "off", "--orders", "open", "--data"]);
        command.arg(folder.join("service")).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().context("the stand-in can't be started")?;
        let mut line = String::new();
        let out = child.stdout.take().context("no stdout")?;
        let service = KillOnDrop(child);
        BufReader::new(out).read_line(&mut line)?;
        let mut world = Self {
            beseda: beseda.to_owned(),
            folder: folder.to_owned(),
            ready: serde_json::from_str(&line)?,
            chats: Vec::new(),
            deadline: Instant::now() + Duration::from_secs(args.within * 60),
            _service: service,
        };
        for order in 1..=args.chats {
            let created =
                world.beseda(&["chats", "create", "--json", "--order", &order.to_string()])?;
            let chat = serde_json::from_slice::<Value>(&created.stdout)?["chatId"].as_i64();
            world.chats.push(chat.context("a chat was created")?);
        }
        Ok(world)
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.beseda);
        command.env_clear().args(words).env("BESEDA_ARCHIVE", self.folder.join("archive"));
        let variables = [("URL", "url"), ("API_KEY", "apiKey"), ("ADMIN_KEY", "adminKey")];
        for (name, field) in variables {
            command.env(format!("BESEDA_{name}"), self.ready[field].as_str().unwrap_or_default());
        }
        command.env("BESEDA_BUSINESS_ID", self.ready["businessId"].to_string());
        command
    }

    /// Runs a command and waits for it.
    fn beseda(&self, words: &[&str]) -> Result<Output> {
        ensure!(Instant::now() < self.deadline, "deadline exceeded");
        let output = self.command(words).output()?;
        if !output.status.success() {
            bail!("beseda {}: {}", words.join(" "), String::from_utf8_lossy(&output.stderr));
        }
        Ok(output)
    }

    /// Runs a command that prints JSON Lines and parses its output.
    fn lines(&self, words: &[&str]) -> Result<Vec<Value>> {
        let output = self.beseda(words)?;
        let text = String::from_utf8(output.stdout)?;
        Ok(text.lines().map(serde_json::from_str).collect::<serde_json::Result<_>>()?)
    }

    /// Injects every kind of fault.
    fn inject_faults(&self) -> Result<()> {
        let send = |kind: &str, probability: f64| json!({ "operation": "sendMessageToChat", "kind": kind, "probability": probability });
        let mut silence = send("delay-after", 0.002);
        silence["delayMs"] = json!(2500);
        let mut late = send("delay", 0.005);
        late["delayMs"] = json!(300);
        let mut cut = send("truncate", 0.01);
        cut["bytes"] = json!(3);
        let mut busy = send("limit", 0.02);
        busy["limit"] = json!("parallel");
        let rules = [
            send("reset-after", 0.05),
            silence,
            late,
            send("garbage", 0.01),
            cut,
            send("status", 0.02),
            busy,
            send("reset-before", 0.02),
            json!({ "operation": "getChatHistory", "kind": "status", "probability": 0.05 }),
            json!({ "operation": "getChatHistory", "kind": "reset-after", "probability": 0.02 }),
        ];
        for rule in rules {
            self.beseda(&["stand-in", "faults", "--add", &rule.to_string()])?;
        }
        Ok(())
    }

    /// Returns how many times each kind of fault was triggered.
    fn triggered_faults(&self) -> Result<BTreeMap<String, u64>> {
        let output = self.beseda(&["stand-in", "faults", "--json"])?;
        let listed: Value = serde_json::from_slice(&output.stdout)?;
        let rules = listed["faults"].as_array().or(listed.as_array()).cloned().unwrap_or_default();
        let mut triggered = BTreeMap::new();
        for rule in rules {
            let name = format!("{} on {}", rule["kind"], rule["operation"]).replace('"', "");
            *triggered.entry(name).or_default() += rule["struck"].as_u64().unwrap_or(0);
        }
        Ok(triggered)
    }

    /// Adds the messages of one writer, with pauses.
    fn write(&self, args: &Args, writer: usize) -> Result<()> {
        let mut command = self.command(&["outbox", "add"]);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = KillOnDrop(command.spawn()?);
        let mut input = child.0.stdin.take().context("no stdin")?;
        let own = (writer..args.messages).step_by(args.writers);
        for (number, message) in own.enumerate() {
            let chat = self.chats[(message * 7 + number) % self.chats.len()];
            // Consecutive messages in a chat are often equal, which is the hard case.
            let text = format!("{writer}: message {}", number / (3 * self.chats.len()));
            writeln!(input, "{}", json!({ "chat": chat, "text": text }))?;
            if number % 100 == 99 {
                input.flush()?;
                thread::sleep(Duration::from_millis(200));
            }
        }
        drop(input);
        let status = child.0.wait()?;
        ensure!(status.success(), "a writer exited with {status}");
        Ok(())
    }

    /// Runs the sender until it has printed this many lines, then kills it. Returns true if it was
    /// running until then.
    fn run_and_kill(&self, lines: u64) -> Result<bool> {
        ensure!(Instant::now() < self.deadline, "deadline exceeded");
        let mut command =
            self.command(&["outbox", "run", "--json", "--settle", "0.5", "--timeout", "1"]);
        let mut child = KillOnDrop(command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?);
        let lines_read = read_lines(child.0.stdout.take().context("no stdout")?);
        let mut count = 0;
        while count < lines && lines_read.recv_timeout(IDLE_TIMEOUT).is_ok() {
            count += 1;
        }
        let alive = child.0.try_wait()?.is_none();
        print!("{}", if alive { "†" } else { "." });
        std::io::stdout().flush()?;
        Ok(alive)
    }

    /// Compares the server's history with the accepted messages.
    fn verify(&self, messages: usize) -> Result<()> {
        let mut expected = BTreeMap::<i64, Vec<String>>::new();
        for item in self.lines(&["outbox", "list", "--json"])? {
            ensure!(item["state"] == "confirmed", "not confirmed: {item}");
            let chat = item["chatId"].as_i64().context("it names its chat")?;
            let text = item["text"].as_str().context("it has a text")?;
            expected.entry(chat).or_default().push(text.to_owned());
        }
        let accepted: usize = expected.values().map(Vec::len).sum();
        ensure!(accepted == messages, "{accepted} of {messages} messages were accepted");
        for (chat, texts) in expected {
            let history =
                self.lines(&["chats", "history", &chat.to_string(), "--all", "--json"])?;
            let found: Vec<&str> =
                history.iter().filter_map(|message| message["message"].as_str()).collect();
            if found != texts {
                let position = found.iter().zip(&texts).position(|(found, text)| found != text);
                bail!(
                    "chat {chat}: {} messages instead of {}, the first difference at {position:?}",
                    found.len(),
                    texts.len()
                );
            }
        }
        Ok(())
    }
}

/// Sends a unit per line of output, so that a timeout and the end can be told apart.
fn read_lines(output: ChildStdout) -> Receiver<()> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for _ in BufReader::new(output).lines().map_while(Result::ok) {
            if sender.send(()).is_err() {
                return;
            }
        }
    });
    receiver
}

/// Xorshift random number generator.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound.max(1)
    }
}

//! `cargo xtask soak outbox`: eight writers, a service that fails in every way, and a sender that is killed thirty times.
//! What is shown: each message is in the service's history exactly once, in the order of its chat.

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

/// How big it is.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Soak this binary instead of building one.
    #[arg(long, value_name = "FILE")]
    pub(super) binary: Option<PathBuf>,
    /// Messages in all.
    #[arg(long, default_value_t = 20_000)]
    messages: usize,
    /// Programs that add them at the same time.
    #[arg(long, default_value_t = 8)]
    writers: usize,
    /// How many times the sender is killed.
    #[arg(long, default_value_t = 30)]
    kills: usize,
    /// Chats they go to.
    #[arg(long, default_value_t = 40)]
    chats: usize,
    /// What chance follows from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// It is stopped after so long.
    #[arg(long, value_name = "MINUTES", default_value_t = 20)]
    within: u64,
}

/// How long a sender may be silent before it is killed anyway.
const SILENCE: Duration = Duration::from_secs(15);

/// Ends a process when dropped, for it must not outlive this one.
struct Guarded(Child);

impl Drop for Guarded {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

struct World {
    beseda: PathBuf,
    folder: PathBuf,
    told: Value,
    chats: Vec<i64>,
    deadline: Instant,
    _service: Guarded,
}

/// Runs it with the release binary.
pub(crate) fn run(args: &Args, beseda: &Path, folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    let begun = Instant::now();
    let world = World::start(args, beseda, folder)?;
    world.spoil()?;
    let mut random = Random(args.seed.max(1));
    let killed = thread::scope(|scope| -> Result<usize> {
        let writers: Vec<_> = (0..args.writers)
            .map(|writer| {
                let world = &world;
                scope.spawn(move || world.write(args, writer))
            })
            .collect();
        let mut killed = 0;
        // Three lines tell of each message: the last life begins when about a fifth is left.
        let most = (args.messages * 3 * 8 / 10 / args.kills.max(1)).max(2) as u64;
        for _ in 0..args.kills {
            killed += usize::from(world.live_and_die(random.below(2 * most))?);
        }
        for writer in writers {
            writer.join().map_err(|_| anyhow::anyhow!("a writer panicked"))??;
        }
        Ok(killed)
    })?;
    let last = begun.elapsed();
    world.beseda(&["outbox", "run", "--until-empty", "--settle", "0.5", "--timeout", "1"])?;
    let sent = begun.elapsed();
    let struck = world.struck()?;
    world.judge(args.messages)?;
    println!();
    let row = |name: &str, value: String| println!("{name:<44} {value}");
    row("messages, each once and in order", args.messages.to_string());
    row("programs that added them", args.writers.to_string());
    row("chats", args.chats.to_string());
    row("kills of the sender (SIGKILL)", killed.to_string());
    for (kind, count) in struck {
        row(&format!("faults: {kind}"), count.to_string());
    }
    row("seconds until the last kill", format!("{:.1}", last.as_secs_f64()));
    row("seconds until all were sent", format!("{:.1}", sent.as_secs_f64()));
    drop(world);
    Ok(fs::remove_dir_all(folder)?)
}

impl World {
    fn start(args: &Args, beseda: &Path, folder: &Path) -> Result<Self> {
        let mut command = Command::new(beseda);
        command.env_clear().args(["stand-in", "--json", "--listen", "127.0.0.1:0"]);
        command.args(["--limits", "off", "--orders", "open", "--data"]);
        command.arg(folder.join("service")).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().context("the stand-in can't be started")?;
        let mut line = String::new();
        let out = child.stdout.take().context("it has an output")?;
        let service = Guarded(child);
        BufReader::new(out).read_line(&mut line)?;
        let mut world = Self {
            beseda: beseda.to_owned(),
            folder: folder.to_owned(),
            told: serde_json::from_str(&line)?,
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
        let told = [("URL", "url"), ("API_KEY", "apiKey"), ("ADMIN_KEY", "adminKey")];
        for (name, told) in told {
            command.env(format!("BESEDA_{name}"), self.told[told].as_str().unwrap_or_default());
        }
        command.env("BESEDA_BUSINESS_ID", self.told["businessId"].to_string());
        command
    }

    /// Runs a command of the program to its end.
    fn beseda(&self, words: &[&str]) -> Result<Output> {
        ensure!(Instant::now() < self.deadline, "it takes too long");
        let output = self.command(words).output()?;
        if !output.status.success() {
            bail!("beseda {}: {}", words.join(" "), String::from_utf8_lossy(&output.stderr));
        }
        Ok(output)
    }

    /// The documents that a command prints, one a line.
    fn lines(&self, words: &[&str]) -> Result<Vec<Value>> {
        let output = self.beseda(words)?;
        let text = String::from_utf8(output.stdout)?;
        Ok(text.lines().map(serde_json::from_str).collect::<serde_json::Result<_>>()?)
    }

    /// Has the service fail in every way it can.
    fn spoil(&self) -> Result<()> {
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

    /// How often each kind of fault has struck.
    fn struck(&self) -> Result<BTreeMap<String, u64>> {
        let output = self.beseda(&["stand-in", "faults", "--json"])?;
        let listed: Value = serde_json::from_slice(&output.stdout)?;
        let rules = listed["faults"].as_array().or(listed.as_array()).cloned().unwrap_or_default();
        let mut struck = BTreeMap::new();
        for rule in rules {
            let name = format!("{} on {}", rule["kind"], rule["operation"]).replace('"', "");
            *struck.entry(name).or_default() += rule["struck"].as_u64().unwrap_or(0);
        }
        Ok(struck)
    }

    /// Adds the messages of one writer, now some and now some more.
    fn write(&self, args: &Args, writer: usize) -> Result<()> {
        let mut command = self.command(&["outbox", "add"]);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = Guarded(command.spawn()?);
        let mut input = child.0.stdin.take().context("it has an input")?;
        let own = (writer..args.messages).step_by(args.writers);
        for (number, message) in own.enumerate() {
            let chat = self.chats[(message * 7 + number) % self.chats.len()];
            // Neighbours in a chat are often equal: those are the hard ones.
            let text = format!("{writer}: message {}", number / (3 * self.chats.len()));
            writeln!(input, "{}", json!({ "chat": chat, "text": text }))?;
            if number % 100 == 99 {
                input.flush()?;
                thread::sleep(Duration::from_millis(200));
            }
        }
        drop(input);
        let status = child.0.wait()?;
        ensure!(status.success(), "a writer ended with {status}");
        Ok(())
    }

    /// Lets the sender live until it has told so many lines, and kills it; says whether it was alive till then.
    fn live_and_die(&self, lines: u64) -> Result<bool> {
        ensure!(Instant::now() < self.deadline, "it takes too long");
        let mut command =
            self.command(&["outbox", "run", "--json", "--settle", "0.5", "--timeout", "1"]);
        let mut child = Guarded(command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?);
        let told = told(child.0.stdout.take().context("it has an output")?);
        let mut heard = 0;
        while heard < lines && told.recv_timeout(SILENCE).is_ok() {
            heard += 1;
        }
        let alive = child.0.try_wait()?.is_none();
        print!("{}", if alive { "†" } else { "." });
        std::io::stdout().flush()?;
        Ok(alive)
    }

    /// Holds the service's history against what was accepted.
    fn judge(&self, messages: usize) -> Result<()> {
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
                let place = found.iter().zip(&texts).position(|(found, text)| found != text);
                bail!(
                    "chat {chat}: {} messages in place of {}, the first difference at {place:?}",
                    found.len(),
                    texts.len()
                );
            }
        }
        Ok(())
    }
}

/// The lines of an output, so that silence can be told from an end.
fn told(output: ChildStdout) -> Receiver<()> {
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        for _ in BufReader::new(output).lines().map_while(Result::ok) {
            if tell.send(()).is_err() {
                return;
            }
        }
    });
    told
}

/// Chance that follows from a seed (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound.max(1)
    }
}

//! Both READMEs' commands, run as they are written and in their order. What is put in place of something stands in one table.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read},
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

/// The one line that isn't run: this test is a part of what it runs.
const NOT_RUN: &str = "cargo xtask test";

/// Replacements of fixed ports, a system folder, and secrets. Names in braces are replaced by lines that the stand-in has
/// printed.
const REPLACED: [(&str, &str); 8] = [
    ("cargo run --release -- stand-in", "beseda stand-in --listen 127.0.0.1:0"),
    ("http://127.0.0.1:8090", "{address}"),
    ("ACMA:… BESEDA_MARKET_KEY=market-…", "{Api-Key} BESEDA_MARKET_KEY={market key}"),
    ("beseda gateway", "beseda gateway --listen 127.0.0.1:0"),
    ("beseda listen", "beseda listen --listen 127.0.0.1:0"),
    (
        "BESEDA_ADMIN_KEY=… BESEDA_MARKET_KEY=…",
        "BESEDA_ADMIN_KEY=admin-0123456789 BESEDA_MARKET_KEY=m-0123456789abcd",
    ),
    ("--listen 127.0.0.1:8080", "--listen 127.0.0.1:0"),
    ("/var/lib/beseda", "var/lib/beseda"),
];

/// The commands that run until they are told to end: how each begins, what it prints when it is ready, and whether
/// the lines behind it need it.
const RUNNING: [(&str, &str, Until); 5] = [
    ("beseda stand-in", "Ctrl-C ends it", Until::TheLastLine),
    ("beseda watch", "watching", Until::Ready),
    ("beseda gateway", "Ctrl-C ends it", Until::Ready),
    ("beseda listen", "Listening on http://", Until::Ready),
    ("beseda serve", "listening url=http://", Until::TheLastLine),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    Ready,
    TheLastLine,
}

/// The longest that a line may take before the test gives up.
const PATIENCE: Duration = Duration::from_secs(120);

#[test]
fn every_command_of_the_english_readme_works_as_written() {
    let lines = commands("README.md");
    for (written, _) in REPLACED {
        assert!(lines.iter().any(|line| line.contains(written)), "nothing to replace: {written}");
    }
    run_in_order(&lines);
}

#[test]
fn every_command_of_the_russian_readme_works_as_written() {
    run_in_order(&commands("README.ru.md"));
}

#[test]
fn both_readmes_have_the_same_commands() {
    let bare = |file| {
        let lines = commands(file).into_iter();
        lines.map(|line| line.split(" #").next().unwrap().trim().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(bare("README.md"), bare("README.ru.md"));
}

/// The lines of all fenced blocks of commands. Other blocks have to be Rust, so that no command hides in them.
fn commands(file: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(file);
    let text = std::fs::read_to_string(path).unwrap();
    let (mut fence, mut commands) = (None, Vec::new());
    for line in text.lines() {
        match (line.strip_prefix("```"), &fence) {
            (Some(kind), None) => {
                assert!(["console", "rust"].contains(&kind), "{file}: {line}");
                fence = Some(kind);
            }
            (Some(_), Some(_)) => fence = None,
            (None, Some(kind)) if *kind == "console" && !line.trim().is_empty() => {
                commands.push(line.to_owned());
            }
            _ => {}
        }
    }
    assert!(commands.len() > 5, "{file}: {commands:?}");
    commands
}

fn run_in_order(lines: &[String]) {
    let mut shell = Shell::new();
    let mut until_the_end = Vec::new();
    for line in lines.iter().filter(|line| *line != NOT_RUN) {
        let command = shell.replaced(line);
        match RUNNING.into_iter().find(|(start, ..)| command.starts_with(start)) {
            None => shell.run(&command),
            Some((_, ready, until)) => {
                let running = shell.start(&command, ready);
                if command.starts_with("beseda stand-in") {
                    shell.remember(&running.printed);
                }
                match until {
                    Until::Ready => running.end(),
                    Until::TheLastLine => until_the_end.push(running),
                }
            }
        }
    }
    assert!(!until_the_end.is_empty());
    until_the_end.into_iter().for_each(Running::end);
}

/// One terminal: a folder, and variables that lines leave to those behind them.
struct Shell {
    folder: tempfile::TempDir,
    variables: BTreeMap<String, String>,
    printed: BTreeMap<String, String>,
}

impl Shell {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let programs = folder.path().join("bin");
        std::fs::create_dir(&programs).unwrap();
        symlink(env!("CARGO_BIN_EXE_beseda"), programs.join("beseda")).unwrap();
        std::fs::create_dir(folder.path().join("here")).unwrap();
        let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
        let variables = BTreeMap::from([("PATH".to_owned(), path)]);
        Self { folder, variables, printed: BTreeMap::new() }
    }

    fn replaced(&self, line: &str) -> String {
        let mut line = line.to_owned();
        for (written, instead) in REPLACED {
            line = line.replace(written, instead);
        }
        for (name, value) in &self.printed {
            line = line.replace(&format!("{{{name}}}"), value);
        }
        assert!(!line.contains('…') && !line.contains('{'), "not replaced: {line}");
        line
    }

    /// Takes down the lines of the stand-in's welcome: a name, two spaces or more, a value.
    fn remember(&mut self, printed: &str) {
        let pairs = printed.lines().filter_map(|line| line.split_once("  "));
        self.printed.extend(pairs.map(|(name, value)| (name.to_owned(), value.trim().to_owned())));
    }

    fn bash(&self, script: &str) -> Command {
        let mut command = Command::new("bash");
        command.args(["-ec", script]).current_dir(self.folder.path().join("here"));
        command.env_clear().envs(&self.variables).stdin(Stdio::null());
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        command
    }

    /// Runs a line that ends by itself, and keeps the variables it exported.
    fn run(&mut self, line: &str) {
        let left: PathBuf = self.folder.path().join("variables");
        let mut command = self.bash(&format!("{line}\nenv -0 > ../variables"));
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let group = Pid::from_child(&child);
        let (tell, told) = mpsc::channel();
        thread::spawn(move || tell.send(child.wait_with_output().unwrap()));
        let Ok(output) = told.recv_timeout(PATIENCE) else {
            kill_process_group(group, Signal::KILL).ok();
            panic!("doesn't end, and isn't among those that run until they are told to: {line}");
        };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert!(output.status.success(), "{line}\n{:?}\n{out}{err}", output.status.code());
        let variables = std::fs::read_to_string(left).unwrap();
        let pairs = variables.split('\0').filter_map(|pair| pair.split_once('='));
        self.variables = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    }

    /// Starts a line that doesn't end by itself; comes back when it has printed these words.
    fn start(&self, line: &str, ready: &str) -> Running {
        let mut command = self.bash(&format!("exec {line}"));
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (tell, told) = mpsc::channel();
        // Both are read to their ends: a program that writes to nobody fails.
        read(child.stdout.take().unwrap(), tell.clone());
        read(child.stderr.take().unwrap(), tell);
        let mut running = Running { child, line: line.to_owned(), printed: String::new(), told };
        while !running.printed.contains(ready) {
            match running.told.recv_timeout(PATIENCE) {
                Ok(said) => running.printed.push_str(&said),
                Err(_) => panic!("never ready: {line}\n{}", running.printed),
            }
        }
        running
    }
}

/// Passes on what is printed, line by line.
fn read(output: impl Read + Send + 'static, tell: mpsc::Sender<String>) {
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            tell.send(line + "\n").ok();
        }
    });
}

/// A program that runs; killed when dropped.
struct Running {
    child: Child,
    line: String,
    printed: String,
    told: mpsc::Receiver<String>,
}

impl Running {
    /// Asks it to end, and asserts that it does so well.
    fn end(mut self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        // Both of its outputs are closed when it is gone.
        loop {
            match self.told.recv_timeout(PATIENCE) {
                Ok(said) => self.printed.push_str(&said),
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
                Err(mpsc::RecvTimeoutError::Timeout) => panic!("doesn't end: {}", self.line),
            }
        }
        let status = self.child.wait().unwrap();
        assert_eq!(status.code(), Some(0), "{}\n{}", self.line, self.printed);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

//! Running the program: with a clean environment, and with what it said kept.

use std::{
    ffi::OsStr,
    io::Write,
    process::{Command, Stdio},
};

use serde_json::Value;

/// The program with nothing of this machine's environment.
pub(crate) fn beseda() -> Program {
    let mut command = Command::new(env!("CARGO_BIN_EXE_beseda"));
    command.env_clear();
    Program { command, input: Vec::new() }
}

pub(crate) struct Program {
    command: Command,
    input: Vec<u8>,
}

/// Output and exit status of a run.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Program {
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn stdin(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.input = input.into();
        self
    }

    pub(crate) fn run<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Run {
        self.command.args(args);
        self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.command.spawn().unwrap();
        // A program that doesn't read its input may be gone before all of it is written.
        child.stdin.take().unwrap().write_all(&self.input).ok();
        let output = child.wait_with_output().unwrap();
        Run {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Runs with standard output closed by the reader.
    pub(crate) fn run_unread(mut self, args: &[&str]) -> Run {
        self.command.args(args);
        self.command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.command.spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        Run { code: output.status.code(), out: String::new(), err }
    }
}

impl Run {
    /// Asserts that it went well, and gives what it printed.
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "{}{}", self.out, self.err);
        self.out
    }

    /// Asserts that it went well, and gives the document it printed.
    pub(crate) fn json(self) -> Value {
        let out = self.ok();
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"))
    }

    /// Asserts that it went well, and gives the documents it printed, one a line.
    pub(crate) fn lines(self) -> Vec<Value> {
        self.ok().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Asserts this exit status, and gives what it complained of.
    pub(crate) fn fails(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{}{}", self.out, self.err);
        assert!(self.out.is_empty(), "{}", self.out);
        self.err
    }

    /// Asserts that it failed with these words, whatever it has printed.
    pub(crate) fn fails_saying(self, words: &str) {
        assert_ne!(self.code, Some(0), "{}{}", self.out, self.err);
        assert!(self.err.contains(words), "{}", self.err);
    }

    /// The same with the complaint as JSON.
    pub(crate) fn fails_in_json(self, code: i32) -> Value {
        let err = self.fails(code);
        let mut document: Value = serde_json::from_str(&err).unwrap();
        document["error"].take()
    }
}

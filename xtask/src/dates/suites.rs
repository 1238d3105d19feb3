//! Test binaries built by cargo, and the tests which are skipped.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::paths;

/// Tests that are too slow to run at eight moments: binary, prefix of the tests' names, reason.
const SKIPPED: [(&str, &str, &str); 15] = [
    ("beseda-conformance/it", "engine_sqlite::", CASES),
    ("beseda-conformance/it", "http_sqlite::", CASES),
    ("beseda-conformance/it", "http_sqlite_2024::", CASES),
    ("beseda-conformance/it", "gateway_sqlite::", CASES),
    ("beseda-conformance/it", "missing::", CASES),
    ("beseda/it", "kill::", KILLS),
    ("beseda/it", "listen_kill::", KILLS),
    ("beseda/it", "outbox::killed_at_any_moment", KILLS),
    ("beseda/it", "notifications::thirty_kills", KILLS),
    ("beseda/it", "outbox::what_can_not_be_sent_now", "several seconds of a real wait"),
    ("beseda/it", "journal::three_thousand_refused_bodies", "180 MB of bodies, eight seconds"),
    (
        "beseda-stand-in/in_process",
        "two_hundred_run_at_once",
        "two hundred stand-ins, several seconds",
    ),
    ("beseda-stand-in/in_process", "rate_limiter::sixteen_eager_readers", ONE_CLOCK),
    ("beseda-stand-in/in_process", "rate_limiter::sixteen_eager_senders", ONE_CLOCK),
    ("beseda-server/it", "bounds::a_body_that_comes_drop_by_drop", "six seconds of a slow body"),
];
const CASES: &str = "hundreds of cases by a clock that is moved by hand, half a minute and more";
const KILLS: &str = "a program killed again and again, five to twelve seconds";
const ONE_CLOCK: &str = "whole hours by a clock that is moved by hand, several seconds";

/// Returns the list of skipped tests for `--help`.
pub(crate) fn skipped() -> String {
    let lines = SKIPPED.iter().map(|(binary, tests, why)| format!("  {binary} {tests}*: {why}"));
    let lines: Vec<String> = lines.collect();
    format!("Left out, unless --all is given:\n{}", lines.join("\n"))
}

/// Test binaries of the workspace.
pub(crate) struct Suites {
    binaries: Vec<Binary>,
}

struct Binary {
    /// Crate folder and target, such as `beseda-client/it`.
    name: String,
    file: PathBuf,
    /// Working directory.
    folder: PathBuf,
}

/// One test.
pub(crate) struct Test {
    /// Name of the binary and of the test.
    pub(crate) name: String,
    own: String,
    file: PathBuf,
    folder: PathBuf,
}

impl Suites {
    /// Builds the same binaries as the step `cargo test`.
    pub(crate) fn build() -> Result<Self> {
        let mut command = paths::cargo();
        command.args(["test", "--workspace", "--all-features", "--no-run"]);
        command.args(["--message-format", "json-render-diagnostics"]).stderr(Stdio::inherit());
        let built = command.output().context("can't start cargo")?;
        ensure!(
            built.status.success(),
            "the tests can't be built: cargo ended with {}",
            built.status
        );
        let mut binaries = Vec::new();
        for line in String::from_utf8(built.stdout)?.lines() {
            let message: Value = serde_json::from_str(line)?;
            binaries.extend(Binary::of(&message));
        }
        binaries.sort_by(|a, b| a.name.cmp(&b.name));
        ensure!(!binaries.is_empty(), "cargo built no tests");
        Ok(Self { binaries })
    }

    /// Returns the tests to run.
    pub(crate) fn tests(&self, filter: Option<&str>, all: bool) -> Result<Vec<Test>> {
        let mut tests = Vec::new();
        for binary in &self.binaries {
            tests.extend(binary.tests()?);
        }
        tests.retain(|test| all || !test.is_skipped());
        tests.retain(|test| filter.is_none_or(|filter| test.name.contains(filter)));
        Ok(tests)
    }
}

impl Binary {
    /// Parses a message of cargo; `None` if it isn't about a test binary.
    fn of(message: &Value) -> Option<Self> {
        let is_test = message["profile"]["test"].as_bool() == Some(true);
        let file = PathBuf::from(message["executable"].as_str().filter(|_| is_test)?);
        let folder = PathBuf::from(message["manifest_path"].as_str()?).parent()?.to_owned();
        let of = folder.file_name()?.to_string_lossy();
        let name = format!("{of}/{}", message["target"]["name"].as_str()?);
        Some(Self { name, file, folder })
    }

    fn command(file: &Path, folder: &Path) -> Command {
        let mut command = Command::new(file);
        command.current_dir(folder).env("CARGO_MANIFEST_DIR", folder).env("RUST_BACKTRACE", "0");
        if let Some(dir) = paths::contract() {
            command.env(paths::CONTRACT_DIR, dir);
        }
        command
    }

    fn tests(&self) -> Result<Vec<Test>> {
        let mut command = Self::command(&self.file, &self.folder);
        let listed = command.args(["--list", "--format", "terse"]).output()?;
        ensure!(listed.status.success(), "{} doesn't list its tests", self.name);
        let text = String::from_utf8(listed.stdout)?;
        let names = text.lines().filter_map(|line| line.strip_suffix(": test"));
        let test = |own: &str| Test {
            name: format!("{} {own}", self.name),
            own: own.to_owned(),
            file: self.file.clone(),
            folder: self.folder.clone(),
        };
        Ok(names.map(test).collect())
    }
}

impl Test {
    /// Returns the command which runs only this test.
    pub(crate) fn command(&self) -> Command {
        let mut command = Binary::command(&self.file, &self.folder);
        command.args(["--quiet", "--exact", &self.own]);
        command
    }

    fn is_skipped(&self) -> bool {
        let binary = self.name.split(' ').next().unwrap_or_default();
        SKIPPED.iter().any(|(of, tests, _)| *of == binary && self.own.starts_with(tests))
    }
}

//! Strict clients generated from the 2024 document, against a stand-in with default settings: Go
//! rejects unknown and missing fields, PHP rejects missing ones. Their scripts are in
//! `tests/external/strict`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use super::{CLIENT_TIMEOUT, generate, stand_in::StandInProcess};
use crate::{paths, python::Python, steps, steps::Steps};

/// Folder of the scripts.
const SCRIPTS: &str = "tests/external/strict";

/// Adds the steps of both languages.
pub(super) fn add(steps: &mut Steps, binary: &Path, python: &Python, document: &Path) {
    steps.run("a strict client in Go, generated from the document of 2024", || {
        go(binary, python, document)
    });
    steps.run("a strict client in PHP, generated from the document of 2024", || {
        php(binary, python, document)
    });
}

fn go(binary: &Path, python: &Python, document: &Path) -> Result<()> {
    require("go", "version", "golang-go")?;
    let client = client(python, document, "go")?;
    let program = client.join("conversation");
    fs::create_dir_all(&program)?;
    fs::copy(paths::root().join(SCRIPTS).join("conversation.go"), program.join("main.go"))?;
    run_client(binary, "go", || {
        let mut command = Command::new("go");
        command.current_dir(&client).args(["run", "./conversation"]);
        // The generated client needs only the standard library.
        command.env("GOPROXY", "off").env("GOFLAGS", "-mod=mod");
        command.env("GOCACHE", paths::target().join("go-cache"));
        command
    })
}

fn php(binary: &Path, python: &Python, document: &Path) -> Result<()> {
    require("php", "--version", "php-cli")?;
    let guzzle = ["-r", "exit((int) !stream_resolve_include_path('GuzzleHttp/autoload.php'));"];
    if !steps::succeeds(Command::new("php").args(guzzle)) {
        bail!("the client in PHP needs Guzzle: `apt-get install php-guzzlehttp-guzzle`");
    }
    let client = client(python, document, "php")?;
    run_client(binary, "php", || {
        let mut command = Command::new("php");
        command.arg(paths::root().join(SCRIPTS).join("conversation.php")).env("CLIENT", &client);
        command
    })
}

/// Runs a client against a new stand-in with default settings.
fn run_client(binary: &Path, language: &str, command: impl FnOnce() -> Command) -> Result<()> {
    StandInProcess::run(binary, &[], &format!("strict-{language}"), |stand_in| {
        let mut command = command();
        command.env("BESEDA_STAND_IN", stand_in.line());
        // Bypasses any proxy for loopback.
        command.env("NO_PROXY", "127.0.0.1").env("no_proxy", "127.0.0.1");
        steps::call_with_timeout(CLIENT_TIMEOUT, &mut command)
    })
}

fn require(program: &str, version_flag: &str, package: &str) -> Result<()> {
    if steps::succeeds(Command::new(program).arg(version_flag)) {
        return Ok(());
    }
    bail!(
        "{program} is not installed: `apt-get install {package}`, or leave the external tools out with \
         `cargo xtask test --skip-external`"
    )
}

/// Generates a client from the document without its OAuth scheme, which would need another Go
/// module; the scripts set the header themselves.
fn client(python: &Python, document: &Path, language: &str) -> Result<PathBuf> {
    let plain = paths::external().join("plain-2024.yaml");
    let mut command = python.script("strict/without_security.py");
    steps::call(command.arg(document).arg(&plain))?;
    let folder = paths::external().join(format!("strict-{language}"));
    let options = [
        "--openapi-normalizer",
        "KEEP_ONLY_FIRST_TAG_IN_OPERATION=true",
        "--git-host",
        "example.org",
        "--git-user-id",
        "beseda",
        "--git-repo-id",
        "strict",
        "--additional-properties",
        "disallowAdditionalPropertiesIfNotPresent=true",
    ];
    generate(python, language, &plain, &folder, &options)
        .with_context(|| format!("no client in {language}"))?;
    Ok(folder)
}

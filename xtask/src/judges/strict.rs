//! Clients generated from the 2024 document talk with a stand-in as it starts: one in Go, which refuses unknown fields and
//! misses required ones, and one in PHP, which misses required ones. Their conversations lie in `tests/judges/strict`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use super::{CONVERSATION, generate, stand_in::StandIn};
use crate::{place, python::Python, steps, steps::Steps};

/// The folder of the scripts, in the repository.
const SCRIPTS: &str = "tests/judges/strict";

/// The steps of both languages.
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
    fs::copy(place::root().join(SCRIPTS).join("conversation.go"), program.join("main.go"))?;
    converse(binary, "go", || {
        let mut command = Command::new("go");
        command.current_dir(&client).args(["run", "./conversation"]);
        // The generated client needs Go's own library only.
        command.env("GOPROXY", "off").env("GOFLAGS", "-mod=mod");
        command.env("GOCACHE", place::target().join("go-cache"));
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
    converse(binary, "php", || {
        let mut command = Command::new("php");
        command.arg(place::root().join(SCRIPTS).join("conversation.php")).env("CLIENT", &client);
        command
    })
}

/// Lets a conversation run against a fresh stand-in with nothing changed but its port.
fn converse(binary: &Path, language: &str, command: impl FnOnce() -> Command) -> Result<()> {
    StandIn::judge(binary, &[], &format!("strict-{language}"), |stand_in| {
        let mut command = command();
        command.env("BESEDA_STAND_IN", stand_in.line());
        // Loopback is asked directly, whatever proxy the machine has.
        command.env("NO_PROXY", "127.0.0.1").env("no_proxy", "127.0.0.1");
        steps::call_within(CONVERSATION, &mut command)
    })
}

fn require(program: &str, question: &str, package: &str) -> Result<()> {
    if steps::succeeds(Command::new(program).arg(question)) {
        return Ok(());
    }
    bail!(
        "there is no {program}: `apt-get install {package}`, or leave the judges out with \
         `cargo xtask test --skip-judges`"
    )
}

/// Generates the client from the document without its OAuth scheme, for which Go's client would need another module; the
/// conversations set the header themselves.
fn client(python: &Python, document: &Path, language: &str) -> Result<PathBuf> {
    let plain = place::judges().join("plain-2024.yaml");
    let mut command = python.script("strict/without_security.py");
    steps::call(command.arg(document).arg(&plain))?;
    let folder = place::judges().join(format!("strict-{language}"));
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

//! The recipes: the stand-in started from tests in other languages. What they test lies in `recipes/`.

use std::{process::Command, time::Duration};

use anyhow::Result;

use crate::{place, programs, python::Python, steps, steps::Steps};

/// A recipe takes seconds; compilers and package managers may take longer.
const LIMIT: Duration = Duration::from_secs(240);

/// Runs the recipes alone.
pub(crate) fn run() -> Result<()> {
    let mut steps = Steps::default();
    add(&mut steps);
    steps.finish()
}

/// The recipes' steps. Python and Node must be there; the others run where their languages are.
pub(crate) fn add(steps: &mut Steps) {
    let built = steps.run("build the binary for the recipes", programs::build_debug);
    if !built {
        return;
    }
    steps.run("recipe in Python", || {
        let python = Python::prepare("tests/page", "page-venv")?;
        let mut command = python.module("pytest");
        command.args(["--quiet", "-p", "no:cacheprovider"]);
        call(&mut command, "python")
    });
    steps.run("recipe in JavaScript", || call(Command::new("node").arg("--test"), "node"));
    if has("phpunit", "--version") {
        steps.run("recipe in PHP", || {
            let test = ["--do-not-cache-result", "AnsweringTest.php"];
            call(Command::new("phpunit").args(test), "php")
        });
    }
    if has("go", "version") {
        steps.run("recipe in Go", || {
            let mut command = Command::new("go");
            // Go's cache would answer for a binary that has changed since.
            command.args(["test", "-count=1"]).env("GOCACHE", place::target().join("go-cache"));
            call(&mut command, "go")
        });
    }
    if has("mvn", "--version") && junit_can_be_had() {
        steps.run("recipe in Java", || {
            let target = place::target().join("recipe-java");
            let mut command = Command::new("mvn");
            command.args(["--batch-mode", "--quiet"]);
            command.arg(format!("-Drecipe.target={}", target.display())).arg("test");
            call(&mut command, "java")
        });
    }
}

fn call(command: &mut Command, folder: &str) -> Result<()> {
    command.current_dir(place::root().join("recipes").join(folder));
    command.env("BESEDA_BIN", programs::debug());
    // Loopback is asked directly, whatever proxy the machine has.
    command.env("NO_PROXY", "127.0.0.1,localhost").env("no_proxy", "127.0.0.1,localhost");
    steps::call_within(LIMIT, command)
}

fn has(program: &str, question: &str) -> bool {
    let found = steps::succeeds(Command::new(program).arg(question));
    if !found {
        println!("\nThere is no {program} on this machine: its recipe is left out.");
    }
    found
}

/// Maven fetches what its tests need from its registry, which not every machine reaches.
fn junit_can_be_had() -> bool {
    let mut command = Command::new("mvn");
    command.args(["--batch-mode", "--quiet", "dependency:go-offline"]);
    command.arg(format!("-Drecipe.target={}", place::target().join("recipe-java").display()));
    command.current_dir(place::root().join("recipes/java"));
    let found = steps::succeeds(&mut command);
    if !found {
        println!("\nMaven can't fetch JUnit here: the recipe in Java is left out.");
    }
    found
}

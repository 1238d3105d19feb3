//! Tests in other languages that start the stand-in. They are in `recipes/`.

use std::{process::Command, time::Duration};

use anyhow::Result;

use crate::{paths, programs, python::Python, steps, steps::Steps};

/// Timeout of a recipe; compilers and package managers take most of it.
const LIMIT: Duration = Duration::from_secs(240);

/// Runs only the recipes.
pub(crate) fn run() -> Result<()> {
    let mut steps = Steps::default();
    add(&mut steps);
    steps.finish()
}

/// Adds the steps of the recipes. Python and Node are required; other languages run if they are
/// installed.
pub(crate) fn add(steps: &mut Steps) {
    let built = steps.run("build the binary for the recipes", programs::build_debug);
    if !built {
        return;
    }
    steps.run("Python recipe", || {
        let python = Python::prepare("tests/page", "page-venv")?;
        let mut command = python.module("pytest");
        command.args(["--quiet", "-p", "no:cacheprovider"]);
        call(&mut command, "python")
    });
    steps.run("JavaScript recipe", || call(Command::new("node").arg("--test"), "node"));
    if has("phpunit", "--version") {
        steps.run("PHP recipe", || {
            let test = ["--do-not-cache-result", "AnsweringTest.php"];
            call(Command::new("phpunit").args(test), "php")
        });
    }
    if has("go", "version") {
        steps.run("Go recipe", || {
            let mut command = Command::new("go");
            // Go's test cache doesn't notice that the binary has changed.
            command.args(["test", "-count=1"]).env("GOCACHE", paths::target().join("go-cache"));
            call(&mut command, "go")
        });
    }
    if has("mvn", "--version") && can_fetch_junit() {
        steps.run("Java recipe", || {
            let target = paths::target().join("recipe-java");
            let mut command = Command::new("mvn");
            command.args(["--batch-mode", "--quiet"]);
            command.arg(format!("-Drecipe.target={}", target.display())).arg("test");
            call(&mut command, "java")
        });
    }
}

fn call(command: &mut Command, folder: &str) -> Result<()> {
    command.current_dir(paths::root().join("recipes").join(folder));
    command.env("BESEDA_BIN", programs::debug());
    // Bypasses any proxy for loopback.
    command.env("NO_PROXY", "127.0.0.1,localhost").env("no_proxy", "127.0.0.1,localhost");
    steps::call_with_timeout(LIMIT, command)
}

fn has(program: &str, version_flag: &str) -> bool {
    let found = steps::succeeds(Command::new(program).arg(version_flag));
    if !found {
        println!("\n{program} is not installed: its recipe is skipped.");
    }
    found
}

/// Returns true if Maven can fetch JUnit from its registry.
fn can_fetch_junit() -> bool {
    let mut command = Command::new("mvn");
    command.args(["--batch-mode", "--quiet", "dependency:go-offline"]);
    command.arg(format!("-Drecipe.target={}", paths::target().join("recipe-java").display()));
    command.current_dir(paths::root().join("recipes/java"));
    let found = steps::succeeds(&mut command);
    if !found {
        println!("\nMaven can't fetch JUnit here: the Java recipe is skipped.");
    }
    found
}

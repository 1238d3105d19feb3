//! Tests of the stand-in's page in Chromium, with selenium and axe-core. They are in `tests/page`.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result, bail};

use crate::{paths, programs, python::Python, steps, steps::Steps};

/// Version of axe-core, fetched from npm.
const AXE: &str = "4.14.1";
const LIMIT: Duration = Duration::from_secs(400);

/// Runs only the tests of the page.
pub(crate) fn run() -> Result<()> {
    let mut steps = Steps::default();
    add(&mut steps);
    steps.finish()
}

/// Adds the steps of the page.
pub(crate) fn add(steps: &mut Steps) {
    let built = steps.run("build the binary for the page", programs::build_debug);
    if built {
        steps.run("the stand-in's page in Chromium", test);
    }
}

fn test() -> Result<()> {
    let chromium = find("CHROMIUM", "chromium", "chromium")?;
    let driver = find("CHROMEDRIVER", "chromedriver", "chromium-driver")?;
    let axe = axe()?;
    let python = Python::prepare("tests/page", "page-venv")?;
    let mut command = python.module("pytest");
    command.args(["--quiet", "-p", "no:cacheprovider"]);
    command.env("CHROMIUM", chromium).env("CHROMEDRIVER", driver).env("AXE", axe);
    command.env("BESEDA_BIN", programs::debug());
    steps::call_with_timeout(LIMIT, &mut command)
}

/// Locates a program by its environment variable or in `PATH`.
///
/// # Errors
///
/// If it isn't installed; the error names the package.
fn find(variable: &str, program: &str, package: &str) -> Result<PathBuf> {
    if let Some(given) = env::var_os(variable) {
        return Ok(given.into());
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path).map(|folder| folder.join(program)).find(|f| f.is_file());
    found.with_context(|| {
        format!(
            "{program} is not installed: `apt-get install {package}`, or set {variable}, or leave \
             the page out with `cargo xtask test --skip-external`"
        )
    })
}

/// Fetches axe-core into `target/`, once.
fn axe() -> Result<PathBuf> {
    let folder = paths::target().join("axe");
    let script = folder.join(format!("node_modules/axe-core-{AXE}.min.js"));
    if script.is_file() {
        return Ok(script);
    }
    fs::create_dir_all(&folder)?;
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-save", "--no-audit", "--no-fund", "--silent", "--prefix"]);
    npm.arg(&folder).arg(format!("axe-core@{AXE}"));
    steps::call(&mut npm).context("can't fetch axe-core from npm")?;
    let fetched = folder.join("node_modules/axe-core/axe.min.js");
    if !Path::new(&fetched).is_file() {
        bail!("axe-core has no {}", fetched.display());
    }
    fs::copy(&fetched, &script)?;
    Ok(script)
}

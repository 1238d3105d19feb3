//! `cargo xtask ci`: the steps of CI. `.ci/run` installs missing packages and calls this.

use std::{path::PathBuf, process::Command};

use anyhow::Result;

use crate::{dates, paths, steps, steps::Steps, tests};

const DENY: &str = "0.20.2";

/// Runs all steps, even after a failure.
///
/// # Errors
///
/// If any step failed.
pub(crate) fn run() -> Result<()> {
    let mut steps = Steps::default();
    steps.run("format", || steps::call(paths::cargo().args(["fmt", "--all", "--check"])));
    steps.run("clippy", || {
        let arguments = ["clippy", "--workspace", "--all-targets", "--all-features"];
        steps::call(paths::cargo().args(arguments).args(["--", "-D", "warnings"]))
    });
    steps.run("documentation", || {
        let arguments = ["doc", "--no-deps", "--workspace", "--all-features"];
        steps::call(paths::cargo().args(arguments).env("RUSTDOCFLAGS", "-D warnings"))
    });
    steps.run("bans, licences and sources of dependencies", deny);
    tests::add(&mut steps, false);
    dates::add(&mut steps);
    steps.finish()
}

/// Checks bans, licences and sources with cargo-deny. Advisories are left out, since their database
/// has to be downloaded.
fn deny() -> Result<()> {
    let binary = install_deny()?;
    let arguments = ["--workspace", "--all-features", "check", "bans", "licenses", "sources"];
    steps::call(Command::new(binary).args(arguments).current_dir(paths::root()))
}

/// Returns the installed cargo-deny if it has the pinned version; otherwise builds it. A debug
/// build takes half the time and is fast enough.
fn install_deny() -> Result<PathBuf> {
    let version = Command::new("cargo-deny").arg("--version").output();
    if version.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).trim().ends_with(DENY)) {
        return Ok("cargo-deny".into());
    }
    let tools = paths::target().join("tools");
    let binary = tools.join(format!("cargo-deny-{DENY}/bin/cargo-deny"));
    if !binary.is_file() {
        let package = format!("cargo-deny@{DENY}");
        let mut install = paths::cargo();
        install
            .args(["install", "--locked", "--debug", "--quiet", &package, "--root"])
            .arg(tools.join(format!("cargo-deny-{DENY}")));
        steps::call(&mut install)?;
    }
    Ok(binary)
}

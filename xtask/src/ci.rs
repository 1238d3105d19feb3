//! `cargo xtask ci`: what CI runs, in CI's order. `.ci/run` only installs what a bare machine lacks and calls this.

use std::{path::PathBuf, process::Command};

use anyhow::Result;

use crate::{dates, place, steps, steps::Steps, suite};

const DENY: &str = "0.20.2";

/// Runs everything, even if some of it fails, and says at the end what did.
pub(crate) fn run() -> Result<()> {
    let mut steps = Steps::default();
    steps.run("format", || steps::call(place::cargo().args(["fmt", "--all", "--check"])));
    steps.run("clippy", || {
        let what = ["clippy", "--workspace", "--all-targets", "--all-features"];
        steps::call(place::cargo().args(what).args(["--", "-D", "warnings"]))
    });
    steps.run("documentation", || {
        let what = ["doc", "--no-deps", "--workspace", "--all-features"];
        steps::call(place::cargo().args(what).env("RUSTDOCFLAGS", "-D warnings"))
    });
    steps.run("bans, licences and sources of dependencies", deny);
    suite::add(&mut steps, false);
    dates::add(&mut steps);
    steps.finish()
}

/// Advisories are left out: their database is another download, and not every machine may reach it.
fn deny() -> Result<()> {
    let binary = install_deny()?;
    let what = ["--workspace", "--all-features", "check", "bans", "licenses", "sources"];
    steps::call(Command::new(binary).args(what).current_dir(place::root()))
}

/// The machine's cargo-deny, if it is the version that judges here, or our own. Unoptimised it builds in half the time, and it only reads one lock file.
fn install_deny() -> Result<PathBuf> {
    let told = Command::new("cargo-deny").arg("--version").output();
    if told.is_ok_and(|told| String::from_utf8_lossy(&told.stdout).trim().ends_with(DENY)) {
        return Ok("cargo-deny".into());
    }
    let tools = place::target().join("tools");
    let binary = tools.join(format!("cargo-deny-{DENY}/bin/cargo-deny"));
    if !binary.is_file() {
        let package = format!("cargo-deny@{DENY}");
        let mut install = place::cargo();
        install
            .args(["install", "--locked", "--debug", "--quiet", &package, "--root"])
            .arg(tools.join(format!("cargo-deny-{DENY}")));
        steps::call(&mut install)?;
    }
    Ok(binary)
}

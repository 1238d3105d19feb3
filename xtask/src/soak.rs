//! `cargo xtask soak`: full-size scenarios with the release binary over HTTP, limited in time. They
//! take minutes; CI runs smaller ones.

mod outbox;

use std::{ffi::OsString, path::PathBuf, process::Command};

use anyhow::Result;
use clap::Subcommand;

use crate::{paths, steps::call};

/// Scenario.
#[derive(Subcommand)]
pub(crate) enum SoakScenario {
    /// Outbox of 20,000 messages under every fault, its sender killed 30 times
    Outbox(outbox::Args),
    /// Sixteen busy tasks over hours of a manual clock: uses the limits fully without a 420
    RateLimiter {
        /// Number of tasks; half of them send, half list chats
        #[arg(long, default_value_t = 16)]
        tasks: usize,
        /// Number of simulated hours
        #[arg(long, default_value_t = 4)]
        hours: usize,
    },
    /// Archive of 2,000 chats and 1,000,000 messages, filled and synced under kills and faults
    Archive {
        /// Working folder; deleted first
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
        /// Number of chats
        #[arg(long, default_value_t = 2_000)]
        chats: i64,
        /// Number of messages per chat
        #[arg(long, default_value_t = 500)]
        messages: i64,
    },
    /// Searches of many kinds over an archive of 1,000,000 messages, with their durations
    Search {
        /// Arguments of the benchmark
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        rest: Vec<OsString>,
    },
    /// Twenty busy programs that share one cabinet through a gateway, until the hourly limit is
    /// used up
    Gateway {
        /// Working folder; deleted first
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
        /// Number of programs
        #[arg(long, default_value_t = 20)]
        programs: u32,
    },
}

/// Builds the binaries and runs the scenario.
pub(crate) fn run(scenario: SoakScenario) -> Result<()> {
    let release = paths::target().join("release");
    if let SoakScenario::Outbox(args) = &scenario
        && let Some(binary) = &args.binary
    {
        return outbox::run(args, binary, &paths::target().join("soak").join("outbox"));
    }
    build("beseda")?;
    match scenario {
        SoakScenario::Outbox(args) => {
            let folder = paths::target().join("soak").join("outbox");
            outbox::run(&args, &release.join("beseda"), &folder)
        }
        SoakScenario::Search { rest } => {
            build("beseda-bench")?;
            call(Command::new(release.join("beseda-bench-search")).args(rest))
        }
        SoakScenario::Gateway { dir, programs } => gateway(dir, programs),
        SoakScenario::RateLimiter { tasks, hours } => {
            build("beseda-bench")?;
            let folder = paths::target().join("soak").join("rate-limiter");
            let mut command = Command::new(release.join("beseda-soak-rate-limiter"));
            command.arg("--beseda").arg(release.join("beseda")).arg("--dir").arg(&folder);
            command.args(["--tasks", &tasks.to_string(), "--hours", &hours.to_string()]);
            call(&mut command)
        }
        SoakScenario::Archive { dir, chats, messages } => {
            build("beseda-bench")?;
            let dir = dir.unwrap_or_else(|| paths::target().join("soak").join("archive"));
            if dir.exists() {
                std::fs::remove_dir_all(&dir)?;
            }
            let mut command = Command::new(release.join("beseda-soak-archive"));
            command.arg("--beseda").arg(release.join("beseda")).arg("--dir").arg(&dir);
            command.args(["--chats", &chats.to_string(), "--messages", &messages.to_string()]);
            call(&mut command)?;
            Ok(std::fs::remove_dir_all(&dir)?)
        }
    }
}

fn gateway(dir: Option<PathBuf>, programs: u32) -> Result<()> {
    let release = paths::target().join("release");
    let dir = dir.unwrap_or_else(|| paths::target().join("soak").join("gateway"));
    if dir.exists() {
        std::fs::remove_dir_all(&dir)?;
    }
    let mut command = Command::new(release.join("beseda-soak-gateway"));
    command.arg("--beseda").arg(release.join("beseda")).arg("--dir").arg(&dir);
    call(command.args(["--programs", &programs.to_string()]))?;
    Ok(std::fs::remove_dir_all(&dir)?)
}

fn build(package: &str) -> Result<()> {
    call(paths::cargo().args(["build", "--release", "--package", package]))
}

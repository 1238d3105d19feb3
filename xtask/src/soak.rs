//! `cargo xtask soak`: scenarios of full size with the release binary over HTTP, each bounded in time and ended by a table.
//! They take minutes, so CI runs the same in small instead.

mod outbox;

use std::{ffi::OsString, path::PathBuf, process::Command};

use anyhow::Result;
use clap::Subcommand;

use crate::{place, steps::call};

/// What is shown.
#[derive(Subcommand)]
pub(crate) enum Scenario {
    /// An outbox of 20,000 messages under every fault, its sender killed 30 times
    Outbox(outbox::Args),
    /// Sixteen eager tasks over hours of a clock that stands still: how much of the limits they use, and no 420
    Governor {
        /// Tasks, half of which send and half of which list chats
        #[arg(long, default_value_t = 16)]
        tasks: usize,
        /// Hours of the clock
        #[arg(long, default_value_t = 4)]
        hours: usize,
    },
    /// An archive of 2,000 chats and 1,000,000 messages, filled and kept in step under kills and faults
    Archive {
        /// Where everything is written; removed first
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
        /// Chats of the cabinet
        #[arg(long, default_value_t = 2_000)]
        chats: i64,
        /// Messages of each chat
        #[arg(long, default_value_t = 500)]
        messages: i64,
    },
    /// Searches of many kinds over an archive of 1,000,000 messages, with the time each kind takes
    Search {
        /// Arguments of the bench itself
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        rest: Vec<OsString>,
    },
    /// Twenty eager programs over one cabinet through a gateway, until the hour is used up
    Gateway {
        /// Where everything is written; removed first
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
        /// How many programs
        #[arg(long, default_value_t = 20)]
        programs: u32,
    },
}

/// Builds the binary and what drives it, and runs the scenario.
pub(crate) fn run(scenario: Scenario) -> Result<()> {
    let release = place::target().join("release");
    if let Scenario::Outbox(args) = &scenario
        && let Some(binary) = &args.binary
    {
        return outbox::run(args, binary, &place::target().join("soak").join("outbox"));
    }
    build("beseda")?;
    match scenario {
        Scenario::Outbox(args) => {
            let folder = place::target().join("soak").join("outbox");
            outbox::run(&args, &release.join("beseda"), &folder)
        }
        Scenario::Search { rest } => {
            build("beseda-bench")?;
            call(Command::new(release.join("beseda-bench-search")).args(rest))
        }
        Scenario::Gateway { dir, programs } => gateway(dir, programs),
        Scenario::Governor { tasks, hours } => {
            build("beseda-bench")?;
            let folder = place::target().join("soak").join("governor");
            let mut command = Command::new(release.join("beseda-soak-governor"));
            command.arg("--beseda").arg(release.join("beseda")).arg("--dir").arg(&folder);
            command.args(["--tasks", &tasks.to_string(), "--hours", &hours.to_string()]);
            call(&mut command)
        }
        Scenario::Archive { dir, chats, messages } => {
            build("beseda-bench")?;
            let dir = dir.unwrap_or_else(|| place::target().join("soak").join("archive"));
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
    let release = place::target().join("release");
    let dir = dir.unwrap_or_else(|| place::target().join("soak").join("gateway"));
    if dir.exists() {
        std::fs::remove_dir_all(&dir)?;
    }
    let mut command = Command::new(release.join("beseda-soak-gateway"));
    command.arg("--beseda").arg(release.join("beseda")).arg("--dir").arg(&dir);
    call(command.args(["--programs", &programs.to_string()]))?;
    Ok(std::fs::remove_dir_all(&dir)?)
}

fn build(package: &str) -> Result<()> {
    call(place::cargo().args(["build", "--release", "--package", package]))
}

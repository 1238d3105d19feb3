//! `cargo xtask bench`: builds our binary, the references and the load generator in release, and runs them.
//! It measures nothing itself: this program is a debug build, and a load generator must not be one.

use std::{ffi::OsString, process::Command};

use anyhow::Result;

use crate::{place, steps::call};

/// What to hand to the bench; `cargo xtask bench --help` says what there is.
#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Args {
    /// Arguments of the bench itself.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<OsString>,
}

/// Builds what is measured and what measures, and runs it.
pub(crate) fn run(args: &Args) -> Result<()> {
    if measures_ours(&args.rest) {
        // Apart from the bench, so that it has the features `cargo build --release` gives it.
        build("beseda")?;
    }
    build("beseda-bench")?;
    call(Command::new(place::target().join("release").join("beseda-bench")).args(&args.rest))
}

fn measures_ours(rest: &[OsString]) -> bool {
    !rest.iter().any(|word| word == "--help" || word == "refs" || word == "--only=refs")
}

fn build(package: &str) -> Result<()> {
    call(place::cargo().args(["build", "--release", "--package", package]))
}

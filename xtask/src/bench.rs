//! `cargo xtask bench`: builds the server, the reference servers and the load generator in release
//! mode, and runs the load generator.

use std::{ffi::OsString, process::Command};

use anyhow::Result;

use crate::{paths, steps::call};

/// Arguments of `cargo xtask bench`.
#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Args {
    /// Arguments of the load generator.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<OsString>,
}

/// Builds the release binaries and runs the load generator.
pub(crate) fn run(args: &Args) -> Result<()> {
    if includes_own_server(&args.rest) {
        // A build of its own, with the same features as `cargo build --release`.
        build("beseda")?;
    }
    build("beseda-bench")?;
    call(Command::new(paths::target().join("release").join("beseda-bench")).args(&args.rest))
}

fn includes_own_server(rest: &[OsString]) -> bool {
    !rest.iter().any(|word| word == "--help" || word == "refs" || word == "--only=refs")
}

fn build(package: &str) -> Result<()> {
    call(paths::cargo().args(["build", "--release", "--package", package]))
}

//! `cargo xtask bench`: builds our binary, the references and the load generator in release, and runs them.
//! It measures nothing itself: this program is a debug build, and a load generator must not be one.

use std::{ffi::OsString, path::Path, process::Command};

use anyhow::{Context, Result, ensure};

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
    let own = std::env::current_exe()?;
    let target = own.parent().and_then(Path::parent).context("xtask is in no target folder")?;
    let bench = target.join("release").join("beseda-bench");
    let status = Command::new(&bench)
        .args(&args.rest)
        .status()
        .with_context(|| format!("starting {}", bench.display()))?;
    ensure!(status.success(), "the bench ended with {status}");
    Ok(())
}

fn measures_ours(rest: &[OsString]) -> bool {
    !rest.iter().any(|word| word == "--help" || word == "refs" || word == "--only=refs")
}

fn build(package: &str) -> Result<()> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("Cargo.toml");
    let status = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--release", "--package", package, "--manifest-path"])
        .arg(manifest)
        .status()
        .context("starting cargo")?;
    ensure!(status.success(), "cargo build of {package} ended with {status}");
    Ok(())
}

//! Programs that the tests start. Each is built once.

use std::path::PathBuf;

use anyhow::Result;

use crate::{paths, steps};

/// Builds the binary and the example with the same features as `cargo test --workspace
/// --all-features`, so that nothing is built twice.
pub(crate) fn build_debug() -> Result<()> {
    let arguments = ["build", "--workspace", "--all-features", "--bin", "beseda"];
    steps::call(paths::cargo().args(arguments).args(["--example", "own_back_end"]))
}

/// Returns the path of the debug binary.
pub(crate) fn debug() -> PathBuf {
    paths::target().join("debug/beseda")
}

/// Returns the path of the example `own_back_end`.
pub(crate) fn own_back_end() -> PathBuf {
    paths::target().join("debug/examples/own_back_end")
}

/// Builds the binary as `cargo build --release` does.
pub(crate) fn build_release() -> Result<()> {
    steps::call(paths::cargo().args(["build", "--release", "--package", "beseda"]))
}

/// Returns the path of the release binary.
pub(crate) fn release() -> PathBuf {
    paths::target().join("release/beseda")
}

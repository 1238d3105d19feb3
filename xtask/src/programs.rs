//! The programs that the suite starts: as the tests have them, and as people get them. Each is built once, however many
//! steps ask for it.

use std::path::PathBuf;

use anyhow::Result;

use crate::{place, steps};

/// Builds the program and the example as `cargo test --workspace --all-features` does: after that there is nothing left
/// to do. Other arguments would mean other features of the same crates, and half of them built again.
pub(crate) fn build_debug() -> Result<()> {
    let what = ["build", "--workspace", "--all-features", "--bin", "beseda"];
    steps::call(place::cargo().args(what).args(["--example", "own_back_end"]))
}

/// The program that [`build_debug`] builds.
pub(crate) fn debug() -> PathBuf {
    place::target().join("debug/beseda")
}

/// The example that [`build_debug`] builds.
pub(crate) fn own_back_end() -> PathBuf {
    place::target().join("debug/examples/own_back_end")
}

/// Builds the program as `cargo build --release` does.
pub(crate) fn build_release() -> Result<()> {
    steps::call(place::cargo().args(["build", "--release", "--package", "beseda"]))
}

/// The program that [`build_release`] builds.
pub(crate) fn release() -> PathBuf {
    place::target().join("release/beseda")
}

//! `cargo xtask test`: runs all tests.

use anyhow::Result;

use crate::{external, page, paths, recipes, steps, steps::Steps};

/// Runs all tests, even after a failure.
///
/// # Errors
///
/// If any step failed.
pub(crate) fn run(skip_external: bool) -> Result<()> {
    let mut steps = Steps::default();
    add(&mut steps, skip_external);
    steps.finish()
}

/// Adds the steps.
pub(crate) fn add(steps: &mut Steps, skip_external: bool) {
    match paths::contract() {
        Some(dir) => println!("Published contract: {}", dir.display()),
        None => println!(
            "Published contract: NOT FOUND. Set {} to its folder. Without it responses are \
             validated against the project's own document only.",
            paths::CONTRACT_DIR
        ),
    }
    steps.run("cargo test", || {
        let arguments = ["test", "--workspace", "--all-features", "--no-fail-fast"];
        steps::call(paths::cargo().args(arguments))
    });
    if skip_external {
        println!("\nRecipes, page and external tools are skipped.");
    } else {
        recipes::add(steps);
        page::add(steps);
        external::add(steps, None);
    }
}

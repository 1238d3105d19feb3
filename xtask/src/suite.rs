//! `cargo xtask test`: every test there is. The tests themselves lie in the crates and under `tests/`.

use anyhow::Result;

use crate::{judges, page, place, recipes, steps, steps::Steps};

/// Runs cargo's tests and then everything else; all of them, even if some fail.
pub(crate) fn run(skip_judges: bool) -> Result<()> {
    let mut steps = Steps::default();
    add(&mut steps, skip_judges);
    steps.finish()
}

/// The steps of the suite, for whoever runs more than them.
pub(crate) fn add(steps: &mut Steps, skip_judges: bool) {
    match place::contract() {
        Some(dir) => println!("Published contract: {}", dir.display()),
        None => println!(
            "Published contract: NOT FOUND. Set {} to its folder. Without it the answers are held \
             against the project's own document only.",
            place::CONTRACT_DIR
        ),
    }
    steps.run("cargo test", || {
        let arguments = ["test", "--workspace", "--all-features", "--no-fail-fast"];
        steps::call(place::cargo().args(arguments))
    });
    if skip_judges {
        println!("\nRecipes, page and judges were left out, as asked.");
    } else {
        recipes::add(steps);
        page::add(steps);
        judges::add(steps, None);
    }
}

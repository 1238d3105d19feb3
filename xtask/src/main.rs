//! `cargo xtask`: the project's own tasks, each one command. Not a part of the product.

mod bench;
mod ci;
mod dates;
mod judges;
mod page;
mod place;
mod programs;
mod python;
mod recipes;
mod soak;
mod steps;
mod suite;

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The project's own tasks")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run every test there is: cargo's, the recipes, the page, then the judges that nobody here wrote
    Test {
        /// Leave out all but cargo's tests (the others need Python, Java, Node and Chromium)
        #[arg(long)]
        skip_judges: bool,
    },
    /// Run only the judges: schemathesis and generated clients against a running stand-in
    Judges {
        /// Judge this binary instead of building one
        #[arg(long, value_name = "FILE")]
        binary: Option<PathBuf>,
    },
    /// Run only the tests of the stand-in's page in Chromium
    Page,
    /// Run only the recipes: the stand-in under tests in other languages
    Recipes,
    /// Run the fast tests at other dates, hours and time zones, under faketime
    Dates(dates::Args),
    /// Tell the time and the offset from Greenwich
    #[command(hide = true, name = dates::CLOCK)]
    Clock,
    /// Run exactly what CI runs
    Ci,
    /// Measure the release build beside three references and print one table
    Bench(bench::Args),
    /// Run a scenario of full size: the real program under kills and faults
    Soak {
        /// Which one
        #[command(subcommand)]
        scenario: soak::Scenario,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\n{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    match command {
        Command::Test { skip_judges } => suite::run(skip_judges),
        Command::Judges { binary } => judges::run(binary),
        Command::Page => page::run(),
        Command::Recipes => recipes::run(),
        Command::Dates(args) => dates::run(&args),
        Command::Clock => {
            dates::tell_time();
            Ok(())
        }
        Command::Ci => ci::run(),
        Command::Bench(args) => bench::run(&args),
        Command::Soak { scenario } => soak::run(scenario),
    }
}

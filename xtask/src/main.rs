//! `cargo xtask`: development tasks of the repository.

mod bench;
mod ci;
mod dates;
mod external;
mod page;
mod paths;
mod programs;
mod python;
mod recipes;
mod soak;
mod steps;
mod tests;

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
    /// Run all tests: cargo's, the recipes, the page, then the external tools
    Test {
        /// Run cargo's tests only (the others need Python, Java, Node and Chromium)
        #[arg(long)]
        skip_external: bool,
    },
    /// Run the external tools: schemathesis and generated clients against a running stand-in
    External {
        /// Binary to test instead of building one
        #[arg(long, value_name = "FILE")]
        binary: Option<PathBuf>,
    },
    /// Run the tests of the stand-in's page in Chromium
    Page,
    /// Run the recipes: tests in other languages that start the stand-in
    Recipes,
    /// Run the fast tests at other dates, hours and time zones, under faketime
    Dates(dates::Args),
    /// Print the time and the UTC offset
    #[command(hide = true, name = dates::CLOCK)]
    Clock,
    /// Run exactly what CI runs
    Ci,
    /// Benchmark the release build and three references and print one table
    Bench(bench::Args),
    /// Run a full-size scenario: the release binary under kills and faults
    Soak {
        /// Scenario
        #[command(subcommand)]
        scenario: soak::SoakScenario,
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
        Command::Test { skip_external } => tests::run(skip_external),
        Command::External { binary } => external::run(binary),
        Command::Page => page::run(),
        Command::Recipes => recipes::run(),
        Command::Dates(args) => dates::run(&args),
        Command::Clock => {
            dates::print_time();
            Ok(())
        }
        Command::Ci => ci::run(),
        Command::Bench(args) => bench::run(&args),
        Command::Soak { scenario } => soak::run(scenario),
    }
}

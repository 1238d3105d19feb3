//! `cargo xtask`: what a developer and the CI run on this repository. Nothing of it ships.

use clap::{Parser, Subcommand};

mod bench;

/// What a developer and the CI run on this repository.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measure the release build beside three references and print one table.
    Bench(bench::Args),
}

fn main() -> anyhow::Result<()> {
    match Args::parse().command {
        Command::Bench(args) => bench::run(&args),
    }
}

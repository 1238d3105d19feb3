//! Runs the parsed command on the runtime it needs and turns its result into an exit status.

use std::{future::Future, process::ExitCode};

use tokio::runtime::{Builder, Runtime};

use crate::{
    args::{Cli, Command, StandInArgs},
    commands::{
        admin, chats, completions, export, gateway, listen, market, outbox, scenario, search,
        serve, stand_in, stand_in_control, stats, sync, unread, watch,
    },
    exit_status, limit_notice,
    output::Output,
};

/// Runs the command, reports its error on standard error and returns the exit status.
pub(crate) fn run(cli: Cli) -> ExitCode {
    let out = Output::new(cli.json);
    limit_notice::init(cli.json);
    match run_command(cli.command, out) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => exit_status::report(&error, cli.json),
    }
}

fn run_command(command: Command, out: Output) -> anyhow::Result<()> {
    match command {
        Command::Serve(args) => on_many_threads(serve::run(args, out)),
        Command::StandIn(StandInArgs { command: Some(command), .. }) => {
            on_this_thread(stand_in_control::run(command, out))
        }
        Command::StandIn(args) => on_many_threads(stand_in::run(args, out)),
        Command::Chats(args) => on_this_thread(chats::run(args, out)),
        Command::Sync(args) => on_this_thread(sync::run(*args, out)),
        Command::Watch(args) => on_this_thread(watch::run(*args, out)),
        Command::Unread(args) => unread::run(&args, out),
        Command::Search(args) => search::run(*args, out),
        Command::Export(args) => export::run(*args, out),
        Command::Outbox(args) => on_many_threads(outbox::run(args, out)),
        Command::Stats(args) => stats::run(*args, out),
        Command::Market(args) => on_this_thread(market::run(args, out)),
        Command::Scenario(args) => on_this_thread(scenario::run(args, out)),
        Command::Listen(args) => on_this_thread(listen::run(args, out)),
        Command::Gateway(args) => on_many_threads(gateway::run(args, out)),
        Command::Admin(args) => on_this_thread(admin::run(args, out)),
        Command::Completions { shell } => completions::completions(shell),
        Command::Man { dir } => completions::manual(dir.as_deref()),
    }
}

fn on_many_threads(command: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    block_on(Builder::new_multi_thread(), command)
}

fn on_this_thread(command: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    block_on(Builder::new_current_thread(), command)
}

fn block_on(
    mut builder: Builder,
    command: impl Future<Output = anyhow::Result<()>>,
) -> anyhow::Result<()> {
    let runtime: Runtime = builder.enable_all().build()?;
    let result = runtime.block_on(command);
    // A blocking read of standard input may still be pending; don't wait for it.
    runtime.shutdown_background();
    result
}

//! Which command runs on which runtime, and how its end is told. The commands themselves stand in modules of their names.

use std::{future::Future, process::ExitCode};

use tokio::runtime::{Builder, Runtime};

use crate::{
    admin,
    args::{Cli, Command, ControlCommand, StandInArgs},
    chats, control, exit, export, gateway, listen, market, outbox, pages, scenario, search, serve,
    stand_in, stats, sync, unread, watch,
};

/// Does what the command line says and tells how it ended.
pub(crate) fn run(cli: Cli) -> ExitCode {
    let json = cli.command.wants_json();
    match start(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => exit::report(&error, json),
    }
}

fn start(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Serve(args) => block_on(Builder::new_multi_thread(), serve::run(args)),
        Command::StandIn(StandInArgs { command: Some(command), .. }) => {
            block_on(Builder::new_current_thread(), control::run(command))
        }
        Command::StandIn(args) => block_on(Builder::new_multi_thread(), stand_in::run(args)),
        Command::Chats(args) => block_on(Builder::new_current_thread(), chats::run(args)),
        Command::Sync(args) => block_on(Builder::new_current_thread(), sync::run(*args)),
        Command::Watch(args) => block_on(Builder::new_current_thread(), watch::run(*args)),
        Command::Unread(args) => unread::run(&args),
        Command::Search(args) => search::run(*args),
        Command::Export(args) => export::run(*args),
        Command::Outbox(args) => block_on(Builder::new_multi_thread(), outbox::run(args)),
        Command::Stats(args) => stats::run(*args),
        Command::Market(args) => block_on(Builder::new_current_thread(), market::run(args)),
        Command::Scenario(args) => block_on(Builder::new_current_thread(), scenario::run(args)),
        Command::Listen(args) => block_on(Builder::new_current_thread(), listen::run(args)),
        Command::Gateway(args) => block_on(Builder::new_multi_thread(), gateway::run(args)),
        Command::Admin(args) => block_on(Builder::new_current_thread(), admin::run(args)),
        Command::Completions { shell } => pages::completions(shell),
        Command::Man { dir } => pages::manual(dir.as_deref()),
    }
}

fn block_on(
    mut builder: Builder,
    work: impl Future<Output = anyhow::Result<()>>,
) -> anyhow::Result<()> {
    let runtime: Runtime = builder.enable_all().build()?;
    let done = runtime.block_on(work);
    // A thread may still sit in a read of standard input; nobody waits for what comes there.
    runtime.shutdown_background();
    done
}

impl Command {
    fn wants_json(&self) -> bool {
        match self {
            Self::StandIn(args) => {
                args.command.as_ref().map_or(args.json, ControlCommand::wants_json)
            }
            Self::Chats(args) => args.connection.json,
            Self::Sync(args) => args.connection.json,
            Self::Watch(args) => args.connection.json,
            Self::Unread(args) => args.json,
            Self::Search(args) => args.archive.json,
            Self::Export(args) => args.archive.json,
            Self::Outbox(args) => args.connection.json,
            Self::Stats(args) => args.archive.json,
            Self::Market(args) => args.connection.json,
            Self::Scenario(args) => args.connection.json,
            Self::Admin(args) => args.connection.json,
            Self::Listen(args) => args.json,
            Self::Gateway(args) => args.wants_json(),
            Self::Serve(_) | Self::Completions { .. } | Self::Man { .. } => false,
        }
    }
}

//! `beseda`: server, mock server and command-line client of the Yandex Market Partner Chats API in one program.

mod archive_access;
mod args;
mod commands;
mod config;
mod connect;
mod credential;
mod exit_status;
mod file_io;
mod limit_notice;
mod output;
mod run;
mod signals;
mod sync_session;
mod tables;

use std::process::ExitCode;

use clap::Parser;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    run::run(args::Cli::parse())
}

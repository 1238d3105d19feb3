//! `beseda`: the Chats API as one program. It serves, stands in, and talks to any service that speaks the API.
//! What each command does stands in the module of its name; here they only begin.

mod admin;
mod archived;
mod args;
mod chats;
mod config;
mod control;
mod credential;
mod exit;
mod export;
mod gateway;
mod keep;
mod listen;
mod market;
mod outbox;
mod output;
mod pages;
mod run;
mod scenario;
mod search;
mod serve;
mod signals;
mod stand_in;
mod stats;
mod subscriptions;
mod sync;
mod tables;
mod target;
mod transfer;
mod unread;
mod waiting;
mod watch;

use std::process::ExitCode;

use clap::Parser;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    run::run(args::Cli::parse())
}

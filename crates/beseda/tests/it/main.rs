//! The real program, run as people run it: against the stand-in it holds itself, and against services that misbehave.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod addresses;
mod administration;
mod archive;
mod control;
mod conversation;
mod credentials;
mod failures;
mod gateway;
mod insight;
mod journal;
mod key_format;
mod kill;
mod listen;
mod listen_kill;
mod notifications;
mod outbox;
mod pages;
mod private;
mod program;
mod readme;
mod scenarios;
mod service;
mod signals;
mod start_page;
mod tls;
mod unversioned;

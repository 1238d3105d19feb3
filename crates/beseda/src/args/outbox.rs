//! `beseda outbox`, and the options of `chats send --safe`.

use std::{path::PathBuf, time::Duration};

use beseda_api::ChatId;
use beseda_client::SendOnceOptions;
use beseda_outbox::{ItemState, OutboxId};
use clap::{Args, Subcommand};

use super::connection::{CabinetArgs, ConnectionArgs};

const EXAMPLES: &str = "\
Every message accepted is sent once and in the order of its chat, whatever dies in between; docs/sending.md says
exactly what that means.

Examples:
  beseda chats send --safe --archive ~/chats 14604709 'It leaves today'
  printf '%s\\n' '{\"chat\":14604709,\"text\":\"It leaves today\"}' | beseda outbox add --archive ~/chats
  beseda outbox run --archive ~/chats
  beseda outbox list --archive ~/chats --state failed
  beseda outbox retry --archive ~/chats 17";

/// `beseda outbox`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct OutboxArgs {
    /// Folder of the outbox.
    #[arg(long, global = true, env = "BESEDA_ARCHIVE", value_name = "DIR")]
    pub(crate) archive: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,
    #[command(flatten)]
    pub(crate) cabinet: CabinetArgs,
    #[command(subcommand)]
    pub(crate) command: OutboxCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum OutboxCommand {
    /// Queue messages from JSON lines without sending them: {"chat":1,"text":"…"} or
    /// {"chat":1,"file":"photo.jpg"}.
    #[command(
        after_help = "Fields: chat; text or file (a path); name, the file name to show; operator.\nA printed message is on disk. An invalid line stops the command; the lines before it are queued."
    )]
    Add {
        /// File of JSON lines [default: standard input].
        file: Option<PathBuf>,
        /// Operator of lines that name none.
        #[arg(long, env = "BESEDA_OPERATOR", value_name = "NAME")]
        operator: Option<String>,
    },
    /// List messages in the order in which they were queued.
    List {
        /// Only messages in this state; may be repeated.
        #[arg(long, value_name = "STATE")]
        state: Vec<ItemState>,
        /// Only messages for this chat.
        #[arg(long, value_name = "ID")]
        chat: Option<ChatId>,
        /// Only messages with a higher number.
        #[arg(long, value_name = "NUMBER")]
        after: Option<OutboxId>,
        /// Maximum number of messages.
        #[arg(long, value_name = "N")]
        limit: Option<u32>,
    },
    /// Queue failed messages again, at the end of their chats' queues.
    Retry {
        /// Numbers of the messages.
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        ids: Vec<OutboxId>,
        /// Retry all failed messages.
        #[arg(long)]
        all: bool,
    },
    /// Cancel queued messages; a message that may already be in its chat can't be cancelled.
    Cancel {
        /// Numbers of the messages.
        #[arg(required = true)]
        ids: Vec<OutboxId>,
    },
    /// Send queued messages until stopped by Ctrl-C or SIGTERM.
    Run {
        /// Stop when the queue is empty; the exit status is 1 if a message has failed.
        #[arg(long)]
        until_empty: bool,
        /// Maximum number of concurrent calls; the service allows four.
        #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..))]
        slots: u8,
        #[command(flatten)]
        settle: SettleArgs,
    },
}

/// Settle time of an uncertain send.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct SettleArgs {
    /// Seconds after a timeout in which a message may still arrive; the published service gives up
    /// after 10.
    #[arg(long, value_name = "SECONDS", default_value = "12", value_parser = seconds)]
    settle: Duration,
}

impl SettleArgs {
    pub(crate) fn safety(self) -> SendOnceOptions {
        let safety = SendOnceOptions::default();
        SendOnceOptions {
            settle_time: self.settle,
            recheck_delay: safety.recheck_delay.min(self.settle),
            ..safety
        }
    }
}

/// Options of a safe send.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Safe sending")]
pub(crate) struct SafeArgs {
    /// Send at most once: if the response is lost, the chat's history decides whether to send
    /// again.
    #[arg(long)]
    pub(crate) safe: bool,
    /// With --safe: queue the message in the outbox in this folder first, so that it survives a
    /// crash of this program.
    #[arg(long, env = "BESEDA_ARCHIVE", value_name = "DIR")]
    pub(crate) archive: Option<PathBuf>,
    /// Operator who wrote the message, for the archive.
    #[arg(long, env = "BESEDA_OPERATOR", value_name = "NAME")]
    pub(crate) operator: Option<String>,
    /// With --safe: stop waiting after this many seconds; a queued message stays in the outbox.
    #[arg(long, value_name = "SECONDS", default_value = "120", value_parser = seconds)]
    pub(crate) give_up: Duration,
    #[command(flatten)]
    pub(crate) settle: SettleArgs,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| format!("'{text}' is not a number of seconds"))?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

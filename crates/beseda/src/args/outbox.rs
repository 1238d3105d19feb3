//! `beseda outbox …`, and what makes a send of `beseda chats` a safe one.

use std::{path::PathBuf, time::Duration};

use beseda_api::ChatId;
use beseda_client::Safety;
use beseda_outbox::{OutboxId, State};
use clap::{Args, Subcommand};

use super::connection::{Cabinet, Connection};

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
    /// The folder of the outbox and of all that is kept with it.
    #[arg(long, global = true, env = "BESEDA_ARCHIVE", value_name = "DIR")]
    pub(crate) archive: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) connection: Connection,
    #[command(flatten)]
    pub(crate) cabinet: Cabinet,
    #[command(subcommand)]
    pub(crate) command: OutboxCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum OutboxCommand {
    /// Accept messages, one JSON object a line, without sending them: {"chat":1,"text":"…"} or {"chat":1,"file":"photo.jpg"}.
    #[command(
        after_help = "Fields: chat; text or file (a path); name, under which a file is shown; operator.\nWhat is printed is on disk. With a line that can't be accepted it ends; the lines before it are accepted."
    )]
    Add {
        /// The lines; standard input if not given.
        file: Option<PathBuf>,
        /// The person they are from, where a line names none.
        #[arg(long, env = "BESEDA_OPERATOR", value_name = "NAME")]
        operator: Option<String>,
    },
    /// List messages in the order they were accepted.
    List {
        /// Only in this state; may be repeated.
        #[arg(long, value_name = "STATE")]
        state: Vec<State>,
        /// Only of this chat.
        #[arg(long, value_name = "ID")]
        chat: Option<ChatId>,
        /// Only with larger numbers than this.
        #[arg(long, value_name = "NUMBER")]
        after: Option<OutboxId>,
        /// So many at most.
        #[arg(long, value_name = "N")]
        limit: Option<u32>,
    },
    /// Put failed messages at the end of their lines.
    Retry {
        /// Their numbers.
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        ids: Vec<OutboxId>,
        /// All that failed.
        #[arg(long)]
        all: bool,
    },
    /// Take back messages that are queued; one that may be in its chat can't be.
    Cancel {
        /// Their numbers.
        #[arg(required = true)]
        ids: Vec<OutboxId>,
    },
    /// Send what is queued, until ended by Ctrl-C or SIGTERM.
    Run {
        /// End when nothing is left; with status 1 if a message failed meanwhile.
        #[arg(long)]
        until_empty: bool,
        /// How many calls are made at once; the service allows four.
        #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..))]
        slots: u8,
        #[command(flatten)]
        settle: SettleArgs,
    },
}

/// How long is waited for certainty.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct SettleArgs {
    /// For so long after silence a message may still arrive; the published service gives up after 10.
    #[arg(long, value_name = "SECONDS", default_value = "12", value_parser = seconds)]
    settle: Duration,
}

impl SettleArgs {
    pub(crate) fn safety(self) -> Safety {
        let safety = Safety::default();
        Safety { settle: self.settle, second_look: safety.second_look.min(self.settle), ..safety }
    }
}

/// What makes a send a safe one.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Safe sending")]
pub(crate) struct SafeArgs {
    /// Send it once: where the answer gets lost, the history decides whether it is sent again.
    #[arg(long)]
    pub(crate) safe: bool,
    /// With --safe: accept it into the outbox in this folder first, so that it outlives this program.
    #[arg(long, env = "BESEDA_ARCHIVE", value_name = "DIR")]
    pub(crate) archive: Option<PathBuf>,
    /// The person it is from, for the archive.
    #[arg(long, env = "BESEDA_OPERATOR", value_name = "NAME")]
    pub(crate) operator: Option<String>,
    /// With --safe: leave it in the outbox, or give up, after so long.
    #[arg(long, value_name = "SECONDS", default_value = "120", value_parser = seconds)]
    pub(crate) give_up: Duration,
    #[command(flatten)]
    pub(crate) settle: SettleArgs,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| format!("'{text}' is no number of seconds"))?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

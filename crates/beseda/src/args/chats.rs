//! `beseda chats`: the seven operations of the API, with their filters and pages.

use std::path::PathBuf;

use beseda_api::{ChatId, ChatStatus, ChatType, ContextType, MessageId, OrderId, ReturnId};
use clap::{Args, Subcommand};

use super::{
    SafeArgs,
    connection::{CabinetArgs, ConnectionArgs},
    one_of,
};

const EXAMPLES: &str = "\
Credentials are never options. They come from the environment (BESEDA_API_KEY or BESEDA_OAUTH_TOKEN),
from --credential-stdin or from --credential-file; there a text that begins with ACMA: is an Api-Key, any other an OAuth token.

Examples:
  beseda chats list --status waiting-for-partner
  beseda chats list --all --json | jq .chatId
  beseda chats history 14604709 --all
  beseda chats create --order 123456789
  beseda chats send 14604709 'Good day! Your order leaves today.'
  date | beseda chats send 14604709 -
  beseda chats send --safe --archive ~/chats 14604709 'It leaves today'
  beseda chats send-file 14604709 photo.jpg
  pass market/key | beseda chats list --credential-stdin";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ChatsArgs {
    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,
    #[command(flatten)]
    pub(crate) cabinet: CabinetArgs,
    #[command(subcommand)]
    pub(crate) command: ChatsCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ChatsCommand {
    /// List chats, most recently updated first (getChats).
    List(ListArgs),
    /// Show a chat (getChat).
    Get {
        /// Chat id.
        chat: ChatId,
    },
    /// Read the messages of a chat, oldest first (getChatHistory).
    History(HistoryArgs),
    /// Show a message (getChatMessage).
    Message {
        /// Chat id.
        chat: ChatId,
        /// Message id.
        message: MessageId,
    },
    /// Get the chat about an order or a return, creating it if there is none (createChat).
    Create(CreateArgs),
    /// Send a message to a chat (sendMessageToChat).
    #[command(
        after_help = "A message is never sent twice: if the response is lost, the error says so, and the chat's history shows whether it arrived.\nWith --safe the command checks the history itself and sends again only if the message is not there; with --archive DIR\nthe message also survives a crash of this program: see `beseda help outbox`."
    )]
    Send {
        /// Chat id.
        chat: ChatId,
        /// Text, 1 to 4096 characters; - reads it from standard input.
        #[arg(allow_hyphen_values = true)]
        text: String,
        #[command(flatten)]
        safe: Box<SafeArgs>,
    },
    /// Send a file of at most 5 MiB to a chat (sendFileToChat).
    SendFile {
        /// Chat id.
        chat: ChatId,
        /// File to send; - reads standard input.
        file: PathBuf,
        /// File name to show in the chat [default: the file's own name].
        #[arg(long, required_if_eq("file", "-"))]
        name: Option<String>,
        #[command(flatten)]
        safe: Box<SafeArgs>,
    },
    /// Download the attachments of a message.
    Download {
        /// Chat id.
        chat: ChatId,
        /// Message id.
        message: MessageId,
        /// Folder to save the files in; existing files are not overwritten.
        #[arg(long, short, value_name = "DIR", default_value = ".")]
        output: PathBuf,
        /// Additional origin that receives the credential, such as `https://files.example`; may be repeated.
        #[arg(long = "trust", value_name = "ORIGIN")]
        trusted: Vec<String>,
    },
}

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  beseda chats list --status new --status waiting-for-partner --limit 20"
)]
pub(crate) struct ListArgs {
    /// Only chats with this status; may be repeated.
    #[arg(long, value_name = "STATUS", ignore_case = true, value_parser = one_of::<ChatStatus>(ChatStatus::ALL.iter().map(ChatStatus::as_str)))]
    pub(crate) status: Vec<ChatStatus>,
    /// Only chats (chat) or only disputes (arbitrage).
    #[arg(long = "type", value_name = "TYPE", ignore_case = true, value_parser = one_of::<ChatType>(ChatType::ALL.iter().map(ChatType::as_str)))]
    pub(crate) types: Vec<ChatType>,
    /// Only chats about orders, returns or neither; may be repeated.
    #[arg(long, value_name = "TYPE", ignore_case = true, conflicts_with_all = ["order", "ret"], value_parser = one_of::<ContextType>(ContextType::ALL.iter().map(ContextType::as_str)))]
    pub(crate) context_type: Vec<ContextType>,
    /// Only chats about this order; may be repeated.
    #[arg(long, value_name = "ID")]
    pub(crate) order: Vec<OrderId>,
    /// Only chats about this return; may be repeated.
    #[arg(long = "return", id = "ret", value_name = "ID")]
    pub(crate) ret: Vec<ReturnId>,
    /// Chats per page, 1 to 20 [default: 10].
    #[arg(long, value_name = "N", conflicts_with = "all")]
    pub(crate) limit: Option<i64>,
    /// Page token returned with the previous page.
    #[arg(long, value_name = "TOKEN", conflicts_with = "all")]
    pub(crate) page_token: Option<String>,
    /// Fetch all pages.
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Debug, Args)]
pub(crate) struct HistoryArgs {
    /// Chat id.
    pub(crate) chat: ChatId,
    /// Id of the first message to show.
    #[arg(long, value_name = "MESSAGE")]
    pub(crate) from: Option<MessageId>,
    /// Messages per page, 1 to 100 [default: 50].
    #[arg(long, value_name = "N", conflicts_with = "all")]
    pub(crate) limit: Option<i64>,
    /// Page token returned with the previous page.
    #[arg(long, value_name = "TOKEN", conflicts_with = "all")]
    pub(crate) page_token: Option<String>,
    /// Fetch all pages.
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct CreateArgs {
    /// Order id.
    #[arg(long, value_name = "ID")]
    pub(crate) order: Option<OrderId>,
    /// Return id.
    #[arg(long = "return", id = "ret", value_name = "ID")]
    pub(crate) ret: Option<ReturnId>,
}

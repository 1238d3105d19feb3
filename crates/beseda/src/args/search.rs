//! `beseda search`: query, filters and page.

use clap::Args;

use super::filter::{ExistingArchive, MessageFilter};

const EXAMPLES: &str = "\
All words must be there, each in any of its forms or (from three characters on) as a part of a word. Numbers are found
however their digits are grouped, phone numbers with +7, 8 or neither; a number also finds all messages of the chat with
this id, order or return. Emoji must be there, too; a query of signs alone is taken literally. \"Words in quotes\" must stand
exactly so; -word must not be there (put -- before a query that begins with it).

Examples:
  beseda search --archive ~/chats возврат посылки
  beseda search --archive ~/chats '\"не подошёл размер\" -обмен' --since 30d
  beseda search --archive ~/chats 123456789
  beseda search --archive ~/chats '+7 (999) 123-45-67'
  beseda search --archive ~/chats 👍 --sender customer
  beseda search --archive ~/chats чек --sender customer --status waiting-for-partner --json";

/// `beseda search`.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SearchArgs {
    /// Words to search for.
    #[arg(required = true, value_name = "QUERY")]
    pub(crate) query: Vec<String>,
    #[command(flatten)]
    pub(crate) archive: ExistingArchive,
    /// Maximum number of messages, 1 to 1000.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) limit: u16,
    /// Only messages older than this cursor, returned with the previous page.
    #[arg(long, value_name = "CURSOR")]
    pub(crate) before: Option<i64>,
    #[command(flatten, next_help_heading = "Among")]
    pub(crate) among: MessageFilter,
}

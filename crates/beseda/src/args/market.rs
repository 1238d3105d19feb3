//! `beseda market …`: what the marketplace itself does on a Beseda server. The published service has nothing like it.

use std::path::PathBuf;

use beseda_api::{CampaignId, ChatId, Customer, Model, OrderId, ReturnId, Sender, WaitingFor};
use clap::{Args, Subcommand, builder::TypedValueParser};

use super::{
    connection::{Cabinet, Connection},
    one_of,
};

const EXAMPLES: &str = "\
The market key comes from the environment (BESEDA_MARKET_KEY), from --credential-stdin or from --credential-file.

Examples:
  beseda market order 123456789 --model fbs --customer 'Иван П.'
  beseda market return 77 --order 123456789
  beseda market direct 'Does it come in blue?' --customer 'Мария'
  beseda market write 14604709 'Where is my order?' --as customer
  beseda market dispute --return 77 'I do not agree'
  beseda market resolve 14604710";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct MarketArgs {
    #[command(flatten)]
    pub(crate) connection: Connection,
    #[command(flatten)]
    pub(crate) cabinet: Cabinet,
    #[command(subcommand)]
    pub(crate) command: MarketCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum MarketCommand {
    /// Register an order.
    Order(OrderArgs),
    /// Register a return of an order.
    Return {
        /// The return's id.
        id: ReturnId,
        /// The order whose goods come back.
        #[arg(long, value_name = "ID")]
        order: OrderId,
    },
    /// A buyer opens a chat: a direct question unless an order or return is named.
    #[command(visible_alias = "open")]
    Direct(OpenArgs),
    /// A buyer, Market or support writes to a chat.
    Write(WriteArgs),
    /// A buyer, Market or support sends a file to a chat.
    SendFile {
        /// The chat's id.
        chat: ChatId,
        /// The file; - reads it from standard input.
        file: PathBuf,
        /// Who sends it.
        #[arg(long = "as", value_name = "WHO", default_value = "customer", ignore_case = true, value_parser = speaker())]
        sender: Sender,
        /// The name it is shown under; its own name if not given.
        #[arg(long, required_if_eq("file", "-"))]
        name: Option<String>,
    },
    /// A buyer opens a dispute.
    Dispute(DisputeArgs),
    /// The arbiter ends a dispute.
    Resolve {
        /// The dispute's chat.
        chat: ChatId,
    },
    /// End a chat: nothing more can be written to it.
    Close {
        /// The chat's id.
        chat: ChatId,
    },
}

#[derive(Debug, Args)]
pub(crate) struct OrderArgs {
    /// The order's id.
    pub(crate) id: OrderId,
    /// The shop it was bought in; the cabinet's first one of that model if not given.
    #[arg(long, value_name = "ID")]
    pub(crate) campaign: Option<CampaignId>,
    /// How it is fulfilled [default: fbs].
    #[arg(long, value_name = "MODEL", ignore_case = true, value_parser = one_of::<Model>(Model::ALL.iter().map(Model::as_str)))]
    pub(crate) model: Option<Model>,
    #[command(flatten)]
    pub(crate) buyer: Buyer,
}

#[derive(Debug, Args)]
pub(crate) struct OpenArgs {
    /// The buyer's first words; - reads them from standard input.
    #[arg(allow_hyphen_values = true)]
    pub(crate) text: Option<String>,
    /// About this order.
    #[arg(long, value_name = "ID")]
    pub(crate) order: Option<OrderId>,
    /// About this return.
    #[arg(long = "return", id = "ret", value_name = "ID", conflicts_with = "order")]
    pub(crate) ret: Option<ReturnId>,
    #[command(flatten)]
    pub(crate) buyer: Buyer,
}

#[derive(Debug, Args)]
pub(crate) struct WriteArgs {
    /// The chat's id.
    pub(crate) chat: ChatId,
    /// The text; - reads it from standard input.
    #[arg(allow_hyphen_values = true, required_unless_present = "sticker")]
    pub(crate) text: Option<String>,
    /// Who writes.
    #[arg(long = "as", value_name = "WHO", default_value = "customer", ignore_case = true, value_parser = speaker())]
    pub(crate) sender: Sender,
    /// Send a sticker instead of a text.
    #[arg(long, conflicts_with = "text")]
    pub(crate) sticker: bool,
    /// Whose answer is wanted next; for support.
    #[arg(long, value_name = "WHO", ignore_case = true, value_parser = one_of::<WaitingFor>(WaitingFor::ALL.iter().map(WaitingFor::as_str)))]
    pub(crate) waiting_for: Option<WaitingFor>,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("about").required(true))]
pub(crate) struct DisputeArgs {
    /// The buyer's first words in it; - reads them from standard input.
    #[arg(allow_hyphen_values = true)]
    pub(crate) text: Option<String>,
    /// Out of this chat.
    #[arg(long, value_name = "ID", group = "about")]
    pub(crate) chat: Option<ChatId>,
    /// About this order.
    #[arg(long, value_name = "ID", group = "about")]
    pub(crate) order: Option<OrderId>,
    /// About this return.
    #[arg(long = "return", id = "ret", value_name = "ID", group = "about")]
    pub(crate) ret: Option<ReturnId>,
}

/// Who asks or buys.
#[derive(Debug, Args)]
pub(crate) struct Buyer {
    /// The buyer's public name.
    #[arg(long, value_name = "NAME")]
    customer: Option<String>,
    /// The buyer's public identifier.
    #[arg(long, value_name = "ID")]
    customer_id: Option<String>,
}

impl Buyer {
    pub(crate) fn customer(self) -> Option<Customer> {
        let known = self.customer.is_some() || self.customer_id.is_some();
        known.then_some(Customer { name: self.customer, public_id: self.customer_id })
    }
}

/// Anyone but the shop.
fn speaker() -> impl TypedValueParser<Value = Sender> {
    let others = Sender::ALL.iter().filter(|sender| **sender != Sender::Partner);
    one_of::<Sender>(others.map(Sender::as_str))
}

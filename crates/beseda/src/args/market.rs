//! `beseda market`: actions of the marketplace, its buyers and its support on a Beseda server.

use std::path::PathBuf;

use beseda_api::{CampaignId, ChatId, Customer, Model, OrderId, ReturnId, Sender, WaitingFor};
use clap::{Args, Subcommand, builder::TypedValueParser};

use super::{
    connection::{CabinetArgs, ConnectionArgs},
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
    pub(crate) connection: ConnectionArgs,
    #[command(flatten)]
    pub(crate) cabinet: CabinetArgs,
    #[command(subcommand)]
    pub(crate) command: MarketCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum MarketCommand {
    /// Register an order.
    Order(OrderArgs),
    /// Register a return of an order.
    Return {
        /// Return id.
        id: ReturnId,
        /// Order the goods were bought in.
        #[arg(long, value_name = "ID")]
        order: OrderId,
    },
    /// Open a chat as a buyer: a direct question unless an order or a return is given.
    #[command(visible_alias = "open")]
    Direct(OpenArgs),
    /// Send a message as a buyer, Market or support.
    Write(WriteArgs),
    /// Send a file as a buyer, Market or support.
    SendFile {
        /// Chat id.
        chat: ChatId,
        /// File to send; - reads standard input.
        file: PathBuf,
        /// Sender of the file.
        #[arg(long = "as", value_name = "WHO", default_value = "customer", ignore_case = true, value_parser = speaker())]
        sender: Sender,
        /// File name to show in the chat [default: the file's own name].
        #[arg(long, required_if_eq("file", "-"))]
        name: Option<String>,
    },
    /// Open a dispute as a buyer.
    Dispute(DisputeArgs),
    /// Resolve a dispute as the arbiter.
    Resolve {
        /// Chat id of the dispute.
        chat: ChatId,
    },
    /// Close a chat; no more messages can be sent to it.
    Close {
        /// Chat id.
        chat: ChatId,
    },
}

#[derive(Debug, Args)]
pub(crate) struct OrderArgs {
    /// Order id.
    pub(crate) id: OrderId,
    /// Campaign (shop) of the order [default: the cabinet's first with this fulfilment model].
    #[arg(long, value_name = "ID")]
    pub(crate) campaign: Option<CampaignId>,
    /// Fulfilment model [default: fbs].
    #[arg(long, value_name = "MODEL", ignore_case = true, value_parser = one_of::<Model>(Model::ALL.iter().map(Model::as_str)))]
    pub(crate) model: Option<Model>,
    #[command(flatten)]
    pub(crate) buyer: Buyer,
}

#[derive(Debug, Args)]
pub(crate) struct OpenArgs {
    /// First message of the buyer; - reads it from standard input.
    #[arg(allow_hyphen_values = true)]
    pub(crate) text: Option<String>,
    /// Order id.
    #[arg(long, value_name = "ID")]
    pub(crate) order: Option<OrderId>,
    /// Return id.
    #[arg(long = "return", id = "ret", value_name = "ID", conflicts_with = "order")]
    pub(crate) ret: Option<ReturnId>,
    #[command(flatten)]
    pub(crate) buyer: Buyer,
}

#[derive(Debug, Args)]
pub(crate) struct WriteArgs {
    /// Chat id.
    pub(crate) chat: ChatId,
    /// Text; - reads it from standard input.
    #[arg(allow_hyphen_values = true, required_unless_present = "sticker")]
    pub(crate) text: Option<String>,
    /// Sender of the message.
    #[arg(long = "as", value_name = "WHO", default_value = "customer", ignore_case = true, value_parser = speaker())]
    pub(crate) sender: Sender,
    /// Send a sticker instead of a text.
    #[arg(long, conflicts_with = "text")]
    pub(crate) sticker: bool,
    /// Party whose answer the chat waits for next; only for support.
    #[arg(long, value_name = "WHO", ignore_case = true, value_parser = one_of::<WaitingFor>(WaitingFor::ALL.iter().map(WaitingFor::as_str)))]
    pub(crate) waiting_for: Option<WaitingFor>,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("about").required(true))]
pub(crate) struct DisputeArgs {
    /// First message of the buyer; - reads it from standard input.
    #[arg(allow_hyphen_values = true)]
    pub(crate) text: Option<String>,
    /// Turn this chat into a dispute.
    #[arg(long, value_name = "ID", group = "about")]
    pub(crate) chat: Option<ChatId>,
    /// Order id.
    #[arg(long, value_name = "ID", group = "about")]
    pub(crate) order: Option<OrderId>,
    /// Return id.
    #[arg(long = "return", id = "ret", value_name = "ID", group = "about")]
    pub(crate) ret: Option<ReturnId>,
}

/// Buyer of an order or author of a question.
#[derive(Debug, Args)]
pub(crate) struct Buyer {
    /// Public name of the buyer.
    #[arg(long, value_name = "NAME")]
    customer: Option<String>,
    /// Public identifier of the buyer.
    #[arg(long, value_name = "ID")]
    customer_id: Option<String>,
}

impl Buyer {
    pub(crate) fn customer(self) -> Option<Customer> {
        let known = self.customer.is_some() || self.customer_id.is_some();
        known.then_some(Customer { name: self.customer, public_id: self.customer_id })
    }
}

/// Parses a sender other than the shop.
fn speaker() -> impl TypedValueParser<Value = Sender> {
    let others = Sender::ALL.iter().filter(|sender| **sender != Sender::Partner);
    one_of::<Sender>(others.map(Sender::as_str))
}

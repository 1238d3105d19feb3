//! `beseda market`: one subcommand per operation of the marketplace.

use beseda_api::{
    BusinessId, ChatContext, ChatId, ChatOpening, Customer, DisputeOpening, MarketMessage,
    MarketSide, NewOrder, NewReturn, wire::ContextRef,
};
use beseda_client::MarketClient;

use crate::{
    args::{
        ConnectionArgs, DisputeArgs, MarketArgs, MarketCommand, OpenArgs, OrderArgs, WriteArgs,
    },
    connect,
    exit_status::SendFailed,
    file_io,
    output::Output,
    tables,
};

pub(crate) async fn run(args: MarketArgs, out: Output) -> anyhow::Result<()> {
    let (market, business) = connect::market(&args.connection, &args.cabinet).await?;
    let connection = args.connection;
    let commands = MarketCommands { market, business, connection, out };
    match args.command {
        MarketCommand::Order(order) => commands.order(order).await,
        MarketCommand::Return { id, order } => {
            let ret = NewReturn { return_id: id, order_id: order };
            let ret = commands.market.register_return(business, ret).await?;
            let facts =
                [("return", ret.return_id.to_string()), ("order", ret.order_id.to_string())];
            out.show(&ret, |_| tables::properties(&facts))
        }
        MarketCommand::Direct(open) => commands.open(open).await,
        MarketCommand::Write(write) => commands.write(write).await,
        MarketCommand::SendFile { chat, file, sender, name } => {
            let file =
                file_io::upload(&file, name.as_deref(), &commands.connection, commands.out).await?;
            let sent = commands.market.write_file(business, chat, sender, file).await;
            let message = sent.map_err(|error| SendFailed { chat, error })?;
            out.show(&message, |_| tables::message(&message))
        }
        MarketCommand::Dispute(dispute) => commands.dispute(dispute).await,
        MarketCommand::Resolve { chat } => commands.resolve(chat).await,
        MarketCommand::Close { chat } => {
            let chat = commands.market.close_chat(business, chat).await?;
            out.show(&chat, |out| tables::chat(out, &chat))
        }
    }
}

/// Marketplace client of one cabinet, with the output of the command.
struct MarketCommands {
    market: MarketClient,
    business: BusinessId,
    connection: ConnectionArgs,
    out: Output,
}

impl MarketCommands {
    async fn order(&self, args: OrderArgs) -> anyhow::Result<()> {
        let order = NewOrder {
            order_id: args.id,
            campaign_id: args.campaign,
            model: args.model,
            customer: args.buyer.customer(),
        };
        let order = self.market.register_order(self.business, order).await?;
        let name = |customer: &Customer| customer.name.clone().unwrap_or_default();
        let facts = [
            ("order", order.order_id.to_string()),
            ("model", order.model.to_string()),
            ("campaign", order.campaign_id.map(|id| id.to_string()).unwrap_or_default()),
            ("customer", order.customer.as_ref().map(name).unwrap_or_default()),
        ];
        self.out.show(&order, |_| tables::properties(&facts))
    }

    async fn open(&self, args: OpenArgs) -> anyhow::Result<()> {
        let by_order = args.order.map(ChatContext::Order);
        let context = by_order.or(args.ret.map(ChatContext::Return));
        let opening = ChatOpening {
            context: context.map(ContextRef::from),
            order_id: None,
            customer: args.buyer.customer(),
            message: self.read_text(args.text).await?,
        };
        let chat = self.market.open_chat(self.business, opening).await?;
        self.out.show(&chat, |out| tables::chat(out, &chat))
    }

    async fn write(&self, args: WriteArgs) -> anyhow::Result<()> {
        let chat = args.chat;
        let message = MarketMessage {
            sender: args.sender,
            message: self.read_text(args.text).await?,
            sticker: args.sticker,
            waiting_for: args.waiting_for,
        };
        let sent = self.market.write_message(self.business, chat, message).await;
        let message = sent.map_err(|error| SendFailed { chat, error })?;
        self.out.show(&message, |_| tables::message(&message))
    }

    async fn dispute(&self, args: DisputeArgs) -> anyhow::Result<()> {
        let opening = DisputeOpening {
            chat_id: args.chat,
            order_id: args.order.map(|id| id.get()),
            return_id: args.ret.map(|id| id.get()),
            context: None,
            message: self.read_text(args.text).await?,
        };
        let chat = self.market.open_dispute(self.business, opening).await?;
        self.out.show(&chat, |out| tables::chat(out, &chat))
    }

    async fn resolve(&self, chat: ChatId) -> anyhow::Result<()> {
        let chat = self.market.resolve_dispute(self.business, chat).await?;
        self.out.show(&chat, |out| tables::chat(out, &chat))
    }

    async fn read_text(&self, text: Option<String>) -> anyhow::Result<Option<String>> {
        match text {
            Some(text) => file_io::text(text, &self.connection).await.map(Some),
            None => Ok(None),
        }
    }
}

//! `MarketSide` over a store: orders, returns, and messages of buyers, support and arbiter.

use async_trait::async_trait;
use beseda_api::{
    BusinessId, Campaign, CampaignId, Chat, ChatContext, ChatId, ChatOpening, ChatStatus, ChatType,
    ContextType, Customer, DisputeOpening, DisputeTarget, Error, ErrorKind, FileUpload, MarketBody,
    MarketMessage, MarketSide, Message, MessageText, Model, NewOrder, NewReturn, Order,
    PlacementType, Result, Return, Sender, check_writer,
};

use crate::{
    Disputes, Engine,
    lifecycle::{ChatAction, Reuse},
    rows::Subject,
    store::{NewChat, NewMessage},
};

#[async_trait]
impl MarketSide for Engine {
    async fn register_order(&self, business: BusinessId, new: NewOrder) -> Result<Order> {
        if let Some(model) = new.model.as_ref().filter(|model| !model.is_known()) {
            let known: Vec<&str> = Model::ALL.iter().map(Model::as_str).collect();
            return Err(Error::unknown_value("model", model.as_str(), &known));
        }
        check_customer(new.customer.as_ref())?;
        let campaign = self.campaign_of(business, &new).await?;
        let model = new.model.unwrap_or_else(|| model_of(campaign.as_ref()));
        let order = Order {
            order_id: new.order_id,
            campaign_id: campaign.and_then(|campaign| campaign.id),
            model,
            customer: new.customer,
        };
        let registered = self.store.put_order(business, order.clone()).await?;
        if registered != order {
            let text = format!("Order {} is registered already with other values", new.order_id);
            return Err(Error::bad_request(text));
        }
        Ok(registered)
    }

    async fn register_return(&self, business: BusinessId, new: NewReturn) -> Result<Return> {
        self.order(business, new.order_id).await?;
        let ret = Return { return_id: new.return_id, order_id: new.order_id };
        let registered = self.store.put_return(business, ret).await?;
        if registered != ret {
            let text = format!("Return {} is registered already with other values", new.return_id);
            return Err(Error::bad_request(text));
        }
        Ok(registered)
    }

    async fn open_chat(&self, business: BusinessId, opening: ChatOpening) -> Result<Chat> {
        check_customer(opening.customer.as_ref())?;
        let text = opening.message.clone().map(MessageText::new).transpose()?;
        let new = match opening.read_context()? {
            Some(context) => self.new_chat(business, self.subject(business, context).await?),
            None => {
                self.cabinet_exists(business).await?;
                let subject = Subject::direct(opening.customer);
                NewChat { reuse: Reuse::Never, ..self.new_chat(business, subject) }
            }
        };
        let message = text.map(|text| self.text_message(Sender::Customer, text));
        let (row, _) = self.store.create_chat(NewChat { message, ..new }).await?;
        Ok(row.into())
    }

    async fn write_message(
        &self,
        business: BusinessId,
        chat_id: ChatId,
        message: MarketMessage,
    ) -> Result<Message> {
        let text = match message.read_body()? {
            MarketBody::Text(text) => Some(text.into_string()),
            MarketBody::Sticker => None,
        };
        let MarketMessage { sender, waiting_for, .. } = message;
        let message = self.new_message(sender, waiting_for, text, None);
        let row = self.store.append(business, chat_id, message).await?;
        Ok(self.message(row))
    }

    async fn write_file(
        &self,
        business: BusinessId,
        chat_id: ChatId,
        sender: Sender,
        file: FileUpload,
    ) -> Result<Message> {
        check_writer(&sender)?;
        let row = self.send_file(business, chat_id, sender, file).await?;
        Ok(self.message(row))
    }

    async fn close_chat(&self, business: BusinessId, chat_id: ChatId) -> Result<Chat> {
        self.store
            .change_chat(business, chat_id, ChatAction::Close, self.now())
            .await
            .map(Chat::from)
    }

    async fn open_dispute(&self, business: BusinessId, opening: DisputeOpening) -> Result<Chat> {
        let text = opening.message.clone().map(MessageText::new).transpose()?;
        let message = text.map(|text| self.text_message(Sender::Customer, text));
        let context = self.dispute_context(business, opening.read_target()?).await?;
        let subject = self.dispute_subject(business, context).await?;
        let new = self.new_dispute(business, subject, message);
        Ok(self.store.create_chat(new).await?.0.into())
    }

    async fn resolve_dispute(&self, business: BusinessId, chat_id: ChatId) -> Result<Chat> {
        self.store
            .change_chat(business, chat_id, ChatAction::Resolve, self.now())
            .await
            .map(Chat::from)
    }
}

impl Engine {
    /// Returns the campaign of an order: the requested one, else the cabinet's first of that model, else its first.
    async fn campaign_of(&self, business: BusinessId, new: &NewOrder) -> Result<Option<Campaign>> {
        self.cabinet_exists(business).await?;
        let mut campaigns = self.store.campaigns(&[business]).await?;
        let is_match = |campaign: &Campaign| match (new.campaign_id, &new.model) {
            (Some(id), _) => campaign.id == Some(id),
            (None, Some(model)) => campaign.placement_type == Some(model.placement()),
            (None, None) => true,
        };
        let index = campaigns.iter().position(is_match);
        match (index, new.campaign_id) {
            (Some(index), _) => Ok(Some(campaigns.swap_remove(index))),
            (None, Some(id)) => Err(campaign_not_found(id)),
            (None, None) => Ok(campaigns.into_iter().next()),
        }
    }

    /// Rejects an unknown cabinet with 404.
    pub(crate) async fn cabinet_exists(&self, business: BusinessId) -> Result<()> {
        match self.store.cabinet(business).await? {
            Some(_) => Ok(()),
            None => Err(Error::new(ErrorKind::NotFound, format!("Business not found: {business}"))),
        }
    }

    /// Returns the order or return of a dispute.
    async fn dispute_context(
        &self,
        business: BusinessId,
        target: DisputeTarget,
    ) -> Result<ChatContext> {
        match target {
            DisputeTarget::Context(context) => Ok(context),
            DisputeTarget::Chat(chat_id) => {
                let row = self.row(business, chat_id).await?;
                row.subject
                    .context()
                    .ok_or_else(|| Error::bad_request("A dispute can't be about a DIRECT chat"))
            }
        }
    }

    /// Returns the subject of a dispute, which unlike that of a conversation can be a return of any model.
    async fn dispute_subject(&self, business: BusinessId, context: ChatContext) -> Result<Subject> {
        match context {
            ChatContext::Order(_) => self.subject(business, context).await,
            ChatContext::Return(id) => {
                let found = self.store.ret(business, id).await?;
                let ret = found.ok_or_else(|| Error::return_not_found(id))?;
                Ok(Subject::of_order(self.order(business, ret.order_id).await?, Some(id)))
            }
        }
    }

    /// Returns a request for the chat of a dispute, which is created or found in one transaction with its message.
    fn new_dispute(
        &self,
        business: BusinessId,
        subject: Subject,
        message: Option<NewMessage>,
    ) -> NewChat {
        debug_assert!(subject.context_type != ContextType::Direct);
        let new = NewChat { message, ..self.new_chat(business, subject) };
        match self.settings.disputes {
            Disputes::OwnChat => NewChat {
                chat_type: ChatType::Arbitrage,
                status: ChatStatus::WaitingForArbiter,
                reuse: Reuse::Unfinished,
                ..new
            },
            Disputes::InPlace => NewChat { action: Some(ChatAction::Dispute), ..new },
        }
    }
}

/// Returns the model of a campaign's orders.
fn model_of(campaign: Option<&Campaign>) -> Model {
    match campaign.and_then(|campaign| campaign.placement_type.as_ref()) {
        Some(PlacementType::Fby) => Model::Fby,
        Some(PlacementType::Dbs) => Model::Dbs,
        _ => Model::Fbs,
    }
}

/// Rejects a buyer with an empty name or id with 400: the published schema has none.
fn check_customer(customer: Option<&Customer>) -> Result<()> {
    let empty = |text: &Option<String>| text.as_ref().is_some_and(String::is_empty);
    match customer {
        Some(customer) if empty(&customer.name) => Err(empty_field("customer.name")),
        Some(customer) if empty(&customer.public_id) => Err(empty_field("customer.publicId")),
        _ => Ok(()),
    }
}

fn empty_field(field: &str) -> Error {
    Error::bad_request(format!("{field} must not be empty (rejected value: )"))
}

fn campaign_not_found(id: CampaignId) -> Error {
    Error::new(ErrorKind::NotFound, format!("Campaign not found: {id}"))
}

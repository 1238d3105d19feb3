//! The marketplace's side over a store: orders, returns, buyers, support and arbiter. Who may call it is not asked here.

use async_trait::async_trait;
use beseda_api::{
    BusinessId, Campaign, CampaignId, Chat, ChatContext, ChatId, ChatOpening, ChatStatus, ChatType,
    ContextType, Customer, DisputeOpening, DisputeTarget, Error, ErrorKind, FileUpload, MarketBody,
    MarketMessage, MarketSide, Message, MessageText, Model, NewOrder, NewReturn, Order,
    PlacementType, Result, Return, Sender, check_writer,
};

use crate::{
    Disputes, Engine,
    engine::chat,
    rules::Event,
    store::{ChatRow, Draft, NewChat, Reuse, Subject},
};

#[async_trait]
impl MarketSide for Engine {
    async fn register_order(&self, business: BusinessId, new: NewOrder) -> Result<Order> {
        if let Some(model) = new.model.as_ref().filter(|model| !model.is_known()) {
            let known: Vec<&str> = Model::ALL.iter().map(Model::as_str).collect();
            return Err(Error::unknown_value("model", model.as_str(), &known));
        }
        named(new.customer.as_ref())?;
        let campaign = self.campaign_of(business, &new).await?;
        let model = new.model.unwrap_or_else(|| model_of(campaign.as_ref()));
        let order = Order {
            order_id: new.order_id,
            campaign_id: campaign.and_then(|campaign| campaign.id),
            model,
            customer: new.customer,
        };
        let kept = self.store.put_order(business, order.clone()).await?;
        if kept != order {
            let text = format!("Order {} is registered already with other values", new.order_id);
            return Err(Error::bad_request(text));
        }
        Ok(kept)
    }

    async fn register_return(&self, business: BusinessId, new: NewReturn) -> Result<Return> {
        self.order(business, new.order_id).await?;
        let ret = Return { return_id: new.return_id, order_id: new.order_id };
        let kept = self.store.put_return(business, ret).await?;
        if kept != ret {
            let text = format!("Return {} is registered already with other values", new.return_id);
            return Err(Error::bad_request(text));
        }
        Ok(kept)
    }

    async fn open_chat(&self, business: BusinessId, opening: ChatOpening) -> Result<Chat> {
        named(opening.customer.as_ref())?;
        let first = opening.message.clone().map(MessageText::new).transpose()?;
        let new = match opening.read_context()? {
            Some(context) => self.talk(business, self.subject(business, context).await?),
            None => {
                self.cabinet_exists(business).await?;
                let subject = Subject::direct(opening.customer);
                NewChat { reuse: Reuse::Never, ..self.talk(business, subject) }
            }
        };
        let first = first.map(|text| self.text(Sender::Customer, text));
        let (row, _) = self.store.create_chat(NewChat { first, ..new }).await?;
        Ok(chat(row))
    }

    async fn write_message(
        &self,
        business: BusinessId,
        chat_id: ChatId,
        message: MarketMessage,
    ) -> Result<Message> {
        let body = message.read_body()?;
        let MarketMessage { sender, waiting_for, .. } = message;
        let draft = match body {
            MarketBody::Text(text) => self.text(sender.clone(), text),
            MarketBody::Sticker => self.draft(sender.clone()),
        };
        let stays_new = self.settings.new_until_answered;
        let event = Event::Written { sender, waiting_for, stays_new };
        let row = self.store.append(business, chat_id, Draft { event, ..draft }).await?;
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
        let row = self.attach(business, chat_id, sender, file).await?;
        Ok(self.message(row))
    }

    async fn close_chat(&self, business: BusinessId, chat_id: ChatId) -> Result<Chat> {
        self.store.change_chat(business, chat_id, Event::Closed, self.now()).await.map(chat)
    }

    async fn open_dispute(&self, business: BusinessId, opening: DisputeOpening) -> Result<Chat> {
        let first = opening.message.clone().map(MessageText::new).transpose()?;
        let first = first.map(|text| self.text(Sender::Customer, text));
        let context = self.disputed(business, opening.read_target()?).await?;
        let subject = self.subject_of_dispute(business, context).await?;
        let row = match self.settings.disputes {
            Disputes::OwnChat => self.dispute_beside(business, subject, first).await?,
            Disputes::InPlace => self.dispute_in_place(business, subject, first).await?,
        };
        Ok(chat(row))
    }

    async fn resolve_dispute(&self, business: BusinessId, chat_id: ChatId) -> Result<Chat> {
        self.store.change_chat(business, chat_id, Event::Resolved, self.now()).await.map(chat)
    }
}

impl Engine {
    /// The campaign an order belongs to: the one named, else the cabinet's first of that model, else its first.
    async fn campaign_of(&self, business: BusinessId, new: &NewOrder) -> Result<Option<Campaign>> {
        self.cabinet_exists(business).await?;
        let mut campaigns = self.store.campaigns(&[business]).await?;
        let wanted = |campaign: &Campaign| match (new.campaign_id, &new.model) {
            (Some(id), _) => campaign.id == Some(id),
            (None, Some(model)) => campaign.placement_type == Some(model.placement()),
            (None, None) => true,
        };
        let place = campaigns.iter().position(wanted);
        match (place, new.campaign_id) {
            (Some(place), _) => Ok(Some(campaigns.swap_remove(place))),
            (None, Some(id)) => Err(campaign_not_found(id)),
            (None, None) => Ok(campaigns.into_iter().next()),
        }
    }

    /// 404 unless there is such a cabinet.
    pub(crate) async fn cabinet_exists(&self, business: BusinessId) -> Result<()> {
        match self.store.cabinet(business).await? {
            Some(_) => Ok(()),
            None => Err(Error::new(ErrorKind::NotFound, format!("Business not found: {business}"))),
        }
    }

    /// The order or return a dispute is about.
    async fn disputed(&self, business: BusinessId, target: DisputeTarget) -> Result<ChatContext> {
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

    /// Unlike a talk, a dispute can be about a return of any model.
    async fn subject_of_dispute(
        &self,
        business: BusinessId,
        context: ChatContext,
    ) -> Result<Subject> {
        match context {
            ChatContext::Order(_) => self.subject(business, context).await,
            ChatContext::Return(id) => {
                let found = self.store.ret(business, id).await?;
                let ret = found.ok_or_else(|| Error::return_not_found(id))?;
                Ok(Subject::of_order(self.order(business, ret.order_id).await?, Some(id)))
            }
        }
    }

    async fn dispute_beside(
        &self,
        business: BusinessId,
        subject: Subject,
        first: Option<Draft>,
    ) -> Result<ChatRow> {
        debug_assert!(subject.context_type != ContextType::Direct);
        let new = NewChat {
            chat_type: ChatType::Arbitrage,
            status: ChatStatus::WaitingForArbiter,
            reuse: Reuse::Unfinished,
            first,
            ..self.talk(business, subject)
        };
        Ok(self.store.create_chat(new).await?.0)
    }

    async fn dispute_in_place(
        &self,
        business: BusinessId,
        subject: Subject,
        first: Option<Draft>,
    ) -> Result<ChatRow> {
        let (talk, _) = self.store.create_chat(self.talk(business, subject)).await?;
        let disputed = self.store.change_chat(business, talk.chat, Event::Disputed, self.now());
        let row = disputed.await?;
        if let Some(first) = first {
            self.store.append(business, row.chat, first).await?;
        }
        self.row(business, row.chat).await
    }
}

/// The model of a campaign's orders.
fn model_of(campaign: Option<&Campaign>) -> Model {
    match campaign.and_then(|campaign| campaign.placement_type.as_ref()) {
        Some(PlacementType::Fby) => Model::Fby,
        Some(PlacementType::Dbs) => Model::Dbs,
        _ => Model::Fbs,
    }
}

/// 400 for a buyer with an empty name: the published schema has none.
fn named(customer: Option<&Customer>) -> Result<()> {
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

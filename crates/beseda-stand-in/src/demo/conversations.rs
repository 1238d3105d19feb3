//! Chats of the demo cabinet: an unanswered question, answers, a file, a dispute, a closed chat.

use std::time::Duration;

use beseda_api::{
    ChatContext, ChatFilter, ChatId, ChatOpening, ChatsApi, ContextType, Customer, DisputeOpening,
    FileUpload, HistoryFrom, ManualClock, MarketMessage, MarketSide, MessageText, NewOrder,
    NewReturn, PageRequest, Result, Sender, WaitingFor, wire::ContextRef,
};
use beseda_engine::Engine;

use super::Demo;

/// Id of the first demo chat; ids are assigned in order.
pub(super) const FIRST_CHAT: i64 = 10_000_001;

/// Buyer's photo: a PNG picture of one pixel.
const PHOTO: &[u8] = &[
    0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, b'I', b'H', b'D', b'R', 0, 0, 0,
    1, 0, 0, 0, 1, 8, 6, 0, 0, 0, 0x1f, 0x15, 0xc4, 0x89, 0, 0, 0, 13, b'I', b'D', b'A', b'T',
    0x78, 0x9c, 0x63, 0xf8, 0xcf, 0xc0, 0xf0, 0x1f, 0, 5, 0, 1, 0xff, 0x56, 0xc7, 0x2f, 0x0d, 0, 0,
    0, 0, b'I', b'E', b'N', b'D', 0xae, 0x42, 0x60, 0x82,
];

/// Name and public id of the buyer of each order.
const BUYERS: [(&str, &str); 6] = [
    ("Иван П.", "k3v9n2qd"),
    ("Мария С.", "p7x1t8ab"),
    ("Олег Т.", "w4m6z0rc"),
    ("Анна К.", "h2j5y9le"),
    ("Пётр Ж.", "c8u3f1og"),
    ("Елена В.", "n6s4d7ix"),
];

/// Writes the demo chats.
struct DemoWriter<'a> {
    engine: &'a Engine,
    clock: &'a ManualClock,
    demo: &'a Demo,
}

/// Creates the orders, returns and chats that don't exist yet.
pub(super) async fn create(engine: &Engine, clock: &ManualClock, demo: &Demo) -> Result<()> {
    let writer = DemoWriter { engine, clock, demo };
    writer.orders().await?;
    writer.unanswered_question().await?;
    writer.answered_with_photo().await?;
    writer.return_and_dispute().await?;
    writer.settled_return().await?;
    writer.closed_chat().await?;
    writer.chat_opened_by_shop().await?;
    writer.direct_question().await
}

impl DemoWriter<'_> {
    async fn orders(&self) -> Result<()> {
        for (index, (name, public_id)) in BUYERS.into_iter().enumerate() {
            let campaign = if index == 5 { self.demo.own_delivery } else { self.demo.campaign };
            let order = NewOrder {
                order_id: self.demo.orders[index],
                campaign_id: Some(campaign),
                model: None,
                customer: Some(customer(name, public_id)),
            };
            self.engine.register_order(self.demo.business, order).await?;
        }
        for (return_index, order) in [(0, 2), (1, 3)] {
            let (return_id, order_id) = (self.demo.returns[return_index], self.demo.orders[order]);
            self.engine
                .register_return(self.demo.business, NewReturn { return_id, order_id })
                .await?;
        }
        Ok(())
    }

    async fn unanswered_question(&self) -> Result<()> {
        let Some(chat) = self.empty_chat(ChatContext::Order(self.demo.orders[0])).await? else {
            return Ok(());
        };
        self.buyer(chat, "Добрый день! Подскажите, пожалуйста, когда отправите заказ?").await?;
        self.buyer(chat, "И ещё: в коробке будет подарочная упаковка?").await
    }

    async fn answered_with_photo(&self) -> Result<()> {
        let Some(chat) = self.empty_chat(ChatContext::Order(self.demo.orders[1])).await? else {
            return Ok(());
        };
        self.buyer(chat, "Здравствуйте! Чайник пришёл с царапиной, фото прилагаю.").await?;
        self.advance_clock();
        let photo = FileUpload::from_bytes("царапина.png", PHOTO);
        self.engine.write_file(self.demo.business, chat, Sender::Customer, photo).await?;
        self.shop(chat, "Мария, простите за это! Вернём деньги или пришлём новый, как вам удобнее?")
            .await
    }

    async fn return_and_dispute(&self) -> Result<()> {
        let context = ChatContext::Return(self.demo.returns[0]);
        let Some(chat) = self.empty_chat(context).await? else { return Ok(()) };
        self.buyer(chat, "Хочу вернуть чайник: он протекает.").await?;
        self.shop(chat, "На снимках следов протечки не видно, поэтому возврат отклонён.").await?;
        self.advance_clock();
        let opening = DisputeOpening {
            context: Some(ContextRef::from(context)),
            message: Some("Не согласен: вода капает из-под носика.".to_owned()),
            ..DisputeOpening::default()
        };
        let dispute = self.engine.open_dispute(self.demo.business, opening).await?;
        self.advance_clock();
        let question = MarketMessage {
            sender: Sender::Support,
            message: Some("Магазин, приложите, пожалуйста, фото с проверки возврата.".to_owned()),
            sticker: false,
            waiting_for: Some(WaitingFor::Partner),
        };
        self.engine.write_message(self.demo.business, dispute.chat_id, question).await.map(drop)
    }

    async fn settled_return(&self) -> Result<()> {
        let context = ChatContext::Return(self.demo.returns[1]);
        let Some(chat) = self.empty_chat(context).await? else { return Ok(()) };
        self.shop(chat, "Анна, получили ваш возврат, деньги вернутся в течение трёх дней.").await
    }

    async fn closed_chat(&self) -> Result<()> {
        let Some(chat) = self.empty_chat(ChatContext::Order(self.demo.orders[4])).await? else {
            return Ok(());
        };
        self.buyer(chat, "Всё получил, спасибо!").await?;
        self.shop(chat, "Спасибо вам, Пётр! Приятного чаепития.").await?;
        self.engine.close_chat(self.demo.business, chat).await.map(drop)
    }

    async fn chat_opened_by_shop(&self) -> Result<()> {
        self.empty_chat(ChatContext::Order(self.demo.orders[5])).await.map(drop)
    }

    async fn direct_question(&self) -> Result<()> {
        let filter =
            ChatFilter { context_types: vec![ContextType::Direct], ..ChatFilter::default() };
        let business = self.demo.business;
        let asked = self.engine.get_chats(business, filter, PageRequest::default()).await?;
        if !asked.chats.is_empty() {
            return Ok(());
        }
        self.advance_clock();
        let opening = ChatOpening {
            customer: Some(customer("Дарья Л.", "t1b8e5ym")),
            message: Some(
                "Здравствуйте! Подойдёт ли эта заварка для чайника на 1,5 литра?".to_owned(),
            ),
            ..ChatOpening::default()
        };
        self.engine.open_chat(business, opening).await.map(drop)
    }

    /// Creates a chat and returns its id, or `None` if it already has messages.
    async fn empty_chat(&self, context: ChatContext) -> Result<Option<ChatId>> {
        self.advance_clock();
        let business = self.demo.business;
        let chat = self.engine.create_chat(business, context).await?;
        let history = self.engine.get_chat_history(business, chat, HistoryFrom::default()).await?;
        Ok(history.messages.is_empty().then_some(chat))
    }

    async fn buyer(&self, chat: ChatId, text: &str) -> Result<()> {
        self.advance_clock();
        let message = MarketMessage::customer(text);
        self.engine.write_message(self.demo.business, chat, message).await.map(drop)
    }

    async fn shop(&self, chat: ChatId, text: &str) -> Result<()> {
        self.advance_clock();
        let text = MessageText::new(text)?;
        self.engine.send_message_to_chat(self.demo.business, chat, text).await
    }

    /// Moves the clock a few minutes forward.
    fn advance_clock(&self) {
        self.clock.advance(Duration::from_secs(437));
    }
}

fn customer(name: &str, public_id: &str) -> Customer {
    Customer { name: Some(name.to_owned()), public_id: Some(public_id.to_owned()) }
}

//! A back end of your own: chats in memory, served with an Api-Key, an OAuth token and the published limits.
//! `cargo run -p beseda-server --example own_back_end` prints its address. What more there is: docs/implementing.md.

use std::{error, future, sync::Arc};

use async_trait::async_trait;
use beseda_server::{
    ServerSettings, Services, StaticDirectory, TransportSettings, beseda_api::*, router, serve,
};
use tokio::{net::TcpListener, sync::Mutex};

const KEY: &str = "ACMA:MyBackEndMyBackEndMyBackEndMyBackEnd0000:0a1b2c3d";
const TOKEN: &str = "y0_my-back-end";

type Shop = BusinessId;
struct Talk(Shop, Chat, Vec<Message>);
#[derive(Default)]
pub(crate) struct MyChats(Mutex<Vec<Talk>>);

fn find(talks: &mut [Talk], of: Shop, id: ChatId) -> Result<&mut Talk> {
    let found = talks.iter_mut().find(|talk| talk.0 == of && talk.1.chat_id == id);
    found.ok_or_else(|| Error::chat_not_found(id))
}

#[async_trait]
impl ChatsApi for MyChats {
    async fn get_chats(&self, of: Shop, by: ChatFilter, page: PageRequest<20>) -> Result<ChatPage> {
        let talks = self.0.lock().await;
        let found = talks.iter().filter(|talk| talk.0 == of && by.matches(&talk.1));
        let newest_first =
            |chat: &Chat| (-chat.updated_at.timestamp().as_microsecond(), -chat.chat_id.get());
        let (chats, paging) = page.paginate(of, found.map(|talk| talk.1.clone()), newest_first)?;
        Ok(ChatPage { chats, paging })
    }

    async fn get_chat(&self, of: Shop, id: ChatId) -> Result<Chat> {
        Ok(find(&mut self.0.lock().await, of, id)?.1.clone())
    }

    async fn get_chat_history(
        &self,
        of: Shop,
        id: ChatId,
        from: HistoryFrom,
    ) -> Result<MessagePage> {
        let mut talks = self.0.lock().await;
        let Talk(_, chat, messages) = find(&mut talks, of, id)?;
        let wanted = messages.iter().filter(|m| Some(m.message_id) >= from.message_id_from);
        let (messages, paging) =
            from.page.paginate(id, wanted.cloned(), |m| (m.message_id.get(), 0))?;
        Ok(MessagePage { order_id: chat.order_id, context: chat.context.clone(), messages, paging })
    }

    async fn get_chat_message(&self, of: Shop, id: ChatId, wanted: MessageId) -> Result<Message> {
        let mut talks = self.0.lock().await;
        let found = find(&mut talks, of, id)?.2.iter().find(|m| m.message_id == wanted);
        found.cloned().ok_or_else(|| Error::message_not_found(id, wanted))
    }

    async fn create_chat(&self, of: Shop, about: ChatContext) -> Result<ChatId> {
        let ChatContext::Order(order) = about else { return Err(Error::bad_request("No returns")) };
        let (mut talks, context) = (self.0.lock().await, FullContext::by_order(Some(order)));
        if let Some(talk) = talks.iter().find(|talk| talk.0 == of && talk.1.context == context) {
            return Ok(talk.1.chat_id);
        }
        let id = ChatId::new(talks.len() as i64 + 1).map_err(Error::internal)?;
        talks.push(Talk(of, Chat::new(id, context, Time::moscow(SystemClock.now())), Vec::new()));
        Ok(id)
    }

    async fn send_message_to_chat(&self, of: Shop, id: ChatId, text: MessageText) -> Result<()> {
        let (mut talks, now) = (self.0.lock().await, SystemClock.now());
        let last = talks.iter().filter_map(|talk| Some(talk.2.last()?.message_id.get())).max();
        let message = now.as_microsecond().max(last.unwrap_or(0) + 1);
        let message = MessageId::new(message).map_err(Error::internal)?;
        let Talk(_, chat, messages) = find(&mut talks, of, id)?;
        messages.push(Message::text(message, Time::moscow(now), Sender::Partner, text));
        (chat.updated_at, chat.status) = (Time::moscow(now), ChatStatus::WaitingForCustomer);
        Ok(())
    }

    async fn send_file_to_chat(&self, _: Shop, _: ChatId, _: FileUpload) -> Result<()> {
        Err(Error::bad_request("Files are not taken here"))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn error::Error>> {
    let shop = Shop::new(1)?;
    let directory = StaticDirectory::new()
        .api_key(KEY, [shop], [Scope::Communication])?
        .oauth_token(TOKEN, [shop])?
        .campaign(shop, CampaignId::new(1)?, "My shop");
    let services = Services::new(Arc::<MyChats>::default()).directory(Arc::new(directory));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}\nApi-Key: {KEY}\nAuthorization: Bearer {TOKEN}", listener.local_addr()?);
    let router = router(services, ServerSettings::default())?;
    Ok(serve(listener, router, TransportSettings::default(), future::pending()).await?)
}

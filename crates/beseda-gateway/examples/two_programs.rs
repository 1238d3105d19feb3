//! A gateway inside a program, in front of a stand-in: a bot and an agent desktop with their own
//! keys share a cabinet.

use beseda_gateway::{AuditFilter, Gateway, GatewaySettings, Priority, Quota, SendRecord};
use beseda_server::{TransportSettings, router, serve};
use beseda_stand_in::{
    StandIn,
    api::{ChatFilter, ChatsApi, MessageText, NewKey},
    client::Client,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    for line in run().await? {
        println!("{line}");
    }
    Ok(())
}

/// Returns the audit log, a line per send.
pub(crate) async fn run() -> Result<Vec<String>, Box<dyn std::error::Error>> {
    let stand_in = StandIn::start().await?;
    let folder = tempfile::tempdir()?;
    let gateway = Gateway::open(GatewaySettings::new(stand_in.client()?, folder.path())).await?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let router = router(gateway.services(), gateway.server_settings())?;
    tokio::spawn(serve(listener, router, TransportSettings::default(), std::future::pending()));

    let business = stand_in.business_id();
    let mut clients = Vec::new();
    for (name, share, priority) in
        [("bot", 20, Priority::Background), ("desk", 60, Priority::Interactive)]
    {
        let key = NewKey { name: name.to_owned(), scopes: vec!["communication".to_owned()] };
        let quota = Quota { share: Some(share), priority };
        let issued = gateway.keys().create(business, key, quota).await?;
        clients.push(Client::builder().url(&url).api_key(issued.api_key).build()?);
    }

    let page = clients[0].get_chats(business, ChatFilter::default(), Default::default()).await?;
    let chat = page.chats.first().ok_or("the demo has chats")?.chat_id;
    for (client, text) in clients.iter().zip(["A bot greets", "A person answers"]) {
        client.send_message_to_chat(business, chat, MessageText::new(text)?).await?;
    }
    let sends = gateway.keys().db().sends(AuditFilter::default()).await?;
    let line =
        |send: SendRecord| format!("{} {} {} bytes", send.key, send.outcome.as_str(), send.size);
    Ok(sends.into_iter().map(line).collect())
}

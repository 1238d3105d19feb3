//! Prints the buyers' messages as they are told, each with its text. What was missed while it didn't run isn't asked for.
//!
//! ```text
//! BESEDA_API_KEY=… cargo run -p beseda-client --features receiver --example receive -- 127.0.0.1:8085
//! ```
//!
//! A proxy with a certificate stands in front of it, and its address is what is entered in the seller's cabinet.
//! `BESEDA_ANY_SOURCE=1` takes notifications from anywhere, for a try with a stand-in.

use std::{env, net::SocketAddr};

use anyhow::Context;
use beseda_client::{
    Client, DEFAULT_URL,
    api::{ChatsApi, Sender, notification::Notification},
    receiver::Receiver,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let url = env::var("BESEDA_URL").unwrap_or_else(|_| DEFAULT_URL.to_owned());
    let client = Client::builder().url(url).api_key(env::var("BESEDA_API_KEY")?).build()?;
    let mut receiver = Receiver::builder().name("print-messages").version("1.0.0");
    // A proxy on this machine says whom it got a request from.
    receiver = receiver.trusted_proxies(["127.0.0.0/8".parse()?]);
    if env::var_os("BESEDA_ANY_SOURCE").is_some() {
        receiver = receiver.any_source();
    }
    let (router, mut events) = receiver.build()?;

    let address = env::args().nth(1).context("say where to listen, such as 127.0.0.1:8085")?;
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("http://{}", listener.local_addr()?);
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });

    while let Some(event) = events.recv().await {
        let Notification::ChatMessageSent { business_id, chat_id, message_id, .. } =
            event.notification
        else {
            continue;
        };
        let message = client.get_chat_message(business_id, chat_id, message_id).await?;
        // Our own messages are told of too.
        if message.sender != Sender::Partner {
            println!("{chat_id}: {}", message.message.unwrap_or_default());
        }
    }
    Ok(())
}

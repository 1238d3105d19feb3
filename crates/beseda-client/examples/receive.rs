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
use axum::Router;
use beseda_client::{
    Client, DEFAULT_URL,
    api::{ChatsApi, Sender, notification::Notification},
    receiver::{Events, Receiver},
};
use tokio::net::TcpListener;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let url = env::var("BESEDA_URL").unwrap_or_else(|_| DEFAULT_URL.to_owned());
    let client = Client::builder().url(url).api_key(env::var("BESEDA_API_KEY")?).build()?;
    let address = env::args().nth(1).context("say where to listen, such as 127.0.0.1:8085")?;
    let listener = TcpListener::bind(address).await?;
    println!("http://{}", listener.local_addr()?);
    let (router, events) = receiver(env::var_os("BESEDA_ANY_SOURCE").is_some())?;
    tokio::spawn(serve(listener, router));
    show(&client, events, |line| println!("{line}")).await
}

/// The router that Market calls, and what comes of it.
pub(crate) fn receiver(any_source: bool) -> anyhow::Result<(Router, Events)> {
    let receiver = Receiver::builder().name("print-messages").version("1.0.0");
    // A proxy on this machine says whom it got a request from.
    let receiver = receiver.trusted_proxies(["127.0.0.0/8".parse()?]);
    let receiver = if any_source { receiver.any_source() } else { receiver };
    Ok(receiver.build()?)
}

/// Serves it, with the address of whoever calls.
pub(crate) async fn serve(listener: TcpListener, router: Router) -> std::io::Result<()> {
    axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>()).await
}

/// Fetches each message that is told of.
pub(crate) async fn show(
    client: &Client,
    mut events: Events,
    mut print: impl FnMut(String),
) -> anyhow::Result<()> {
    while let Some(event) = events.recv().await {
        let Notification::ChatMessageSent { business_id, chat_id, message_id, .. } =
            event.notification
        else {
            continue;
        };
        let message = client.get_chat_message(business_id, chat_id, message_id).await?;
        // The shop's own messages are told of too.
        if message.sender != Sender::Partner {
            print(format!("{chat_id}: {}", message.message.unwrap_or_default()));
        }
    }
    Ok(())
}

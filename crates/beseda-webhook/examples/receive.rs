//! Receives webhooks and prints the text of every buyer's message.
//!
//! ```text
//! BESEDA_API_KEY=… cargo run -p beseda-webhook --features receiver --example receive --
//! 127.0.0.1:8085
//! ```
//!
//! A reverse proxy with a certificate is in front of it; its URL is entered in the seller's
//! cabinet. With
//! `BESEDA_ANY_SOURCE=1` it accepts notifications from any address, for example from a stand-in.

use std::{env, net::SocketAddr};

use anyhow::Context;
use axum::Router;
use beseda_client::{
    Client, DEFAULT_URL,
    api::{ChatsApi, Sender, notification::Notification},
};
use beseda_webhook::receiver::{Receiver, WebhookEvents};
use tokio::net::TcpListener;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let url = env::var("BESEDA_URL").unwrap_or_else(|_| DEFAULT_URL.to_owned());
    let client = Client::builder().url(url).api_key(env::var("BESEDA_API_KEY")?).build()?;
    let address = env::args().nth(1).context("usage: receive ADDRESS, such as 127.0.0.1:8085")?;
    let listener = TcpListener::bind(address).await?;
    println!("http://{}", listener.local_addr()?);
    let (router, events) = receiver(env::var_os("BESEDA_ANY_SOURCE").is_some())?;
    tokio::spawn(serve(listener, router));
    print_messages(&client, events, |line| println!("{line}")).await
}

/// Builds the router and the stream of events.
pub(crate) fn receiver(any_source: bool) -> anyhow::Result<(Router, WebhookEvents)> {
    let receiver = Receiver::builder().name("print-messages").version("1.0.0");
    // Trusts the forwarding headers of a proxy on this machine.
    let receiver = receiver.trusted_proxies(["127.0.0.0/8".parse()?]);
    let receiver = if any_source { receiver.any_source() } else { receiver };
    Ok(receiver.build()?)
}

/// Serves the router with the address of the peer.
pub(crate) async fn serve(listener: TcpListener, router: Router) -> std::io::Result<()> {
    axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>()).await
}

/// Loads and prints the message of each event.
pub(crate) async fn print_messages(
    client: &Client,
    mut events: WebhookEvents,
    mut print: impl FnMut(String),
) -> anyhow::Result<()> {
    while let Some(event) = events.recv().await {
        let Notification::ChatMessageSent { business_id, chat_id, message_id, .. } =
            event.notification
        else {
            continue;
        };
        let message = client.get_chat_message(business_id, chat_id, message_id).await?;
        // Webhooks are sent for the shop's own messages, too.
        if message.sender != Sender::Partner {
            print(format!("{chat_id}: {}", message.message.unwrap_or_default()));
        }
    }
    Ok(())
}

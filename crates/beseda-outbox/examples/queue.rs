//! Enqueues a text and sends everything that is queued, including messages of earlier runs.
//!
//! ```text
//! BESEDA_URL=http://127.0.0.1:8090 BESEDA_API_KEY=… BESEDA_BUSINESS_ID=… \
//!     cargo run -p beseda-outbox --example queue -- DIR CHAT 'It leaves today'
//! ```

use std::{
    env::{args, var},
    path::Path,
    sync::Arc,
};

use anyhow::Context;
use beseda_client::{Client, DEFAULT_URL, OutgoingMessage};
use beseda_outbox::{NewItem, Outbox, OutboxEvent, RunSettings};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let mut words = args().skip(1);
    let mut word = || words.next().context("give a folder, a chat and a text");
    let (folder, chat, text) = (word()?, word()?.parse()?, word()?);
    let business = var("BESEDA_BUSINESS_ID")?.parse()?;
    let url = var("BESEDA_URL").unwrap_or_else(|_| DEFAULT_URL.to_owned());
    let client = Client::builder().url(url).api_key(var("BESEDA_API_KEY")?).build()?;
    send(folder.as_ref(), client, NewItem::new(business, chat, OutgoingMessage::text(text)?)).await
}

/// Enqueues a message and sends everything that is queued.
pub async fn send(folder: &Path, client: Client, new: NewItem) -> anyhow::Result<()> {
    let outbox = Outbox::open(folder).await?;
    let business = new.business;
    // From here on the message can't be lost.
    outbox.enqueue(new).await?;

    let settings = RunSettings::until_empty().on_event(|event| {
        if let OutboxEvent::Changed(item) = event {
            let message = item.message_id.map_or(String::new(), |id| format!(" as {id}"));
            println!("message {} is {}{message}", item.id, item.state);
        }
    });
    outbox.run(Arc::new(client), business, settings, std::future::pending()).await?;
    Ok(())
}

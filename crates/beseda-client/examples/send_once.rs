//! Sends a text so that it is in the chat once, also when the connection breaks at the worst moment.
//!
//! ```text
//! BESEDA_API_KEY=… BESEDA_BUSINESS_ID=… cargo run -p beseda-client --example send_once -- CHAT TEXT
//! ```

use std::env::{args, var};

use anyhow::Context;
use beseda_client::{
    Client, DEFAULT_URL, OutgoingMessage, SendOnce, SendOnceOptions, SendOutcome, api::MessageText,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let (chat, text) = (args().nth(1).context("which chat?")?, args().nth(2).context("what?")?);
    let url = var("BESEDA_URL").unwrap_or_else(|_| DEFAULT_URL.to_owned());
    let client = Client::builder().url(url).api_key(var("BESEDA_API_KEY")?).build()?;
    let business = var("BESEDA_BUSINESS_ID")?.parse()?;
    let text = OutgoingMessage::Text(MessageText::new(text)?);
    match client.send_once(business, chat.parse()?, text, None, &SendOnceOptions::default()).await {
        SendOutcome::Delivered { message_id, confirmation } => {
            println!("delivered: {message_id:?}, known by {confirmation:?}");
        }
        SendOutcome::NotDelivered(error) => {
            println!("not delivered, and may be sent again: {error}");
        }
        SendOutcome::Unknown(error) => {
            println!("look at the history before sending again: {error}");
        }
    }
    Ok(())
}

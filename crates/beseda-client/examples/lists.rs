//! Every chat of a cabinet and what was said in it, whatever the paging: newest chats first, oldest words first.
//!
//! ```text
//! BESEDA_API_KEY=… BESEDA_BUSINESS_ID=… cargo run -p beseda-client --example lists
//! ```

use std::env::var;

use beseda_client::{
    ChatsExt, Client, DEFAULT_URL,
    api::{BusinessId, ChatFilter},
};
use futures::TryStreamExt;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let url = var("BESEDA_URL").unwrap_or_else(|_| DEFAULT_URL.to_owned());
    let client = Client::builder().url(url).api_key(var("BESEDA_API_KEY")?).build()?;
    let business: BusinessId = var("BESEDA_BUSINESS_ID")?.parse()?;
    for chat in client.chats_sorted(business, ChatFilter::default()).await? {
        println!("{} {} {}", chat.chat_id, chat.status, chat.updated_at);
        // A stream asks for the next page when it is needed, and for no more.
        let mut history = client.history(business, chat.chat_id, None);
        while let Some(message) = history.try_next().await? {
            println!("  {} {}", message.sender, message.message.unwrap_or_default());
        }
    }
    Ok(())
}

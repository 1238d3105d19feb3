//! Answers every chat that waits for the shop with one line. It shows the client, not good manners.
//!
//! ```text
//! BESEDA_URL=http://127.0.0.1:8090 BESEDA_BUSINESS_ID=… BESEDA_API_KEY=… cargo run -p beseda-client --example answer_waiting
//! ```

use std::env::var;

use beseda_client::{
    ChatsExt, Client, DEFAULT_URL, ErrorExt,
    api::{ChatFilter, ChatStatus},
};
use futures::TryStreamExt;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let url = var("BESEDA_URL").unwrap_or_else(|_| DEFAULT_URL.to_owned());
    let client = Client::builder().url(url).api_key(var("BESEDA_API_KEY")?).build()?;
    let business = var("BESEDA_BUSINESS_ID")?.parse()?;

    let filter =
        ChatFilter { statuses: vec![ChatStatus::WaitingForPartner], ..ChatFilter::default() };
    let mut chats = client.chats(business, filter);
    while let Some(chat) = chats.try_next().await? {
        match client.send_text(business, chat.chat_id, "Здравствуйте! Сейчас посмотрим.").await
        {
            Ok(()) => println!("{}: answered", chat.chat_id),
            Err(error) if error.may_have_been_done() => {
                println!("{}: perhaps answered, look at its history: {error}", chat.chat_id);
            }
            Err(error) => println!("{}: {error}", chat.chat_id),
        }
    }
    Ok(())
}

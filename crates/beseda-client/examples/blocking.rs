//! A program without a runtime: what waits for an answer, and the last words of each chat.
//!
//! `BESEDA_URL=http://127.0.0.1:8090 BESEDA_API_KEY=… BESEDA_BUSINESS_ID=… cargo run -p beseda-client --features blocking --example blocking`

use beseda_client::{
    Client, DEFAULT_URL,
    api::{BusinessId, ChatFilter, ChatStatus},
};

fn main() -> anyhow::Result<()> {
    let url = std::env::var("BESEDA_URL").unwrap_or_else(|_| DEFAULT_URL.to_owned());
    let key = std::env::var("BESEDA_API_KEY")?;
    let business = BusinessId::new(std::env::var("BESEDA_BUSINESS_ID")?.parse()?)?;
    let client = Client::builder().url(url).api_key(key).build_blocking()?;

    let waiting = vec![ChatStatus::New, ChatStatus::WaitingForPartner];
    for chat in client.chats(business, ChatFilter { statuses: waiting, ..ChatFilter::default() }) {
        let chat = chat?;
        let mut last = None;
        for message in client.history(business, chat.chat_id, None) {
            last = message?.message;
        }
        println!("{} {} {}", chat.chat_id, chat.status, last.unwrap_or_default());
    }
    Ok(())
}

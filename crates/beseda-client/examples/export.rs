//! A cabinet's histories as lines of JSON, made in the background: whoever works with buyers never waits behind it.
//!
//! ```text
//! BESEDA_API_KEY=… BESEDA_BUSINESS_ID=… cargo run -p beseda-client --example export > chats.jsonl
//! ```

use std::{
    env::var,
    io::{self, Write},
    time::Duration,
};

use beseda_client::{
    ChatsExt, Client, DEFAULT_URL, RateLimiter, RetryPolicy,
    api::{BusinessId, ChatFilter},
};
use futures::TryStreamExt;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let url = var("BESEDA_URL").unwrap_or_else(|_| DEFAULT_URL.to_owned());
    let business: BusinessId = var("BESEDA_BUSINESS_ID")?.parse()?;
    let rate_limiter = RateLimiter::default().on_wait(|wait| {
        if let Some(until) = wait.until {
            eprintln!("{} waits until {until}: {}", wait.operation, wait.reason);
        }
    });
    // Thousands of histories may need more than one hour's calls.
    let retry_policy =
        RetryPolicy { deadline: Duration::from_secs(12 * 3_600), ..RetryPolicy::default() };
    let client = Client::builder().url(url).api_key(var("BESEDA_API_KEY")?);
    let client = client.rate_limiter(rate_limiter).retry_policy(retry_policy).build()?;
    let bulk = client.background();

    let mut out = io::stdout().lock();
    let mut chats = bulk.chats(business, ChatFilter::default());
    while let Some(chat) = chats.try_next().await? {
        let messages = bulk.history_sorted(business, chat.chat_id, None).await?;
        serde_json::to_writer(
            &mut out,
            &serde_json::json!({ "chat": chat, "messages": messages }),
        )?;
        writeln!(out)?;
    }
    Ok(())
}

//! Fetches the files of a chat into the folder it runs in.
//!
//! ```text
//! BESEDA_API_KEY=… BESEDA_BUSINESS_ID=… cargo run -p beseda-client --example download -- CHAT
//! ```

use std::{
    env::{args, var},
    path::PathBuf,
};

use anyhow::Context;
use beseda_client::{ChatsExt, Client, DEFAULT_URL, api::BusinessId};
use futures::TryStreamExt;
use tokio::io::AsyncWriteExt;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let chat = args().nth(1).context("which chat?")?.parse()?;
    let url = var("BESEDA_URL").unwrap_or_else(|_| DEFAULT_URL.to_owned());
    let client = Client::builder().url(url).api_key(var("BESEDA_API_KEY")?).build()?;
    let business: BusinessId = var("BESEDA_BUSINESS_ID")?.parse()?;
    let mut history = client.history(business, chat, None);
    while let Some(message) = history.try_next().await? {
        for (number, file) in message.payload.unwrap_or_default().into_iter().enumerate() {
            // The name comes from the other side: it must not choose the place.
            let path = PathBuf::from(format!("{}-{number}", message.message_id));
            let mut fetched = client.download(&file.url).await?;
            let mut to = tokio::fs::File::create(&path).await?;
            while let Some(piece) = fetched.content.try_next().await? {
                to.write_all(&piece).await?;
            }
            to.flush().await?;
            println!("{}: {}", path.display(), file.name);
        }
    }
    Ok(())
}

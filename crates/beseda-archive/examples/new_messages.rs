//! Prints every message since the given cursor that the shop has not sent, exactly once, then the next cursor.
//!
//! ```text
//! BESEDA_URL=http://127.0.0.1:8090 BESEDA_API_KEY=… BESEDA_BUSINESS_ID=… \
//!     cargo run -p beseda-archive --example new_messages -- DIR [CURSOR]
//! ```

use std::{
    env::{args, var},
    sync::Arc,
};

use anyhow::Context;
use beseda_archive::{Archive, ArchiveChange, Depth, Syncer};
use beseda_client::{
    Client, DEFAULT_URL,
    api::{BusinessId, ChatsApi},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let folder = args().nth(1).context("usage: new_messages DIR [CURSOR]")?;
    let cursor = args().nth(2).map_or(Ok(0), |cursor| cursor.parse())?;
    let url = var("BESEDA_URL").unwrap_or_else(|_| DEFAULT_URL.to_owned());
    let client = Client::builder().url(url).api_key(var("BESEDA_API_KEY")?).build()?;
    let business = var("BESEDA_BUSINESS_ID")?.parse()?;
    let archive = Archive::open(folder)?;
    let cursor =
        new_messages(&archive, Arc::new(client), business, cursor, |line| println!("{line}"))
            .await?;
    println!("next cursor: {cursor}");
    Ok(())
}

/// Syncs the archive and prints the messages after the cursor that the shop has not sent; returns the next cursor.
pub(crate) async fn new_messages(
    archive: &Archive,
    api: Arc<dyn ChatsApi>,
    business: BusinessId,
    cursor: i64,
    mut show: impl FnMut(String),
) -> anyhow::Result<i64> {
    Syncer::new(archive.clone(), api, [business])?.once(Depth::Quick).await?;
    let mut changes = archive.watch(cursor);
    while let Some(change) = changes.next_now()? {
        if let ArchiveChange::Message(found) = change
            && !found.is_own()
        {
            let text = found.message.message.unwrap_or_default();
            show(format!("{} {text}", found.chat_id));
        }
    }
    Ok(changes.cursor())
}

//! `beseda outbox add`: queues messages from JSON lines.

use std::path::{Path, PathBuf};

use anyhow::Context;
use beseda_api::{BusinessId, ChatId, ErrorChain, MAX_FILE_BYTES};
use beseda_client::OutgoingMessage;
use beseda_outbox::{NewItem, Outbox};
use futures::FutureExt;
use serde::Deserialize;
use serde_json::json;
use tokio::{
    fs::File,
    io::{AsyncBufReadExt, AsyncRead, BufReader, Lines},
};

use crate::{exit_status::UsageError, output::Output};

/// Maximum number of lines written to disk in one transaction.
const BATCH_LINES: usize = 256;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct InputLine {
    #[serde(alias = "chatId")]
    chat: ChatId,
    text: Option<String>,
    file: Option<PathBuf>,
    name: Option<String>,
    operator: Option<String>,
}

type InputLines = Lines<BufReader<Box<dyn AsyncRead + Unpin + Send>>>;

pub(super) async fn run(
    out: Output,
    outbox: &Outbox,
    business: BusinessId,
    file: Option<&Path>,
    operator: Option<&str>,
) -> anyhow::Result<()> {
    let source: Box<dyn AsyncRead + Unpin + Send> = match file {
        Some(path) if path != Path::new("-") => {
            let opened = File::open(path).await;
            Box::new(opened.map_err(|error| {
                UsageError::error(format!("can't read {}: {error}", path.display()))
            })?)
        }
        _ => Box::new(tokio::io::stdin()),
    };
    let mut lines = BufReader::new(source).lines();
    let (mut number, mut accepted) = (0, 0);
    loop {
        let (texts, ended) = read_batch(&mut lines).await?;
        let (mut new, mut invalid) = (Vec::new(), None);
        for text in texts {
            number += 1;
            if text.trim().is_empty() {
                continue;
            }
            match message(&text, business, operator).await {
                Ok(message) => new.push(message),
                Err(error) => {
                    invalid = Some(UsageError::error(format!(
                        "line {number}: {}",
                        ErrorChain(error.as_ref())
                    )));
                    break;
                }
            }
        }
        accepted += new.len();
        let chats: Vec<ChatId> = new.iter().map(|new| new.chat).collect();
        for (id, chat) in outbox.enqueue_all(new).await?.into_iter().zip(chats) {
            if out.is_json() {
                out.line(&json!({ "id": id, "chatId": chat, "state": "queued" }))?;
            }
        }
        if invalid.is_some() || ended {
            out.note(format_args!("{accepted} queued"));
            return invalid.map_or(Ok(()), Err);
        }
    }
}

/// Returns the lines available without waiting, at least one, and whether the input has ended.
async fn read_batch(lines: &mut InputLines) -> anyhow::Result<(Vec<String>, bool)> {
    let mut texts = Vec::new();
    let mut next = lines.next_line().await?;
    while let Some(text) = next {
        texts.push(text);
        if texts.len() == BATCH_LINES {
            return Ok((texts, false));
        }
        match lines.next_line().now_or_never() {
            Some(line) => next = line?,
            None => return Ok((texts, false)),
        }
    }
    Ok((texts, true))
}

async fn message(
    text: &str,
    business: BusinessId,
    operator: Option<&str>,
) -> anyhow::Result<NewItem> {
    let line: InputLine = serde_json::from_str(text)?;
    let content = match (line.text, line.file) {
        (Some(text), None) => OutgoingMessage::text(text)?,
        (None, Some(path)) => {
            let content = tokio::fs::read(&path).await;
            let content = content.with_context(|| format!("can't read {}", path.display()))?;
            if content.len() as u64 > MAX_FILE_BYTES {
                anyhow::bail!("{} has more than {MAX_FILE_BYTES} bytes", path.display());
            }
            let own = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            OutgoingMessage::file(line.name.as_deref().unwrap_or(&own), content)
        }
        _ => anyhow::bail!("a message has either a text or a file"),
    };
    let operator = line.operator.or_else(|| operator.map(str::to_owned));
    Ok(NewItem { operator, ..NewItem::new(business, line.chat, content) })
}

//! Attachments: downloaded through [`AttachmentFetcher`], stored once per content in `files/`,
//! retried where that may help.

mod files;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use beseda_api::{ErrorKind, FileStream, MessageId};
use futures::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use rusqlite::Row;

pub(crate) use files::AttachmentFiles;

use crate::{
    Archive, Error, Result, SyncEvent, Syncer,
    archive::{ChatKey, from_nanos, to_nanos},
};

/// Maximum number of concurrent downloads.
const PARALLEL: usize = 2;
/// Number of due files queried at once.
const BATCH: u32 = 50;
/// Number of downloads before other work is checked.
const FEW: u32 = 8;
/// Pauses after each failure; after the last the file is given up.
const LADDER: [Duration; 7] = [
    Duration::from_secs(2),
    Duration::from_secs(10),
    Duration::from_secs(60),
    Duration::from_secs(300),
    Duration::from_secs(1_800),
    Duration::from_secs(7_200),
    Duration::from_secs(21_600),
];
/// Maximum number of attempts after a permanent error: the link may have been renewed.
const REFUSALS: usize = 2;
/// Maximum wait for a retry when an archive is synced once.
const WAITED_FOR: SignedDuration = SignedDuration::from_secs(15);

/// Downloader of attachments. The client implements it with its own download, which sends a
/// credential to trusted origins only and limits the size.
#[async_trait]
pub trait AttachmentFetcher: Send + Sync {
    /// Downloads a link.
    ///
    /// # Errors
    ///
    /// As reported by the service or the network.
    async fn fetch(&self, url: &str) -> beseda_api::Result<FileStream>;
}

/// File to download.
#[derive(Debug, Clone)]
struct DueFile {
    key: ChatKey,
    message: MessageId,
    place: u32,
    url: String,
    tries: u32,
    due: Timestamp,
}

impl DueFile {
    fn of(row: &Row<'_>) -> rusqlite::Result<Self> {
        let raw: i64 = row.get(2)?;
        Ok(Self {
            key: ChatKey::of(row, 0)?,
            message: MessageId::new(raw)
                .map_err(|_| rusqlite::Error::IntegralValueOutOfRange(2, raw))?,
            place: row.get(3)?,
            url: row.get(4)?,
            tries: row.get(5)?,
            due: from_nanos(row.get(6)?),
        })
    }

    fn place(&self) -> (i64, i64, i64, u32) {
        let ChatKey { business_id, chat_id } = self.key;
        (business_id.get(), chat_id.get(), self.message.get(), self.place)
    }
}

impl Archive {
    /// Returns the content of a downloaded attachment by its SHA-256.
    ///
    /// # Errors
    ///
    /// If it can't be read.
    pub async fn file(&self, sha256: &str) -> Result<FileStream> {
        Ok(self.sized_file(sha256).await?.1)
    }

    /// Returns size and content of a downloaded attachment.
    ///
    /// # Errors
    ///
    /// If it can't be read.
    pub async fn sized_file(&self, sha256: &str) -> Result<(u64, FileStream)> {
        AttachmentFiles::of(self)?.read(sha256).await
    }

    fn files_due(&self, until: Timestamp, limit: u32) -> Result<Vec<DueFile>> {
        self.read(|connection| {
            let sql = "SELECT business, chat, message, place, url, tries, due FROM attachments
                       WHERE due <= ?1 ORDER BY due LIMIT ?2";
            let range = (to_nanos(until), limit);
            connection.prepare_cached(sql)?.query_map(range, DueFile::of)?.collect()
        })
    }
}

impl Syncer {
    /// Downloads the files that are due, and waits for short retries.
    pub(crate) async fn fetch_files(&self) -> Result<()> {
        while self.fetch_next(WAITED_FOR, BATCH).await? {}
        Ok(())
    }

    /// Downloads a few of the files that are due. Returns true if there were any.
    pub(crate) async fn fetch_some_files(&self) -> Result<bool> {
        self.fetch_next(SignedDuration::ZERO, FEW).await
    }

    async fn fetch_next(&self, patience: SignedDuration, most: u32) -> Result<bool> {
        let Some(fetch) = &self.fetch else { return Ok(false) };
        let until = self.clock.now().checked_add(patience).unwrap_or(Timestamp::MAX);
        let due = self.archive.files_due(until, most)?;
        let Some(first) = due.first() else { return Ok(false) };
        self.timer.sleep_until(first.due).await;
        let now = self.clock.now();
        let ready = due.into_iter().filter(|due| due.due <= now);
        let work = ready.map(|due| self.fetch_one(fetch, due));
        let done: Vec<Result<()>> = stream::iter(work).buffer_unordered(PARALLEL).collect().await;
        done.into_iter().collect::<Result<()>>()?;
        Ok(true)
    }

    async fn fetch_one(&self, fetch: &Arc<dyn AttachmentFetcher>, due: DueFile) -> Result<()> {
        self.add(|tally| tally.calls.downloads += 1);
        let fetched = async {
            let content = fetch.fetch(&due.url).await?;
            self.files.keep(content).await
        };
        match fetched.await {
            Ok(sha256) => {
                let place = due.place();
                self.write(move |write| {
                    let sql = "UPDATE attachments SET sha256 = ?5, due = NULL, error = NULL
                               WHERE business = ?1 AND chat = ?2 AND message = ?3 AND place = ?4";
                    let values = (place.0, place.1, place.2, place.3, sha256);
                    write.transaction().prepare_cached(sql)?.execute(values)
                })
                .await?;
                self.add(|tally| tally.files += 1);
                Ok(())
            }
            Err(error @ Error::Service(_)) => self.put_off(due, error).await,
            Err(error) => Err(error),
        }
    }

    async fn put_off(&self, due: DueFile, error: Error) -> Result<()> {
        let tries = usize::try_from(due.tries).unwrap_or(usize::MAX);
        let step = LADDER.get(tries).filter(|_| !is_final(&error) || tries < REFUSALS);
        let next = step.map(|&pause| {
            let pause = SignedDuration::try_from(pause).unwrap_or(SignedDuration::ZERO);
            to_nanos(self.clock.now().checked_add(pause).unwrap_or(Timestamp::MAX))
        });
        let (place, text) = (due.place(), error.to_string());
        self.write(move |write| {
            let sql = "UPDATE attachments SET tries = tries + 1, due = ?5, error = ?6
                       WHERE business = ?1 AND chat = ?2 AND message = ?3 AND place = ?4";
            let values = (place.0, place.1, place.2, place.3, next, text);
            write.transaction().prepare_cached(sql)?.execute(values)
        })
        .await?;
        self.add(|tally| tally.files_failed += 1);
        self.tell(&SyncEvent::Skipped(&error));
        Ok(())
    }
}

/// Returns true if the same link will fail again.
fn is_final(error: &Error) -> bool {
    let Error::Service(error) = error else { return false };
    error.kind().is_some_and(|refusal| refusal != ErrorKind::LimitExceeded)
}

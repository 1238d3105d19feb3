//! Downloads behind the gateway's attachment links: from the archive, or streamed from the upstream
//! with the gateway's credential. Only links that the upstream has returned are served.

use std::{io, ops::Range};

use async_trait::async_trait;
use beseda_api::{
    BusinessId, ByteRange, Download, Downloads, Error, FileId, FileName, FileStream, Result,
};
use beseda_archive::Archive;
use beseda_client::{Client, ErrorExt};
use beseda_server::Unavailable;
use futures::{StreamExt, stream};

use crate::{
    db::{GatewayDb, links::FileLink},
    file_links::origin,
    upstream::to_caller_error,
};

/// Source of the server's downloads.
pub(crate) struct FileProxy {
    pub(crate) db: GatewayDb,
    pub(crate) archive: Archive,
    pub(crate) client: Client,
}

#[async_trait]
impl Downloads for FileProxy {
    async fn open_file(&self, file: &FileId, range: Option<ByteRange>) -> Result<Option<Download>> {
        let Some(link) = self.db.link(file).await? else { return Ok(None) };
        let (size, content) = match self.open_archived(&link).await {
            Some(file) => file,
            None => match self.fetch(&link).await? {
                Some(file) => file,
                None => return Ok(None),
            },
        };
        let range = ByteRange::resolve(range, size);
        let content = slice(content, size, range.clone());
        Ok(Some(Download { name: FileName::new(&link.name), size, range, content }))
    }

    async fn file_business(&self, file: &FileId) -> Result<Option<BusinessId>> {
        Ok(self.db.link(file).await?.map(|link| link.business))
    }
}

impl FileProxy {
    /// Opens the archive's copy. Chats that the upstream no longer lists are skipped.
    async fn open_archived(&self, link: &FileLink) -> Option<(u64, FileStream)> {
        let chat = self.archive.chat(link.business, link.chat).ok()??;
        if chat.gone_at.is_some() {
            return None;
        }
        let attachments = self.archive.attachments(link.business, link.chat, link.message).ok()?;
        let attachment = attachments.into_iter().find(|file| file.place == link.index)?;
        match self.archive.sized_file(&attachment.sha256?).await {
            Ok(file) => Some(file),
            Err(error) => {
                tracing::warn!(%error, "failed to read an archived file; fetching it from the upstream");
                None
            }
        }
    }

    /// Fetches the file from the upstream; `None` if it responds with 404 or 410.
    async fn fetch(&self, link: &FileLink) -> Result<Option<(u64, FileStream)>> {
        match self.client.download(&link.url).await {
            Ok(download) => {
                let size = u64::try_from(link.size).unwrap_or_default();
                Ok(Some((download.size.unwrap_or(size), download.content)))
            }
            Err(error) if matches!(error.status(), Some(404 | 410)) => Ok(None),
            // The rejected credential is the gateway's, not the caller's.
            Err(error) if error.kind().is_some() => {
                let origin = origin(&link.url).unwrap_or_default();
                tracing::warn!(%error, origin, "the file host rejected a download; check --trust");
                Err(Error::internal(Unavailable(Box::new(error))))
            }
            Err(error) => Err(to_caller_error(error)),
        }
    }
}

/// Returns a range of a file of this size. A file of another size ends with an error.
fn slice(content: FileStream, size: u64, range: Range<u64>) -> FileStream {
    let chunks = stream::try_unfold((content, 0_u64), move |(mut content, mut position)| {
        let range = range.clone();
        async move {
            while position < range.end {
                let Some(chunk) = content.next().await.transpose()? else {
                    return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
                };
                let chunk_start = position;
                position += chunk.len() as u64;
                if position > size {
                    return Err(io::Error::other("the file is larger than its declared size"));
                }
                let first = range.start.clamp(chunk_start, position) - chunk_start;
                let last = range.end.clamp(chunk_start, position) - chunk_start;
                if first < last
                    && let (Ok(first), Ok(last)) = (usize::try_from(first), usize::try_from(last))
                {
                    return Ok(Some((chunk.slice(first..last), (content, position))));
                }
            }
            Ok(None)
        }
    });
    chunks.boxed()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use futures::{StreamExt, TryStreamExt, stream};

    use super::slice;

    async fn sliced(size: u64, range: std::ops::Range<u64>) -> std::io::Result<String> {
        let chunks = ["ab", "", "cde", "f"].map(|chunk| Ok(Bytes::from(chunk)));
        let chunks: Vec<Bytes> =
            slice(stream::iter(chunks).boxed(), size, range).try_collect().await?;
        Ok(String::from_utf8(chunks.concat()).unwrap())
    }

    #[tokio::test]
    async fn a_range_is_sliced_across_chunks() {
        for (range, expected) in
            [(0..6, "abcdef"), (0..1, "a"), (1..3, "bc"), (2..5, "cde"), (5..6, "f"), (0..0, "")]
        {
            assert_eq!(sliced(6, range).await.unwrap(), expected);
        }
    }

    #[tokio::test]
    async fn a_file_of_another_size_than_declared_is_an_error() {
        assert!(sliced(7, 0..7).await.is_err());
        assert!(sliced(4, 0..4).await.is_err());
    }
}

//! Files behind the gateway's own links: out of the archive, or fetched with the gateway's credential as they are asked
//! for. Nothing is kept here, and nothing is fetched that the upstream didn't give out.

use std::{io, ops::Range};

use async_trait::async_trait;
use beseda_api::{
    BusinessId, ByteRange, Download, Downloads, Error, FileId, FileName, FileStream, Result,
};
use beseda_archive::Archive;
use beseda_client::{Client, ErrorExt};
use beseda_server::Unavailable;
use futures::{StreamExt, stream};

use crate::{Ledger, ledger::Link, links::origin, upstream::for_caller};

/// What the server downloads from.
pub(crate) struct Files {
    pub(crate) ledger: Ledger,
    pub(crate) archive: Archive,
    pub(crate) client: Client,
}

#[async_trait]
impl Downloads for Files {
    async fn open_file(&self, file: &FileId, range: Option<ByteRange>) -> Result<Option<Download>> {
        let Some(link) = self.ledger.link(file).await? else { return Ok(None) };
        let (size, content) = match self.archived(&link).await {
            Some(found) => found,
            None => match self.fetched(&link).await? {
                Some(found) => found,
                None => return Ok(None),
            },
        };
        let range = match range {
            None => 0..size,
            Some(asked) => asked.within(size).unwrap_or(0..0),
        };
        let content = part(content, size, range.clone());
        Ok(Some(Download { name: FileName::new(&link.name), size, range, content }))
    }

    async fn file_business(&self, file: &FileId) -> Result<Option<BusinessId>> {
        Ok(self.ledger.link(file).await?.map(|link| link.business))
    }
}

impl Files {
    /// The archive's copy, of a chat that is still there.
    async fn archived(&self, link: &Link) -> Option<(u64, FileStream)> {
        let known = self.archive.chat(link.business, link.chat).ok()??;
        if known.gone_at.is_some() {
            return None;
        }
        let all = self.archive.attachments(link.business, link.chat, link.message).ok()?;
        let found = all.into_iter().find(|attachment| attachment.place == link.place)?;
        match self.archive.sized_file(&found.sha256?).await {
            Ok(found) => Some(found),
            Err(error) => {
                tracing::warn!(%error, "a file of the archive can't be read: the upstream is asked");
                None
            }
        }
    }

    async fn fetched(&self, link: &Link) -> Result<Option<(u64, FileStream)>> {
        match self.client.download(&link.url).await {
            Ok(fetched) => {
                let told = u64::try_from(link.size).unwrap_or_default();
                Ok(Some((fetched.size.unwrap_or(told), fetched.content)))
            }
            Err(error) if matches!(error.status(), Some(404 | 410)) => Ok(None),
            // Whatever its refusals mean, they aren't of the caller's credential.
            Err(error) if error.kind().is_some() => {
                let from = origin(&link.url).unwrap_or_default();
                tracing::warn!(%error, from, "a file is refused: does its address need --trust?");
                Err(Error::internal(Unavailable(Box::new(error))))
            }
            Err(error) => Err(for_caller(error)),
        }
    }
}

/// These bytes of a content that has so many. One that has less, or more, ends with an error.
fn part(content: FileStream, size: u64, range: Range<u64>) -> FileStream {
    let pieces = stream::try_unfold((content, 0_u64), move |(mut content, mut at)| {
        let range = range.clone();
        async move {
            while at < range.end {
                let Some(piece) = content.next().await.transpose()? else {
                    return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
                };
                let began = at;
                at += piece.len() as u64;
                if at > size {
                    return Err(io::Error::other("a file is larger than was said"));
                }
                let first = range.start.clamp(began, at) - began;
                let last = range.end.clamp(began, at) - began;
                if first < last
                    && let (Ok(first), Ok(last)) = (usize::try_from(first), usize::try_from(last))
                {
                    return Ok(Some((piece.slice(first..last), (content, at))));
                }
            }
            Ok(None)
        }
    });
    pieces.boxed()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use futures::{StreamExt, TryStreamExt, stream};

    use super::part;

    async fn cut(size: u64, range: std::ops::Range<u64>) -> std::io::Result<String> {
        let pieces = ["ab", "", "cde", "f"].map(|piece| Ok(Bytes::from(piece)));
        let pieces: Vec<Bytes> =
            part(stream::iter(pieces).boxed(), size, range).try_collect().await?;
        Ok(String::from_utf8(pieces.concat()).unwrap())
    }

    #[tokio::test]
    async fn a_part_is_cut_out_wherever_pieces_begin() {
        for (range, wanted) in
            [(0..6, "abcdef"), (0..1, "a"), (1..3, "bc"), (2..5, "cde"), (5..6, "f"), (0..0, "")]
        {
            assert_eq!(cut(6, range).await.unwrap(), wanted);
        }
    }

    #[tokio::test]
    async fn a_content_of_another_size_than_was_said_is_an_error() {
        assert!(cut(7, 0..7).await.is_err());
        assert!(cut(4, 0..4).await.is_err());
    }
}

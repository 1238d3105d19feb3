//! Uploads and downloads of files, as streams.

use std::{borrow::Cow, fmt, ops::Range, str::FromStr};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures::stream::{self, BoxStream, StreamExt};

use crate::{Error, MAX_FILE_BYTES, Result};

/// Content of a file as a stream of chunks.
///
/// ```
/// use beseda_api::{FileName, FileStream, FileUpload};
/// use futures::{StreamExt, stream};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> beseda_api::Result<()> {
/// let content: FileStream = stream::iter([Ok("one, ".into()), Ok("two".into())]).boxed();
/// let file = FileUpload { name: FileName::new("list.txt"), content };
/// assert_eq!(file.read().await?, "one, two");
/// # Ok(())
/// # }
/// ```
pub type FileStream = BoxStream<'static, std::io::Result<Bytes>>;

/// File to send to a chat.
///
/// ```
/// use beseda_api::FileUpload;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> beseda_api::Result<()> {
/// let file = FileUpload::from_bytes("чек.pdf", "content");
/// assert_eq!(file.name.as_str(), "чек.pdf");
/// assert_eq!(file.read().await?, "content");
/// # Ok(())
/// # }
/// ```
pub struct FileUpload {
    /// File name.
    pub name: FileName,
    /// Content. Ends with an error if the upload is cut off.
    pub content: FileStream,
}

impl FileUpload {
    /// Creates an upload from bytes in memory.
    #[must_use]
    pub fn from_bytes(name: &str, content: impl Into<Bytes>) -> Self {
        let content = content.into();
        Self { name: FileName::new(name), content: stream::iter([Ok(content)]).boxed() }
    }

    /// Reads the whole content into memory.
    ///
    /// # Errors
    ///
    /// 400 if the file is larger than [`MAX_FILE_BYTES`](crate::MAX_FILE_BYTES), or if the upload
    /// was cut off; nothing of it may be kept then.
    pub async fn read(mut self) -> Result<Bytes> {
        let mut whole = BytesMut::new();
        while let Some(piece) = self.content.next().await {
            let piece = piece.map_err(|_| Error::incomplete_file())?;
            if (whole.len() + piece.len()) as u64 > MAX_FILE_BYTES {
                return Err(Error::file_too_large());
            }
            whole.extend_from_slice(&piece);
        }
        Ok(whole.freeze())
    }
}

impl fmt::Debug for FileUpload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileUpload").field("name", &self.name).finish_non_exhaustive()
    }
}

/// File name to display: 1 to 255 characters without folders and control characters.
///
/// ```
/// use beseda_api::FileName;
///
/// assert_eq!(FileName::new("C:\\photos\\cat.jpg").as_str(), "cat.jpg");
/// assert_eq!(FileName::new("..").as_str(), "file");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileName(String);

impl FileName {
    /// Sanitizes a name: removes folders and control characters, shortens a long name in front of
    /// its extension, and replaces an empty name by `file`.
    #[must_use]
    pub fn new(raw: &str) -> Self {
        let last = raw.rsplit(['/', '\\']).next().unwrap_or_default();
        let clean: String = last.chars().filter(|c| !c.is_control()).collect();
        let clean = shortened(clean.trim());
        let named = !matches!(clean.as_ref(), "" | "." | "..");
        Self(if named { clean.into_owned() } else { "file".to_owned() })
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Shortens a name to 255 characters. Keeps an extension of up to 32 characters.
fn shortened(name: &str) -> Cow<'_, str> {
    const MAX: usize = 255;
    const MAX_EXTENSION: usize = 32;
    let cut = |text: &str, most: usize| text.chars().take(most).collect::<String>();
    if name.chars().count() <= MAX {
        return Cow::Borrowed(name);
    }
    match name.rsplit_once('.') {
        Some((stem, extension)) if extension.chars().count() <= MAX_EXTENSION => {
            let most = MAX - 1 - extension.chars().count();
            Cow::Owned(format!("{}.{extension}", cut(stem, most).trim_end()))
        }
        _ => Cow::Owned(cut(name, MAX).trim_end().to_owned()),
    }
}

/// Unguessable id of a stored file in its download link: 32 lower-case hexadecimal digits.
///
/// ```
/// use beseda_api::FileId;
///
/// let id = FileId::new(0x1f);
/// assert_eq!(id.url("https://chats.example.org"), format!("https://chats.example.org/files/{id}"));
/// assert_eq!(id.as_str().parse(), Ok(id));
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId(String);

impl FileId {
    /// Creates an id from 128 random bits.
    #[must_use]
    pub fn new(random: u128) -> Self {
        Self(format!("{random:032x}"))
    }

    /// Returns the id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the download link of the file at a server with this public address, for `url` of an [`Attachment`](crate::Attachment): `https://chats.example.org/files/0123…`.
    #[must_use]
    pub fn url(&self, public_url: &str) -> String {
        format!("{}/files/{}", public_url.trim_end_matches('/'), self.0)
    }
}

impl FromStr for FileId {
    type Err = InvalidFileId;

    fn from_str(text: &str) -> Result<Self, InvalidFileId> {
        let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if text.len() == 32 && text.bytes().all(hex) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidFileId)
        }
    }
}

impl fmt::Display for FileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for FileId {
    /// Prints the first eight digits only: the whole id gives access to the file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FileId({}…)", &self.0[..8])
    }
}

/// Error of parsing a [`FileId`].
///
/// ```
/// use beseda_api::{FileId, InvalidFileId};
///
/// assert_eq!("../../secret".parse::<FileId>(), Err(InvalidFileId));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidFileId;

impl fmt::Display for InvalidFileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a file id is 32 lower-case hexadecimal digits")
    }
}

impl std::error::Error for InvalidFileId {}

/// Byte range of an HTTP `Range` header.
///
/// ```
/// use beseda_api::ByteRange;
///
/// assert_eq!(ByteRange::Bounded(0, 99).within(1000), Some(0..100));
/// assert_eq!(ByteRange::Last(10).within(1000), Some(990..1000));
/// assert_eq!(ByteRange::From(1000).within(1000), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByteRange {
    /// First and last byte, both inclusive; the last may lie beyond the end.
    Bounded(u64, u64),
    /// From this byte to the end.
    From(u64),
    /// This many bytes at the end.
    Last(u64),
}

impl ByteRange {
    /// Returns the requested range within a file of `size` bytes: the whole file for `None`, an empty range if the
    /// request lies outside the file.
    #[must_use]
    pub fn resolve(requested: Option<Self>, size: u64) -> Range<u64> {
        requested.map_or(0..size, |range| range.within(size).unwrap_or(0..0))
    }

    /// Returns the range within a file of `size` bytes, or `None` if it is empty.
    #[must_use]
    pub fn within(self, size: u64) -> Option<Range<u64>> {
        let range = match self {
            Self::Bounded(first, last) => first..last.saturating_add(1).min(size),
            Self::From(first) => first..size,
            Self::Last(count) => size.saturating_sub(count)..size,
        };
        (range.start < range.end).then_some(range)
    }
}

/// Stored file, opened for reading.
///
/// ```
/// use beseda_api::{ByteRange, Download, FileName};
/// use bytes::Bytes;
///
/// let file = Bytes::from("0123456789");
/// let part = Download::from_bytes(FileName::new("a.txt"), &file, Some(ByteRange::Last(3)));
/// assert_eq!((part.range, part.size), (7..10, 10));
/// ```
pub struct Download {
    /// File name as it was sent.
    pub name: FileName,
    /// Size of the whole file in bytes.
    pub size: u64,
    /// Range of the bytes in `content`; empty if the requested range lies outside the file.
    pub range: Range<u64>,
    /// Content of the range.
    pub content: FileStream,
}

impl Download {
    /// Creates a download, or a part of one, from bytes in memory.
    #[must_use]
    pub fn from_bytes(name: FileName, file: &Bytes, range: Option<ByteRange>) -> Self {
        let length = file.len();
        let size = length as u64;
        let range = ByteRange::resolve(range, size);
        let place = |at: u64| usize::try_from(at).unwrap_or(length);
        let part = file.slice(place(range.start)..place(range.end));
        Self { name, size, range, content: stream::iter([Ok(part)]).boxed() }
    }
}

impl fmt::Debug for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Download");
        shown.field("name", &self.name).field("size", &self.size).field("range", &self.range);
        shown.finish_non_exhaustive()
    }
}

/// Files behind the links in `payload[].url`.
///
/// ```
/// use async_trait::async_trait;
/// use beseda_api::{BusinessId, ByteRange, Download, Downloads, FileId, FileName, Result};
///
/// /// Has one text in place of every file.
/// struct SameText(BusinessId);
///
/// #[async_trait]
/// impl Downloads for SameText {
///     async fn open_file(&self, _: &FileId, range: Option<ByteRange>) -> Result<Option<Download>> {
///         Ok(Some(Download::from_bytes(FileName::new("a.txt"), &"hello".into(), range)))
///     }
///     async fn file_business(&self, _: &FileId) -> Result<Option<BusinessId>> {
///         Ok(Some(self.0))
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// let files = SameText(BusinessId::new(1).expect("positive"));
/// let file = files.open_file(&FileId::new(1), None).await?;
/// assert_eq!(file.map(|file| file.size), Some(5));
/// # Ok(())
/// # }
/// ```
#[async_trait]
pub trait Downloads: Send + Sync {
    /// Opens a file or a part of it, or returns `None` if no message has it.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] only.
    async fn open_file(&self, file: &FileId, range: Option<ByteRange>) -> Result<Option<Download>>;

    /// Returns the cabinet of the file's chat, or `None` if no message has the file.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] only.
    async fn file_business(&self, file: &FileId) -> Result<Option<crate::BusinessId>>;
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use futures::{StreamExt, TryStreamExt, executor::block_on, stream};

    use super::{ByteRange, Download, FileId, FileName, FileUpload};

    #[test]
    fn a_name_loses_its_folders_and_control_characters() {
        for (raw, name) in [
            ("фото.jpg", "фото.jpg"),
            ("../../etc/passwd", "passwd"),
            ("C:\\temp\\a.txt", "a.txt"),
            ("a\r\nb", "ab"),
            ("", "file"),
            ("..", "file"),
        ] {
            assert_eq!(FileName::new(raw).as_str(), name);
        }
    }

    #[test]
    fn an_upload_is_read_whole_or_not_at_all() {
        let read = |megabytes: usize, last: std::io::Result<Bytes>| {
            let piece = Bytes::from(vec![7; 1024 * 1024]);
            let pieces = (0..megabytes).map(move |_| Ok(piece.clone())).chain([last]);
            let content = stream::iter(pieces).boxed();
            block_on(FileUpload { name: FileName::new("a"), content }.read())
        };
        assert_eq!(read(5, Ok(Bytes::new())).unwrap().len(), 5 * 1024 * 1024);
        let more = read(5, Ok(Bytes::from_static(b"x"))).unwrap_err();
        assert!(more.to_string().starts_with("The request is too big"));
        let cut = read(1, Err(std::io::Error::other("gone"))).unwrap_err();
        assert_eq!(cut.kind(), Some(crate::ErrorKind::BadRequest));
    }

    #[test]
    fn a_download_from_memory_is_the_part_asked_for() {
        let file = Bytes::from_static(b"0123456789");
        let part = |range| {
            let download = Download::from_bytes(FileName::new("a"), &file, range);
            let content: Vec<Bytes> = block_on(download.content.try_collect()).unwrap();
            (download.size, download.range, content.concat())
        };
        assert_eq!(part(None), (10, 0..10, b"0123456789".to_vec()));
        assert_eq!(part(Some(ByteRange::Bounded(2, 3))), (10, 2..4, b"23".to_vec()));
        assert_eq!(part(Some(ByteRange::Last(99))), (10, 0..10, b"0123456789".to_vec()));
        assert_eq!(part(Some(ByteRange::From(10))), (10, 0..0, Vec::new()));
    }

    #[test]
    fn a_link_has_one_slash_before_its_path_and_ends_with_the_id() {
        let file = FileId::new(0xabc);
        for public_url in ["https://chats.example.org", "https://chats.example.org/"] {
            let url = file.url(public_url);
            assert_eq!(url, format!("https://chats.example.org/files/{file}"));
            assert_eq!(url.rsplit('/').next().unwrap().parse(), Ok(file.clone()));
        }
    }

    #[test]
    fn a_long_name_is_cut_in_front_of_its_extension() {
        let long = FileName::new(&format!("{}.pdf", "ж".repeat(300)));
        assert_eq!(long.as_str(), format!("{}.pdf", "ж".repeat(251)));
        let no_extension = FileName::new(&format!("a.{}", "ж".repeat(300)));
        assert_eq!(no_extension.as_str().chars().count(), 255);
    }

    #[test]
    fn a_range_is_cut_to_the_file() {
        assert_eq!(ByteRange::Bounded(0, 99).within(10), Some(0..10));
        assert_eq!(ByteRange::From(4).within(10), Some(4..10));
        assert_eq!(ByteRange::Last(3).within(10), Some(7..10));
        assert_eq!(ByteRange::From(10).within(10), None);
        assert_eq!(ByteRange::Last(0).within(10), None);
        assert_eq!(ByteRange::Bounded(5, 2).within(10), None);
        assert_eq!(ByteRange::Bounded(0, u64::MAX).within(10), Some(0..10));
    }
}

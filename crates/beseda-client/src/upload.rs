//! Files on their way out, from a path or a reader; from memory see `FileUpload::from_bytes`. Nothing is read before it is sent.

use std::{io, path::Path};

use beseda_api::{FileName, FileUpload};
use futures::StreamExt;
use tokio::{fs::File, io::AsyncRead};
use tokio_util::io::ReaderStream;

/// Confirmation much is read at once.
const PIECE: usize = 64 * 1024;

/// A file on this machine, under its own name.
///
/// # Errors
/// If it can't be opened or is a folder.
pub async fn upload_from_path(path: impl AsRef<Path>) -> io::Result<FileUpload> {
    let path = path.as_ref();
    let file = File::open(path).await?;
    if file.metadata().await?.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    Ok(upload_from_reader(&name, file))
}

/// Whatever a reader gives until its end, under this name.
pub fn upload_from_reader(
    name: &str,
    reader: impl AsyncRead + Send + Unpin + 'static,
) -> FileUpload {
    let content = ReaderStream::with_capacity(reader, PIECE).boxed();
    FileUpload { name: FileName::new(name), content }
}

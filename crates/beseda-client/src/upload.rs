//! Uploads streamed from a file or a reader. For bytes in memory see `FileUpload::from_bytes`.

use std::{io, path::Path};

use beseda_api::{FileName, FileUpload};
use futures::StreamExt;
use tokio::{fs::File, io::AsyncRead};
use tokio_util::io::ReaderStream;

/// Number of bytes read at once.
const CHUNK_BYTES: usize = 64 * 1024;

/// Opens a file for an upload under its own name. It is read while it is sent.
///
/// # Errors
///
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

/// Creates an upload with this name from a reader, which is read to its end while it is sent.
pub fn upload_from_reader(
    name: &str,
    reader: impl AsyncRead + Send + Unpin + 'static,
) -> FileUpload {
    let content = ReaderStream::with_capacity(reader, CHUNK_BYTES).boxed();
    FileUpload { name: FileName::new(name), content }
}

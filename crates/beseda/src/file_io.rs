//! Texts and files between the file system and a chat: standard input, progress bars, saving
//! downloads.

use std::{
    io::{self, IsTerminal},
    path::{Path, PathBuf},
};

use anyhow::Context;
use beseda_api::{FileName, FileUpload, MAX_FILE_BYTES, MessageText};
use beseda_client::{AttachmentDownload, OutgoingMessage, upload_from_path, upload_from_reader};
use futures::{StreamExt, TryStreamExt};
use indicatif::{ProgressBar, ProgressFinish, ProgressStyle};
use tokio::{
    fs::{self, File, OpenOptions},
    io::{AsyncReadExt, AsyncWriteExt},
};

use crate::{args::ConnectionArgs, exit_status::UsageError, output::Output};

/// Minimum file size in bytes for a progress bar.
const PROGRESS_MIN_BYTES: u64 = 256 * 1024;

/// Returns the given text, or for `-` the whole of standard input without its last line break.
pub(crate) async fn text(given: String, connection: &ConnectionArgs) -> anyhow::Result<String> {
    if given != "-" {
        return Ok(given);
    }
    check_stdin_is_free(connection)?;
    // Read more than the longest valid text, so that an overlong text is reported as such and not
    // cut off.
    let most = (MessageText::MAX as u64 + 1) * 4 + 2;
    let mut bytes = Vec::new();
    tokio::io::stdin().take(most).read_to_end(&mut bytes).await?;
    let text = String::from_utf8(bytes);
    let mut text =
        text.map_err(|_| UsageError::error("the text on standard input is not UTF-8"))?;
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    Ok(text)
}

/// Opens a file, or standard input for `-`, for upload under the given name.
pub(crate) async fn upload(
    path: &Path,
    name: Option<&str>,
    connection: &ConnectionArgs,
    out: Output,
) -> anyhow::Result<FileUpload> {
    if path == Path::new("-") {
        check_stdin_is_free(connection)?;
        return Ok(upload_from_reader(name.unwrap_or("file"), tokio::io::stdin()));
    }
    let cannot_read =
        |error: io::Error| UsageError::error(format!("can't read {}: {error}", path.display()));
    let mut file = upload_from_path(path).await.map_err(cannot_read)?;
    if let Some(name) = name {
        file.name = FileName::new(name);
    }
    let size = fs::metadata(path).await.map_err(cannot_read)?.len();
    if size >= PROGRESS_MIN_BYTES && !out.is_json() && io::stderr().is_terminal() {
        file = with_progress(file, size)?;
    }
    Ok(file)
}

/// Reads the whole file into memory, for a message that is sent later.
pub(crate) async fn read_whole(mut file: FileUpload) -> anyhow::Result<OutgoingMessage> {
    let mut bytes = Vec::new();
    while let Some(piece) = file.content.try_next().await? {
        bytes.extend_from_slice(&piece);
        if bytes.len() as u64 > MAX_FILE_BYTES {
            let text = format!("The request is too big: a file has at most {MAX_FILE_BYTES} bytes");
            return Err(beseda_api::Error::bad_request(text).into());
        }
    }
    Ok(OutgoingMessage::file(file.name.as_str(), bytes))
}

fn with_progress(mut file: FileUpload, size: u64) -> anyhow::Result<FileUpload> {
    let style = "{bar:40} {bytes} of {total_bytes}, {eta} left";
    let bar = ProgressBar::new(size).with_finish(ProgressFinish::AndClear);
    bar.set_style(ProgressStyle::with_template(style)?);
    file.content = file.content.inspect_ok(move |piece| bar.inc(piece.len() as u64)).boxed();
    Ok(file)
}

fn check_stdin_is_free(connection: &ConnectionArgs) -> anyhow::Result<()> {
    if connection.credential_stdin {
        return Err(UsageError::error(
            "standard input can't hold both the credential and what to send",
        ));
    }
    Ok(())
}

/// Saves a download in a folder under a name that is not taken.
pub(crate) async fn save_download(
    download: AttachmentDownload,
    folder: &Path,
    name: &str,
) -> anyhow::Result<(PathBuf, u64)> {
    let (path, mut file) = create_unique(folder, name).await?;
    match write(download, &mut file).await {
        Ok(size) => Ok((path, size)),
        Err(error) => {
            // Don't leave a partial file behind.
            drop(file);
            fs::remove_file(&path).await.ok();
            Err(error)
        }
    }
}

async fn write(mut download: AttachmentDownload, file: &mut File) -> anyhow::Result<u64> {
    let mut size = 0;
    while let Some(piece) = download.content.try_next().await.map_err(unwrap_client_error)? {
        file.write_all(&piece).await?;
        size += piece.len() as u64;
    }
    file.flush().await?;
    Ok(size)
}

/// Extracts the client's error from the stream's, to keep its exit status.
fn unwrap_client_error(error: io::Error) -> anyhow::Error {
    match error.downcast::<beseda_api::Error>() {
        Ok(error) => error.into(),
        Err(error) => error.into(),
    }
}

async fn create_unique(folder: &Path, name: &str) -> anyhow::Result<(PathBuf, File)> {
    const TRIES: u32 = 1000;
    let name = local_name(name);
    let (stem, extension) = match name.rsplit_once('.') {
        Some((stem, extension)) => (stem, format!(".{extension}")),
        None => (name.as_str(), String::new()),
    };
    for number in 0..TRIES {
        let number = if number == 0 { String::new() } else { format!("-{number}") };
        let path = folder.join(format!("{stem}{number}{extension}"));
        match OpenOptions::new().write(true).create_new(true).open(&path).await {
            Ok(file) => return Ok((path, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => {
                return Err(error).with_context(|| format!("can't write {}", path.display()));
            }
        }
    }
    anyhow::bail!("{} has {TRIES} files named like {name}", folder.display())
}

/// Sanitizes a file name: not hidden, no path, at most 200 bytes.
fn local_name(name: &str) -> String {
    const MAX_NAME_BYTES: usize = 200;
    let clean = FileName::new(name);
    let mut shown = clean.as_str().trim_start_matches('.');
    while shown.len() > MAX_NAME_BYTES {
        // Keep the end, which has the extension.
        let mut rest = shown.chars();
        rest.next();
        shown = rest.as_str();
    }
    if shown.is_empty() { "file".to_owned() } else { shown.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::{create_unique, local_name};

    #[test]
    fn a_strangers_file_name_is_harmless() {
        assert_eq!(local_name("../../.bashrc"), "bashrc");
        assert_eq!(local_name("..."), "file");
        assert_eq!(local_name(""), "file");
        let long = local_name(&format!("{}.jpg", "ж".repeat(250)));
        assert!(long.len() <= 200 && long.ends_with("ж.jpg"));
    }

    #[tokio::test]
    async fn no_file_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        for expected in ["a.b.txt", "a.b-1.txt", "a.b-2.txt"] {
            let (path, _) = create_unique(folder.path(), "a.b.txt").await.unwrap();
            assert_eq!(path.file_name().unwrap(), expected);
        }
    }
}

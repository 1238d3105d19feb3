//! The bytes of attachments, in an object store. Whether a file may exist is not decided here.

use std::{ops::Range, path::Path, path::PathBuf, sync::Arc};

use beseda_api::{Error, FileId, FileStream, MAX_FILE_BYTES, Result};
use futures::{StreamExt, TryStreamExt};
use object_store::{
    GetOptions, GetRange, ObjectStore, ObjectStoreExt, WriteMultipart, local::LocalFileSystem,
    path::Path as Key,
};

/// Bytes that are in memory before they go to disk.
const PIECE: usize = 256 * 1024;
/// Pieces of one upload that are on their way to disk.
const PIECES: usize = 2;

/// Where attachments are kept.
#[derive(Clone)]
pub struct Files {
    store: Arc<dyn ObjectStore>,
    /// The folder, if it is one: unfinished pieces that a crash left have no key.
    folder: Option<PathBuf>,
}

impl Files {
    /// In a folder, which is made; every file is on disk before it counts as written.
    ///
    /// # Errors
    /// If the folder can't be made.
    pub fn in_folder(folder: &Path) -> Result<Self, crate::OpenError> {
        crate::private::tree(folder)?;
        let store = LocalFileSystem::new_with_prefix(folder)?.with_fsync(true);
        Ok(Self { store: Arc::new(store), folder: Some(folder.to_owned()) })
    }

    /// In any object store, whose writes must be durable when they return.
    #[must_use]
    pub fn in_store(store: Arc<dyn ObjectStore>) -> Self {
        Self { store, folder: None }
    }

    /// Writes a file as it arrives; returns its size. Nothing is left of it after an error.
    ///
    /// # Errors
    /// 400 for a file that is too large or breaks off; otherwise a breakage.
    pub(crate) async fn write(&self, file: &FileId, content: FileStream) -> Result<i64> {
        let upload = self.store.put_multipart(&key(file)).await.map_err(Error::internal)?;
        let mut upload = WriteMultipart::new_with_chunk_size(upload, PIECE);
        match pour(content, &mut upload).await {
            Ok(size) => {
                upload.finish().await.map_err(Error::internal)?;
                self.close(file);
                Ok(size)
            }
            Err(error) => {
                upload.abort().await.map_err(Error::internal)?;
                Err(error)
            }
        }
    }

    /// Makes a file readable for its owner alone: the object store goes by the umask.
    fn close(&self, file: &FileId) {
        if let Some(folder) = &self.folder {
            let shelf = folder.join(shelf(file));
            crate::private::close(&shelf);
            crate::private::close(&shelf.join(file.as_str()));
        }
    }

    /// Opens a part of a file.
    pub(crate) async fn read(&self, file: &FileId, range: Range<u64>) -> Result<FileStream> {
        if range.is_empty() {
            return Ok(futures::stream::empty().boxed());
        }
        let options = GetOptions { range: Some(GetRange::Bounded(range)), ..GetOptions::default() };
        let found = self.store.get_opts(&key(file), options).await.map_err(Error::internal)?;
        Ok(found.into_stream().map_err(std::io::Error::other).boxed())
    }

    /// Takes away what there is of a file.
    pub(crate) async fn remove(&self, file: &FileId) -> Result<()> {
        match self.store.delete(&key(file)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => return Err(Error::internal(error)),
        }
        self.remove_pieces(file).map_err(Error::internal)
    }

    /// Takes away the unfinished copies of a file that a crash left in the folder.
    fn remove_pieces(&self, file: &FileId) -> std::io::Result<()> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let Ok(entries) = std::fs::read_dir(folder.join(shelf(file))) else { return Ok(()) };
        for entry in entries {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(file.as_str()) {
                std::fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }
}

/// Hands over the content piece by piece; returns its size.
async fn pour(mut content: FileStream, upload: &mut WriteMultipart) -> Result<i64> {
    let mut size: u64 = 0;
    while let Some(piece) = content.next().await {
        let piece = piece.map_err(|error| {
            tracing::debug!(%error, "an upload broke off");
            Error::incomplete_file()
        })?;
        size += piece.len() as u64;
        if size > MAX_FILE_BYTES {
            return Err(Error::file_too_large());
        }
        upload.wait_for_capacity(PIECES).await.map_err(Error::internal)?;
        upload.put(piece);
    }
    i64::try_from(size).map_err(Error::internal)
}

fn key(file: &FileId) -> Key {
    Key::from(format!("{}/{file}", shelf(file)))
}

/// The folder a file lies in, so that none has too many.
fn shelf(file: &FileId) -> &str {
    &file.as_str()[..2]
}

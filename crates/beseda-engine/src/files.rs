//! Contents of attachments, in an object store.

use std::{ops::Range, path::Path, path::PathBuf, sync::Arc};

use beseda_api::{Error, FileId, FileStream, MAX_FILE_BYTES, Result};
use beseda_sqlite::private;
use futures::{StreamExt, TryStreamExt};
use object_store::{
    GetOptions, GetRange, ObjectStore, ObjectStoreExt, WriteMultipart, local::LocalFileSystem,
    path::Path as Key,
};

/// Size in bytes of a chunk, which is buffered in memory before it is written.
const CHUNK: usize = 256 * 1024;
/// Maximum number of chunks of one upload that are being written.
const CHUNKS_IN_FLIGHT: usize = 2;

/// Contents of attachments, in an object store.
#[derive(Clone)]
pub struct FileStore {
    store: Arc<dyn ObjectStore>,
    /// Folder of a local store, in which a crash leaves temporary files that have no key.
    folder: Option<PathBuf>,
}

impl FileStore {
    /// Opens a store in a folder, creating it if necessary. Every file is fsynced.
    ///
    /// # Errors
    /// If the folder can't be created.
    pub fn in_folder(folder: &Path) -> Result<Self, crate::EngineOpenError> {
        private::create_or_restrict_tree(folder)?;
        let store = LocalFileSystem::new_with_prefix(folder)?.with_fsync(true);
        Ok(Self { store: Arc::new(store), folder: Some(folder.to_owned()) })
    }

    /// Creates a store on any object store, whose writes must be durable on return.
    #[must_use]
    pub fn in_store(store: Arc<dyn ObjectStore>) -> Self {
        Self { store, folder: None }
    }

    /// Writes a file; returns its size in bytes. After an error nothing of it is left.
    ///
    /// # Errors
    /// 400 for a file that is too large or incomplete; otherwise an internal error.
    pub(crate) async fn write(&self, file: &FileId, content: FileStream) -> Result<i64> {
        let upload = self.store.put_multipart(&key(file)).await.map_err(Error::internal)?;
        let mut upload = WriteMultipart::new_with_chunk_size(upload, CHUNK);
        match stream_to_store(content, &mut upload).await {
            Ok(size) => {
                upload.finish().await.map_err(Error::internal)?;
                self.restrict(file);
                Ok(size)
            }
            Err(error) => {
                upload.abort().await.map_err(Error::internal)?;
                Err(error)
            }
        }
    }

    /// Restricts a file to its owner: the object store applies the umask.
    fn restrict(&self, file: &FileId) {
        if let Some(folder) = &self.folder {
            let folder = folder.join(prefix(file));
            private::restrict(&folder);
            private::restrict(&folder.join(file.as_str()));
        }
    }

    /// Opens a range of a file.
    pub(crate) async fn read(&self, file: &FileId, range: Range<u64>) -> Result<FileStream> {
        if range.is_empty() {
            return Ok(futures::stream::empty().boxed());
        }
        let options = GetOptions { range: Some(GetRange::Bounded(range)), ..GetOptions::default() };
        let found = self.store.get_opts(&key(file), options).await.map_err(Error::internal)?;
        Ok(found.into_stream().map_err(std::io::Error::other).boxed())
    }

    /// Removes a file and its temporary files.
    pub(crate) async fn remove(&self, file: &FileId) -> Result<()> {
        match self.store.delete(&key(file)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => return Err(Error::internal(error)),
        }
        self.remove_temporary_files(file).map_err(Error::internal)
    }

    /// Removes the temporary files that a crash left in the folder.
    fn remove_temporary_files(&self, file: &FileId) -> std::io::Result<()> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let Ok(entries) = std::fs::read_dir(folder.join(prefix(file))) else { return Ok(()) };
        for entry in entries {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(file.as_str()) {
                std::fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }
}

/// Writes the content chunk by chunk; returns its size in bytes.
async fn stream_to_store(mut content: FileStream, upload: &mut WriteMultipart) -> Result<i64> {
    let mut size: u64 = 0;
    while let Some(chunk) = content.next().await {
        let chunk = chunk.map_err(|error| {
            tracing::debug!(%error, "an upload is incomplete");
            Error::incomplete_file()
        })?;
        size += chunk.len() as u64;
        if size > MAX_FILE_BYTES {
            return Err(Error::file_too_large());
        }
        upload.wait_for_capacity(CHUNKS_IN_FLIGHT).await.map_err(Error::internal)?;
        upload.put(chunk);
    }
    i64::try_from(size).map_err(Error::internal)
}

fn key(file: &FileId) -> Key {
    Key::from(format!("{}/{file}", prefix(file)))
}

/// Returns the prefix of a file's key. Prefixes keep folders small.
fn prefix(file: &FileId) -> &str {
    &file.as_str()[..2]
}

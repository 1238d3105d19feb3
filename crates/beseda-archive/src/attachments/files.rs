//! Files by the SHA-256 of their content, in an object store. A file gets its name once it is
//! completely on disk.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use beseda_api::FileStream;
use futures::{StreamExt, TryStreamExt};
use object_store::{
    ObjectStore, ObjectStoreExt, WriteMultipart, local::LocalFileSystem, path::Path as Key,
};
use sha2::{Digest, Sha256};

use crate::{Archive, Error, Result, archive::make_private};

/// Size of a chunk in bytes.
const PIECE: usize = 256 * 1024;
/// Maximum number of chunks on their way to disk per file.
const PIECES: usize = 2;
/// Folder of incomplete files.
const INCOMING: &str = "incoming";

/// Files of an archive.
pub(crate) struct AttachmentFiles {
    store: Arc<dyn ObjectStore>,
    incoming: std::path::PathBuf,
    number: AtomicU64,
}

impl AttachmentFiles {
    pub(crate) fn of(archive: &Archive) -> Result<Self> {
        let folder = archive.folder().join("files");
        make_private(&folder).map_err(|source| Error::Folder { folder: folder.clone(), source })?;
        let store = LocalFileSystem::new_with_prefix(&folder)?.with_fsync(true);
        let incoming = folder.join(INCOMING);
        Ok(Self { store: Arc::new(store), incoming, number: AtomicU64::new(0) })
    }

    /// Deletes incomplete files left by a crash. Requires the archive's lock.
    pub(crate) fn sweep(&self) -> Result<()> {
        match std::fs::remove_dir_all(&self.incoming) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::Folder { folder: self.incoming.clone(), source })
            }
            _ => Ok(()),
        }
    }

    /// Stores a content once and returns its SHA-256.
    pub(super) async fn keep(&self, content: FileStream) -> Result<String> {
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        let incoming = Key::from(format!("{INCOMING}/{number}"));
        let upload = self.store.put_multipart(&incoming).await?;
        let mut upload = WriteMultipart::new_with_chunk_size(upload, PIECE);
        let sha256 = match pour(content, &mut upload).await {
            Ok(sha256) => sha256,
            Err(error) => {
                upload.abort().await?;
                return Err(error);
            }
        };
        upload.finish().await?;
        self.store.rename(&incoming, &key(&sha256)).await?;
        Ok(sha256)
    }

    pub(super) async fn read(&self, sha256: &str) -> Result<(u64, FileStream)> {
        let found = self.store.get(&key(sha256)).await?;
        Ok((found.meta.size, found.into_stream().map_err(std::io::Error::other).boxed()))
    }
}

/// Streams the content to the store and returns its SHA-256.
async fn pour(mut content: FileStream, upload: &mut WriteMultipart) -> Result<String> {
    let mut hash = Sha256::new();
    while let Some(piece) = content.next().await {
        let piece = piece.map_err(beseda_api::Error::internal)?;
        hash.update(&piece);
        upload.wait_for_capacity(PIECES).await?;
        upload.put(piece);
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Spreads files over 256 folders.
fn key(sha256: &str) -> Key {
    let shelf = sha256.get(..2).unwrap_or("00");
    Key::from(format!("{shelf}/{sha256}"))
}

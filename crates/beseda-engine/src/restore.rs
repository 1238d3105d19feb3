//! Snapshots of an engine: taken and restored together with the contents of files.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use beseda_api::{Error, FileId, Result};
use bytes::BytesMut;
use futures::{StreamExt, TryStreamExt};

use crate::{
    Engine,
    snapshot::{ColumnValue, Snapshot},
};

impl Engine {
    /// Takes a snapshot of all rows and files.
    ///
    /// # Errors
    /// Internal errors only.
    pub async fn snapshot(&self) -> Result<Snapshot> {
        let mut snapshot = self.store.snapshot().await?;
        for file in snapshot.file_ids()? {
            let bytes = self.file_bytes(&file).await?;
            snapshot.files.insert(file.to_string(), BASE64_STANDARD.encode(bytes));
        }
        Ok(snapshot)
    }

    /// Replaces all rows and files by those of a snapshot, or changes nothing on an error.
    ///
    /// # Errors
    /// 400 if the snapshot has another schema version or its rows are inconsistent.
    pub async fn restore(&self, snapshot: Snapshot) -> Result<()> {
        let files = snapshot.file_ids()?;
        let existing = self.store.snapshot().await?.file_ids()?;
        let mut added = Vec::new();
        for file in &files {
            let Some(text) = snapshot.files.get(file.as_str()) else {
                return Err(Error::bad_request(format!("files: missing content of {file}")));
            };
            let bytes = ColumnValue::bytes(text)
                .map_err(|error| Error::bad_request(format!("files.{file}: {error}")))?;
            if !existing.contains(file) {
                added.push((file.clone(), bytes));
            } else if self.file_bytes(file).await? != bytes {
                let text = format!("files.{file}: a file with this id and other content exists");
                return Err(Error::bad_request(text));
            }
        }
        for (file, bytes) in &added {
            let content = futures::stream::iter([Ok(bytes.clone().into())]).boxed();
            self.files.write(file, content).await?;
        }
        let restored = self.store.restore(snapshot).await;
        let unused: Vec<&FileId> = match &restored {
            Ok(()) => existing.iter().filter(|file| !files.contains(file)).collect(),
            Err(_) => added.iter().map(|(file, _)| file).collect(),
        };
        for file in unused {
            self.files.remove(file).await?;
        }
        restored
    }

    async fn file_bytes(&self, file: &FileId) -> Result<Vec<u8>> {
        let Some((_, row)) = self.store.file(file).await? else { return Ok(Vec::new()) };
        let size = u64::try_from(row.size).map_err(Error::internal)?;
        let mut content = self.files.read(file, 0..size).await?;
        let mut bytes = BytesMut::new();
        while let Some(chunk) = content.try_next().await.map_err(Error::internal)? {
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes.to_vec())
    }
}

//! The whole state as one value: to be kept, compared, carried elsewhere and put back. For stand-ins and tests; it holds no statement.

use std::collections::BTreeMap;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use beseda_api::{Error, FileId, Result};
use bytes::BytesMut;
use futures::{StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};

use crate::Engine;

/// Everything a store holds, and its files.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// The version of the store's schema.
    pub schema: u32,
    /// The rows, by table.
    pub tables: BTreeMap<String, Table>,
    /// The bytes of attachments in base64, by the file's id.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
}

/// The rows of one table.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// The names of the columns.
    pub columns: Vec<String>,
    /// The values, row by row.
    pub rows: Vec<Vec<Cell>>,
}

/// A value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Cell {
    /// Nothing.
    Null,
    /// A number.
    Integer(i64),
    /// A text.
    Text(String),
    /// Bytes.
    Blob {
        /// In base64.
        base64: String,
    },
}

impl Cell {
    pub(crate) fn blob(bytes: &[u8]) -> Self {
        Self::Blob { base64: BASE64_STANDARD.encode(bytes) }
    }

    pub(crate) fn bytes(base64: &str) -> Result<Vec<u8>> {
        BASE64_STANDARD
            .decode(base64)
            .map_err(|error| Error::bad_request(format!("this is no base64 ({error})")))
    }
}

impl Engine {
    /// Everything there is, as of one moment.
    ///
    /// # Errors
    /// Only breakages.
    pub async fn state(&self) -> Result<State> {
        let mut state = self.store.dump().await?;
        for file in files_of(&state)? {
            let bytes = self.bytes_of(&file).await?;
            state.files.insert(file.to_string(), BASE64_STANDARD.encode(bytes));
        }
        Ok(state)
    }

    /// Puts this in the place of everything there is: all of it, or nothing.
    ///
    /// # Errors
    /// 400 if it isn't a state of this version whose rows fit together.
    pub async fn put_state(&self, state: State) -> Result<()> {
        let wanted = files_of(&state)?;
        let known = files_of(&self.store.dump().await?)?;
        let mut fresh = Vec::new();
        for file in &wanted {
            let Some(text) = state.files.get(file.as_str()) else {
                return Err(Error::bad_request(format!("files: the bytes of {file} are missing")));
            };
            let bytes = Cell::bytes(text)
                .map_err(|error| Error::bad_request(format!("files.{file}: {error}")))?;
            if !known.contains(file) {
                fresh.push((file.clone(), bytes));
            } else if self.bytes_of(file).await? != bytes {
                let text = format!("files.{file}: there is a file of this id with other bytes");
                return Err(Error::bad_request(text));
            }
        }
        for (file, bytes) in &fresh {
            let content = futures::stream::iter([Ok(bytes.clone().into())]).boxed();
            self.files.write(file, content).await?;
        }
        let replaced = self.store.replace(state).await;
        let gone: Vec<&FileId> = match &replaced {
            Ok(()) => known.iter().filter(|file| !wanted.contains(file)).collect(),
            Err(_) => fresh.iter().map(|(file, _)| file).collect(),
        };
        for file in gone {
            self.files.remove(file).await?;
        }
        replaced
    }

    async fn bytes_of(&self, file: &FileId) -> Result<Vec<u8>> {
        let Some((_, kept)) = self.store.file(file).await? else { return Ok(Vec::new()) };
        let size = u64::try_from(kept.size).map_err(Error::internal)?;
        let mut content = self.files.read(file, 0..size).await?;
        let mut bytes = BytesMut::new();
        while let Some(piece) = content.try_next().await.map_err(Error::internal)? {
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes.to_vec())
    }
}

/// The files that rows name.
fn files_of(state: &State) -> Result<Vec<FileId>> {
    let Some(table) = state.tables.get("files") else { return Ok(Vec::new()) };
    let column = table.columns.iter().position(|name| name == "file_id");
    let cells = table.rows.iter().filter_map(|row| row.get(column?));
    cells
        .map(|cell| match cell {
            Cell::Text(text) => text.parse().map_err(|_| {
                Error::bad_request(format!("tables.files: '{text}' is no id of a file"))
            }),
            _ => Err(Error::bad_request("tables.files: file_id must be a text")),
        })
        .collect()
}

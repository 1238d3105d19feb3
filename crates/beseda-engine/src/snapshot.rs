//! Snapshot of a store as one serializable value, for stand-ins and tests.

use std::collections::BTreeMap;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use beseda_api::{Error, FileId, Result};
use serde::{Deserialize, Serialize};

/// All rows of a store, and the contents of its files.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Snapshot {
    /// Schema version of the store.
    pub schema: u32,
    /// Rows by table.
    pub tables: BTreeMap<String, TableRows>,
    /// Contents of attachments in base64, by file id.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
}

/// Rows of one table.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableRows {
    /// Column names.
    pub columns: Vec<String>,
    /// Values, row by row.
    pub rows: Vec<Vec<ColumnValue>>,
}

/// Value of a column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ColumnValue {
    /// `NULL`.
    Null,
    /// Integer.
    Integer(i64),
    /// Text.
    Text(String),
    /// Bytes.
    Blob {
        /// Bytes in base64.
        base64: String,
    },
}

impl ColumnValue {
    pub(crate) fn blob(bytes: &[u8]) -> Self {
        Self::Blob { base64: BASE64_STANDARD.encode(bytes) }
    }

    pub(crate) fn bytes(base64: &str) -> Result<Vec<u8>> {
        BASE64_STANDARD
            .decode(base64)
            .map_err(|error| Error::bad_request(format!("invalid base64: {error}")))
    }
}

impl Snapshot {
    /// Returns the ids of all attached files.
    pub(crate) fn file_ids(&self) -> Result<Vec<FileId>> {
        let Some(table) = self.tables.get("files") else { return Ok(Vec::new()) };
        let column = table.columns.iter().position(|name| name == "file_id");
        let cells = table.rows.iter().filter_map(|row| row.get(column?));
        cells
            .map(|cell| match cell {
                ColumnValue::Text(text) => text.parse().map_err(|_| {
                    Error::bad_request(format!("tables.files: '{text}' is not a file id"))
                }),
                _ => Err(Error::bad_request("tables.files: file_id must be a text")),
            })
            .collect()
    }
}

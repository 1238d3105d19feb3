//! Parquet in parts: each part is a complete file with one row group; they are merged by copying at
//! the end. A part is created by rename, so a kill loses at most the part being written.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use parquet::{
    basic::Compression,
    column::writer::ColumnCloseResult,
    data_type::{ByteArray, ByteArrayType, Int64Type},
    errors::ParquetError,
    file::{
        metadata::KeyValue,
        properties::WriterProperties,
        reader::{FileReader, SerializedFileReader},
        writer::{SerializedFileWriter, SerializedRowGroupWriter},
    },
    schema::{parser::parse_message_type, types::Type},
};

use super::rows::{CellValue, ColumnKind, ExportRow, ExportTable};
use crate::{Error, Result};

/// Maximum number of rows in a row group.
const ROWS: usize = 50_000;
/// Approximate maximum size of the texts in a row group, in bytes.
const BYTES: usize = 32 << 20;
/// Metadata key of the cursor of the last row.
const CURSOR: &str = "beseda.cursor";

/// Parquet file being written.
pub(super) struct ParquetParts {
    file: PathBuf,
    folder: PathBuf,
    table: ExportTable,
    schema: Arc<Type>,
    /// Finished parts in order; the file of an earlier export comes first.
    parts: Vec<PathBuf>,
    cursor: i64,
    rows: Vec<ExportRow>,
    bytes: usize,
}

impl ParquetParts {
    pub(super) fn open(file: &Path, table: ExportTable, resume: bool) -> Result<Self> {
        let mut name = file.file_name().unwrap_or_default().to_owned();
        name.push(".parts");
        let folder = file.with_file_name(name);
        let schema = Arc::new(parse_message_type(&schema(table)).map_err(failed)?);
        let mut parts = Self {
            file: file.into(),
            folder,
            table,
            schema,
            parts: Vec::new(),
            cursor: 0,
            rows: Vec::new(),
            bytes: 0,
        };
        if resume {
            parts.find()?;
        } else {
            gone(fs::remove_dir_all(&parts.folder))?;
        }
        fs::create_dir_all(&parts.folder)?;
        Ok(parts)
    }

    /// Returns the cursor of the last row already written.
    pub(super) fn cursor(&self) -> i64 {
        self.cursor
    }

    /// Finds the parts of an earlier export.
    fn find(&mut self) -> Result<()> {
        if self.file.exists() {
            self.cursor = self.cursor_in(&self.file)?;
            self.parts.push(self.file.clone());
        }
        let mut found: Vec<PathBuf> = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            entries => entries?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?,
        };
        found.sort();
        for part in found {
            let whole = part.extension().is_some_and(|extension| extension == "parquet");
            // Delete parts that are merged already or incomplete.
            if whole && self.cursor_in(&part)? > self.cursor {
                self.cursor = self.cursor_in(&part)?;
                self.parts.push(part);
            } else {
                fs::remove_file(&part)?;
            }
        }
        Ok(())
    }

    fn cursor_in(&self, file: &Path) -> Result<i64> {
        let foreign = |why| Error::Resume { file: self.file.clone(), why };
        let reader = SerializedFileReader::new(File::open(file)?)
            .map_err(|_| foreign("it isn't a whole Parquet file"))?;
        let metadata = reader.metadata().file_metadata();
        if metadata.schema() != self.schema.as_ref() {
            return Err(foreign("its columns are others: was it made with other options?"));
        }
        let told = metadata.key_value_metadata().and_then(|pairs| {
            let pair = pairs.iter().find(|pair| pair.key == CURSOR)?;
            pair.value.as_ref()?.parse().ok()
        });
        told.ok_or_else(|| foreign("it doesn't say where it ends: it isn't an export's"))
    }

    pub(super) fn row(&mut self, row: &ExportRow) -> io::Result<()> {
        self.bytes += row.cells.iter().map(size).sum::<usize>();
        self.rows.push(row.clone());
        if self.rows.len() >= ROWS || self.bytes >= BYTES { self.part() } else { Ok(()) }
    }

    /// Writes the buffered rows as a part.
    fn part(&mut self) -> io::Result<()> {
        let Some(last) = self.rows.last() else { return Ok(()) };
        let (cursor, begun) = (last.cursor, self.folder.join("begun"));
        let mut writer = self.writer(&begun, cursor)?;
        let mut group = writer.next_row_group().map_err(failed)?;
        for (place, (_, kind, _)) in self.table.columns.iter().enumerate() {
            self.column(&mut group, place, *kind)?;
        }
        group.close().map_err(failed)?;
        writer.into_inner().map_err(failed)?.sync_all()?;
        let part = self.folder.join(format!("{cursor:020}.parquet"));
        fs::rename(&begun, &part)?;
        self.parts.push(part);
        self.rows.clear();
        self.bytes = 0;
        Ok(())
    }

    fn column(
        &self,
        group: &mut SerializedRowGroupWriter<'_, File>,
        place: usize,
        kind: ColumnKind,
    ) -> io::Result<()> {
        let cells = || self.rows.iter().map(|row| &row.cells[place]);
        if place == 0 {
            let cursors: Vec<i64> = self.rows.iter().map(|row| row.cursor).collect();
            return numbers(group, &cursors, None);
        }
        let there: Vec<i16> = cells().map(|cell| i16::from(*cell != CellValue::Nothing)).collect();
        if kind == ColumnKind::Number {
            return numbers(group, &cells().filter_map(number).collect::<Vec<_>>(), Some(&there));
        }
        let texts: Vec<ByteArray> = cells().filter_map(text).collect();
        let mut writer = group.next_column().map_err(failed)?.ok_or_else(fewer)?;
        let typed = writer.typed::<ByteArrayType>();
        typed.write_batch(&texts, Some(&there), None).map_err(failed)?;
        writer.close().map_err(failed)?;
        if kind == ColumnKind::Time {
            numbers(group, &cells().filter_map(number).collect::<Vec<_>>(), Some(&there))?;
        }
        Ok(())
    }

    /// Merges the parts and moves the file into place.
    pub(super) fn finish(mut self, cursor: i64) -> io::Result<()> {
        self.part()?;
        if self.parts != [self.file.clone()] {
            let whole = self.folder.join("whole");
            let mut writer = self.writer(&whole, cursor)?;
            for part in &self.parts {
                copy(part, &mut writer)?;
            }
            writer.into_inner().map_err(failed)?.sync_all()?;
            fs::rename(&whole, &self.file)?;
        }
        gone(fs::remove_dir_all(&self.folder))
    }

    fn writer(&self, file: &Path, cursor: i64) -> io::Result<SerializedFileWriter<File>> {
        let told = KeyValue::new(CURSOR.to_owned(), cursor.to_string());
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_created_by(concat!("beseda ", env!("CARGO_PKG_VERSION")).to_owned())
            .set_key_value_metadata(Some(vec![told]))
            .build();
        let file = File::create(file)?;
        SerializedFileWriter::new(file, self.schema.clone(), Arc::new(properties)).map_err(failed)
    }
}

fn schema(table: ExportTable) -> String {
    let mut columns = String::new();
    for (place, (name, kind, _)) in table.columns.iter().enumerate() {
        let need = if place == 0 { "required" } else { "optional" };
        columns.push_str(&match kind {
            ColumnKind::Number => format!("{need} int64 {name};\n"),
            ColumnKind::Text => format!("{need} binary {name} (STRING);\n"),
            ColumnKind::Json => format!("{need} binary {name} (JSON);\n"),
            ColumnKind::Time => format!(
                "{need} binary {name} (STRING);\n{need} int64 {name}Utc (TIMESTAMP(NANOS,true));\n"
            ),
        });
    }
    format!("message beseda {{\n{columns}}}")
}

/// Copies the row groups of a complete file.
fn copy(part: &Path, writer: &mut SerializedFileWriter<File>) -> io::Result<()> {
    let input = File::open(part)?;
    let reader = SerializedFileReader::new(input.try_clone()?).map_err(failed)?;
    for group in reader.metadata().row_groups() {
        let rows = u64::try_from(group.num_rows()).map_err(io::Error::other)?;
        let mut copied = writer.next_row_group().map_err(failed)?;
        for column in group.columns() {
            let close = ColumnCloseResult {
                bytes_written: u64::try_from(column.compressed_size()).map_err(io::Error::other)?,
                rows_written: rows,
                metadata: column.clone(),
                bloom_filter: None,
                column_index: None,
                offset_index: None,
            };
            copied.append_column(&input, close).map_err(failed)?;
        }
        copied.close().map_err(failed)?;
    }
    Ok(())
}

fn numbers(
    group: &mut SerializedRowGroupWriter<'_, File>,
    values: &[i64],
    there: Option<&[i16]>,
) -> io::Result<()> {
    let mut writer = group.next_column().map_err(failed)?.ok_or_else(fewer)?;
    writer.typed::<Int64Type>().write_batch(values, there, None).map_err(failed)?;
    writer.close().map_err(failed)
}

fn number(cell: &CellValue) -> Option<i64> {
    match cell {
        CellValue::Number(number) | CellValue::Time(number, _) => Some(*number),
        _ => None,
    }
}

fn text(cell: &CellValue) -> Option<ByteArray> {
    match cell {
        CellValue::Text(text) | CellValue::Json(text) => Some(text.as_str().into()),
        CellValue::Time(_, time) => Some(time.to_string().as_str().into()),
        CellValue::Nothing | CellValue::Number(_) => None,
    }
}

fn size(cell: &CellValue) -> usize {
    match cell {
        CellValue::Text(text) | CellValue::Json(text) => text.len() + 24,
        _ => 24,
    }
}

fn fewer() -> io::Error {
    io::Error::other("the file has fewer columns than the table")
}

fn failed(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(source) => io::Error::other(source),
        other => io::Error::other(other),
    }
}

fn gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

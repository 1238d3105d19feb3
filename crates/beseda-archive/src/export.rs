//! Export of an archive as JSON lines, CSV or Parquet, in the order in which rows were added, so
//! that it can be resumed.

mod parquet;
mod resume;
mod rows;
#[cfg(test)]
mod tests;
mod text;

pub(crate) use rows::conditions;

use std::{
    fs::{File, OpenOptions},
    io::{self, BufWriter, Read, Seek, Write},
    path::Path,
};

use self::{
    parquet::ParquetParts,
    rows::{ExportRow, ExportTable},
    text::Lines,
};
use crate::{Archive, ArchiveFilter, Result};

/// Rows to export.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ExportKind {
    /// One row per message, with the columns of its chat.
    #[default]
    Messages,
    /// One row per chat. A changed chat is exported again with a later cursor.
    Chats,
}

/// Format of an export.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    /// JSON lines: one object per line.
    #[default]
    Jsonl,
    /// Comma-separated values with a header (RFC 4180).
    Csv,
    /// CSV for a Russian Excel: semicolons, a byte order mark, long numbers as text, formulas
    /// escaped.
    Excel,
    /// Apache Parquet, compressed with Snappy.
    Parquet,
}

/// Export options.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Export {
    /// Rows to export.
    pub what: ExportKind,
    /// Format.
    pub format: Format,
    /// Filter. For chats `senders` has no effect, and `since` and `until` apply to the last update.
    pub filter: ArchiveFilter,
    /// Only rows added after this cursor.
    pub after: i64,
}

/// Result of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Exported {
    /// Number of rows written.
    pub rows: u64,
    /// Cursor of the last row, for [`Export::after`] of the next export.
    pub cursor: i64,
}

/// Progress of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Number of rows written.
    pub rows: u64,
    /// Current cursor.
    pub cursor: i64,
    /// Cursor of the last change in the archive.
    pub end: i64,
}

impl Archive {
    /// Writes an export to a file. With `resume`, goes on with what an earlier one left there, finished or not; without,
    /// begins anew.
    ///
    /// An unfinished JSONL or CSV file ends in the middle of a line at worst, which is cut off. A Parquet file appears when
    /// it is finished; until then its parts stand beside it in a folder `FILE.parts`.
    ///
    /// # Errors
    /// If the archive can't be read, the file can't be written, or what is there isn't an earlier export of this form.
    pub fn export_to(
        &self,
        export: &Export,
        file: &Path,
        resume: bool,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Exported> {
        let table = ExportTable::of(export.what);
        if export.format == Format::Parquet {
            let mut parts = ParquetParts::open(file, table, resume)?;
            let from = export.after.max(parts.cursor());
            let done = self.rows(export, from, progress, |row| parts.row(row))?;
            parts.finish(done.cursor)?;
            return Ok(done);
        }
        let end = if resume { resume::cut(file, export.format, table)? } else { None };
        let mut options = OpenOptions::new();
        let output = match end {
            Some(_) => options.append(true).open(file)?,
            None => options.write(true).create(true).truncate(true).open(file)?,
        };
        let mut lines = Lines::new(BufWriter::new(output), export.format, table);
        if end.is_none() {
            lines.header()?;
        }
        let from = export.after.max(end.flatten().unwrap_or(0));
        let done = self.rows(export, from, progress, |row| lines.row(row))?;
        lines.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        Ok(done)
    }

    /// Writes an export to any writer. Parquet is first written to a temporary file in `scratch`.
    ///
    /// # Errors
    ///
    /// If the archive can't be read or the output can't be written.
    pub fn export<W: Write>(
        &self,
        export: &Export,
        mut output: W,
        scratch: &Path,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Exported> {
        if export.format == Format::Parquet {
            let file = scratch.join("export.parquet");
            let done = self.export_to(export, &file, false, progress)?;
            io::copy(&mut File::open(&file)?, &mut output)?;
            output.flush()?;
            return Ok(done);
        }
        let mut lines = Lines::new(output, export.format, ExportTable::of(export.what));
        lines.header()?;
        let done = self.rows(export, export.after, progress, |row| lines.row(row))?;
        lines.finish()?.flush()?;
        Ok(done)
    }

    /// Reads rows in the order of their cursors, in batches.
    fn rows(
        &self,
        export: &Export,
        after: i64,
        progress: &mut dyn FnMut(Progress),
        mut each: impl FnMut(&ExportRow) -> io::Result<()>,
    ) -> Result<Exported> {
        let table = ExportTable::of(export.what);
        let end = self.read(|connection| {
            connection.query_row("SELECT seq FROM archive", [], |row| row.get(0))
        })?;
        let mut done = Exported { rows: 0, cursor: after };
        loop {
            let some =
                self.read(|connection| table.read(connection, &export.filter, done.cursor))?;
            for row in &some {
                each(row)?;
                done.rows += 1;
                done.cursor = row.cursor;
            }
            progress(Progress { rows: done.rows, cursor: done.cursor, end });
            if some.len() < rows::SOME {
                return Ok(done);
            }
        }
    }
}

/// Reads a whole file in chunks.
fn pieces(file: &mut (impl Read + Seek), mut each: impl FnMut(&[u8])) -> io::Result<()> {
    file.rewind()?;
    let mut piece = vec![0; 1 << 18];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(()),
            length => each(&piece[..length]),
        }
    }
}

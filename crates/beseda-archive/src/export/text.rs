//! JSON lines and CSV.

use std::io::{self, Write};

use super::{
    Format,
    rows::{CellValue, ExportRow, ExportTable},
};

/// Byte order mark, which Excel needs to detect UTF-8.
pub(super) const MARK: &str = "\u{feff}";
/// Maximum number of digits that Excel keeps exactly.
const DIGITS: usize = 15;

/// Writer of rows as lines of text.
pub(super) struct Lines<W: Write> {
    output: W,
    format: Format,
    table: ExportTable,
    line: Vec<u8>,
}

impl<W: Write> Lines<W> {
    pub(super) fn new(output: W, format: Format, table: ExportTable) -> Self {
        Self { output, format, table, line: Vec::new() }
    }

    /// Writes the header, if the format has one.
    pub(super) fn header(&mut self) -> io::Result<()> {
        self.output.write_all(&header(self.format, self.table)?)
    }

    pub(super) fn row(&mut self, row: &ExportRow) -> io::Result<()> {
        self.line.clear();
        match self.format {
            Format::Jsonl | Format::Parquet => json(&mut self.line, self.table, row)?,
            Format::Csv | Format::Excel => {
                let excel = self.format == Format::Excel;
                record(
                    &mut self.line,
                    self.format,
                    row.cells.iter().map(|cell| field(cell, excel)),
                )?;
            }
        }
        self.output.write_all(&self.line)
    }

    pub(super) fn finish(mut self) -> io::Result<W> {
        self.output.flush()?;
        Ok(self.output)
    }
}

/// Returns the start of a file.
pub(super) fn header(format: Format, table: ExportTable) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    if format == Format::Excel {
        line.extend_from_slice(MARK.as_bytes());
    }
    if matches!(format, Format::Csv | Format::Excel) {
        record(&mut line, format, table.names().map(str::to_owned))?;
    }
    Ok(line)
}

fn json(line: &mut Vec<u8>, table: ExportTable, row: &ExportRow) -> io::Result<()> {
    let mut before = b'{';
    for (name, cell) in table.names().zip(&row.cells) {
        if *cell == CellValue::Nothing {
            continue;
        }
        write!(line, "{}\"{name}\":", char::from(before))?;
        before = b',';
        match cell {
            CellValue::Nothing => {}
            CellValue::Number(number) => write!(line, "{number}")?,
            CellValue::Text(text) => serde_json::to_writer(&mut *line, text)?,
            CellValue::Time(_, time) => serde_json::to_writer(&mut *line, time)?,
            CellValue::Json(json) => line.extend_from_slice(json.as_bytes()),
        }
    }
    line.extend_from_slice(b"}\n");
    Ok(())
}

fn record(
    line: &mut Vec<u8>,
    format: Format,
    fields: impl Iterator<Item = String>,
) -> io::Result<()> {
    let delimiter = if format == Format::Excel { b';' } else { b',' };
    let mut csv = csv::WriterBuilder::new()
        .delimiter(delimiter)
        .terminator(csv::Terminator::CRLF)
        .from_writer(line);
    csv.write_record(fields.map(String::into_bytes))?;
    csv.flush()
}

fn field(cell: &CellValue, excel: bool) -> String {
    match cell {
        CellValue::Nothing => String::new(),
        CellValue::Number(number) => {
            let digits = number.to_string();
            // A formula of digits only is the one way to make Excel keep all of them.
            if excel && digits.len() > DIGITS { format!("=\"{digits}\"") } else { digits }
        }
        CellValue::Time(_, time) => time.to_string(),
        CellValue::Text(text) | CellValue::Json(text) if excel => harmless(text),
        CellValue::Text(text) | CellValue::Json(text) => text.clone(),
    }
}

/// Escapes a text that Excel would run as a formula with an apostrophe.
fn harmless(text: &str) -> String {
    let first = text.trim_start_matches([' ', '\u{a0}', '\u{feff}']).chars().next();
    match first {
        Some('=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠') => {
            format!("'{text}")
        }
        _ => text.to_owned(),
    }
}

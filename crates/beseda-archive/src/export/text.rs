//! JSON lines and CSV. Where a file goes on is found in `resume.rs`.

use std::io::{self, Write};

use super::{
    Format,
    rows::{Cell, Row, Table},
};

/// What Excel needs to take a file for UTF-8.
pub(super) const MARK: &str = "\u{feff}";
/// Excel keeps numbers of so many digits; longer ones lose their last.
const DIGITS: usize = 15;

/// Writes rows as lines of text.
pub(super) struct Lines<W: Write> {
    output: W,
    format: Format,
    table: Table,
    line: Vec<u8>,
}

impl<W: Write> Lines<W> {
    pub(super) fn new(output: W, format: Format, table: Table) -> Self {
        Self { output, format, table, line: Vec::new() }
    }

    /// The line of names, where there is one.
    pub(super) fn header(&mut self) -> io::Result<()> {
        self.output.write_all(&header(self.format, self.table)?)
    }

    pub(super) fn row(&mut self, row: &Row) -> io::Result<()> {
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

/// The beginning of a file.
pub(super) fn header(format: Format, table: Table) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    if format == Format::Excel {
        line.extend_from_slice(MARK.as_bytes());
    }
    if matches!(format, Format::Csv | Format::Excel) {
        record(&mut line, format, table.names().map(str::to_owned))?;
    }
    Ok(line)
}

fn json(line: &mut Vec<u8>, table: Table, row: &Row) -> io::Result<()> {
    let mut before = b'{';
    for (name, cell) in table.names().zip(&row.cells) {
        if *cell == Cell::Nothing {
            continue;
        }
        write!(line, "{}\"{name}\":", char::from(before))?;
        before = b',';
        match cell {
            Cell::Nothing => {}
            Cell::Number(number) => write!(line, "{number}")?,
            Cell::Text(text) => serde_json::to_writer(&mut *line, text)?,
            Cell::Time(_, time) => serde_json::to_writer(&mut *line, time)?,
            Cell::Json(json) => line.extend_from_slice(json.as_bytes()),
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

fn field(cell: &Cell, excel: bool) -> String {
    match cell {
        Cell::Nothing => String::new(),
        Cell::Number(number) => {
            let digits = number.to_string();
            // A formula of digits only: the one way to have Excel keep all of them.
            if excel && digits.len() > DIGITS { format!("=\"{digits}\"") } else { digits }
        }
        Cell::Time(_, time) => time.to_string(),
        Cell::Text(text) | Cell::Json(text) if excel => harmless(text),
        Cell::Text(text) | Cell::Json(text) => text.clone(),
    }
}

/// A text of a stranger that Excel will not run: with an apostrophe before what begins a formula.
fn harmless(text: &str) -> String {
    let first = text.trim_start_matches([' ', '\u{a0}', '\u{feff}']).chars().next();
    match first {
        Some('=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠') => {
            format!("'{text}")
        }
        _ => text.to_owned(),
    }
}
